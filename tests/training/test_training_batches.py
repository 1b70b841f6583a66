"""The order of training, and which examples are computed together."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from studio.training.batches import Encoded, blocks, common_prefix, plan_steps, shared_tokens


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


@given(st.lists(st.integers(2, 60), min_size=1, max_size=30), st.integers(0, 5))
def test_blocks_lose_nothing_and_keep_to_the_limit(lengths: list[int], begun: int) -> None:
    beginning = (900, 901, 902, 903, 904)[:begun]
    examples = [
        Encoded(index, (*beginning, *range(100 * index, 100 * index + length)), (1, 2), replay=False)
        for index, length in enumerate(lengths)
    ]
    grouped = blocks(examples, 150)
    assert sorted(example.index for block in grouped for example in block) == list(range(len(lengths)))
    shared = shared_tokens(examples)
    places = [shared + sum(len(example.tokens) - shared for example in block) for block in grouped]
    assert all(len(block) == 1 or size <= 150 for block, size in zip(grouped, places, strict=True))
    assert len(grouped) == 1 or min(places) >= shared + 2


def test_what_needs_two_passes_is_shared_out_between_them() -> None:
    examples = [Encoded(index, (7, 7, index), (1, 2), replay=False) for index in range(12)]
    assert [len(block) for block in blocks(examples, 22)] == [7, 5]
