"""What each browser is sent, at its own pace."""

from __future__ import annotations

import asyncio
import json
from functools import partial

from waiting import until

from studio.serving.audience import MOST_BEHIND, Audience, Seat
from studio.serving.packets import Drawn, Size

SIZE = Size(80, 24)
WHOLE = Drawn(b"WHOLE", SIZE)


class FakeWire:
    """A browser's end; while `takes` is clear it takes nothing in."""

    def __init__(self) -> None:
        self.got: list[bytes | list[object]] = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def send_bytes(self, data: bytes) -> None:
        await self.takes.wait()
        self.got.append(data)

    async def send_str(self, data: str) -> None:
        await self.takes.wait()
        self.got.append(json.loads(data))

    @property
    def drawn(self) -> bytes:
        return b"".join(piece for piece in self.got if isinstance(piece, bytes))


class Hall:
    """An audience before an app that answers each request for the whole screen a moment later."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = True
        self.audience = Audience(self._ask)
        self.tasks: list[asyncio.Task[None]] = []

    def _ask(self) -> None:
        self.asked += 1
        if self.answers:
            asyncio.get_running_loop().call_soon(self.audience.draw, WHOLE)

    def enter(self, *, presents: bool = False) -> tuple[FakeWire, Seat]:
        wire = FakeWire()
        seat = self.audience.seat_presenter(wire) if presents else self.audience.seat_viewer(wire)
        self.tasks.append(asyncio.create_task(seat.send_all()))
        return wire, seat


def has_pieces(wire: FakeWire, count: int) -> bool:
    return sum(isinstance(piece, bytes) for piece in wire.got) == count


async def test_whoever_joins_late_gets_the_whole_screen_with_its_size_and_then_what_changes() -> None:
    hall = Hall()
    wire, _ = hall.enter()
    await until(lambda: wire.drawn == b"WHOLE")
    assert wire.got[0] == ["size", {"width": 80, "height": 24}]
    hall.audience.draw(Drawn(b"a"))
    hall.audience.draw(Drawn(b"b"))
    await until(lambda: wire.drawn == b"WHOLEab")


async def test_nothing_drawn_before_the_whole_screen_comes_after_it() -> None:
    hall = Hall()
    early, _ = hall.enter()
    await until(lambda: early.drawn == b"WHOLE")
    hall.audience.draw(Drawn(b"before"))
    late, _ = hall.enter()
    await until(lambda: late.drawn != b"")
    hall.audience.draw(Drawn(b"after"))
    await until(lambda: late.drawn.endswith(b"after") and early.drawn.endswith(b"after"))
    assert late.drawn == b"WHOLEafter"
    assert early.drawn == b"WHOLEbeforeafter"


async def test_two_hundred_who_join_at_once_cost_one_whole_screen() -> None:
    hall = Hall()
    wires = [hall.enter()[0] for _ in range(200)]
    await until(lambda: all(wire.drawn == b"WHOLE" for wire in wires))
    assert hall.asked == 1


async def test_a_slow_viewer_holds_nobody_up_and_is_shown_the_whole_screen_when_it_is_back() -> None:
    hall = Hall()
    slow, slow_seat = hall.enter()
    quick, _ = hall.enter()
    await until(lambda: slow.drawn == quick.drawn == b"WHOLE")
    slow.takes.clear()
    piece = b"x" * (MOST_BEHIND // 4)
    for count in range(2, 10):
        hall.audience.draw(Drawn(piece))
        await until(partial(has_pieces, quick, count))
    assert slow_seat.needs_whole
    asked = hall.asked
    slow.takes.set()
    await until(lambda: slow.drawn.endswith(b"WHOLE") and len(slow.drawn) > 5)
    assert len(slow.drawn) <= 2 * len(b"WHOLE") + MOST_BEHIND + len(piece)
    assert hall.asked == asked + 1
    assert quick.drawn.count(b"WHOLE") == 1


async def test_a_new_size_is_shown_to_everybody() -> None:
    hall = Hall()
    viewer, _ = hall.enter()
    presenter, _ = hall.enter(presents=True)
    await until(lambda: viewer.drawn == b"WHOLE" and presenter.drawn.endswith(b"WHOLE"))
    hall.audience.draw(Drawn(b"LARGER", Size(100, 30)))
    await until(lambda: viewer.drawn.endswith(b"LARGER") and presenter.drawn.endswith(b"LARGER"))
    assert ["size", {"width": 100, "height": 30}] in viewer.got


async def test_the_presenter_alone_reports_the_mouse_and_copies() -> None:
    hall = Hall()
    viewer, _ = hall.enter()
    presenter, _ = hall.enter(presents=True)
    await until(lambda: viewer.drawn == b"WHOLE" and presenter.drawn.endswith(b"WHOLE"))
    assert b"\x1b[?1003h" in presenter.drawn
    hall.audience.draw(Drawn(b"\x1b]52;c;c2VjcmV0\x07"))
    hall.audience.draw(Drawn(b"next"))
    await until(lambda: viewer.drawn.endswith(b"next"))
    assert b"\x1b]52" in presenter.drawn
    assert b"\x1b]52" not in viewer.drawn


async def test_the_newest_presenter_has_the_seat() -> None:
    hall = Hall()
    first, first_seat = hall.enter(presents=True)
    second, second_seat = hall.enter(presents=True)
    await until(lambda: second.drawn.endswith(b"WHOLE"))
    await until(hall.tasks[0].done)
    assert first.got[-1] == ["replaced", "This app is now used in another window."]
    assert hall.audience.presents(second_seat)
    hall.audience.unseat(first_seat)
    assert hall.audience.presents(second_seat)


async def test_everybody_hears_of_the_end_after_the_last_picture() -> None:
    hall = Hall()
    wires = [hall.enter()[0], hall.enter(presents=True)[0]]
    await until(lambda: all(wire.drawn for wire in wires))
    hall.audience.draw(Drawn(b"last"))
    hall.audience.end("It is over.")
    await asyncio.wait_for(asyncio.gather(*hall.tasks), 5)
    for wire in wires:
        assert wire.drawn.endswith(b"last")
        assert wire.got[-1] == ["ended", "It is over."]


async def test_a_browser_that_is_gone_ends_its_sending() -> None:
    hall = Hall()
    wire, _ = hall.enter()

    async def closed(data: object) -> None:
        raise ConnectionResetError

    wire.send_str = wire.send_bytes = closed  # type: ignore[method-assign]
    await asyncio.wait_for(hall.tasks[0], 5)
