"""How adapters can be parametrised: apart from the nights, for the settings need no more of them."""

from enum import StrEnum


class Method(StrEnum):
    """How the adapter is parametrised; all export to a plain GGUF LoRA."""

    LORA = "lora"
    RSLORA = "rslora"  # scaled by the root of the rank (Kalajdzievski 2023)
    MICA = "mica"  # B fixed to the minor singular directions, only A learns (arXiv 2604.01694)
    LAYRA = "layra"  # the first and the last layer alone (arXiv 2509.11414)
