"""Chat's transcript: of a long conversation only what is near to what one reads is mounted, the rest as one scrolls.

Each exchange is a few widgets, which textual lays out anew with every change. So only what is near is
there, it comes a few at a time, with a key in between, and what is far away goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.scrollbar import ScrollBar
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from studio.tui.widgets.answer_view import ExchangeView
from studio.tui.widgets.ground import ScrolledGround, VerticalGround
from studio.tui.widgets.streaming import painted

if TYPE_CHECKING:
    from studio.services.converse import Exchange
    from studio.tui.app import StudioApp

AT_ONCE = 3
"""So many are mounted at a time: what each costs is mostly that all of them are laid out again."""
AHEAD_SCREENS = 1.0
"""So many screens beyond what is in sight are mounted."""
KEPT_SCREENS = 1.5
"""What is farther away than so many screens goes."""
READ = 40

Read = Callable[[int, int], Awaitable[Sequence["Exchange"]]]
"""At most so many exchanges, the last number, of those before a position, oldest first."""


class Transcript(ScrolledGround, inherit_bindings=False):
    """`earlier` and `later` count the exchanges that are not mounted, before and after the others.

    `empty` are the words in the place of a conversation; `read` gives what is not mounted. The keys that scroll it are
    the screen's, for they may want what is not mounted.
    """

    def __init__(self, empty: str, read: Read) -> None:
        super().__init__(id="transcript", can_focus=False)
        self.earlier = self.later = 0
        self._holder = VerticalGround(id="exchanges")
        self._empty = empty
        self._read = read
        self._above: list[Exchange] = []
        self._below: list[Exchange] = []
        self._tops: dict[ExchangeView, int] = {}
        self._reads: tuple[ExchangeView, int] | None = None
        self._mounting: Worker[None] | None = None
        self._wish: Callable[[], object] | None = None

    def compose(self) -> ComposeResult:
        with self._holder:
            yield Static(self._empty, markup=False, classes="welcome")

    def on_mount(self) -> None:
        self.anchor()

    @property
    def views(self) -> list[ExchangeView]:
        """Those that are mounted."""
        return [child for child in self._holder.children if isinstance(child, ExchangeView)]

    @property
    def exchanges(self) -> list[Exchange]:
        """What is settled, as far as it is known: what is mounted, and what was read to be mounted before it."""
        return [*self._above, *(view.exchange for view in self.views if view.exchange is not None)]

    # What it shows ------------------------------------------------------------------------------------------------

    async def show(self, latest: Sequence[Exchange], turns: int) -> None:
        """Put the end of a conversation of so many turns in the place of what was shown."""
        self._forget()
        at_once = latest[-AT_ONCE:]
        self._above = list(latest[: len(latest) - len(at_once)])
        self.earlier = turns - len(at_once)
        with self.app.batch_update():
            await self._holder.remove_children()
            await self._holder.mount_all(ExchangeView(one.turn.prompt, one) for one in at_once)
        self.anchor()
        self.call_after_refresh(self._look)

    async def show_first(self) -> None:
        """Put the beginning of the conversation in the place of what was shown."""
        turns = self._next + self.later
        whole = list(await self._read(READ, READ))
        self._forget()
        at_once, self._below = whole[:AT_ONCE], whole[AT_ONCE:]
        self.later = turns - len(at_once)
        with self.app.batch_update():
            await self._holder.remove_children()
            await self._holder.mount_all(ExchangeView(one.turn.prompt, one) for one in at_once)
        self.anchor(False)
        self.scroll_home(animate=False)
        self.call_after_refresh(self._look)

    async def show_latest(self) -> None:
        """Put the end of the conversation in the place of what was shown."""
        turns = self._next + self.later
        await self.show(await self._read(turns, READ), turns)

    async def show_empty(self) -> None:
        """No conversation: words in its place."""
        self._forget()
        with self.app.batch_update():
            await self._holder.remove_children()
            await self._holder.mount(Static(self._empty, markup=False, classes="welcome"))
        self.anchor()

    async def add(self, view: ExchangeView) -> None:
        """A question that is asked now; where the end was out of sight, it is gone to."""
        if self.later:
            await self.show_latest()
        await self._holder.query(".welcome").remove()
        await self._holder.mount(view)
        self._reads = None
        self.anchor()
        # Once more when it is laid out: what was mounted just before may have come in between.
        self.call_after_refresh(self.scroll_end, animate=False)
        await self._let_go_above()

    def know(self, exchanges: Sequence[Exchange]) -> None:
        """What the log says by now of those that were read and are not mounted."""
        now = {exchange.turn.id: exchange for exchange in exchanges}
        self._above = [now.get(one.turn.id, one) for one in self._above]
        self._below = []

    @property
    def _next(self) -> int:
        """The position after the last that is mounted."""
        settled = [view.exchange for view in self.views if view.exchange is not None]
        return settled[-1].turn.position + 1 if settled else 0

    # Scrolling ----------------------------------------------------------------------------------------------------

    def page(self, direction: int) -> None:
        """A page up (-1) or down; where that is not mounted yet, once it is."""
        page = direction * self.scrollable_content_region.height
        room = self.scroll_y if direction < 0 else self.max_scroll_y - self.scroll_y
        if room < abs(page) and (self.earlier if direction < 0 else self.later):
            self._wish = lambda: self.page(direction)
            self._look()
        else:
            # At once: by the next refresh something else may be mounted above.
            self.scroll_relative(y=page, animate=False, immediate=True)

    def when_earlier(self, wish: Callable[[], object]) -> bool:
        """Carry this out once something earlier is mounted; False where there is nothing earlier."""
        if self.earlier:
            self._wish = wish
            self._look()
        return bool(self.earlier)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        # At the conversation's own end it stays, whatever comes; the end of what is mounted is none.
        at_end = self._is_at_end
        if at_end and not self.is_anchored:
            # Not from here: to anchor ends the animation whose last step this may be, and textual looks for it then.
            self.call_next(self._stay_at_end)
        tops = {} if at_end else self._tops
        self._reads = next(((view, y - round(new_value)) for view, y in tops.items() if y >= new_value), None)
        self._look()

    @property
    def _is_at_end(self) -> bool:
        return self.scroll_y >= self.max_scroll_y and not self.later

    def _stay_at_end(self) -> None:
        if self._is_at_end:
            self.anchor()

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """As textual's; and what one reads stays where it is, whatever comes, goes or grows above it."""
        arranged = super().arrange(size, optimal)
        for holder in arranged.placements:
            # It is asked for once more when the holder is laid out, and kept until then.
            inner = self._holder.arrange(holder.region.size).placements if holder.widget is self._holder else ()
            self._tops = {one.widget: one.region.y for one in inner if isinstance(one.widget, ExchangeView)}
        if self._reads is not None and self._reads[0] in self._tops:
            view, offset = self._reads
            y = max(0, self._tops[view] - offset)
            if y != round(self.scroll_y):  # between two rows it glides, and is let
                self._put_at(y)
        return arranged

    def _put_at(self, y: int) -> None:
        """Without watchers, as textual does it for anchors: it is laid out just now."""
        self.set_reactive(Widget.scroll_y, y)
        self.set_reactive(Widget.scroll_target_y, y)
        self.vertical_scrollbar.set_reactive(ScrollBar.position, y)

    def _look(self) -> None:
        """Mount what comes near, one screen ahead, unless that is under way."""
        if (self._mounting is None or self._mounting.is_finished) and self._wanted():
            self._mounting = self.run_worker(self._mount_near(), group="transcript", exit_on_error=False)

    def _wanted(self) -> int:
        """-1 where something earlier should be mounted, 1 where something later should; 0 where nothing."""
        ahead = AHEAD_SCREENS * self.size.height
        if self.earlier and self.scroll_y < ahead:
            return -1
        return 1 if self.later and self.max_scroll_y - self.scroll_y < ahead else 0

    def _forget(self) -> None:
        if self._mounting is not None:
            self._mounting.cancel()
        self._mounting = self._wish = self._reads = None
        self._above, self._below = [], []
        self.earlier = self.later = 0

    async def _mount_near(self) -> None:
        while self.is_attached and (direction := self._wanted()):
            if self._wish is None:
                await cast("StudioApp", self.app).flusher.between_keys()
            await (self._mount_earlier() if direction < 0 else self._mount_later())
            if self._wish is not None and self._wanted() != direction:
                self._grant()
        self._grant()

    def _grant(self) -> None:
        wish, self._wish = self._wish, None
        if wish is not None:
            wish()

    async def _mount_earlier(self) -> None:
        if not self._above:
            first = next((view.exchange.turn.position for view in self.views if view.exchange is not None), 0)
            self._above = list(await self._read(first, READ))
        if not self._above:
            self.earlier = 0  # the log was taken back to an earlier state
            return
        taken, self._above = self._above[-AT_ONCE:], self._above[:-AT_ONCE]
        # Together, so that all is laid out once.
        with self.app.batch_update():
            await self._holder.mount_all([ExchangeView(one.turn.prompt, one) for one in taken], before=0)
            self.earlier -= len(taken)
            await self._let_go_below()
        await painted(self)

    async def _mount_later(self) -> None:
        if not self._below:
            following = self._next
            found = await self._read(following + READ, READ)
            self._below = [exchange for exchange in found if exchange.turn.position >= following]
        if not self._below:
            self.later = 0
            return
        taken, self._below = self._below[:AT_ONCE], self._below[AT_ONCE:]
        with self.app.batch_update():
            await self._holder.mount_all([ExchangeView(one.turn.prompt, one) for one in taken])
            self.later -= len(taken)
            await self._let_go_above()
        await painted(self)

    async def _let_go_below(self) -> None:
        farthest = self.scroll_y + (1 + KEPT_SCREENS) * self.size.height
        for far in takewhile(lambda view: self._tops.get(view, 0) > farthest and _may_go(view), reversed(self.views)):
            self._let_focus_go(far)
            await far.remove()
            self.later += 1
            self._below = []
            self.anchor(False)

    async def _let_go_above(self) -> None:
        farthest = self.scroll_y - KEPT_SCREENS * self.size.height
        views = self.views
        for far, _ in takewhile(lambda pair: self._tops.get(pair[1], farthest) < farthest, pairwise(views)):
            if not _may_go(far):
                break
            self._let_focus_go(far)
            await far.remove()
            self.earlier += 1
            self._above = []

    def _let_focus_go(self, leaves: ExchangeView) -> None:
        """Where the focus is in what leaves, select what is in sight: it stays for some screens."""
        focused = self.screen.focused
        if focused is None or leaves not in focused.ancestors_with_self:
            return
        near = [answer for view in self.views if self._tops.get(view, -1) >= self.scroll_y for answer in view.answers]
        if near and near[0] not in leaves.answers:
            self.screen.set_focus(near[0], scroll_visible=False)


def _may_go(view: ExchangeView) -> bool:
    """Whether nothing is written there."""
    writes = any(answer.editor is not None or answer.answer is None for answer in view.answers)
    return not writes and not view.query("Input")
