"""The architectures that can be trained: those of which torch is known to compute what llama.cpp computes.

For each of them the logits of both are compared, without an adapter and with one (docs/models.md). An adapter trained
on a model that reads its file otherwise than llama.cpp does would teach the wrong thing, so others are refused.
"""

from __future__ import annotations

from studio.errors import TrainingError

LLAMA, QWEN2, QWEN3, GEMMA2, GEMMA3, PHI3 = "llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"
TRAINED = (LLAMA, QWEN2, QWEN3, GEMMA2, GEMMA3, PHI3)
"""As GGUF calls them; Mistral's are 'llama' there."""


def untrained(file: str, why: str) -> TrainingError:
    """The sentence for a file that answers but cannot learn, because of `why`."""
    return TrainingError(
        f"{file} answers, but cannot be trained: {why}.",
        "Choose another model to learn from corrections overnight; lessons work with every model.",
    )


def why_untrained(architecture: str) -> str:
    """Half a sentence; empty where the architecture can be trained."""
    if architecture in TRAINED:
        return ""
    return f"its architecture is '{architecture}', and a night can train {', '.join(TRAINED)}"


def refuse_untrained(file: str, architecture: str) -> None:
    """Raise TrainingError where the architecture is none of those that can be trained."""
    if why := why_untrained(architecture):
        raise untrained(file, why)
