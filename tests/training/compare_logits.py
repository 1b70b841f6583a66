"""Run by test_training_night: how alike the logits of torch and llama.cpp are with a night's adapter.

Prints the cosine of the logits, the cosine of what the adapter changed in them, and the size of that change relative
to the logits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import torch

from studio.training.checkpoint import Trained, restore
from studio.training.encoding import encode
from studio.training.job import NightFolder
from studio.training.model import Place, attach_lora, load, prepare_process

Logits = npt.NDArray[np.float32]


def by_torch(folder: NightFolder) -> tuple[list[int], Logits, Logits]:
    """The prompt's tokens, and the logits after it without and with the adapter."""
    prepare_process()
    job = folder.read_job()
    base, tokenizer = load(job.model_path, Place("cpu", "float32"))
    model = attach_lora(base, job.config)
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    restore(folder.checkpoint, Trained(weights, torch.optim.AdamW(weights.values())), torch.device("cpu"))
    model.eval()
    tokens = list(encode(job.examples[:1], tokenizer)[0].prompt)

    def logits() -> Logits:
        with torch.no_grad():
            output = model(input_ids=torch.tensor([tokens]), logits_to_keep=1)
        found: Logits = output.logits[0, 0].numpy()
        return found

    with model.disable_adapter():
        plain = logits()
    return tokens, plain, logits()


def by_llama_cpp(model: Path, adapter: Path | None, tokens: list[int]) -> Logits:
    # As the engine loads it: repacked for AMX, llama.cpp crashes at the first token (studio.inference.llama_native).
    defaults = llama_cpp.llama_model_default_params()
    defaults.use_extra_bufts = False
    llama_cpp.llama_cpp.llama_model_default_params = lambda: defaults
    engine = llama_cpp.Llama(
        str(model), n_ctx=256, n_threads=2, verbose=False, logits_all=True, lora_path=str(adapter) if adapter else None
    )
    engine.eval(tokens)
    found: Logits = np.array(engine.scores[len(tokens) - 1], dtype=np.float32)
    engine.close()
    return found


def cosine(left: Logits, right: Logits) -> float:
    left, right = left - left.mean(), right - right.mean()
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def main() -> None:
    folder = NightFolder(Path(sys.argv[1]))
    tokens, plain, adapted = by_torch(folder)
    model = folder.read_job().model_path
    native = by_llama_cpp(model, None, tokens)
    native_adapted = by_llama_cpp(model, folder.adapter_file, tokens)
    change, native_change = adapted - plain, native_adapted - native
    print(
        cosine(adapted, native_adapted),
        cosine(change, native_change),
        np.linalg.norm(change) / np.linalg.norm(plain - plain.mean()),
    )


main()
