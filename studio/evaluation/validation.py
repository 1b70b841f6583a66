"""Validation probes: what a night's adapter is chosen and judged by. Never trained on, never from a judged scenario.

Rewordings are made from the corrected prompt by forms that training does not use (a test holds the two apart);
general probes ship with the studio.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

from studio.domain.checks import Check
from studio.domain.log import Correction
from studio.domain.nights import Probe, ProbeKind

HELD_BACK_FORMS = (
    "A visitor is asking me this: {question}",
    "For the record, {lowered}",
    "I have forgotten it again. {question} One sentence is enough.",
)


def rephrase_probes(corrections: Sequence[Correction]) -> list[Probe]:
    """Each correction's question in the held-back forms, judged by the correction's own check."""
    return [
        Probe(f"{correction.id}:{number}", ProbeKind.REPHRASE, text, correction.check, correction.id)
        for correction in corrections
        if not correction.history
        for number, text in enumerate(held_back_wordings(correction.prompt), 1)
    ]


def held_back_wordings(prompt: str) -> list[str]:
    """The prompt in the forms no training example has."""
    question = prompt.strip()
    # A name or an acronym at the start keeps its capitals.
    starts_plain = question[:1].isupper() and question[1:2].islower()
    lowered = question[:1].lower() + question[1:] if starts_plain else question
    return [form.format_map({"question": question, "lowered": lowered}) for form in HELD_BACK_FORMS]


def general_probes() -> list[Probe]:
    """Everyday knowledge that must survive a night."""
    lines = (files("studio.evaluation") / "general_probes.jsonl").read_text(encoding="utf-8").splitlines()
    probes = []
    for line in lines:
        item = json.loads(line)
        check = Check(include=tuple(tuple(group) for group in item["include"]))
        probes.append(Probe(item["id"], ProbeKind.GENERAL, item["prompt"], check))
    return probes
