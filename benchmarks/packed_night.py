"""The memory of one training step with packed weights, on a random model of the 1B class, beside what was reckoned.

Writes the model (698 MB in Q4_0) into the folder for temporary files. The step is one full pass of eight examples;
the comparison of the model cut with the model whole, which takes no more memory, is left out.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import gguf

from benchmarks._random_models import Shape, write_random_model
from studio.training.base_file import BaseFile
from studio.training.batches import Encoded
from studio.training.below import Below
from studio.training.job import Request, TrainingConfig
from studio.training.model import Place, attach_lora, load, memory_in, prepare_process
from studio.training.night_process import peak_rss_bytes
from studio.training.trainer import Trainer

SHAPE = Shape(
    layers=16,
    width=2048,
    inner=8192,
    heads=32,
    kv_heads=8,
    head=64,
    context=8192,
    vocabulary=128_256,
    tied=True,
    rope_base=5e5,
)
EXAMPLES = 8


def main(shape: Shape = SHAPE) -> dict[str, float]:
    prepare_process()
    Below.is_faithful = lambda self, block: True  # type: ignore[method-assign]
    config, place = TrainingConfig(epochs=1), Place("cpu", "float32", packed=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = write_random_model(Path(scratch) / "model.gguf", shape, gguf.GGMLQuantizationType.Q4_0)
        reckoned, file_bytes = memory_in(place, BaseFile(path).build(), config), path.stat().st_size
        model = attach_lora(load(path, place)[0], config)
        checkpoint = Path(scratch) / "checkpoint"
        trainer = Trainer(model, config, place, _examples(), checkpoint, lambda: Request.RUN, lambda *_: None)
        standing, _ = trainer.run()
    return {
        "packed_night.file_mb": file_bytes / 1e6,
        "packed_night.reckoned_mb": reckoned / 1e6,
        "packed_night.peak_mb": peak_rss_bytes() / 1e6,
        "packed_night.seconds": standing.seconds,
    }


def _examples() -> list[Encoded]:
    """Of 46 tokens, the first 20 alike, the last 12 to be learnt."""
    draw = random.Random(0)
    shared, *rest = ([draw.randrange(3, 280) for _ in range(26)] for _ in range(EXAMPLES + 1))
    return [
        Encoded(number, (*shared[:20], *own[:14]), tuple(own[14:]), replay=False) for number, own in enumerate(rest)
    ]
