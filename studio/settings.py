"""Settings: defaults < the workspace's studio.toml < STUDIO_* environment variables < flags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from studio.domain.addresses import is_loopback
from studio.domain.arms import STANDARD_ARMS, ArmRecipe, Memory
from studio.domain.methods import Method
from studio.errors import SettingsError
from studio.settings_sources import WrongSettingError, checked, from_environment, from_file, merged


class ModelSettings(Struct, frozen=True, kw_only=True):
    """Which model answers, and how it is loaded."""

    path: Path | None = None
    """A GGUF file; none takes the bundled one, or the only one in local_models/."""
    context_tokens: Annotated[int, Meta(ge=256, le=1_048_576)] = 4096
    """Prompt and completion of one answer together."""
    threads: Annotated[int, Meta(ge=1)] | None = None
    """Threads for decoding; none takes one per physical core."""
    gpu_layers: Annotated[int, Meta(ge=-1)] = -1
    """Layers on the GPU; -1 as many as llama.cpp puts there, 0 none."""
    measure_speed: bool = True
    """Measure once, in a second or two, how fast this machine decodes, where the models are listed."""


class RemoteSettings(Struct, frozen=True, kw_only=True):
    """A server that answers instead of a model on this machine. While none is named, nothing leaves the machine."""

    base_url: str = ""
    """Where its OpenAI-compatible API lies, such as https://gpu.example.org/v1."""
    model: str = ""
    """The model's name there; none takes the only one."""
    key_variable: Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z", description="the name of a variable")] = (
        "STUDIO_REMOTE_KEY"
    )
    """The environment variable that holds the key; the key itself is never written here."""
    key_file: Path | None = None
    """A file that holds the key, readable by its owner alone; it is read where the variable is not set."""
    plain_http: bool = False
    """Whether plain http may be spoken beyond this very machine: whoever is on the way then reads along."""
    same_as: Path | None = None
    """The GGUF file that the server runs, where it lies here too: its adapters and its reader are then the server's."""
    adapters: dict[str, str] = {}
    """What the server calls adapters of that file: "v3" or "reader", to the server's name."""
    parallel: Annotated[int, Meta(ge=1, le=64)] = 4
    """Answers asked for beside each other."""
    silence_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 120.0
    """The longest that the server may say nothing, before the first word too."""
    answer_s: Annotated[float, Meta(gt=0.0, le=86_400.0)] = 900.0
    """The longest that one answer may take."""

    def __post_init__(self) -> None:
        if self.base_url:
            _check_server(self.base_url, plain_http=self.plain_http)


def _check_server(address: str, *, plain_http: bool) -> None:
    """Raises ValueError saying what is wrong with the address of a server, which is then not repeated."""
    parts = urlsplit(address)
    host, _ = parts.hostname, parts.port  # the port raises where it is none
    if parts.scheme not in ("http", "https") or not host or not address.isascii() or not address.isprintable():
        raise ValueError("base_url is an address such as https://gpu.example.org/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url must hold no name and password; a key goes into a variable or a file")
    if parts.query or parts.fragment:
        raise ValueError("base_url ends before any ? or #")
    if parts.scheme == "http" and not is_loopback(host) and not plain_http:
        raise ValueError("http is spoken with this very machine only; use https, or allow it with plain_http = true")


class PullSettings(Struct, frozen=True, kw_only=True):
    """How model files are fetched."""

    connections: Annotated[int, Meta(ge=1, le=16)] = 4
    """Ranges of one file fetched beside each other."""
    loopback_http: bool = False
    """Whether plain http may be fetched from this very machine; everything else is https."""


class SamplingSettings(Struct, frozen=True, kw_only=True):
    """How tokens are chosen; the default is greedy, so that arms can be compared."""

    temperature: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.0
    top_k: Annotated[int, Meta(ge=0)] = 40
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.95
    min_p: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.05
    seed: int | None = None
    max_tokens: Annotated[int, Meta(ge=1)] = 256
    thinking_tokens: Annotated[int, Meta(ge=0)] = 0
    """How long a reasoning model may think before its answer; 0: it is told not to."""


class PromptSettings(Struct, frozen=True, kw_only=True):
    """What goes into prompts."""

    system: str = "You are a helpful assistant."
    """The system message of every arm; empty for none."""
    context_budget_tokens: Annotated[int, Meta(ge=0)] = 3072
    """The most tokens the context arm may spend on corrections."""
    lessons_given: Annotated[int, Meta(ge=1, le=16)] = 1
    """The most lessons retrieved for one question."""
    lessons_threshold: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.42
    """Lessons that score lower are not given: abstention."""


class NightSettings(Struct, frozen=True, kw_only=True):
    """How the adapter is trained."""

    method: Method = Method.LORA
    wordings_each: Annotated[int, Meta(ge=1)] = 20
    """In how many wordings each corrected question is trained."""
    targets: Literal["all-linear", "mlp", "attention"] = "all-linear"
    """Which linear layers get an adapter."""
    share_below: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.5
    """The share of the model's layers, from the bottom, that get none: what they compute is computed once a night."""
    rank: Annotated[int, Meta(ge=1, le=256)] = 16
    alpha: Annotated[float, Meta(gt=0)] = 32.0
    learning_rate: Annotated[float, Meta(gt=0)] = 1e-3
    epochs: Annotated[int, Meta(ge=1)] = 4
    batch_size: Annotated[int, Meta(ge=1)] = 15
    replay_share: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.334
    """Share of every batch that is replayed general knowledge."""
    kl_weight: Annotated[float, Meta(ge=0.0)] = 2.0
    """Weight of the KL term to the frozen model on replayed examples."""
    max_minutes: Annotated[float, Meta(gt=0)] = 30.0
    processes: Annotated[int, Meta(ge=1, le=1024)] = 1
    """How many processes train together, through `accelerate launch`: one for each GPU."""
    launch_options: tuple[str, ...] = ()
    """More for `accelerate launch`, as it spells them: several machines (docs/night.md)."""
    scope: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.38
    """An adapter answers questions that score this or more against a correction it was trained on; -1: all."""
    seed: int = 0


class ProbeSettings(Struct, frozen=True, kw_only=True):
    when_idle: bool = True
    """Ask what was corrected again of every arm, while the app is open and nobody uses it."""


class ChatSettings(Struct, frozen=True, kw_only=True):
    arm: str = "lora+lessons"
    """The arm that answers in Chat."""


class UiSettings(Struct, frozen=True, kw_only=True):
    theme: str = "studio-dark"
    signs: Literal["auto", "unicode", "ascii"] = "auto"
    """What borders, bars and marks are drawn with; auto asks the terminal and the locale."""
    reduced_motion: bool = False
    """Nothing blinks, glides or turns."""
    keys: dict[str, str] = {}
    """Remapped keys: binding id to key."""


class ArmSettings(Struct, frozen=True, kw_only=True):
    """An arm of the user's own, `[arms.NAME]`."""

    memory: Memory = Memory.NONE
    adapter: Annotated[str, Meta(pattern=r"^(none|active|[1-9][0-9]*)\Z", description="none, active or a version")] = (
        "none"
    )
    scale: Annotated[float, Meta(ge=0.0, le=4.0)] | None = None
    scope: Annotated[float, Meta(ge=-1.0, le=1.0)] | None = None
    reader: bool = False
    """Read the lessons with the adapter that has learnt to use them, where the model has one."""
    off: bool = False
    """Leave this arm out, a standard one too."""

    def __post_init__(self) -> None:
        if self.reader and self.memory is not Memory.LESSONS:
            raise ValueError('with reader = true goes memory = "lessons": a reader reads lessons')


class Settings(Struct, frozen=True, kw_only=True):
    """All settings; every field can be set as STUDIO_SECTION__FIELD."""

    model: ModelSettings = ModelSettings()
    remote: RemoteSettings = RemoteSettings()
    pull: PullSettings = PullSettings()
    sampling: SamplingSettings = SamplingSettings()
    prompt: PromptSettings = PromptSettings()
    night: NightSettings = NightSettings()
    probes: ProbeSettings = ProbeSettings()
    chat: ChatSettings = ChatSettings()
    ui: UiSettings = UiSettings()
    arms: dict[str, ArmSettings] = {}

    def arm_recipes(self) -> tuple[ArmRecipe, ...]:
        """The standard arms, then the user's own; an own arm of a standard name replaces it, or switches it off."""
        recipes = {recipe.name: recipe for recipe in STANDARD_ARMS}
        for name, arm in self.arms.items():
            recipes[name] = ArmRecipe(name, arm.memory, arm.adapter, arm.scale, arm.scope, arm.reader)
        return tuple(recipe for name, recipe in recipes.items() if name not in self.arms or not self.arms[name].off)


def load_settings(settings_file: Path, **overrides: Any) -> Settings:
    """Read the settings. Raises SettingsError naming the key and what is wrong with it."""
    try:
        layers = (from_file(settings_file), from_environment("STUDIO_", Settings, os.environ), overrides)
        settings: Settings = checked(Settings, merged(*layers))
        names = [recipe.name for recipe in settings.arm_recipes()]
        for name in names:
            if not name.strip() or not name.isprintable() or "," in name:
                raise WrongSettingError(f"arms.{name}", "an arm's name is made of letters, digits and signs but commas")
        if settings.chat.arm not in names:
            raise WrongSettingError("chat.arm", f"there is no arm '{settings.chat.arm}', only {', '.join(names)}")
    except WrongSettingError as error:
        where = f"Look in {settings_file} and the STUDIO_ variables."
        raise SettingsError(f"Setting '{error.key}': {error.reason}.", where) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"{settings_file} cannot be read ({reason}).", "Mend it or move it away.") from error
    except ValueError as error:
        raise SettingsError(f"{settings_file} cannot be read: {error}.", "Mend the file or move it away.") from error
    return settings
