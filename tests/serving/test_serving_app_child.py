"""An app that runs with our web driver, and what it draws and is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import psutil
import pyte
import pytest

from studio.serving.app_child import AppChild
from studio.serving.packets import Drawn, Size, Told

SMALL_APP = Path(__file__).with_name("small_app.py")
DRIVER = "studio.tui.served_driver:ServedDriver"
SIZE = Size(40, 6)

Start = Callable[..., Awaitable[AppChild]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    started: list[AppChild] = []

    async def run(argument: str = "") -> AppChild:
        child = await AppChild.start([sys.executable, str(SMALL_APP), argument or str(tmp_path)], DRIVER, SIZE)
        started.append(child)
        return child

    yield run
    for child in started:
        await child.end()


class Picture:
    """A terminal that was there from the beginning, and the last whole screen on one that was not."""

    def __init__(self, child: AppChild) -> None:
        self._says = child.says()
        self._screen = pyte.Screen(SIZE.width, SIZE.height)
        self._stream = pyte.ByteStream(self._screen)
        self.whole: tuple[Size, list[str]] | None = None

    @property
    def size(self) -> Size:
        return Size(self._screen.columns, self._screen.lines)

    def is_of(self, size: Size) -> bool:
        return self.size == size

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                word = await anext(self._says)
                if isinstance(word, Told):
                    continue
                if word.whole_of is not None:
                    self._show_whole(word, word.whole_of)
                self._stream.feed(word.data)

    def _show_whole(self, word: Drawn, size: Size) -> None:
        late = pyte.Screen(size.width, size.height)
        pyte.ByteStream(late).feed(word.data)
        self.whole = (size, [line.rstrip() for line in late.display])
        self._screen.resize(size.height, size.width)


async def test_the_whole_screen_comes_first_and_whenever_it_is_asked_for(start: Start) -> None:
    child = await start()
    assert await child.ready()
    picture = Picture(child)
    await picture.until(lambda: picture.lines[0] == "typed:")
    assert picture.size == SIZE
    child.type("abü")
    await picture.until(lambda: picture.lines[0] == "typed: abü")
    picture.whole = None
    child.ask_whole()
    await picture.until(lambda: picture.whole == (SIZE, picture.lines))
    # What is drawn meanwhile is neither lost nor in disorder.
    for character in "123" * 5:
        child.type(character)
        child.ask_whole()
    await picture.until(lambda: picture.lines[0] == "typed: abü" + "123" * 5)


async def test_another_size_is_told_with_the_whole_screen(start: Start) -> None:
    child = await start()
    assert await child.ready()
    picture = Picture(child)
    for size in (Size(60, 10), Size(20, 4)):
        child.resize(size)
        await picture.until(partial(picture.is_of, size))
        assert len(picture.lines) == size.height


async def test_a_dialog_is_whole_with_what_lies_under_it(start: Start) -> None:
    child = await start()
    assert await child.ready()
    picture = Picture(child)
    child.type("!")
    await picture.until(lambda: any("a dialog" in line for line in picture.lines))
    picture.whole = None
    child.ask_whole()
    await picture.until(lambda: picture.whole == (SIZE, picture.lines))
    assert "typed:" in "\n".join(picture.lines)


async def test_it_ends_when_asked_and_says_how_it_ended(start: Start) -> None:
    child = await start()
    assert await child.ready()
    assert await child.end() == 0
    other = await start()
    assert await other.ready()
    other.type("0")
    async for _ in other.says():
        pass
    assert await other.end() == 7


async def test_it_ends_when_whoever_served_it_is_gone(start: Start) -> None:
    child = await start()
    assert await child.ready()
    process = psutil.Process(child._process.pid)
    assert child._process.stdin is not None
    child._process.stdin.close()
    async with asyncio.timeout(20):
        async for _ in child.says():
            pass
        await child._process.wait()
    assert not process.is_running()


async def test_an_app_that_does_not_start_says_why(start: Start) -> None:
    child = await start("fail")
    assert not await child.ready()
    assert await child.end() == 1
    assert child.last_words == "studio: It cannot start."


async def test_files_are_saved_on_this_machine(start: Start, tmp_path: Path) -> None:
    child = await start()
    assert await child.ready()
    picture = Picture(child)
    child.type("#")
    child.type(".")
    await picture.until(lambda: picture.lines[0] == "typed: .")
    for _ in range(500):
        if (tmp_path / "kept.txt").exists():
            break
        await asyncio.sleep(0.01)
    assert (tmp_path / "kept.txt").read_text() == "kept"


async def test_a_name_that_is_not_utf_8_is_drawn_with_a_mark_in_it(start: Start) -> None:
    child = await start()
    assert await child.ready()
    picture = Picture(child)
    child.type("?")
    await picture.until(lambda: picture.lines[0] == "?.gguf")
