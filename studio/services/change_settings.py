"""Settings as people see and change them: value, default and where the value is from; written to studio.toml.

A change keeps the file's comments and order, and is on disk only if the whole file is then valid.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.durable import sync_file, sync_folder
from studio.errors import MachineError, NotFoundError, SettingsError, UsageError
from studio.owned_folder import owned_folder
from studio.services.settings_that_matter import SERVER, SETTINGS, SettingFact, ValueKind
from studio.services.studio import sent_to
from studio.settings import Settings, load_settings
from studio.small_files import parse_toml, read_small

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

LISTING = "studio settings"
_BOM = "\ufeff"
"""A byte order mark, which some editors write at the beginning; it stays there."""
_TRUTHS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


class Source(StrEnum):
    """Where a value is from, the later ones counting more."""

    DEFAULT = "default"
    FILE = "studio.toml"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class SettingState:
    """A setting now. `value` and `default` as one types them; empty where there is none."""

    fact: SettingFact
    value: str
    default: str
    source: Source


@dataclass(frozen=True, slots=True)
class Change:
    """One change of studio.toml, so that it can be taken back. None: there was, or is, no file."""

    name: str
    before: str | None
    after: str | None


def setting_states(file: Path) -> list[SettingState]:
    """Every setting that matters, as it holds now. Raises SettingsError where studio.toml or a variable is wrong."""
    settings = load_settings(file)
    text = _read(file)
    written = parse_toml(text.removeprefix(_BOM)) if text else {}
    return [_state(fact, settings, written) for fact in SETTINGS]


def remapped_keys(file: Path) -> dict[str, str]:
    """Keys the user has put elsewhere: name of the action to key."""
    return dict(load_settings(file).ui.keys)


def would_send(state: SettingState, typed: str) -> str:
    """What would leave this machine by this value and where to, in a sentence; empty where nothing new would."""
    server = typed.strip()
    return sent_to(server) if state.fact.name == SERVER and server not in ("", state.value) else ""


def set_setting(file: Path, name: str, typed: str) -> Change:
    """Write one setting. Raises UsageError, SettingsError with what it takes; the file is then as it was."""
    fact = _fact(name)
    if not typed.strip() and fact.kind is not ValueKind.TEXT:
        return reset_setting(file, name)
    value = _value(fact, typed)

    def put(document: TOMLDocument) -> None:
        import tomlkit

        if fact.section not in document:
            document[fact.section] = tomlkit.table()
        document[fact.section][fact.field] = value

    return _changed(file, fact, put)


def reset_setting(file: Path, name: str) -> Change:
    """Take a setting out of studio.toml, so that its default holds."""
    fact = _fact(name)

    def take(document: TOMLDocument) -> None:
        section = document.get(fact.section)
        if section is not None and fact.field in section:
            del section[fact.field]

    return _changed(file, fact, take)


def take_back(file: Path, change: Change) -> None:
    """Put the file back as it was before. Raises UsageError where it was changed otherwise since."""
    if _read(file) != change.after:
        raise UsageError(f"{file} was changed since.", "Mend it by hand.")
    if change.before is None:
        file.unlink()
    else:
        _write(file, change.before)


def _fact(name: str) -> SettingFact:
    for fact in SETTINGS:
        if fact.name == name:
            return fact
    raise NotFoundError(f"There is no setting '{name}' to change here.", f"See: {LISTING}")


def _state(fact: SettingFact, settings: Settings, written: dict[str, Any]) -> SettingState:
    section = getattr(settings, fact.section)
    value, default = (_as_typed(getattr(of, fact.field)) for of in (section, type(section)()))
    if _variable(fact) is not None:
        source = Source.ENVIRONMENT
    else:
        source = Source.FILE if fact.field in written.get(fact.section, {}) else Source.DEFAULT
    return SettingState(fact, value, default, source)


def _variable(fact: SettingFact) -> str | None:
    """The variable of the environment that sets it, by itself or with its whole section."""
    wanted = (fact.variable, fact.variable.partition("__")[0])
    return next((variable for variable in os.environ if variable.upper() in wanted), None)


def _as_typed(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _value(fact: SettingFact, typed: str) -> str | int | float | bool:
    text = typed.strip()
    try:
        match fact.kind:
            case ValueKind.WHOLE:
                return int(text.replace(",", "").replace("_", ""))
            case ValueKind.NUMBER:
                return float(text)
            case ValueKind.SWITCH:
                return _TRUTHS[text.casefold()]
            case ValueKind.TEXT:
                return typed
            case _:
                return text
    except (ValueError, KeyError):
        raise UsageError(f"'{fact.name}' takes {fact.kind.value}, not '{text}'.", "Nothing was changed.") from None


def _changed(file: Path, fact: SettingFact, edit: Callable[[TOMLDocument], None]) -> Change:
    import tomlkit

    if (variable := _variable(fact)) is not None:
        raise UsageError(
            f"'{fact.name}' is set by the variable {variable}, which counts more than studio.toml.",
            "Unset it, then change it here.",
        )
    before = _read(file)
    toml = (before or "").removeprefix(_BOM)
    mark = (before or "").removesuffix(toml)
    try:
        document = tomlkit.parse(toml)
        edit(document)
        after = mark + tomlkit.dumps(document)
    except (ValueError, RecursionError) as error:  # tomlkit's errors are such: broken by hand since the studio started
        raise SettingsError(f"{file} cannot be read: {error}.", "Mend the file or move it away.") from error
    if after != (before or ""):
        _write(file, after)
        return Change(fact.name, before, after)
    return Change(fact.name, before, before)


def _read(file: Path) -> str | None:
    try:
        return read_small(file).decode("utf-8") if file.exists() else None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read: {error}.", "Mend the file or its permissions.") from error


def _write(file: Path, text: str) -> None:
    """Put the text in the file's place, whole, if it is valid; a link goes on pointing where it does."""
    target = file.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with owned_folder(target.parent) as folder:
            draft = folder / target.name
            draft.write_bytes(text.encode("utf-8"))
            sync_file(draft)
            draft.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o600)
            load_settings(draft)
            draft.replace(target)
            sync_folder(target.parent)
    except SettingsError as error:
        raise SettingsError(error.message, "Nothing was changed.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise MachineError(f"{file} cannot be written ({reason}).", "Mend its permissions or make room.") from error
