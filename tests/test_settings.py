"""Settings: which source counts, what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.arms import ArmRecipe, Memory
from studio.domain.methods import Method
from studio.errors import SettingsError
from studio.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's own one (conftest.py) is none of these tests'."""
    monkeypatch.delenv("STUDIO_MODEL__MEASURE_SPEED", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "studio.toml"


def test_without_a_file_the_defaults_hold(file: Path) -> None:
    assert load_settings(file) == Settings()


def test_the_environment_counts_more_than_the_file_and_overrides_most(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('[night]\nrank = 4\nepochs = 5\nalpha = 6\nmethod = "rslora"\n[ui.keys]\n"chat.edit" = "x"\n')
    monkeypatch.setenv("STUDIO_NIGHT__EPOCHS", "7")
    monkeypatch.setenv("studio_night__alpha", "8")
    night = load_settings(file, night={"alpha": 9.5}).night
    assert (night.rank, night.epochs, night.alpha, night.method) == (4, 7, 9.5, Method.RSLORA)
    assert load_settings(file).night.alpha == 8.0
    assert load_settings(file).ui.keys == {"chat.edit": "x"}


def test_variables_hold_numbers_truths_and_paths_as_text(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "MODEL__PATH": "/models/a.gguf",
        "MODEL__THREADS": "3",
        "SAMPLING__TEMPERATURE": "0.5",
        "PROBES__WHEN_IDLE": "No",
        "PROMPT__SYSTEM": "{ is a brace",
        "ARMS__MINE__ADAPTER": "3",
        "ARMS__MINE__MEMORY": "lessons",
        "UI__KEYS": '{"chat.edit": "y"}',
        "NIGHT": '{"rank": 2}',
        "NIGHT__EPOCHS": "1",
        "WORKSPACE": "/elsewhere",
    }.items():
        monkeypatch.setenv(f"STUDIO_{name}", text)
    file.write_text('[ui.keys]\n"chat.diff" = "z"\n[arms.mine]\nscale = 0.5\n')
    settings = load_settings(file)
    assert settings.model.path == Path("/models/a.gguf")
    assert (settings.model.threads, settings.sampling.temperature, settings.probes.when_idle) == (3, 0.5, False)
    assert settings.prompt.system == "{ is a brace"
    assert settings.ui.keys == {"chat.diff": "z", "chat.edit": "y"}
    assert (settings.night.rank, settings.night.epochs) == (2, 1)
    assert settings.arm_recipes()[-1] == ArmRecipe("mine", Memory.LESSONS, "3", 0.5)


def test_options_may_be_written_as_on_a_command_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[night]\nlaunch_options = '--multi_gpu'\n")
    assert load_settings(file).night.launch_options == ("--multi_gpu",)
    monkeypatch.setenv("STUDIO_NIGHT__LAUNCH_OPTIONS", "--num_machines 2 --log_dir 'my logs'")
    assert load_settings(file).night.launch_options == ("--num_machines", "2", "--log_dir", "my logs")


def test_a_version_may_be_written_as_a_number(file: Path) -> None:
    file.write_text("[arms.mine]\nadapter = 3\n")
    assert load_settings(file).arms["mine"].adapter == "3"


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[night]\nrank = 0\n", "'night.rank': a whole number from 1 to 256 is expected, not 0."),
        ("[night]\nalpha = 0\n", "'night.alpha': a number above 0 is expected, not 0."),
        ("[night]\nmethod = 'magic'\n", "'night.method': one of lora, rslora, mica, layra is expected, not \"magic\"."),
        ("[night]\ntargets = 'all'\n", "'night.targets': one of all-linear, mlp, attention is expected, not \"all\"."),
        ("[sampling]\ntop_p = nan\n", "'sampling.top_p': a number above 0 and at most 1 is expected"),
        ("[model]\ncontext_tokens = 'many'\n", "'model.context_tokens': a whole number from 256 to 1048576 is exp"),
        ("[model]\nthreads = []\n", "'model.threads': a whole number of at least 1 is expected, not []."),
        ("[model]\npath = 2026-01-01\n", "'model.path': a path is expected, not \"2026-01-01\"."),
        ("[probes]\nwhen_idle = 'often'\n", "'probes.when_idle': true or false is expected, not \"often\"."),
        ("[prompt]\nsystem = true\n", "'prompt.system': text is expected, not true."),
        (
            "[night]\nlaunch_options = ['--num_machines', 2]\n",
            "'night.launch_options': a list of texts is expected, not",
        ),
        ("[night]\nlaunch_options = '\"--a'\n", "'night.launch_options': a list of texts is expected, not"),
        ("[night]\nlaunch_options = true\n", "'night.launch_options': a list of texts is expected, not true."),
        ("[modle]\n", "'modle': there is no such setting."),
        ("[model]\npaht = 'x'\n", "'model.paht': there is no such setting."),
        ("model = 3\n", "'model': a section with settings of its own is expected, not 3."),
        ("arms = 'mine'\n", "'arms': a section with settings of its own is expected, not \"mine\"."),
        ("[ui.keys]\n'chat.edit' = ['x']\n", "'ui.keys.chat.edit': text is expected, not [\"x\"]."),
        ("[arms.x]\nadapter = 'x'\n", "'arms.x.adapter': none, active or a version is expected, not \"x\"."),
        ("[arms.x]\nscale = 5\n", "'arms.x.scale': a number from 0 to 4 is expected, not 5."),
        ("[arms.x]\nreader = true\n", "'arms.x': with reader = true goes memory = \"lessons\""),
        ("[arms.'a,b']\n", "'arms.a,b': an arm's name is made of"),
        ("[chat]\narm = 'gut'\n", "'chat.arm': there is no arm 'gut', only frozen"),
        ("[model\n", "studio.toml cannot be read: "),
        ("# gr\udcfcn\n", "studio.toml cannot be read: its text is not in UTF-8 (line 1)."),
        ("[chat]\n# gr\udcfcn\n", "not in UTF-8 (line 2)."),
    ],
)
def test_what_is_wrong_is_named_in_plain_words(file: Path, toml: str, told: str) -> None:
    file.write_text(toml, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    assert told in str(raised.value)
    assert str(file) in str(raised.value)
    assert "\n" not in raised.value.message.replace(str(file), "")


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("STUDIO_MODEL", "abc", "'model': STUDIO_MODEL cannot be read; a section is set key by key, as STUDIO_MODEL__"),
        ("STUDIO_UI__KEYS", "[]", "'ui.keys': STUDIO_UI__KEYS cannot be read"),
        ("STUDIO_MODEL__PAHT", "x", "'model.paht': there is no such setting."),
        ("STUDIO_MODLE__PATH", "x", "'modle.path': there is no such setting for STUDIO_MODLE__PATH to set."),
        ("STUDIO_NIGHT__RANK", "", "'night.rank': a whole number from 1 to 256 is expected, not \"\"."),
        ("STUDIO_NIGHT__RANK__X", "1", "'night.rank': a whole number"),
        ("STUDIO_NIGHT__RANK", "9" * 100, "…"),
        ("STUDIO_NIGHT__RANK", "\udcff", "'night.rank': a whole number"),
    ],
)
def test_a_variable_that_is_wrong_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, told: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    assert told in str(raised.value)


def test_a_number_beyond_all_bounds_is_refused_in_words(file: Path) -> None:
    file.write_text(f"[night]\nrank = {'9' * 400}\n")
    with pytest.raises(SettingsError, match="a whole number from 1 to 256"):
        load_settings(file)


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_text("[night]\r\nrank = 8\r\n", encoding="utf-8-sig", newline="")
    assert load_settings(file).night.rank == 8


def test_a_folder_in_the_files_place_is_told(file: Path) -> None:
    file.mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(file)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().night.rank = 3  # type: ignore[misc]
