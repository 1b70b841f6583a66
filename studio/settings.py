"""Settings: defaults < the workspace's studio.toml < STUDIO_* environment variables < flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariableError

from studio.domain.arms import READER_ADAPTER, STANDARD_ARMS, ArmRecipe, Memory
from studio.domain.nights import Method
from studio.errors import SettingsError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(_Section):
    """Which model answers, and how it is loaded."""

    path: Path | None = None
    """A GGUF file; none takes the bundled one, or the only one in local_models/."""
    context_tokens: int = Field(4096, ge=256, le=1_048_576)
    """Prompt and completion of one answer together."""
    threads: int | None = Field(None, ge=1)
    """Threads for decoding; none takes one per physical core."""
    gpu_layers: int = Field(-1, ge=-1)
    """Layers on the GPU; -1 as many as llama.cpp puts there, 0 none."""


class SamplingSettings(_Section):
    """How tokens are chosen; the default is greedy, so that arms can be compared."""

    temperature: float = Field(0.0, ge=0.0, le=5.0)
    top_k: int = Field(40, ge=0)
    top_p: float = Field(0.95, gt=0.0, le=1.0)
    min_p: float = Field(0.05, ge=0.0, le=1.0)
    seed: int | None = None
    max_tokens: int = Field(256, ge=1)


class PromptSettings(_Section):
    """What goes into prompts."""

    system: str = "You are a helpful assistant."
    """The system message of every arm; empty for none."""
    context_budget_tokens: int = Field(1024, ge=0)
    """The most tokens the context arm may spend on corrections."""
    lessons_given: int = Field(1, ge=1, le=16)
    """The most lessons retrieved for one question."""
    lessons_threshold: float = Field(0.38, ge=-1.0, le=1.0)
    """Lessons that score lower are not given: abstention."""


class NightSettings(_Section):
    """How the adapter is trained."""

    method: Method = Method.LORA
    wordings_each: int = Field(20, ge=1)
    """In how many wordings each corrected question is trained."""
    targets: str = Field("all-linear", pattern=r"^(all-linear|mlp|attention)$")
    """Which linear layers get an adapter."""
    share_below: float = Field(0.5, ge=0.0, lt=1.0)
    """The share of the model's layers, from the bottom, that get none: what they compute is computed once a night."""
    rank: int = Field(16, ge=1, le=256)
    alpha: float = Field(32.0, gt=0)
    learning_rate: float = Field(1e-3, gt=0)
    epochs: int = Field(4, ge=1)
    batch_size: int = Field(15, ge=1)
    replay_share: float = Field(0.334, ge=0.0, le=0.9)
    """Share of every batch that is replayed general knowledge."""
    kl_weight: float = Field(2.0, ge=0.0)
    """Weight of the KL term to the frozen model on replayed examples."""
    max_minutes: float = Field(30.0, gt=0)
    scope: float = Field(0.32, ge=-1.0, le=1.0)
    """An adapter answers questions that score this or more against a correction it was trained on; -1: all."""
    seed: int = 0


class ProbeSettings(_Section):
    when_idle: bool = True
    """Ask what was corrected again of every arm, while the app is open and nobody uses it."""


class ChatSettings(_Section):
    arm: str = "lora+lessons"
    """The arm that answers in Chat."""


class UiSettings(_Section):
    theme: str = "studio-dark"
    keys: dict[str, str] = Field(default_factory=dict)
    """Remapped keys: binding id to key."""


class ArmSettings(_Section):
    """An arm of the user's own, `[arms.NAME]`."""

    memory: Memory = Memory.NONE
    adapter: str = Field("none", pattern=r"^(none|active|reader|[1-9][0-9]*)$", coerce_numbers_to_str=True)
    scale: float | None = Field(None, ge=0.0, le=4.0)
    scope: float | None = Field(None, ge=-1.0, le=1.0)
    off: bool = False
    """Leave this arm out, a standard one too."""

    @model_validator(mode="after")
    def _a_reader_reads_lessons(self) -> Self:
        if self.adapter == READER_ADAPTER and (self.memory is not Memory.LESSONS or self.scope is not None):
            raise ValueError('with adapter = "reader" goes memory = "lessons" and no scope: a reader reads lessons')
        return self


class Settings(BaseSettings):
    """All settings; every field can be set as STUDIO_SECTION__FIELD."""

    model_config = SettingsConfigDict(
        env_prefix="STUDIO_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    model: ModelSettings = ModelSettings()
    sampling: SamplingSettings = SamplingSettings()
    prompt: PromptSettings = PromptSettings()
    night: NightSettings = NightSettings()
    probes: ProbeSettings = ProbeSettings()
    chat: ChatSettings = ChatSettings()
    ui: UiSettings = UiSettings()
    arms: dict[str, ArmSettings] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))

    def arm_recipes(self) -> tuple[ArmRecipe, ...]:
        """The standard arms, then the user's own; an own arm of a standard name replaces it, or switches it off."""
        recipes = {recipe.name: recipe for recipe in STANDARD_ARMS}
        for name, arm in self.arms.items():
            recipes[name] = ArmRecipe(name, arm.memory, arm.adapter, arm.scale, arm.scope)
        return tuple(recipe for name, recipe in recipes.items() if name not in self.arms or not self.arms[name].off)


def load_settings(settings_file: Path, **overrides: Any) -> Settings:
    """Read the settings. Raises SettingsError naming the key and what is wrong with it."""

    class _FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=settings_file)

    try:
        settings = _FromFile(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = (
            "there is no such setting"
            if first["type"] == "extra_forbidden"
            else first["msg"].removeprefix("Value error, ")
        )
        raise _wrong(key, reason, settings_file) from error
    except UnreadableVariableError as error:
        raise SettingsError(f"A STUDIO_ variable cannot be read: {error}.", "A section is set key by key.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"{settings_file} cannot be read ({reason}).", "Mend its permissions.") from error
    except ValueError as error:
        raise SettingsError(f"{settings_file} cannot be read: {error}.", "Mend the file or move it away.") from error
    names = [recipe.name for recipe in settings.arm_recipes()]
    for name in names:
        if not name.strip() or not name.isprintable() or "," in name:
            raise _wrong(f"arms.{name}", "an arm's name is made of letters, digits and signs but commas", settings_file)
    if settings.chat.arm not in names:
        raise _wrong("chat.arm", f"there is no arm '{settings.chat.arm}', only {', '.join(names)}", settings_file)
    return settings


def _wrong(key: str, reason: str, settings_file: Path) -> SettingsError:
    return SettingsError(f"Setting '{key}': {reason}.", f"Look in {settings_file} and the STUDIO_ variables.")
