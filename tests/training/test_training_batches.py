"""The order of training, and which examples are computed together."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from studio.training.batches import Encoded, blocks, common_prefix, plan_steps


def test_every_learnt_example_occurs_once_an_epoch_and_replay_fills_its_share() -> None:
    steps = plan_steps(range(24), range(100, 110), epochs=2, batch_size=16, replay_share=0.25, seed=3)
    seen = Counter(index for step in steps for index in step)
    assert all(seen[index] == 2 for index in range(24))
    assert all(len(step) == 16 for step in steps)
    assert all(sum(index >= 100 for index in step) == 4 for step in steps)


def test_the_order_is_a_function_of_the_seed() -> None:
    def plan(seed: int) -> list[list[int]]:
        return plan_steps(range(30), range(50, 60), epochs=2, batch_size=8, replay_share=0.5, seed=seed)

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_without_replay_all_of_a_batch_is_learnt() -> None:
    assert plan_steps([0, 1], [], epochs=1, batch_size=2, replay_share=0.5, seed=0) in ([[0, 1]], [[1, 0]])


def test_common_prefix() -> None:
    assert common_prefix([(1, 2, 3), (1, 2, 4, 5), (1, 2)]) == 2
    assert common_prefix([(1, 2)]) == 2
    assert common_prefix([(1,), (2,)]) == 0


@given(st.lists(st.integers(2, 60), min_size=1, max_size=30))
def test_blocks_lose_nothing_and_keep_to_the_limit(lengths: list[int]) -> None:
    examples = [Encoded(index, tuple(range(length)), (1, 2), replay=False) for index, length in enumerate(lengths)]
    grouped = blocks(examples, 150)
    assert sorted(example.index for block in grouped for example in block) == list(range(len(lengths)))
    assert all(len(block) == 1 or len(block) * max(len(e.tokens) for e in block) <= 150 for block in grouped)
