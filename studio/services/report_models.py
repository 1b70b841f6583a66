"""What each model learnt from the same corrections: of the questions all of them were asked, how many are right."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.measures import Estimate
from studio.domain.same_question import folded
from studio.evaluation.statistics import mean_estimate
from studio.reporting.log_report import ModelStory
from studio.services.judge_log import JudgedAnswer

Latest = dict[str, dict[str, dict[str, JudgedAnswer]]]
"""By model, arm and question."""


def model_stories(judged: Sequence[JudgedAnswer]) -> list[ModelStory]:
    """Oldest first, by the latest answer of each model and arm to each question since its correction; empty where fewer
    than two models were asked.

    An arm is compared on the questions that every model was asked with it, of those models that were asked at least
    half as many as the one asked most: a model just chosen does not take the others' questions away.
    """
    latest: Latest = {}
    titles: dict[str, str] = {}
    for answer in judged:
        if answer.after and answer.model:
            titles[answer.model] = answer.model_title or titles.get(answer.model, "")
            latest.setdefault(answer.model, {}).setdefault(answer.arm, {})[folded(answer.question)] = answer
    if len(latest) < 2:
        return []
    stories = {model: ModelStory(titles[model] or model[:12], {}) for model in latest}
    for arm in dict.fromkeys(arm for arms in latest.values() for arm in arms):
        for model, estimate in _of_the_same(latest, arm).items():
            stories[model].right[arm] = estimate
    return list(stories.values())


def _of_the_same(latest: Latest, arm: str) -> dict[str, Estimate]:
    asked = {model: arms[arm] for model, arms in latest.items() if arm in arms}
    most = max(len(questions) for questions in asked.values())
    enough = {model: questions for model, questions in asked.items() if 2 * len(questions) >= most}
    same = set.intersection(*(set(questions) for questions in enough.values()))
    if len(enough) < 2 or not same:
        return {}
    return {
        model: mean_estimate({question: [float(questions[question].ok)] for question in sorted(same)})
        for model, questions in enough.items()
    }
