"""What a model file says of itself, and why it cannot answer, before llama.cpp sees it."""

from __future__ import annotations

from pathlib import Path

from studio.errors import ModelError
from studio.inference.gguf_header import GgufFormatError, GgufHeader, read_header


def checked_header(path: Path) -> GgufHeader:
    """The header of a chat model. Raises ModelError with the reason in words."""
    try:
        header = read_header(path)
    except FileNotFoundError as error:
        raise ModelError(f"There is no model file {path}.", "Choose another with `studio models use`.") from error
    except GgufFormatError as error:
        raise ModelError(f"{path.name} is not a GGUF model: {error}.", "Download it again.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).", "Check its permissions.") from error
    if header.is_truncated:
        raise ModelError(
            f"{path.name} is cut short: it has {header.file_bytes:,} of {header.needed_bytes:,} bytes.",
            "Download it again.",
        )
    if header.is_adapter:
        raise ModelError(f"{path.name} is an adapter, not a model.", "Choose the model it was made for.")
    if header.only_embeds:
        raise ModelError(
            f"{path.name} is an embedding model ({header.architecture}): it cannot answer.", "Choose a chat model."
        )
    return header
