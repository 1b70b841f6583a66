"""Night methods side by side: `python -m benchmarks methods`, an hour on two cores.

Ten corrections of `ferry`, one night of each method at each of its rates, everything else as the defaults are, the same
examples in the same order. Then `observatory`, at the rate of each method that gave most on `ferry` (most rewordings
right, then fewest general answers lost), so that no method is judged on the set its rate was chosen on. The adapter is
in force for every question, without its scope, which would hide what it forgets; answers greedy, 96 tokens at most.

Prints a line a night on stderr as it goes, for it takes long.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reader import answers
from benchmarks.retrieval import DATA
from studio.bootstrap import build_studio
from studio.domain.generation import AdapterUse
from studio.domain.log import Origin
from studio.domain.methods import Method
from studio.domain.nights import Probe, ProbeKind
from studio.evaluation.judging import judge
from studio.evaluation.scenario_file import load_scenario
from studio.prompting.assemble import chat
from studio.services.collect_examples import collect_examples
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.training.job import Manifest, NightFolder, NightJob, TrainingConfig
from studio.training.launcher import train
from studio.workspace import Workspace

CHOSEN_ON, JUDGED_ON = "ferry", "observatory"
# rsLoRA multiplies by alpha / sqrt(rank), four times LoRA's alpha / rank at rank 16, so its rates begin lower;
# MiCA moves one of two matrices only and LayRA two of thirty layers, so theirs end higher.
RATES: dict[Method, tuple[float, ...]] = {
    Method.LORA: (1e-3, 2e-3),
    Method.RSLORA: (2.5e-4, 5e-4),
    Method.MICA: (3e-3, 1e-2),
    Method.LAYRA: (1e-3, 3e-3),
}
KINDS = {ProbeKind.RELIABILITY: "asked", ProbeKind.REPHRASE: "reworded", ProbeKind.LOCALITY: "near by"}


@dataclass(frozen=True, slots=True)
class Learnt:
    """Right answers by kind, general answers lost of those that frozen gives rightly, and the night's manifest."""

    right: dict[ProbeKind, int]
    asked: dict[ProbeKind, int]
    lost: int
    manifest: Manifest

    def figures(self, name: str) -> dict[str, float]:
        shares = {f"{name}, {word}": self.right[kind] / self.asked[kind] for kind, word in KINDS.items()}
        return shares | {
            f"{name}, general lost": self.lost,
            f"{name}, night s": self.manifest.running_s,
            f"{name}, peak MB": self.manifest.peak_rss_bytes / 1e6,
        }


def main() -> dict[str, float]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        tried = await _compare(Path(folder) / CHOSEN_ON, CHOSEN_ON, RATES)
        for (method, rate), learnt in tried.items():
            figures |= learnt.figures(f"{CHOSEN_ON}, {method} {rate:g}")
        best = {method: _best(method, tried) for method in RATES}
        held_out = await _compare(
            Path(folder) / JUDGED_ON, JUDGED_ON, {method: (rate,) for method, rate in best.items()}
        )
        for (method, rate), learnt in held_out.items():
            figures |= learnt.figures(f"{JUDGED_ON}, {method} {rate:g}")
    return figures


def _best(method: Method, tried: dict[tuple[Method, float], Learnt]) -> float:
    """The rate of `method` that gave most."""
    worth = {rate: (of.right[ProbeKind.REPHRASE], -of.lost) for (who, rate), of in tried.items() if who is method}
    return max(worth, key=lambda rate: worth[rate])


async def _compare(
    folder: Path, scenario: str, rates: dict[Method, tuple[float, ...]]
) -> dict[tuple[Method, float], Learnt]:
    loaded = load_scenario(DATA / scenario)
    probes = [*(one.probe for one in loaded.probes(loaded.days[-1])), *loaded.general]
    studio = build_studio(Workspace(folder).ensure())
    try:
        for correction in loaded.corrections:
            taught = correction.taught
            await record_correction(
                studio,
                answer=None,
                prompt=taught.prompt,
                original="",
                corrected=taught.target,
                rationale=taught.rationale,
                supersedes=None,
                origin=Origin.BENCH,
            )
        facts = await studio.model()
        corrections = studio.log.corrections.in_force()
        examples = tuple(await collect_examples(studio, corrections, seed=0))
        frozen = await _right(studio, probes)
        learnt = {}
        for method, rate in ((method, rate) for method, its in rates.items() for rate in its):
            night = NightFolder(folder / f"{method}-{rate:g}")
            ids = tuple(correction.id for correction in corrections)
            config = TrainingConfig(method=method, learning_rate=rate, max_minutes=60)
            night.write_job(NightJob("methods", facts.path or Path(), facts.sha256, examples, ids, config))
            async for _ in train(night, folder / "interactive.lock"):
                pass
            learnt[method, rate] = await _judged(studio, night, probes, frozen)
            _tell(f"{scenario}, {method} {rate:g}", learnt[method, rate])
    finally:
        await studio.close()
    return learnt


async def _judged(studio: Studio, night: NightFolder, probes: list[Probe], frozen: list[bool]) -> Learnt:
    manifest = night.read_manifest()
    assert manifest is not None
    right = await _right(studio, probes, AdapterUse(night.adapter_file))
    kinds = [probe.kind for probe in probes]
    return Learnt(
        Counter(kind for kind, ok in zip(kinds, right, strict=True) if ok),
        Counter(kinds),
        sum(was and not ok for kind, was, ok in zip(kinds, frozen, right, strict=True) if kind is ProbeKind.GENERAL),
        manifest,
    )


async def _right(studio: Studio, probes: list[Probe], *adapters: AdapterUse) -> list[bool]:
    prompts = [(chat(studio.settings.prompt.system, (), probe.prompt), adapters) for probe in probes]
    texts = await answers(studio, prompts)
    return [bool(judge(texts[prompt], probe.check).ok) for prompt, probe in zip(prompts, probes, strict=True)]


def _tell(name: str, learnt: Learnt) -> None:
    words = [f"{word} {learnt.right[kind]}/{learnt.asked[kind]}" for kind, word in KINDS.items()]
    seconds, peak = learnt.manifest.running_s, learnt.manifest.peak_rss_bytes / 1e6
    print(f"{name}: {', '.join(words)}, general lost {learnt.lost}, {seconds:.0f} s, {peak:.0f} MB", file=sys.stderr)
    sys.stderr.flush()
