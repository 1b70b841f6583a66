"""Where settings come from, one over the other, and whether they are what their types want, told in plain words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

Table = dict[str, Any]

MOST_SHOWN = 60
_TRUTHS = {"yes": True, "on": True, "no": False, "off": False}
"""What people write besides true, false, 1 and 0."""
_NAMES: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}


class WrongSettingError(Exception):
    """A setting that is not what it must be: its key, and the reason as half a sentence."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


# Sources --------------------------------------------------------------------------------------------------------------


def from_file(file: Path) -> Table:
    """What a TOML file sets; nothing where there is none. Raises OSError, and ValueError where it is no TOML.

    A byte order mark, which some editors write, is passed over.
    """
    if not file.exists():
        return {}
    from studio.small_files import parse_toml, read_small

    try:
        text = read_small(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"its text is not in UTF-8 (line {line})") from None
    return parse_toml(text)


def from_environment(prefix: str, kind: type[msgspec.Struct], variables: Mapping[str, str]) -> Table:
    """What variables such as PREFIX_SECTION__FIELD set; a whole section may be given as JSON.

    Others are passed over, but for those with two underscores: such a name can only be meant for a setting.
    Raises WrongSettingError.
    """
    found: Table = {}
    for variable, text in sorted(variables.items()):
        if not variable.upper().startswith(prefix):
            continue
        path = variable.lower()[len(prefix) :].split("__")
        if path[0] not in kind.__struct_fields__:
            if len(path) > 1:
                raise WrongSettingError(".".join(path), f"there is no such setting for {variable} to set")
            continue
        within: Any = kind
        for name in path:
            within = _kind_of(name, within)
        value: Any = text
        if _is_table(within):
            try:
                value = msgspec.json.decode(text, type=Table)
            except msgspec.MsgspecError:
                reason = f"{variable} cannot be read; a section is set key by key, as {variable}__KEY"
                raise WrongSettingError(".".join(path), reason) from None
        for name in reversed(path):
            value = {name: value}
        found = merged(found, value)
    return found


def merged(*layers: Table) -> Table:
    """One table of all; a later layer counts more, key by key."""
    whole: Table = {}
    for layer in layers:
        for name, value in layer.items():
            known = whole.get(name)
            whole[name] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return whole


# Values ---------------------------------------------------------------------------------------------------------------


def checked(kind: Any, value: Any, key: str = "") -> Any:
    """The value as this type, a struct's fields each by itself. Raises WrongSettingError for the first that is wrong.

    Text that holds a number, a truth or a list counts as one, for a variable holds nothing else; a number counts as
    text.
    """
    if _is_table(kind):
        return _checked_table(kind, value, key)
    try:
        return msgspec.convert(_meant(kind, value), kind, strict=False, dec_hook=lambda wanted, given: wanted(given))
    except (msgspec.ValidationError, TypeError, ValueError):
        raise WrongSettingError(key, f"{_expected(kind)} is expected, not {_shown(value)}") from None


def _checked_table(kind: Any, value: Any, key: str) -> Any:
    if not isinstance(value, dict):
        raise WrongSettingError(key, f"a section with settings of its own is expected, not {_shown(value)}")
    fields: Table = {}
    for name, item in value.items():
        beneath = f"{key}.{name}" if key else name
        if (wanted := _kind_of(name, kind)) is None:
            raise WrongSettingError(beneath, "there is no such setting")
        fields[name] = checked(wanted, item, beneath)
    if get_origin(kind) is dict:
        return fields
    try:
        return kind(**fields)
    except ValueError as error:  # what a struct says of its fields together
        raise WrongSettingError(key, str(error)) from None


def _is_table(kind: Any) -> bool:
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def _kind_of(name: str, kind: Any) -> Any:
    """The type of what a table holds under this name; None where it holds no such thing."""
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    fields = msgspec.structs.fields(kind) if _is_table(kind) else ()
    return next((field.type for field in fields if field.name == name), None)


def _meant(kind: Any, value: Any) -> Any:
    """What was written, where msgspec would take it for something else: truths in words, a number for text, a list as
    on a command line. Raises ValueError where a quote has no end."""
    base, _ = _parts(kind)
    if base is bool and isinstance(value, str):
        return _TRUTHS.get(value.casefold(), value)
    if base is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if get_origin(base) is tuple and isinstance(value, str):
        return shlex.split(value)
    return value


def _parts(kind: Any) -> tuple[Any, msgspec.Meta]:
    """The type within an annotated or optional one, and its bounds."""
    if isinstance(kind, UnionType) or get_origin(kind) is Union:
        return _parts(get_args(kind)[0])
    if get_origin(kind) is Annotated:
        return get_args(kind)[0], get_args(kind)[1]
    return kind, msgspec.Meta()


def _expected(kind: Any) -> str:
    """What a type takes, in words: 'a whole number from 1 to 256'."""
    base, meta = _parts(kind)
    if meta.description:
        return meta.description
    if get_origin(base) is tuple:
        return "a list of texts"
    if get_origin(base) is Literal:
        return "one of " + ", ".join(get_args(base))
    if issubclass(base, Enum):
        return "one of " + ", ".join(member.value for member in base)
    if meta.ge is not None and meta.le is not None:
        return f"{_NAMES[base]} from {meta.ge:.9g} to {meta.le:.9g}"
    bounds = (("of at least", meta.ge), ("above", meta.gt), ("and at most", meta.le), ("and below", meta.lt))
    return " ".join([_NAMES[base], *(f"{words} {bound:.9g}" for words, bound in bounds if bound is not None)])


def _shown(value: Any) -> str:
    """A wrong value as it was written, in one short line."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):  # nested without end, a number of thousands of digits
        text = f"a {type(value).__name__} that goes on and on"
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
