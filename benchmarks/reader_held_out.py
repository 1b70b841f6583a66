"""What a reader learnt, in some minutes: `python -m benchmarks reader_held_out --adapter FILE`.

Made-up episodes of families that no reader is trained on, answered greedily in the product's form by the model as
shipped (`lessons`) and with the adapter (`reader`). `right`: the answer holds what the lesson says, and begins with
the yes or no that follows from it. `kept`: a lesson that does not fit was not copied. `same`: there, the answer is
word for word the model's own.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.reader import answers
from studio.bootstrap import build_studio
from studio.domain.generation import AdapterUse
from studio.training.reader_episode import SHARES, Episode, EpisodeKind
from studio.training.reader_episodes import INDIRECT, Episodes, split_families
from studio.training.train_reader import SYSTEM
from studio.workspace import Workspace

EPISODES_A_KIND = {
    EpisodeKind.RIGHT: 60,
    EpisodeKind.ONE_HOP: 50,
    EpisodeKind.TRANSFER: 20,
    EpisodeKind.SEVERAL: 30,
    EpisodeKind.NEAR_MISS: 20,
    EpisodeKind.ABSENT: 10,
}
_YES_OR_NO = (["yes"], ["no"])
_SEED = 0  # a reader's: it says which families are held out


def main(adapter: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(AdapterUse(adapter.resolve()), Path(folder)))


def _episodes() -> Iterator[Episode]:
    """So many of each kind whose answers can be judged, always the same."""
    left = dict(EPISODES_A_KIND)
    for episode in islice(
        Episodes(split_families(_SEED)[1], seed=1), round(20 * max(left.values()) / min(SHARES.values()))
    ):
        if left.get(episode.kind) and episode.lessons and _judgeable(episode):
            left[episode.kind] -= 1
            yield episode


async def _measure(adapter: AdapterUse, folder: Path) -> dict[str, float]:
    episodes = list(_episodes())
    studio = build_studio(Workspace(folder).ensure())
    arms = {"lessons": None, "reader": adapter}
    try:
        await studio.model()
        alone = [(episode.alone(SYSTEM), None) for episode in episodes if episode.answer is None]
        asked = [(episode.asked(SYSTEM), use) for episode in episodes for use in arms.values()]
        texts = await answers(studio, [*alone, *asked])
    finally:
        await studio.close()
    indirect = {table["id"] for table in split_families(_SEED)[1] if table["kind"] == INDIRECT}
    scores: dict[str, list[bool]] = defaultdict(list)
    for episode in episodes:
        for arm, use in arms.items():
            text = texts[episode.asked(SYSTEM), use]
            if episode.answer is None:
                scores[f"{episode.kind}, kept: {arm}"].append(not _holds(text, episode.lessons[0].lesson.guidance))
                scores[f"{episode.kind}, same: {arm}"].append(text == texts[episode.alone(SYSTEM), None])
            else:
                words = ", in other words altogether" if episode.family in indirect else ""
                scores[f"{episode.kind}{words}, right: {arm}"].append(_right(text, episode))
    return {name: sum(of) / len(of) for name, of in sorted(scores.items())}


def _judgeable(episode: Episode) -> bool:
    """What is wanted can be told by words: nothing, a yes or no, or the value."""
    answer = episode.answer
    return answer is None or _words(answer)[:1] in _YES_OR_NO or (bool(episode.key) and _holds(answer, episode.key))


def _right(text: str, episode: Episode) -> bool:
    wanted = _words(episode.answer or "")
    if wanted[:1] in _YES_OR_NO:
        return _words(text)[:1] == wanted[:1]
    return _holds(text, episode.key)


def _holds(text: str, part: str) -> bool:
    return f" {' '.join(_words(part))} " in f" {' '.join(_words(text))} "


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
