"""Models as a user handles them: read, chosen and taken back, pulled, paused and gone on with, added, removed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_gguf import made_gguf
from model_server import ModelServer, model_server
from studio_fakes import FakeEngine, fake_studio, shorten_exam
from textual.widgets import Input, OptionList, Static
from tui_driving import AppPilot, notices, settled, shown, until, write

from studio.domain.generation import EngineOptions, ModelFacts
from studio.errors import ModelError
from studio.models import discovery
from studio.models.fit import Fit
from studio.services import model_shelf
from studio.services.describe_model import Belongings, FileFacts
from studio.services.expected_speed import Pace
from studio.services.keep_models import add_model
from studio.services.model_shelf import Place, ShelfModel, shelf_of
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.screens import models_work
from studio.tui.screens.models import ModelsScreen
from studio.tui.screens.models_shown import Shown, about
from studio.tui.widgets.dialogs import ConfirmDialog, LineDialog
from studio.tui.widgets.file_dialog import FileDialog
from studio.tui.widgets.pick_dialog import PickDialog

SIZES = [(80, 24), (120, 36), (200, 50)]
CONTENT = made_gguf()
HOSTILE = "[bold]licence[/bold] \x1b[31m"


class Engine(FakeEngine):
    """Answers under the name of the file; refuses those named bad."""

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
        if "bad" in model.name:
            raise ModelError(f"{model.name} cannot be loaded.", "Choose another.")
        self.facts = replace(await super().load(model, options), path=model, name=model.stem)
        return self.facts


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with model_server() as one:
        monkeypatch.setenv("HF_ENDPOINT", one.address)
        monkeypatch.setenv("STUDIO_PULL__LOOPBACK_HTTP", "1")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield one


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    bundled = tmp_path / "bundled.gguf"
    bundled.write_bytes(CONTENT)
    monkeypatch.setattr("studio.services.model_shelf.bundled_model", lambda: bundled)
    monkeypatch.setattr(discovery, "bundled_model", lambda: bundled)
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(
        f'["made"]\ntitle = "Made of nothing"\nrepository = "org/made"\nfile = "Made.gguf"\nbytes = {len(CONTENT)}\n'
        'licence = "MIT"\narchitecture = "llama"\ncontext = 2048\ntemplate = "Its own."\nwhy = "For tests alone."\n'
    )
    made = fake_studio(tmp_path / "w", engine=Engine())
    made.model_path = bundled
    made.catalogues = (catalogue,)
    return made


def give(studio: Studio, name: str, content: bytes = CONTENT) -> Path:
    """A file of the user's own, added."""
    file = studio.workspace.root.parent / f"{name}.gguf"
    file.write_bytes(content)
    add_model(shelf_of(studio), file)
    return file


async def open_models(pilot: AppPilot, name: str = "") -> ModelsScreen:
    """Open the screen, and put the cursor on a model."""
    await until(pilot, lambda: pilot.app.status.engine == "ready")  # type: ignore[attr-defined]
    await pilot.press("f12")
    await until(pilot, lambda: isinstance(pilot.app.screen, ModelsScreen))
    await settled(pilot)
    if name:
        await choose(pilot, name)
    screen = pilot.app.screen
    assert isinstance(screen, ModelsScreen)
    return screen


async def choose(pilot: AppPilot, name: str) -> None:
    options = pilot.app.screen.query_one("#models-list", OptionList)
    options.highlighted = options.get_option_index(name)
    await pilot.pause()
    await settled(pilot)


def engine_model(studio: Studio) -> str:
    return studio.engine.facts.name if studio.engine.facts else ""


@pytest.mark.parametrize("size", SIZES)
async def test_tells_what_is_here_and_what_could_be(studio: Studio, size: tuple[int, int]) -> None:
    give(studio, "mine", made_gguf(general__license=HOSTILE))
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await open_models(pilot, "made")
        for words in (
            "● smollm2-135m",
            "in use",
            "mine",
            "added",
            "Made of nothing",
            "For tests alone.",
            "Template: Its own.",
        ):
            assert words in shown(pilot), words
        await choose(pilot, "mine")
        await until(pilot, lambda: "Which adapters" in shown(pilot) or size[1] < 30)
        assert "2,048" in shown(pilot)
        assert "\x1b" not in shown(pilot)


async def test_another_answers_at_once_and_is_taken_back(studio: Studio) -> None:
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    give(studio, "mine")
    studio.workspace.settings_file.write_text("# mine\n")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot, "mine")
        await pilot.press("enter")
        await until(pilot, lambda: engine_model(studio) == "mine")
        await settled(pilot)
        assert "● mine" in shown(pilot)
        assert app.status.model == "mine"
        assert any("Corrections and lessons stay" in notice for notice in notices(pilot))
        assert "mine.gguf" in studio.workspace.settings_file.read_text()
        assert any("mine has not been trained on your correction yet; t starts" in notice for notice in notices(pilot))
        await pilot.press("x")
        await until(pilot, lambda: any("is in use" in notice for notice in notices(pilot)))
        await pilot.press("u")
        await until(pilot, lambda: engine_model(studio) == "bundled")
        await settled(pilot)
        assert studio.workspace.settings_file.read_text() == "# mine\n"


async def test_the_model_in_use_is_trained_by_a_key(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Studio] = []

    async def begin(of: Studio) -> None:
        begun.append(of)

    monkeypatch.setattr("studio.services.follow_night.start_night", begin)
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_models(pilot)
        await pilot.press("t")
        await until(pilot, lambda: begun == [studio])
        said = app.screen.query_one("#adapters-empty", Static)
        await until(pilot, lambda: "has not been trained on your correction yet; n starts a night" in str(said.content))


async def test_one_that_cannot_be_loaded_leaves_all_as_it_was(studio: Studio) -> None:
    give(studio, "bad")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot, "bad")
        await pilot.press("s")
        await until(pilot, lambda: any("cannot be loaded" in notice for notice in notices(pilot)))
        await settled(pilot)
        assert (engine_model(studio), app.status.engine) == ("bundled", "ready")
        assert not studio.workspace.settings_file.exists()


async def test_a_model_of_the_catalogue_is_pulled_paused_and_gone_on_with(studio: Studio, server: ModelServer) -> None:
    server.serve_repository("org/made", {"Made.gguf": CONTENT})
    for path, served in server.served.items():
        if path.startswith("/store"):
            served.mishaps = ["stall:70000"]
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot, "made")
        await pilot.press("enter")
        await until(pilot, lambda: "pulling 3" in shown(pilot))
        assert "p pauses, c cancels" in shown(pilot)
        await pilot.press("f2", "f12")  # it goes on wherever one looks
        await pilot.press("p")
        await until(pilot, lambda: "paused 3" in shown(pilot))
        assert any("made is paused" in notice for notice in notices(pilot))
        await settled(pilot)
        await pilot.press("p")
        await until(pilot, lambda: any("made is here" in notice for notice in notices(pilot)))
        await settled(pilot)
        assert (studio.workspace.pulled / "made.gguf").read_bytes() == CONTENT
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: not (studio.workspace.pulled / "made.gguf").exists())


async def test_what_does_not_fit_is_asked_about_first(
    studio: Studio, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(studio, "mine")
    monkeypatch.setattr("studio.services.describe_model.fit_of", lambda needed, free: Fit.NOT)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_models(pilot, "made")
        assert "does not fit" in shown(pilot)
        for name in ("made", "mine"):
            await choose(pilot, name)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            assert "will hardly run here" in shown(pilot)
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await settled(pilot)
    assert server.asked == []
    assert not studio.workspace.settings_file.exists()


async def test_a_pull_is_given_up(studio: Studio, server: ModelServer) -> None:
    server.serve_repository("org/made", {"Made.gguf": CONTENT})
    for path, served in server.served.items():
        if path.startswith("/store"):
            served.mishaps = ["stall:70000"] * 3
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_models(pilot, "made")
        await pilot.press("p")
        await until(pilot, lambda: "pulling 3" in shown(pilot))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: app.screen is screen and not list(studio.workspace.pulled.iterdir()))
        await until(pilot, lambda: "made is given up; what had arrived of it is deleted." in notices(pilot))
        await settled(pilot)
        assert "paused" not in shown(pilot)


async def test_what_goes_wrong_is_told(studio: Studio, server: ModelServer) -> None:
    server.serve_repository("org/made", {"Made.gguf": made_gguf(seed=5, general__type="adapter")})
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot, "made")
        await pilot.press("enter")
        await until(pilot, lambda: any("were announced" in notice for notice in notices(pilot)))
        await settled(pilot)
        assert "pulling" not in shown(pilot)


async def test_any_other_is_asked_for_and_one_of_its_files_chosen(studio: Studio, server: ModelServer) -> None:
    server.serve_repository("some/m", {"M-Q8_0.gguf": made_gguf(90_000), "M-Q4_K_M.gguf": CONTENT})
    app = StudioApp(studio)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await open_models(pilot)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, LineDialog))
        await write(pilot, "some/m")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PickDialog))
        assert "licence mit" in shown(pilot)
        await pilot.press("enter")  # the usual one is marked
        await until(pilot, lambda: any("M-Q4_K_M is here" in notice for notice in notices(pilot)))
        await settled(pilot)
        assert "M-Q4_K_M" in shown(pilot)


async def test_a_file_is_added_forgotten_and_known_again(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(CONTENT)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        app.screen.query_one(Input).value = str(tmp_path / "own.gguf")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: any("Added as own" in notice for notice in notices(pilot)))
        await settled(pilot)
        await pilot.press("x")
        await until(pilot, lambda: any("is forgotten" in notice for notice in notices(pilot)))
        await settled(pilot)
        assert (tmp_path / "own.gguf").exists()
        await pilot.press("u")
        await until(pilot, lambda: any("known again" in notice for notice in notices(pilot)))
        await settled(pilot)
        assert "own " in shown(pilot)


async def test_an_older_reading_never_takes_the_place_of_a_newer(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.gguf").write_bytes(CONTENT)
    slow, hold, go_on = threading.Event(), threading.Event(), threading.Event()

    def models_read(*asked: Any) -> list[ShelfModel]:
        models = model_shelf.models_on(*asked)
        if hold.is_set() and not slow.is_set():
            slow.set()
            go_on.wait(60)
        return models

    monkeypatch.setattr(models_work, "models_on", models_read)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        hold.set()  # the list is read when the dialog closes, and that takes longer than adding the file
        app.screen.query_one(Input).value = str(tmp_path / "own.gguf")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: any("Added as own" in notice for notice in notices(pilot)))
        await until(pilot, slow.is_set)
        go_on.set()
        await settled(pilot)
        options = app.screen.query_one(OptionList)
        assert options.highlighted is not None
        assert options.get_option_at_index(options.highlighted).id == "own"


async def test_a_catalogue_that_is_wrong_is_told(studio: Studio) -> None:
    studio.catalogues[0].write_text("[broken")
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_models(pilot)
        await until(pilot, lambda: "cannot be listed" in shown(pilot))


async def test_an_empty_shelf_says_what_to_do(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.services.model_shelf.bundled_model", lambda: None)
    studio.catalogues, studio.model_path = (), None
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.status.engine == "no model")
        await pilot.press("f12")
        await until(pilot, lambda: "There is no model here" in shown(pilot))


async def test_what_another_model_reads_best_is_measured_stopped_and_told(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_exam(monkeypatch)
    give(studio, "mine")
    engine = studio.engine
    assert isinstance(engine, Engine)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_models(pilot, "mine")
        await pilot.press("enter")
        await until(pilot, lambda: any("m measures it" in notice for notice in notices(pilot)))
        await settled(pilot)
        engine.hold = asyncio.Event()
        await pilot.press("m")
        await until(pilot, lambda: "m stops" in shown(pilot))
        await pilot.press("m")
        await until(pilot, lambda: "m stops" not in shown(pilot))
        assert not studio.workspace.prompt_forms.exists()
        engine.hold = None
        await pilot.press("m")
        await until(pilot, lambda: any("as measured on" in notice for notice in notices(pilot)))
        assert len(list(studio.workspace.prompt_forms.iterdir())) == 1


def test_what_no_night_can_train_says_so_and_else_what_a_night_takes() -> None:
    odd = Shown(ShelfModel("odd", Place.OWN, Path("odd.gguf"), 1000), FileFacts(architecture="falcon"))
    words = about(odd, Belongings(True), None).plain
    assert "a night cannot train it." in words
    assert "No night can train it: its architecture is 'falcon', and a night can train llama, qwen2" in words
    facts, pace = FileFacts(architecture="llama"), Pace(95.2, 97.0)
    plain = Shown(ShelfModel("plain", Place.OWN, Path("plain.gguf"), 1000), facts, pace)
    words = about(plain, Belongings(True, night="A night takes about 1.3 GB."), None).plain
    assert "are free.\nAbout 95 tokens a second expected here; 97 measured.\n" in words
    assert "a night makes one. There is no reader for it.\n\nA night takes about 1.3 GB.\n" in words
