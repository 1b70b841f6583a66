"""JSON columns: values of the domain to JSON and strictly back.

What is read must have exactly the fields and types of its dataclass; a field that is missing takes its default,
so that a field added later does not shut out older rows. Anything else raises StorageError.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from studio.errors import StorageError
from studio.small_files import parse_json

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
    parsed = parse_json(text)
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
        return _builder(kind)(parse_json(text))
    except (ValueError, TypeError) as error:
        raise _misfit(what, str(error)) from error


def _misfit(what: str, reason: str) -> StorageError:
    return StorageError(f"The log holds a {what} that cannot be read: {reason}.", "Run `studio doctor`.")


_Build = Callable[[object], object]


@cache
def _builder(kind: object) -> _Build:
    """What makes a value of the annotated type, or raises ValueError; each type is looked at once."""
    origin = get_origin(kind)
    if origin is tuple:
        build_item = _builder(get_args(kind)[0])
        return lambda value: tuple([build_item(item) for item in _expect(value, list)])
    if origin in (types.UnionType, Union):
        build_option = _builder(next(option for option in get_args(kind) if option is not type(None)))
        return lambda value: None if value is None else build_option(value)
    plain = cast("type", kind)
    if is_dataclass(plain):
        return _dataclass_builder(plain)
    if issubclass(plain, Enum):
        return plain
    if plain is float:
        return lambda value: float(value) if type(value) is int else _expect(value, float)
    return lambda value: _expect(value, plain)


def _expect(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise ValueError(f"{kind.__name__} expected, {type(value).__name__} found")
    return value


def _dataclass_builder(kind: type) -> _Build:
    hints = get_type_hints(kind)
    builders = {field.name: _builder(hints[field.name]) for field in fields(kind)}
    required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]

    def build(value: object) -> object:
        known = _expect(value, dict)
        if unknown := known.keys() - builders.keys():
            raise ValueError(f"unknown field {min(unknown)}")
        for name in required:
            if name not in known:
                raise ValueError(f"field {name} is missing")
        return kind(**{name: builders[name](item) for name, item in known.items()})

    return build


def texts(values: Sequence[str] | None) -> tuple[str, ...]:
    """A VARCHAR[] as a tuple."""
    return tuple(values or ())
