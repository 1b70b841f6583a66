"""JSON columns: values of the domain to JSON and strictly back.

What is read must have exactly the fields and types of its dataclass; a field that is missing takes its default,
so that a field added later does not shut out older rows. Anything else raises StorageError.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from studio.errors import StorageError

T = TypeVar("T")


def to_json(value: object) -> str:
    """A dataclass, or a sequence of them, as compact JSON."""
    plain = (
        [asdict(cast("Any", item)) for item in value]
        if isinstance(value, (tuple, list))
        else asdict(cast("Any", value))
    )
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str, kind: type[T]) -> T:
    """The dataclass of this kind. Raises StorageError where the JSON does not fit it."""
    return cast("T", _parse(text, kind, kind.__name__))


def sequence_from_json(text: str, kind: type[T]) -> tuple[T, ...]:
    """A tuple of dataclasses of this kind. Raises StorageError where the JSON does not fit."""
    return cast("tuple[T, ...]", _parse(text, tuple[kind, ...], f"list of {kind.__name__}"))  # type: ignore[valid-type]


def mapping_to_json(mapping: Mapping[str, object]) -> str:
    """Free-form figures as JSON; what JSON cannot hold (an infinite loss) becomes null, other values their text."""
    return json.dumps(_finite(mapping), ensure_ascii=False, separators=(",", ":"), default=str)


def mapping_from_json(text: str) -> dict[str, object]:
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise _misfit("mapping", "not an object")
    return parsed


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _parse(text: str, kind: object, what: str) -> object:
    try:
        return _build(json.loads(text), kind)
    except (ValueError, TypeError) as error:
        raise _misfit(what, str(error)) from error


def _misfit(what: str, reason: str) -> StorageError:
    return StorageError(f"The log holds a {what} that cannot be read: {reason}.", "Run `studio doctor`.")


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _build(value: object, kind: object) -> object:
    """The value as the annotated type, or ValueError."""
    origin = get_origin(kind)
    if origin is tuple:
        item_kind = get_args(kind)[0]
        return tuple(_build(item, item_kind) for item in _expect(value, list))
    if origin in (types.UnionType, Union):
        options = [option for option in get_args(kind) if option is not type(None)]
        return None if value is None else _build(value, options[0])
    return _build_plain(value, cast("type", kind))


def _build_plain(value: object, kind: type) -> object:
    if is_dataclass(kind):
        return _dataclass(_expect(value, dict), kind)
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    return _expect(value, kind)


def _expect(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise ValueError(f"{kind.__name__} expected, {type(value).__name__} found")
    return value


def _dataclass(value: Mapping[str, object], kind: type) -> object:
    hints = _hints(kind)
    if unknown := value.keys() - hints.keys():
        raise ValueError(f"unknown field {min(unknown)}")
    for field in fields(kind):
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if field.name not in value and not has_default:
            raise ValueError(f"field {field.name} is missing")
    return kind(**{name: _build(item, hints[name]) for name, item in value.items()})


def texts(values: Sequence[str] | None) -> tuple[str, ...]:
    """A VARCHAR[] as a tuple."""
    return tuple(values or ())
