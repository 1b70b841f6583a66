"""Models as a person handles them: listed, pulled, added, chosen, removed; what they learnt stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_gguf import made_gguf
from model_server import ModelServer, model_server
from msgspec import structs
from studio_fakes import FakeEngine, fake_studio

from studio.domain.arms import LORA, ArmRecipe
from studio.domain.generation import (
    ChatMessage,
    EngineOptions,
    Lane,
    LaneDelta,
    LaneFailed,
    LaneFinished,
    ModelFacts,
    Role,
    Sampling,
)
from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Adapter
from studio.errors import MachineError, ModelError, NotFoundError, PullError, StudioError, UsageError
from studio.inference.engine_client import LlamaEngine
from studio.models.discovery import bundled_model
from studio.models.found import Surroundings
from studio.models.pull_progress import PullProgress
from studio.services.change_settings import set_setting
from studio.services.describe_model import FileFacts, belongings, file_facts, night_in_words, room_for
from studio.services.fetch_model import discard_pull, fetch_model, offered
from studio.services.keep_models import (
    add_model,
    choose_model,
    remove_model,
    switch_model,
    take_switch_back,
)
from studio.services.model_shelf import Place, Shelf, ShelfModel, model_in_use, model_named, models_on, path_of
from studio.services.prepare_lanes import Question, prepare_lanes
from studio.services.studio import Studio
from studio.settings import NightSettings
from studio.training.launcher import hold_night_lock
from studio.training.night_memory import Build
from studio.workspace import Workspace

CONTENT = made_gguf()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with model_server() as one:
        monkeypatch.setenv("HF_ENDPOINT", one.address)
        monkeypatch.setenv("STUDIO_PULL__LOOPBACK_HTTP", "yes")
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield one


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(
        f'["made"]\ntitle = "Made"\nrepository = "org/made"\nfile = "Made-Q4_K_M.gguf"\nbytes = {len(CONTENT)}\n'
        'licence = "MIT"\narchitecture = "llama"\ncontext = 2048\ntemplate = "Its own."\nwhy = "For tests."\n'
    )
    return Shelf(Workspace(tmp_path / "w").ensure(), (catalogue,), Surroundings(tmp_path / "home", {}, "linux"))


def listed(shelf: Shelf) -> dict[str, ShelfModel]:
    return {model.name: model for model in models_on(shelf, model_in_use(shelf))}


async def get(shelf: Shelf, wanted: str) -> str:
    return (await fetch_model(shelf, wanted, watch=lambda _: None)).name


async def test_a_model_of_the_catalogue_is_pulled_chosen_and_removed(server: ModelServer, shelf: Shelf) -> None:
    server.serve_repository("org/made", {"Made-Q4_K_M.gguf": CONTENT})
    assert listed(shelf)["made"].place is Place.CATALOGUE
    seen: list[PullProgress] = []
    record = await fetch_model(shelf, "made", watch=seen.append)
    assert (record.name, record.licence, record.source) == ("made", "MIT", "org/made/Made-Q4_K_M.gguf")
    assert path_of(shelf, record) == shelf.workspace.pulled / "made.gguf"
    assert path_of(shelf, record).read_bytes() == CONTENT
    assert seen[-1].done == len(CONTENT)
    made = listed(shelf)["made"]
    assert (made.place, made.entry is not None, made.in_use) == (Place.PULLED, True, False)
    with pytest.raises(UsageError, match="here already"):
        await get(shelf, "made")

    shelf.workspace.settings_file.write_text("# mine\n[model]\nthreads = 2 # two\n")
    choose_model(shelf, made)
    assert shelf.workspace.settings_file.read_text().startswith("# mine\n[model]\nthreads = 2 # two\n")
    assert 'path = "pulled/made.gguf"' in shelf.workspace.settings_file.read_text()
    made = listed(shelf)["made"]
    assert made.in_use
    with pytest.raises(UsageError, match="in use"):
        remove_model(shelf, made)
    choose_model(shelf, listed(shelf)["smollm2-135m"])
    assert "path" not in shelf.workspace.settings_file.read_text()
    with hold_night_lock(shelf.workspace.night_lock), pytest.raises(UsageError, match="night is running"):
        remove_model(shelf, listed(shelf)["made"])
    remove_model(shelf, listed(shelf)["made"])
    assert not made.path or not made.path.exists()
    assert listed(shelf)["made"].place is Place.CATALOGUE
    await get(shelf, "made")
    (shelf.workspace.pulled / "made.gguf").unlink()  # by hand
    assert listed(shelf)["made"].place is Place.CATALOGUE
    await get(shelf, "made")


async def test_repositories_and_addresses_are_pulled_under_names_of_their_own(
    server: ModelServer, shelf: Shelf
) -> None:
    server.serve_repository("one/m", {"M-Q4_K_M.gguf": CONTENT, "M-Q8_0.gguf": made_gguf(90_000)})
    server.serve_repository("two/m", {"M-Q4_K_M.gguf": made_gguf(seed=3)})
    assert await get(shelf, "one/m") == "M-Q4_K_M"
    assert await get(shelf, "one/m:q8_0") == "M-Q8_0"
    assert await get(shelf, "two/m") == "two-M-Q4_K_M"
    assert [file.quant for file in (await offered(shelf, "one/m")).files] == ["Q8_0", "Q4_K_M"]
    address = server.serve("/some%20where/My%20model.gguf", made_gguf(seed=4))
    assert await get(shelf, f"{address}?key=secret") == "My-model"
    records = (shelf.workspace.model_records / "My-model.json").read_text()
    assert "secret" not in records


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fetc%2Fpasswd.gguf", "%2Fetc%2Fpasswd.gguf", "..gguf", ".hidden.gguf", "a%00b.gguf"]
)
async def test_no_name_leads_out_of_the_folder(server: ModelServer, shelf: Shelf, tmp_path: Path, name: str) -> None:
    before = outside(shelf, tmp_path)
    address = server.serve(f"/{name}", CONTENT)
    record = await fetch_model(shelf, address, watch=lambda _: None)
    assert path_of(shelf, record).parent == shelf.workspace.pulled
    assert not record.file.startswith(".")
    assert outside(shelf, tmp_path) == before


def outside(shelf: Shelf, folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if shelf.workspace.local_models not in file.parents}


async def test_links_in_the_models_folder_are_not_followed(server: ModelServer, shelf: Shelf, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    address = server.serve("/m.gguf", CONTENT)
    shelf.workspace.pulled.symlink_to(outside)
    with pytest.raises(MachineError, match="leads out"):
        await get(shelf, address)
    shelf.workspace.pulled.unlink()
    shelf.workspace.pulled.mkdir()
    (shelf.workspace.pulled / "m.gguf").symlink_to(outside / "victim")
    with pytest.raises(MachineError, match="leads out"):
        await get(shelf, address)
    assert list(outside.iterdir()) == []


async def test_only_what_was_pulled_is_deleted(shelf: Shelf, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(CONTENT)
    record = add_model(shelf, mine)
    shelf.records.write(structs.replace(record, how="pulled"))
    with pytest.raises(MachineError, match="does not lie in"):
        remove_model(shelf, listed(shelf)["mine"])
    assert mine.exists()


async def test_a_file_is_added_where_it_lies_and_only_forgotten(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "Mine v2.gguf"
    file.write_bytes(CONTENT)
    assert add_model(shelf, file).name == "Mine-v2"
    with pytest.raises(UsageError, match="that file already"):
        add_model(shelf, file)
    model = model_named(list(listed(shelf).values()), "mine-V2")
    choose_model(shelf, model)
    assert str(file) in shelf.workspace.settings_file.read_text()
    shelf.workspace.settings_file.unlink()
    remove_model(shelf, model)
    assert file.exists()
    assert "Mine-v2" not in listed(shelf)
    with pytest.raises(NotFoundError, match="no model 'Mine-v2'"):
        model_named(list(listed(shelf).values()), "Mine-v2")


@pytest.mark.parametrize(("content", "told"), [(b"", "is empty"), (b"hello", "begin"), (CONTENT[:-4], "cut short")])
def test_what_cannot_answer_is_not_added(shelf: Shelf, tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "bad.gguf"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=told):
        add_model(shelf, file)
    with pytest.raises(ModelError):
        add_model(shelf, tmp_path)
    with pytest.raises(ModelError):
        add_model(shelf, tmp_path / "none.gguf")


async def test_what_other_programs_have_is_offered_and_never_removed(shelf: Shelf) -> None:
    file = shelf.around.home / ".lmstudio/models/pub/model/Theirs.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    theirs = listed(shelf)["Theirs"]
    assert (theirs.place, theirs.program, theirs.path) == (Place.FOUND, "LM Studio, pub", file)
    with pytest.raises(UsageError, match="not pulled by the studio"):
        remove_model(shelf, theirs)
    choose_model(shelf, theirs)
    assert listed(shelf)["Theirs"].in_use


@pytest.mark.parametrize(
    "wanted", ["nothing-of-this-name", "http://example.org/m.gguf", "https://example.org/page", ""]
)
async def test_wishes_that_mean_nothing_are_told(server: ModelServer, shelf: Shelf, wanted: str) -> None:
    with pytest.raises(StudioError):
        await get(shelf, wanted)
    assert server.asked == []


async def test_a_workspace_may_be_moved(server: ModelServer, shelf: Shelf, tmp_path: Path) -> None:
    server.serve_repository("org/made", {"Made-Q4_K_M.gguf": CONTENT})
    await get(shelf, "made")
    choose_model(shelf, listed(shelf)["made"])
    shelf.workspace.root.rename(tmp_path / "moved")
    moved = replace(shelf, workspace=Workspace(tmp_path / "moved"))
    made = listed(moved)["made"]
    assert (made.place, made.in_use) == (Place.PULLED, True)


def test_what_is_listed_under_which_name(shelf: Shelf, tmp_path: Path) -> None:
    own = shelf.workspace.local_models / "made.gguf"
    own.write_bytes(CONTENT[:-4])
    theirs = shelf.around.home / ".lmstudio/models/pub/model/Theirs.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(CONTENT)
    by_hand = tmp_path / "by hand.gguf"
    by_hand.write_bytes(CONTENT)
    shelf.workspace.settings_file.write_text(f'[model]\npath = "{by_hand}"\n')
    models = listed(shelf)
    assert (models["made-2"].place, models["made-2"].path) == (Place.OWN, own)
    assert models["made"].place is Place.CATALOGUE
    assert "here already, as Theirs" in models["made"].note
    assert (models["by-hand"].place, models["by-hand"].in_use) == (Place.CHOSEN, True)
    assert sum(model.in_use for model in models.values()) == 1


async def test_offline_fetches_nothing(server: ModelServer, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for ask in (get(shelf, "made"), offered(shelf, "org/made")):
        with pytest.raises(PullError, match="HF_HUB_OFFLINE"):
            await ask
    assert server.asked == []


async def test_a_pull_is_stopped_at_once_seen_as_partial_and_discarded(server: ModelServer, shelf: Shelf) -> None:
    server.serve_repository("org/made", {"Made-Q4_K_M.gguf": CONTENT})
    for path, served in server.served.items():
        if path.startswith("/store"):
            served.mishaps = ["stall:60000"]
    seen: list[PullProgress] = []
    pulling = asyncio.create_task(fetch_model(shelf, "made", watch=seen.append))
    async with asyncio.timeout(10):
        while not any(progress.done for progress in seen):  # noqa: ASYNC110 - another thread's loop fills it
            await asyncio.sleep(0.01)
    pulling.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await pulling
    part = listed(shelf)["made"]
    assert part.place is Place.PART
    assert 0 < part.done < part.bytes
    remove_model(shelf, part)
    assert listed(shelf)["made"].place is Place.CATALOGUE
    assert list(shelf.workspace.pulled.iterdir()) == []


def test_what_cannot_be_deleted_is_told(shelf: Shelf, tmp_path: Path) -> None:
    """Folders in the files' places: nobody may delete those so, root neither."""
    file = tmp_path / "mine.gguf"
    file.write_bytes(CONTENT)
    add_model(shelf, file)
    mine = listed(shelf)["mine"]
    (record,) = tmp_path.rglob("mine.json")
    record.unlink()
    record.mkdir()
    with pytest.raises(MachineError, match=r"mine\.json cannot be deleted"):
        remove_model(shelf, mine)
    part = shelf.workspace.pulled / "made.gguf.part"
    part.mkdir(parents=True)
    with pytest.raises(MachineError, match=r"made\.gguf\.part cannot be deleted"):
        discard_pull(shelf, "made")


# In the app --------------------------------------------------------------------------------------------------------


class Engine(FakeEngine):
    """Gives each file a hash of its own, and refuses those named bad."""

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
        if "bad" in model.name:
            raise ModelError(f"{model.name} cannot be loaded.", "Choose another.")
        facts = await super().load(model, options)
        self.facts = replace(facts, path=model, name=model.stem, sha256=model.stem[0] * 64)
        return self.facts


async def switching(tmp_path: Path) -> tuple[Studio, Shelf]:
    studio = fake_studio(tmp_path / "w", engine=Engine())
    await studio.model()
    shelf = Shelf(studio.workspace, (), Surroundings(tmp_path / "home", {}, "linux"))
    for name in ("new", "bad"):
        (tmp_path / f"{name}.gguf").write_bytes(CONTENT)
        add_model(shelf, tmp_path / f"{name}.gguf")
    return studio, shelf


async def test_another_model_answers_at_once_and_the_one_before_comes_back(tmp_path: Path) -> None:
    studio, shelf = await switching(tmp_path)
    set_setting(studio.workspace.settings_file, "model.context_tokens", "512")
    change = await switch_model(studio, shelf, listed(shelf)["new"])
    assert studio.engine.facts is not None
    assert studio.engine.facts.name == "new"
    assert studio.settings.model.context_tokens == 512
    assert "new.gguf" in studio.workspace.settings_file.read_text()
    await take_switch_back(studio, shelf, change)
    assert studio.engine.facts.name != "new"
    assert "new.gguf" not in studio.workspace.settings_file.read_text()


async def test_where_it_cannot_be_loaded_all_is_as_before(tmp_path: Path) -> None:
    studio, shelf = await switching(tmp_path)
    with pytest.raises(ModelError, match="cannot be loaded"):
        await switch_model(studio, shelf, listed(shelf)["bad"])
    assert studio.engine.facts is not None
    assert studio.engine.facts.name == "fake"
    assert not studio.workspace.settings_file.exists()


async def test_the_arms_say_where_the_adapter_is_another_models(tmp_path: Path) -> None:
    studio, shelf = await switching(tmp_path)
    facts = await studio.model()
    adapter = Adapter(new_id(), 3, facts.sha256, new_id(), "v3.gguf", "0" * 64, "lora", 16, 1.0, utc_now())
    (studio.workspace.adapters / "v3.gguf").write_bytes(b"x")
    studio.log.adapters.add(adapter)
    studio.log.adapters.activate(facts.sha256, adapter.id, "test", utc_now())
    await switch_model(studio, shelf, listed(shelf)["new"])
    arms = [LORA, ArmRecipe("third", adapter="3")]
    for lane in await prepare_lanes(studio, Question("When?"), arms, studio.sampling):
        assert not lane.lane.adapters
        assert "Adapter v3 belongs to another model. new has none here" in lane.given.note
    with pytest.raises(NotFoundError):
        await prepare_lanes(studio, Question("When?"), [ArmRecipe("ninth", adapter="9")], studio.sampling)


async def test_what_belongs_to_a_model_and_whether_it_fits_is_told(tmp_path: Path) -> None:
    studio, shelf = await switching(tmp_path)
    model = listed(shelf)["new"]
    assert not (await belongings(studio, model)).known
    facts = file_facts(tmp_path / "new.gguf", 4096)
    assert (facts.architecture, facts.context, facts.licence, facts.has_template) == ("llama", 2048, "apache-2.0", True)
    assert "memory" in room_for(model, facts).words
    assert "no model file" in file_facts(tmp_path / "none.gguf", 4096).refusal


async def test_the_real_engine_changes_its_model_while_it_answers(tmp_path: Path) -> None:
    """The answer under way ends and says so; the next one is the new model's."""
    bundled = bundled_model()
    assert bundled is not None
    copy = tmp_path / "copy.gguf"
    copy.symlink_to(bundled)
    studio = fake_studio(tmp_path / "w")
    studio.engine = LlamaEngine(studio.workspace.diagnostics)
    studio.model_path = bundled
    try:
        await studio.model()
        shelf = Shelf(studio.workspace, (), Surroundings(tmp_path / "home", {}, "linux"))
        question = (ChatMessage(Role.USER, "Tell me about rivers."),)
        switched: asyncio.Task[object] | None = None
        async for event in studio.engine.generate([Lane("a", question, sampling=Sampling(max_tokens=400))]):
            if isinstance(event, LaneDelta) and switched is None:
                model = ShelfModel("copy", Place.ADDED, copy, copy.stat().st_size)
                switched = asyncio.create_task(switch_model(studio, shelf, model))
        assert isinstance(event, LaneFailed)
        assert "mid-answer" in event.message
        assert switched is not None
        await switched
        assert studio.engine.facts is not None
        assert studio.engine.facts.path == copy
        answers = [e async for e in studio.engine.generate([Lane("b", question, sampling=Sampling(max_tokens=4))])]
        assert isinstance(answers[-1], LaneFinished)
    finally:
        await studio.engine.close()


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (16e9, "takes about 5.5 GB in 32-bit floats."),
        (4e9, "leaves its weights packed and takes about 1.8 GB; 5.5 GB in 32-bit floats do not fit into the 4.0 GB"),
        (1e9, "does not fit: 1.8 GB with its weights left packed; 1.0 GB are free."),
    ],
)
def test_what_a_night_takes_is_told_before_it_begins(free: float, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=int(free)))
    build = Build(700_000_000, 1_240_000_000, 16, 2048, 2048, 512, 8192, 128_256)
    assert told in night_in_words(FileFacts(build=build), NightSettings())
    assert not night_in_words(FileFacts(architecture="falcon"), NightSettings())
