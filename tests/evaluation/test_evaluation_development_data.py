"""The development scenarios that come with the studio: they load, and their unseen instances are unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.many_corrections import write_scenario
from studio.evaluation.checks import judge
from studio.evaluation.scenario_file import load_scenario
from studio.training.examples import replay_prompts

DATA = Path(__file__).parents[2] / "benchmarks" / "data"


@pytest.mark.parametrize("name", ["clinic", "workshop"])
def test_unseen_instances_are_asked_and_never_replayed(name: str) -> None:
    scenario = load_scenario(DATA / name)
    instances = {instance.prompt.casefold() for instance in scenario.induction}
    assert len(instances) >= 6
    taught = {correction.taught.prompt.casefold() for correction in scenario.corrections}
    assert not instances & (taught | {prompt.casefold() for prompt in replay_prompts()})


def test_many_corrections_are_made_by_the_seed_and_load_as_a_scenario(tmp_path: Path) -> None:
    one, again, other = (
        write_scenario(tmp_path / name, corrections=60, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    made = [(folder / "corrections.jsonl").read_text("utf-8") for folder in (one, again, other)]
    assert made[0] == made[1] != made[2]
    scenario = load_scenario(one)
    assert len(scenario.in_force(1)) == 60
    for correction in scenario.in_force(1):
        assert judge(correction.taught.target, correction.check).ok, "the target passes its own check"
    few = load_scenario(write_scenario(tmp_path / "d", corrections=60, seed=1, probed=2)).in_force(1)
    assert [bool(correction.rephrase) for correction in few] == [True] * 2 + [False] * 58
