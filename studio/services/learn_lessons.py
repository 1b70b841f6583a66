"""From a correction to a lesson: distil, embed, reconcile with what is known, store; then prove it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from studio.domain.generation import AdapterUse, Lane, LaneFinished, Priority
from studio.domain.identity import new_id, utc_now
from studio.domain.lessons import Lesson, LessonKind, LessonStatus, RetrievedLesson
from studio.domain.log import Correction
from studio.domain.progress import Progress, unheard
from studio.errors import AdapterError
from studio.evaluation.checks import judge
from studio.lessons.behind import EXPLICITLY_SUPERSEDED, UNDONE, corrections_to_follow
from studio.lessons.distil import distil, lesson_keys
from studio.lessons.reconcile import reconcile, restate
from studio.prompting.assemble import reapply_request
from studio.prompting.prompt_forms import READING_FORMS, PromptForms
from studio.services.find_lessons import current_index
from studio.services.lessons_in_place import retired_in_place
from studio.services.measured_forms import forms_of
from studio.services.prepare_lanes import fitted
from studio.services.reader import reader_of
from studio.services.studio import Studio, off_loop

_LEARNT_TOGETHER = 64


async def learn_lesson(studio: Studio, correction: Correction) -> Lesson:
    """The lesson of a correction, stored and findable when this returns; the newer wins over what it contradicts.

    A correction that was learnt before (and undone, say) gets its lesson back; of one that is undone meanwhile it is
    retired. Raises EmbedderError: the correction
    itself is safe, and learn_pending makes up for it.
    """
    if (known := await _lesson_of(studio, correction.id)) is not None:
        return await _reinstate(studio, known, overrule=True)
    (lesson,) = await _learn_new(studio, [correction])
    # Undone while this waited for the embedder, it had no lesson yet that could have been retired.
    now = await off_loop(studio.log.corrections.get, correction.id)
    if now.undone:
        await follow_correction(studio, now)
        lesson = await off_loop(studio.log.lessons.get, lesson.id)
    return lesson


async def replaced_with(studio: Studio, lesson: Lesson, correction: Correction) -> list[Lesson]:
    """The earlier lessons that learning this correction retired, because it contradicts them."""
    retired = await off_loop(studio.log.lessons.replaced_by, lesson.id)
    return [old for old in retired if old.updated_at >= correction.created_at]


async def _learn_new(studio: Studio, corrections: Sequence[Correction]) -> list[Lesson]:
    """The lessons of corrections that have none yet, embedded together and weighed one after the other."""
    lessons = [distil(correction, lesson_id=new_id(), at=utc_now()) for correction in corrections]
    keys = [lesson_keys(lesson) for lesson in lessons]
    vectors = iter(await studio.embedder.embed([key for of_one in keys for key in of_one]))
    index = await current_index(studio)
    learnt = []
    for correction, lesson, of_one in zip(corrections, lessons, keys, strict=True):
        own = [(key, next(vectors)) for key in of_one]
        outcome = reconcile(
            lesson,
            index.lessons(),
            index.similarities([vector for _, vector in own]),
            superseded={correction.supersedes} if correction.supersedes else (),
            at=utc_now(),
        )
        retired = await off_loop(retired_in_place, studio.log, lesson, outcome.retired)
        revised = (*retired, outcome.restated) if outcome.restated else retired
        if outcome.keep is None:
            assert outcome.updated is not None
            await off_loop(studio.log.lessons.update, outcome.updated, *revised)
            learnt.append(outcome.updated)
        else:
            stamps = await off_loop(studio.log.lessons.add, outcome.keep, own, studio.embedder.name, revised=revised)
            learnt.append(outcome.keep)
        if outcome.restated:
            await embed_lesson(studio, outcome.restated)
        if outcome.keep is None or outcome.restated:
            index = await current_index(studio)
            continue
        index.add(outcome.keep, [vector for _, vector in own])
        for old in retired:
            index.remove(old.id)
        if index is studio.lesson_index and stamps.before == studio.lesson_stamp:
            studio.lesson_stamp = stamps.after  # nobody else changed a lesson: what is held is what the log holds
    return learnt


async def prove_lesson(studio: Studio, lesson: Lesson) -> Lesson:
    """Re-apply a lesson to its newest source: one that does not fix it is marked weak, and says so.

    It is read as the arms read lessons: by the model alone and, where that does not do, by the reader, if there is
    one. Computed at idle priority (keep a lesson only if re-applying it solves its source: AlphaOPT, arXiv 2510.18428).
    """
    source = await off_loop(studio.log.corrections.get, lesson.source_ids[-1])
    mended = await _mends(studio, lesson, source, await forms_of(studio))
    if mended is False and any(recipe.reader for recipe in studio.settings.arm_recipes()):
        with suppress(AdapterError):
            mended = bool(await _mends(studio, lesson, source, READING_FORMS, (await reader_of(studio)).use))
    return lesson if mended is None else await _set_weak(studio, lesson.id, not mended)


async def _mends(
    studio: Studio, lesson: Lesson, source: Correction, forms: PromptForms, *adapters: AdapterUse
) -> bool | None:
    """Whether the answer to its source is right, read in these forms; None where there was no answer."""
    request = reapply_request(source, RetrievedLesson(lesson, 1.0, 1), studio.settings.prompt.system, forms)
    assembly = await fitted(studio, await studio.model(), request, studio.sampling)
    lane = Lane("proof", assembly.messages, adapters, studio.sampling)
    async for event in studio.engine.generate([lane], priority=Priority.IDLE):
        if isinstance(event, LaneFinished):
            return judge(event.completion.text, source.check).ok
    return None


async def learn_pending(studio: Studio, progress: Progress = unheard) -> int:
    """Learn what an import, a crash or a missing or changed embedder left to do; returns how many lessons that were."""
    async with studio.learning:  # two at once would learn the same twice
        # The old ones first: a new one may contradict them, and then must find them.
        unembedded = await off_loop(studio.log.lessons.without_vectors, studio.embedder.name)
        for lesson in unembedded:
            await embed_lesson(studio, lesson)
        pending, seen, learnt = list[Correction](), "", 0
        while True:
            # Many take minutes, in which some may be taken back.
            if (state := await off_loop(studio.log.imports.state)) != seen:
                pending, seen = await off_loop(studio.log.corrections.unlearnt), state
            if not pending:
                await _go_on_following(studio)  # now that what overrules the older ones has lessons
                return learnt + len(unembedded)
            progress("learning lessons", learnt, learnt + len(pending))
            batch, pending = pending[:_LEARNT_TOGETHER], pending[_LEARNT_TOGETHER:]
            await _learn_new(studio, batch)
            learnt += len(batch)


async def _go_on_following(studio: Studio) -> None:
    """Bring lessons into line that a crash kept from following corrections taken back, reinstated or superseded."""

    def to_follow() -> list[Correction]:
        log = studio.log
        behind = log.lessons.out_of_line()
        found = corrections_to_follow(behind, log.corrections.in_force_ids(), log.corrections.changed_at())
        return [correction for correction in log.corrections.all() if correction.id in found] if found else []

    found = await off_loop(to_follow)
    if fallen := {correction.id for correction in found if not correction.in_force}:
        await follow_corrections(studio, fallen)
    for correction in found:
        if correction.in_force:
            await learn_lesson(studio, correction)


async def embed_lesson(studio: Studio, lesson: Lesson) -> None:
    """Make a lesson findable by its present words."""
    keys = lesson_keys(lesson)
    vectors = await studio.embedder.embed(keys)
    await off_loop(
        studio.log.lessons.set_vectors, lesson.id, list(zip(keys, vectors, strict=True)), studio.embedder.name
    )


async def follow_correction(studio: Studio, correction: Correction) -> None:
    """After an undo or a redo, bring the lessons into line with which corrections are in force."""
    lesson = await _lesson_of(studio, correction.id)
    if not correction.undone:
        if correction.in_force:
            await learn_lesson(studio, correction)
        await _restate(studio, await off_loop(studio.log.lessons.of_source, correction.id))
        if lesson is not None and correction.supersedes:
            await _retire_lessons_of(studio, correction.supersedes, EXPLICITLY_SUPERSEDED, replaced_by=lesson.id)
        return
    await _retire_lessons_of(studio, correction.id, UNDONE)
    await _restate(studio, await off_loop(studio.log.lessons.of_source, correction.id))
    if lesson is None:
        return
    replaced = [x for x in await off_loop(studio.log.lessons.all, LessonStatus.RETIRED) if x.replaced_by == lesson.id]
    in_force = await off_loop(studio.log.corrections.in_force_ids)
    for older in replaced:
        if lesson.replaced_by is not None:  # what replaced this one contradicts the older one no less
            await _revise(studio, replace(older, replaced_by=lesson.replaced_by))
        elif in_force & set(older.source_ids):
            await _reinstate(studio, older)


async def follow_corrections(studio: Studio, changed: Collection[str]) -> None:
    """As follow_correction, after it changed of many at once whether they are in force; the log is read once."""
    lessons = await off_loop(studio.log.lessons.all)
    known = {correction.id: correction for correction in await off_loop(studio.log.corrections.all)}
    in_force = {one for one, correction in known.items() if correction.in_force}
    by_source = {source: lesson for lesson in lessons for source in lesson.source_ids}
    touched, fallen = set(changed), set()
    for lesson in lessons:
        if touched.isdisjoint(lesson.source_ids) or not in_force.isdisjoint(lesson.source_ids):
            continue
        fallen.add(lesson.id)
        if lesson.status is LessonStatus.ACTIVE:
            newest = known[lesson.source_ids[-1]]
            successor = by_source.get(newest.superseded_by or "")
            reason = UNDONE if newest.undone else EXPLICITLY_SUPERSEDED
            await _retire(studio, lesson, reason, successor.id if successor else None)
    for lesson in lessons:
        if lesson.status is LessonStatus.ACTIVE or in_force.isdisjoint(lesson.source_ids):
            continue
        own = lesson.retired_reason in (UNDONE, EXPLICITLY_SUPERSEDED) and not touched.isdisjoint(lesson.source_ids)
        if own or lesson.replaced_by in fallen:
            await _revise(studio, _active(lesson))
    await _restate(studio, [lesson for lesson in lessons if not touched.isdisjoint(lesson.source_ids)])
    # Their vectors were kept; these are for another embedder than there was then.
    for lesson in await off_loop(studio.log.lessons.without_vectors, studio.embedder.name):
        await embed_lesson(studio, lesson)


async def _restate(studio: Studio, lessons: Sequence[Lesson]) -> None:
    """Have facts whose form was corrected read as the newest of their corrections in force; not what a user wrote."""
    for fact in lessons:
        if fact.kind is not LessonKind.FACT or len(fact.source_ids) == 1:
            continue
        sources = [await off_loop(studio.log.corrections.get, source) for source in fact.source_ids]
        answers = [source.corrected.strip() for source in sources if source.in_force]
        written = fact.guidance not in {source.corrected.strip() for source in sources}
        if answers and not written and fact.guidance != answers[-1]:
            current = await off_loop(studio.log.lessons.get, fact.id)
            restated = restate(current, answers[-1], fact.source_ids, utc_now())
            await off_loop(studio.log.lessons.update, restated)
            await embed_lesson(studio, restated)


async def _lesson_of(studio: Studio, correction_id: str) -> Lesson | None:
    known = await off_loop(studio.log.lessons.of_source, correction_id)
    return known[-1] if known else None


async def _retire_lessons_of(studio: Studio, correction_id: str, reason: str, replaced_by: str | None = None) -> None:
    """Retire the lesson, unless another correction still stands behind it."""
    lesson = await _lesson_of(studio, correction_id)
    if lesson is None or lesson.status is LessonStatus.RETIRED or lesson.id == replaced_by:
        return
    in_force = await off_loop(studio.log.corrections.in_force_ids)
    if not in_force & set(lesson.source_ids):
        await _retire(studio, lesson, reason, replaced_by)


async def _retire(studio: Studio, lesson: Lesson, reason: str, replaced_by: str | None) -> None:
    retired = replace(lesson, status=LessonStatus.RETIRED, retired_reason=reason, replaced_by=replaced_by)
    await _revise(studio, replace(retired, pinned=False))


async def _reinstate(studio: Studio, lesson: Lesson, *, overrule: bool = False) -> Lesson:
    """Put a lesson back into use; those it contradicts go, where it is to `overrule` them as it did when it was new."""
    if lesson.status is LessonStatus.ACTIVE:
        return lesson
    revised = replace(_active(lesson), updated_at=utc_now(), revision=lesson.revision + 1)
    keys = lesson_keys(revised)
    vectors = await studio.embedder.embed(keys)
    index = await current_index(studio)
    outcome = reconcile(revised, index.lessons(), index.similarities(vectors), at=utc_now())
    overruled = outcome.retired if overrule and outcome.keep is not None else ()
    overruled = await off_loop(retired_in_place, studio.log, revised, overruled)
    await off_loop(studio.log.lessons.update, revised, *overruled)
    await off_loop(
        studio.log.lessons.set_vectors, revised.id, list(zip(keys, vectors, strict=True)), studio.embedder.name
    )
    return revised


def _active(lesson: Lesson) -> Lesson:
    return replace(lesson, status=LessonStatus.ACTIVE, retired_reason="", replaced_by=None)


async def _set_weak(studio: Studio, lesson_id: str, weak: bool) -> Lesson:
    lesson = await off_loop(studio.log.lessons.get, lesson_id)
    return lesson if lesson.weak == weak else await _revise(studio, replace(lesson, weak=weak))


async def _revise(studio: Studio, lesson: Lesson) -> Lesson:
    revised = replace(lesson, updated_at=utc_now(), revision=lesson.revision + 1)
    await off_loop(studio.log.lessons.update, revised)
    return revised
