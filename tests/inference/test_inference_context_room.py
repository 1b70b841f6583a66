"""How many conversations a context has room for is reckoned from what the header says of keys and values."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_gguf import made_gguf

from studio.inference import loaded_model
from studio.inference.protocol import LoadModel

MEMORY = 1 << 30


class StandInModel:
    has_decoder, chat_template, offloads = True, "{{ messages }}", False
    trained_context_tokens, parameters, layers, width = 2048, 1, 2, 64

    def __init__(self, *_: object) -> None:
        pass

    def control_tokens(self) -> frozenset[str]:
        return frozenset()


class OnACard(StandInModel):
    offloads = True


@pytest.mark.parametrize(
    ("said", "token_bytes"),
    [
        ({}, 2 * 2 * (16 + 16) * 2),
        ({"llama__attention__key_length": 128, "llama__attention__value_length": 96}, 2 * 2 * (128 + 96) * 2),
        ({"llama__attention__head_count": "layer by layer"}, 2 * (64 + 64) * 2),
    ],
)
def test_room_for_context_follows_the_header(
    said: dict[str, Any], token_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room(said, StandInModel, tmp_path, monkeypatch) == MEMORY // 16 // token_bytes


@pytest.mark.parametrize(("free", "taken"), [(MEMORY // 32, MEMORY // 32 // 5), (MEMORY, MEMORY // 16)])
def test_a_graphics_cards_free_memory_is_shared_by_all_contexts(
    free: int, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_model, "graphics_memory", lambda: free)
    assert room({}, OnACard, tmp_path, monkeypatch) == taken // (2 * 2 * (16 + 16) * 2)


def room(said: dict[str, Any], model: type[StandInModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Tokens that a context has room for."""
    rooms: list[int] = []
    file = tmp_path / "made.gguf"
    file.write_bytes(made_gguf(**said))
    monkeypatch.setattr(loaded_model, "NativeModel", model)
    monkeypatch.setattr(loaded_model, "Scheduler", lambda *_, room_tokens, **__: rooms.append(room_tokens))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=MEMORY))
    command = LoadModel(1, str(file), 512, 1, 0)
    loaded_model.LoadedModel(command, tmp_path / "hashes.json", lambda _: None, lambda: None)
    (found,) = rooms
    return found
