"""Models and adapters, through the engine: each is loaded and, where it loads, asked."""

from __future__ import annotations

import random
from pathlib import Path

from fuzz.gguf_files import CHATML, header_bytes, number_fields, swapped_text, write_small_adapter, write_small_model
from fuzz.mutations import NASTY, damaged_bytes, damaged_fields
from fuzz.tally import ABORTED, BROKE, HUNG, LOADED, REFUSED, Tally
from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    EngineOptions,
    Lane,
    LaneFailed,
    Role,
    Sampling,
)
from studio.errors import EngineError, StudioError
from studio.inference.engine_client import LlamaEngine

SILENCE_S = 20.0
OPTIONS = EngineOptions(context_tokens=256, threads=1)
_QUESTION = (ChatMessage(Role.USER, "hello?"),)
_SHORT = Sampling(max_tokens=3)
_TEMPLATES = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxx{% endfor %}{% endfor %}",
    "{{ 'x' * 9999999999 }}",
    "{{ 10 ** 10 ** 9 }}",
    "{{ '%9999999999d' % 1 }}",
    "{{ 'x'.center(9999999999) }}",
    "{{ messages.__class__.__mro__ }}",
    "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{% for m in messages %}{{ m.content",
)


def damaged_model(whole: bytes, draw: random.Random) -> bytes:
    """A model file that is no longer quite one."""
    match draw.randrange(10):
        case 0:
            return damaged_bytes(whole, draw)
        case 1 | 2 | 3:
            return damaged_bytes(whole, draw, within=header_bytes(whole))
        case 4:
            return swapped_text(whole, CHATML, draw.choice((*_TEMPLATES, *NASTY)).encode("utf-8", "replace").decode())
        case _:
            return damaged_fields(whole, number_fields(whole), draw)


def damaged_adapter(whole: bytes, draw: random.Random) -> bytes:
    """An adapter file that is no longer quite one."""
    match draw.randrange(6):
        case 0:
            return damaged_bytes(whole, draw)
        case 1 | 2:
            return damaged_bytes(whole, draw, within=header_bytes(whole))
        case _:
            return damaged_fields(whole, number_fields(whole), draw)


async def fuzz_models(folder: Path, count: int, draw: random.Random) -> Tally:
    """`count` damaged models, one after the other into one engine."""
    whole = write_small_model(folder / "whole.gguf").read_bytes()
    tally = Tally("models")
    engine = LlamaEngine(folder / "diagnostics", folder / "interactive.lock", silence_s=SILENCE_S)
    try:
        for number in range(count):
            file = folder / f"model-{number}.gguf"
            file.write_bytes(damaged_model(whole, draw))
            await _try_model(engine, file, tally)
            tally.note_memory(engine.process_id)
            file.unlink(missing_ok=True)
    finally:
        await engine.close()
    return tally


async def fuzz_adapters(folder: Path, count: int, draw: random.Random) -> Tally:
    """`count` damaged adapters, each attached to a whole model that answers with it."""
    model = write_small_model(folder / "whole.gguf")
    whole = write_small_adapter(folder / "whole-adapter.gguf").read_bytes()
    tally = Tally("adapters")
    engine = LlamaEngine(folder / "diagnostics", folder / "interactive.lock", silence_s=SILENCE_S)
    try:
        await engine.load(model, OPTIONS)
        for number in range(count):
            if number % 200 == 199:  # handles of adapters live as long as their model
                await engine.load(model, OPTIONS)
            file = folder / f"adapter-{number}.gguf"
            file.write_bytes(damaged_adapter(whole, draw))
            await _ask(engine, Lane("only", _QUESTION, (AdapterUse(file),), _SHORT), tally, file)
            tally.note_memory(engine.process_id)
            file.unlink(missing_ok=True)
    finally:
        await engine.close()
    return tally


async def _try_model(engine: LlamaEngine, file: Path, tally: Tally) -> None:
    try:
        await engine.load(file, OPTIONS)
    except EngineError as error:
        _note_death(tally, file, str(error))
    except StudioError as error:
        tally.note(REFUSED, "" if error.hint else f"no hint in '{error}'")
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        tally.note(BROKE, _kept(file, repr(error)))
    else:
        await _ask(engine, Lane("only", _QUESTION, (), _SHORT), tally, file)


async def _ask(engine: LlamaEngine, lane: Lane, tally: Tally, file: Path) -> None:
    try:
        events = [event async for event in engine.generate([lane])]
    except StudioError as error:
        _note_death(tally, file, str(error))
        return
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        tally.note(BROKE, _kept(file, repr(error)))
        return
    last = events[-1]
    if isinstance(last, LaneFailed) and "The engine" in last.message and "mid-answer" in last.message:
        _note_death(tally, file, last.message)
    else:
        tally.note(REFUSED if isinstance(last, LaneFailed) else LOADED)


def _note_death(tally: Tally, file: Path, message: str) -> None:
    tally.note(HUNG if "said nothing" in message else ABORTED, _kept(file, message))


def _kept(file: Path, message: str) -> str:
    """Keep the input for whoever mends it."""
    kept = file.with_name(f"kept-{file.name}")
    file.replace(kept)
    return f"{message} [{kept.name}]"
