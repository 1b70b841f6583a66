"""Which model is taken, and what is said where the choice is not clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.models import discovery
from studio.models.discovery import find_model, passed_over


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(discovery, "bundled_model", lambda: tmp_path / "bundled.gguf")
    return tmp_path / "bundled.gguf"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "local_models").mkdir()
    return tmp_path / "local_models"


def test_a_single_model_of_the_users_own_is_taken(bundled: Path, models: Path) -> None:
    assert (find_model(None, models), passed_over(None, models)) == (bundled, "")
    (models / "a.gguf").touch()
    assert (find_model(None, models), passed_over(None, models)) == (models / "a.gguf", "")


def test_of_several_none_is_guessed_and_it_is_said_so(bundled: Path, models: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (models / name).touch()
    assert find_model(None, models) == bundled
    for words in ("bundled model is used", "a.gguf, b.gguf", "studio models use"):
        assert words in passed_over(None, models)
    chosen = Path("b.gguf")
    assert (find_model(chosen, models), passed_over(chosen, models)) == (models / "b.gguf", "")


def test_several_and_no_bundled_one_is_refused(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "bundled_model", lambda: None)
    for name in ("a.gguf", "b.gguf"):
        (models / name).touch()
    assert passed_over(None, models) == ""
    with pytest.raises(ModelError, match="holds several models"):
        find_model(None, models)


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("", "is empty"),
        (".", "is empty"),
        ("..", "is a folder"),
        ("none.gguf", "no model file"),
        ("~nobody-of-this-name/x", "no m"),
    ],
)
def test_what_cannot_be_a_model_is_told(models: Path, chosen: str, told: str) -> None:
    with pytest.raises(ModelError, match=told) as raised:
        find_model(Path(chosen), models)
    assert "model.path" in raised.value.hint
