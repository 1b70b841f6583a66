"""Validation probes: what a night's adapter is chosen and judged by. Never trained on, never from a judged scenario.

Rewordings are made from the corrected prompt by forms that training does not use (a test holds the two apart);
general probes ship with the studio.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files

from studio.domain.log import Correction
from studio.domain.nights import Probe, ProbeKind
from studio.evaluation.scenario_file import load_general_probes

HELD_BACK_FORMS = (
    "A visitor is asking me this: {question}",
    "For the record, {lowered}",
    "I have forgotten it again. {question} One sentence is enough.",
)


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
