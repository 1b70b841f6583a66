"""Settings as people change them: in studio.toml, comments kept, nothing written that is not valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import NotFoundError, SettingsError, UsageError
from studio.services.change_settings import SettingState, Source, reset_setting, set_setting, setting_states, take_back
from studio.services.settings_that_matter import SETTINGS
from studio.settings import load_settings

WRITTEN = """\
# My own settings.
[night]
rank = 8   # small, for the laptop
# epochs are as they came

[arms.yesterday]   # to compare
adapter = "3"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "studio.toml"
    file.write_text(WRITTEN)
    return file


def state(file: Path, name: str) -> SettingState:
    return next(state for state in setting_states(file) if state.fact.name == name)


def test_every_setting_has_a_value_a_default_and_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = setting_states(tmp_path / "none.toml")
    assert [one.fact for one in states] == list(SETTINGS)
    assert all(one.value == one.default and one.source is Source.DEFAULT for one in states)
    monkeypatch.setenv("STUDIO_NIGHT__RANK", "4")
    rank = state(tmp_path / "none.toml", "night.rank")
    assert (rank.value, rank.default, rank.source) == ("4", "16", Source.ENVIRONMENT)


def test_a_change_keeps_comments_and_order(file: Path) -> None:
    assert state(file, "night.rank").source is Source.FILE
    set_setting(file, "night.rank", "32")
    set_setting(file, "prompt.system", "Be brief.\nAnd kind.")
    text = file.read_text()
    assert "rank = 32   # small, for the laptop" in text
    for kept in ("# My own settings.", "# epochs are as they came", "[arms.yesterday]   # to compare"):
        assert kept in text
    settings = load_settings(file)
    assert (settings.night.rank, settings.prompt.system) == (32, "Be brief.\nAnd kind.")
    reset_setting(file, "night.rank")
    assert state(file, "night.rank").source is Source.DEFAULT
    assert "# epochs are as they came" in file.read_text()


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("night.rank", "large", "'night.rank' takes a whole number, not 'large'"),
        ("night.rank", "1000", "night.rank"),
        ("probes.when_idle", "perhaps", "takes yes or no"),
        ("chat.arm", "nobody", "there is no arm 'nobody'"),
    ],
)
def test_what_is_not_valid_is_refused_in_words_and_not_written(file: Path, name: str, typed: str, told: str) -> None:
    with pytest.raises((UsageError, SettingsError)) as refused:
        set_setting(file, name, typed)
    assert told in refused.value.message
    assert refused.value.hint == "Nothing was changed."
    assert file.read_text() == WRITTEN
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_an_empty_entry_puts_the_default_back(file: Path) -> None:
    set_setting(file, "model.threads", "2")
    assert load_settings(file).model.threads == 2
    set_setting(file, "model.threads", " ")
    assert load_settings(file).model.threads is None
    set_setting(file, "prompt.system", "")
    assert state(file, "prompt.system").source is Source.FILE, "an empty text is a text"


def test_what_the_environment_sets_is_not_changed_here(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_NIGHT__RANK", "4")
    with pytest.raises(UsageError, match="STUDIO_NIGHT__RANK"):
        set_setting(file, "night.rank", "8")


def test_a_change_is_taken_back_unless_the_file_has_changed_since(file: Path, tmp_path: Path) -> None:
    change = set_setting(file, "night.epochs", "2")
    take_back(file, change)
    assert file.read_text() == WRITTEN
    fresh = tmp_path / "fresh.toml"
    take_back(fresh, set_setting(fresh, "ui.theme", "nord"))
    assert not fresh.exists()
    change = set_setting(file, "night.epochs", "2")
    file.write_text(WRITTEN + "# more\n")
    with pytest.raises(UsageError, match="changed since"):
        take_back(file, change)


def test_an_unknown_setting_is_told(file: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no setting"):
        set_setting(file, "night.colour", "blue")


def test_a_file_broken_by_hand_is_told(file: Path) -> None:
    file.write_text("[night\nrank = 8")
    with pytest.raises(SettingsError, match="cannot be read"):
        set_setting(file, "night.rank", "8")


def test_a_byte_order_mark_stays_and_is_no_obstacle(file: Path) -> None:
    file.write_text(WRITTEN, encoding="utf-8-sig")
    assert state(file, "night.rank").source is Source.FILE
    change = set_setting(file, "night.rank", "32")
    assert file.read_text(encoding="utf-8") == "\ufeff" + WRITTEN.replace("rank = 8", "rank = 32")
    take_back(file, change)
    assert file.read_text(encoding="utf-8") == "\ufeff" + WRITTEN
    reset_setting(file, "night.rank")
    assert state(file, "night.rank").source is Source.DEFAULT
