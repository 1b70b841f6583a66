"""The settings that people change, each with what it means in words; every other can be set in studio.toml by hand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ValueKind(StrEnum):
    """What a setting takes, in words. An empty entry of any but TEXT puts the default back."""

    WHOLE = "a whole number"
    NUMBER = "a number"
    SWITCH = "yes or no"
    PATH = "a path"
    NAME = "a name"
    ADDRESS = "an address, such as https://gpu.example.org/v1"
    NAME_THERE = "a name that the server knows"
    TEXT = "any text"


class Effect(StrEnum):
    """When a change is felt."""

    AT_ONCE = "at once"
    NEXT_NIGHT = "from the next night on"
    NEXT_START = "at the next start"


@dataclass(frozen=True, slots=True)
class SettingFact:
    """One setting: `section.field` as in studio.toml. `unset` says in words what none of it means."""

    name: str
    meaning: str
    kind: ValueKind
    effect: Effect = Effect.AT_ONCE
    unset: str = ""

    @property
    def section(self) -> str:
        return self.name.partition(".")[0]

    @property
    def field(self) -> str:
        return self.name.partition(".")[2]

    @property
    def variable(self) -> str:
        """The variable of the environment that counts more than studio.toml."""
        return f"STUDIO_{self.section}__{self.field}".upper()


SERVER = "remote.base_url"
"""Whoever sets it sends what is asked away from this machine: that is said first."""

SETTINGS: tuple[SettingFact, ...] = (
    SettingFact("ui.theme", "Colours of the app. Put files of your own into themes/.", ValueKind.NAME),
    SettingFact(
        "ui.signs",
        "Borders, bars and marks: 'unicode', 'ascii' for terminals that show no others, or 'auto', which finds out.",
        ValueKind.NAME,
    ),
    SettingFact("ui.reduced_motion", "Nothing blinks, glides or turns; waiting is told in words.", ValueKind.SWITCH),
    SettingFact("chat.arm", "The arm that answers in Chat; Compare asks them all.", ValueKind.NAME),
    SettingFact(
        "prompt.system", "What every arm is told before anything else; empty for nothing at all.", ValueKind.TEXT
    ),
    SettingFact("prompt.lessons_given", "The most lessons given with one question.", ValueKind.WHOLE),
    SettingFact(
        "prompt.lessons_threshold",
        "How near a lesson must be to the question to be given, from -1 to 1. Lower finds more, and more wrong ones.",
        ValueKind.NUMBER,
    ),
    SettingFact(
        "prompt.context_budget_tokens", "The most tokens the arm 'context' spends on corrections.", ValueKind.WHOLE
    ),
    SettingFact("sampling.max_tokens", "The longest answer, in tokens.", ValueKind.WHOLE),
    SettingFact(
        "sampling.thinking_tokens",
        "How long a reasoning model may think before its answer, in tokens; 0: it answers at once.",
        ValueKind.WHOLE,
    ),
    SettingFact(
        "sampling.temperature",
        "0 always takes the likeliest word, so that arms can be compared; higher draws more freely.",
        ValueKind.NUMBER,
    ),
    SettingFact(
        "sampling.seed", "Fixes the draw at a temperature above 0.", ValueKind.WHOLE, unset="another draw each time"
    ),
    SettingFact(
        "probes.when_idle",
        "Ask what you corrected again of every arm while nobody uses the app; Curves and Review live on it.",
        ValueKind.SWITCH,
        Effect.NEXT_START,
    ),
    SettingFact(
        "model.path",
        "The GGUF file of the model that answers; Models (F12) changes it at once.",
        ValueKind.PATH,
        Effect.NEXT_START,
        unset="the one in local_models/, or the bundled one",
    ),
    SettingFact("model.context_tokens", "Prompt and answer together, in tokens.", ValueKind.WHOLE, Effect.NEXT_START),
    SettingFact(
        "model.threads",
        "Threads that decode.",
        ValueKind.WHOLE,
        Effect.NEXT_START,
        unset="one for each core",
    ),
    SettingFact(
        "model.gpu_layers", "Layers on the GPU: -1 as many as fit, 0 none.", ValueKind.WHOLE, Effect.NEXT_START
    ),
    SettingFact(
        SERVER,
        "A server that answers instead of a model on this machine; nothing for none. Its key is read from the variable "
        "STUDIO_REMOTE_KEY, or as docs/remote.md tells, and shown nowhere.",
        ValueKind.ADDRESS,
        Effect.NEXT_START,
        unset="none: nothing leaves this machine",
    ),
    SettingFact(
        "remote.model",
        "The model that the server answers with.",
        ValueKind.NAME_THERE,
        Effect.NEXT_START,
        unset="the only one it has",
    ),
    SettingFact(
        "remote.same_as",
        "The GGUF file that the server runs, if it lies here too: nights then train it.",
        ValueKind.PATH,
        Effect.NEXT_START,
        unset="none: a server's model is not trained here",
    ),
    SettingFact("night.max_minutes", "The longest a night trains.", ValueKind.NUMBER, Effect.NEXT_NIGHT),
    SettingFact("night.epochs", "How often a night goes through its examples.", ValueKind.WHOLE, Effect.NEXT_NIGHT),
    SettingFact("night.rank", "How large the adapter is.", ValueKind.WHOLE, Effect.NEXT_NIGHT),
    SettingFact("night.learning_rate", "How far each step goes.", ValueKind.NUMBER, Effect.NEXT_NIGHT),
    SettingFact(
        "night.wordings_each",
        "In how many wordings each corrected question is trained.",
        ValueKind.WHOLE,
        Effect.NEXT_NIGHT,
    ),
    SettingFact(
        "night.scope",
        "How near a question must be to what an adapter was trained on, for it to answer; -1: it answers all.",
        ValueKind.NUMBER,
    ),
)
