"""Validation probes: what a night's adapter is chosen and judged by. Never trained on, never from a judged scenario.

Rewordings are made from the corrected prompt, and questions that must not change from its words, by forms that
training does not use (a test holds the two apart); general probes ship with the studio.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files

from studio.domain.checks import Check
from studio.domain.log import Correction
from studio.domain.nights import Probe, ProbeKind
from studio.evaluation.common_words import COMMON_WORDS
from studio.evaluation.scenario_file import load_general_probes
from studio.evaluation.words import words

HELD_BACK_FORMS = (
    "A visitor is asking me this: {question}",
    "For the record, {lowered}",
    "I have forgotten it again. {question} One sentence is enough.",
)

NEIGHBOUR_FORMS = ("Where does the word '{word}' come from?", "Explain '{word}' to a child.")


def rephrase_probes(corrections: Sequence[Correction], forms: Sequence[str] = HELD_BACK_FORMS) -> list[Probe]:
    """Each correction's question in held-back forms, judged by the correction's own check."""
    return [
        Probe(
            f"{correction.id}:{HELD_BACK_FORMS.index(form)}",
            ProbeKind.REPHRASE,
            reworded(correction.prompt, form),
            correction.check,
            correction.id,
        )
        for correction in corrections
        if not correction.history
        for form in forms
    ]


def locality_probes(corrections: Sequence[Correction]) -> list[Probe]:
    """Questions about a word of each corrected question, into whose answers nothing of the corrected answer may leak.

    None for a correction whose check wants nothing in particular, or whose question has no word of its own.
    """
    return [
        Probe(
            f"{correction.id}:near{number}",
            ProbeKind.LOCALITY,
            form.format(word=word),
            Check(exclude=tuple(alternative for group in correction.check.include for alternative in group)),
            correction.id,
        )
        for correction in corrections
        if correction.check.include and (word := _own_word(correction))
        for number, form in enumerate(NEIGHBOUR_FORMS)
    ]


def _own_word(correction: Correction) -> str:
    """The longest word of the question that is not everybody's and not what the check looks for."""
    wanted = {word for group in correction.check.include for alternative in group for word in words(alternative)}
    own = [word for word in words(correction.prompt) if word.isalpha() and word not in COMMON_WORDS | wanted]
    return max(own, key=len, default="")


def reworded(prompt: str, form: str) -> str:
    """The prompt in one form."""
    question = prompt.strip()
    # A name or an acronym at the start keeps its capitals.
    starts_plain = question[:1].isupper() and question[1:2].islower()
    lowered = question[:1].lower() + question[1:] if starts_plain else question
    return form.format_map({"question": question, "lowered": lowered})


def general_probes() -> tuple[Probe, ...]:
    """Everyday knowledge that must survive a night."""
    with as_file(files("studio.evaluation") / "general_probes.jsonl") as file:
        return load_general_probes(file)
