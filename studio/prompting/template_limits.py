"""Jinja2's immutable sandbox with an end: a template may take so many steps, and make so much text, and no more.

The sandbox keeps a template from reaching the program; it lets it loop for hours, or multiply a text until memory is
gone. Here every turn of a loop and every call is counted against processor time, and every text or list that an
operation makes against a budget, before it is made where its size can be told.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST_MADE = 64_000_000
"""Characters, and entries of lists, that one rendering may make in all: a million tokens take some four."""
MOST_AT_ONCE = 16_000_000
MOST_SECONDS = 5.0
"""Of processor time, for one rendering; those of real models take a thousandth of it."""
_WIDEST = 10_000
_MOST_BITS = 4_096
_LOOKED_AT = 1_000
"""Parts of a list between two looks at the time."""
_WIDE_FORMAT = re.compile(r"[*]|\d{5}|\{[^{}]*\{")
_OF_SIZE = (str, bytes, list, tuple, dict)
_PASSED_ON = frozenset(
    (
        *("length", "count", "first", "last", "list", "default", "d", "items", "map", "select", "reject", "selectattr"),
        *("rejectattr", "batch", "slice", "reverse", "attr", "groupby", "sort", "unique", "max", "min", "random"),
        *("sum", "safe"),
    )
)
"""Filters that hand on what they are given, and write none of it out."""
_PLAIN = (str, bytes, int, float, bool, type(None))


class TemplateLimitError(SecurityError):
    """A template would go on without end; the message says in what, as half a sentence."""


class _Budget:
    def __init__(self) -> None:
        self._made = 0
        self._until = time.thread_time() + MOST_SECONDS

    def step(self) -> None:
        if time.thread_time() > self._until:
            raise TemplateLimitError(f"it computes for more than {MOST_SECONDS:g} seconds")

    def make(self, size: int) -> None:
        self._made += size
        if size > MOST_AT_ONCE or self._made > MOST_MADE:
            raise TemplateLimitError(f"it makes more than {MOST_AT_ONCE:,} characters")


_budget: ContextVar[_Budget] = ContextVar("_budget")


@contextmanager
def limited() -> Iterator[None]:
    """Within the block templates of a LimitedEnvironment are compiled and rendered, with one budget."""
    token = _budget.set(_Budget())
    try:
        yield
    finally:
        _budget.reset(token)


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """Compiles and renders within `limited()` only. What goes beyond raises TemplateLimitError."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, filters: Mapping[str, Callable[..., Any]], **options: Any) -> None:
        super().__init__(**options, finalize=_finalized)
        del self.globals["lipsum"]
        self.filters = {"_steps": _steps, "_joined": _joined, "_made": _made} | {
            name: _bounded(name, filter_) for name, filter_ in {**self.filters, **filters}.items()
        }

    def _generate(self, source: nodes.Template, *arguments: Any, **options: Any) -> str:
        return str(super()._generate(_Counted().visit(source), *arguments, **options))

    def concat(self, parts: Iterable[str]) -> str:
        """What joins the output, and that of macros and blocks."""
        budget, kept = _budget.get(), []
        for part in parts:
            budget.make(len(part))
            kept.append(part)
        return "".join(kept)

    def call(self, context: Context, function: Any, /, *arguments: Any, **named: Any) -> Any:
        _budget.get().step()
        owner = getattr(function, "__self__", None)
        if isinstance(owner, _PLAIN):
            _foresee(getattr(function, "__name__", ""), (owner, *arguments, *named.values()))
        return _charged(super().call(context, function, *arguments, **named))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            _foresee_format(value.__self__)
        return wrapped

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _budget.get().step()
        if operator in ("*", "**"):
            _foresee_product(operator, left, right)
        elif operator == "%" and isinstance(left, str):
            _foresee_format(left)
            _weigh(right)
        elif isinstance(left, _OF_SIZE) and isinstance(right, _OF_SIZE):
            _budget.get().make(len(left) + len(right))
        return super().call_binop(context, operator, left, right)


class _Counted(NodeTransformer):
    """Puts the counting filters around what the sandbox has no hook for: loops, `~`, slices."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - jinja2's name
        self.generic_visit(node)
        assert isinstance(node.iter, nodes.Expr)
        node.iter = _filtered(node.iter, "_steps")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - jinja2's name
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_joined")

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802 - jinja2's name
        self.generic_visit(node)
        return _filtered(node, "_made") if isinstance(node.arg, nodes.Slice) else node


def _filtered(expression: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(expression, name, [], [], None, None, lineno=expression.lineno)


# With a context, so that none is computed while a template is compiled.


@pass_context
def _steps(_: Context, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _budget.get().step()
        yield value


@pass_context
def _joined(_: Context, values: list[Any]) -> str:
    _weigh(values)
    return str(_charged("".join(map(str, values))))


@pass_context
def _made(_: Context, value: Any) -> Any:
    return _charged(value)


def _finalized(value: Any) -> Any:
    _weigh(value)
    return value


def _bounded(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(filter_)
    def bounded(*arguments: Any, **named: Any) -> Any:
        _budget.get().step()
        arguments = tuple(list(one) if isinstance(one, Iterator) else one for one in arguments)
        _foresee(name, (*arguments, *named.values()))
        return _charged(filter_(*arguments, **named))

    return bounded


def _charged(value: Any) -> Any:
    if isinstance(value, _OF_SIZE):
        _budget.get().make(len(value))
    return value


def _weigh(value: Any) -> None:
    """Refuse what is written out as more than may be made at once: a list that holds another many times over."""
    budget, characters, parts, waiting = _budget.get(), 0, 0, [value]
    while waiting:
        one = waiting.pop()
        parts += 1
        if isinstance(one, str | bytes):
            characters += len(one)
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
        if parts % _LOOKED_AT == 0:
            budget.step()
    if characters + parts > MOST_AT_ONCE:
        budget.make(characters + parts)


def _foresee(name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what a method or filter of this name would make too much of, before it does."""
    if name not in _PASSED_ON:
        _weigh(arguments)
    texts = [one for one in arguments if isinstance(one, str)]
    widths = [abs(one) for one in arguments[1:] if isinstance(one, int)]
    match name:
        case "join":
            entries = max((len(one) for one in arguments if isinstance(one, list | tuple | range)), default=0)
            _budget.get().make(entries * max(map(len, texts), default=0))
        case "replace" if len(texts) > 2:
            text, old, new = texts[:3]
            _budget.get().make((text.count(old) if old else len(text) + 1) * len(new))
        case "expandtabs" | "indent" | "wordwrap":
            # As if the longest other text, or so many spaces, were put in wherever one can be.
            places = {"expandtabs": "\t", "indent": "\n"}.get(name, " ")
            inserted = max([1, *map(len, texts[1:]), *(widths if name != "wordwrap" else ())])
            _budget.get().make((texts[0].count(places) + 1) * inserted if texts else 0)
        case "translate" | "format" | "format_map" if texts:
            _foresee_format(texts[0] if name != "translate" else "*")
        case "center" | "ljust" | "rjust" | "zfill" | "to_bytes" | "batch" | "slice" | "tojson" | "round":
            if any(width > _WIDEST for width in widths):
                raise TemplateLimitError(f"it pads to more than {_WIDEST:,} characters")


def _foresee_format(text: str) -> None:
    if _WIDE_FORMAT.search(text):
        raise TemplateLimitError("it formats to a width of its own making")


def _foresee_product(operator: str, left: Any, right: Any) -> None:
    for one, times in ((left, right), (right, left)):
        if isinstance(one, _OF_SIZE) and isinstance(times, int):
            _budget.get().make(len(one) * max(0, times))
            return
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
        if bits > _MOST_BITS:
            raise TemplateLimitError("it computes with numbers of more than a thousand digits")
