"""The development scenarios that come with the studio: they load, and their unseen instances are unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

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
