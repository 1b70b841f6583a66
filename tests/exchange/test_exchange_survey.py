"""The survey of an export foretells what is then written, of every format, and keeps to the newest request."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exchange_values import IN_FORCE, correction, open_log, rows_of, varied_log

from studio.domain.exports import Selection
from studio.exchange import survey as survey_module
from studio.exchange.formats import FORMATS
from studio.exchange.privacy import Privacy
from studio.exchange.request import ExportRequest
from studio.exchange.splits import Shares
from studio.services.export_corrections import export_corrections
from studio.services.preview_export import ExportPreviews


def nothing(*_: Any) -> None:
    return None


@pytest.mark.parametrize("name", FORMATS)
async def test_what_is_foretold_is_written(tmp_path: Path, name: str) -> None:
    log = varied_log(tmp_path)
    log.corrections.add(correction("Who is at a@b.org?", 20, corrected="A@b.org or +49 30 1234567"))
    whole = FORMATS[name].whole
    request = ExportRequest(
        name,
        Selection() if whole else IN_FORCE,
        shares=Shares() if whole else Shares(test=0.3),
        privacy=Privacy.REPLACE,
    )
    previews = ExportPreviews(log, tmp_path)
    try:
        survey = await previews.survey(request, nothing)
        rows = await previews.first_rows(request, 1000)
    finally:
        await previews.close()
    assert survey is not None
    result = export_corrections(log, tmp_path / "out", request)
    assert survey.files == {file.name: file.rows for file in result.files}
    assert survey.splits == result.splits
    assert survey.left_out == result.left_out
    assert survey.corrections == result.corrections
    assert {text.text: text.places for text in survey.private} == {"a@b.org": 2, "+49 30 1234567": 1}
    for file in result.files:
        if file.name.endswith(".jsonl") and (not whole or file.name == "corrections.jsonl"):
            written = rows_of(tmp_path / "out" / file.name)
        elif file.name.endswith(".json"):
            written = json.loads((tmp_path / "out" / file.name).read_text())
        else:
            continue
        assert [row.row for row in rows if row.file == file.name] == written


@pytest.mark.parametrize("name", ["trl-sft", "trl-dpo", "jsonl", "parquet"])
@pytest.mark.parametrize("selection", [Selection(), IN_FORCE, Selection(labels=("a",))], ids=["all", "in force", "a"])
async def test_what_a_glance_shows_is_what_the_survey_shows(tmp_path: Path, name: str, selection: Selection) -> None:
    """Before all has been copied and counted, the very rows that come first."""
    log = varied_log(tmp_path)
    for number in range(6):
        labels = ("a",) if number % 2 else ()
        log.corrections.add(correction(f"Who is at {number}@b.org?", 40 - number, labels=labels))
    previews = ExportPreviews(log, tmp_path)
    request = ExportRequest(name, selection, privacy=Privacy.REPLACE)
    try:
        glance = await previews.glance(request, 3)
        assert await previews.survey(request, nothing) is not None
        assert glance == await previews.first_rows(request, 3) == await previews.glance(request, 3)
        assert len(glance) == 3
        assert await previews.glance(replace(request, shares=Shares(test=0.3)), 3) == ()
    finally:
        await previews.close()


async def test_a_newer_request_overtakes_and_placeholders_keep_their_numbers(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number, labels in enumerate([("a",), ("b",)]):
        log.corrections.add(correction(f"Who is at {number}@b.org?", number, labels=labels))
    previews = ExportPreviews(log, tmp_path)
    request = ExportRequest("trl-sft")
    try:
        asked_again = threading.Event()

        def waits(*_: object) -> None:
            asked_again.wait(20)

        overtaken = asyncio.create_task(previews.survey(request, waits))
        await asyncio.sleep(0)
        newer = asyncio.create_task(previews.survey(request, nothing))
        await asyncio.sleep(0)
        asked_again.set()
        second = await newer
        assert await overtaken is None
        assert second is not None
        assert [text.put for text in second.private] == ["<EMAIL_1>", "<EMAIL_2>"]
        only = await previews.survey(replace(request, selection=Selection(labels=("b",))), nothing)
        assert only is not None
        assert [(text.text, text.put) for text in only.private] == [("1@b.org", "<EMAIL_2>")]
        log.corrections.add(correction("And at 2@b.org?", 5))
        previews.forget()
        again = await previews.survey(request, nothing)
        assert again is not None
        assert [text.put for text in again.private] == ["<EMAIL_1>", "<EMAIL_2>", "<EMAIL_3>"]
    finally:
        await previews.close()


async def test_of_very_many_texts_the_rest_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module, "MOST_LISTED", 2)
    log = open_log(tmp_path)
    log.corrections.add(correction("a@b.org b@b.org c@b.org A@b.org d@b.org", 0))
    previews = ExportPreviews(log, tmp_path)
    try:
        survey = await previews.survey(ExportRequest("trl-sft"), nothing)
    finally:
        await previews.close()
    assert survey is not None
    assert [(text.text, text.places) for text in survey.private] == [("a@b.org", 4), ("b@b.org", 2)]
    assert survey.unlisted == 4
