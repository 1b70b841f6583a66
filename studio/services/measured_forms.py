"""What a model was measured to read best, kept in a file per model; without a whole one the default holds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from studio.durable import write_whole
from studio.errors import MachineError, ModelError
from studio.prompting.prompt_forms import DEFAULT_FORMS, IN_WORDS, LessonForm, PromptForms, ShownForm
from studio.services.studio import Studio, off_loop

_DIGITS = 12
"""Of the model's SHA-256, in the name of its file."""
_MOST_BYTES = 1_000_000


class FormResult(msgspec.Struct, frozen=True, kw_only=True):
    """One form in the exam. `right` of `asked` rewordings; `leaks` among `near` questions, to which the lesson was
    wrongly given; `kept` of `general` questions that come out right without it. `tokens` of a prompt, on average.

    `gain` is how many points more than the default has, `chance` how likely that many are by chance; both None for the
    default, and for a form the model's template refused, which `refused` says.
    """

    form: str
    right: int = 0
    asked: int = 0
    leaks: int = 0
    near: int = 0
    kept: int = 0
    general: int = 0
    tokens: float = 0.0
    gain: float | None = None
    chance: float | None = None
    chosen: bool = False
    refused: str = ""


class MeasuredForms(msgspec.Struct, frozen=True, kw_only=True):
    """The exam of one model: every form's figures, and what was chosen by them."""

    model_sha256: str
    model_name: str
    exam: str
    measured_at: datetime
    lesson: LessonForm
    corrections: ShownForm
    lessons: tuple[FormResult, ...]
    context: tuple[FormResult, ...]

    @property
    def forms(self) -> PromptForms:
        return PromptForms(self.lesson, self.corrections)


async def forms_of(studio: Studio) -> PromptForms:
    """The forms for the running model: as measured, else the default. Raises ModelError where there is no model."""
    facts = await studio.model()
    try:
        measured = await off_loop(measured_forms, studio, facts.sha256)
    except ModelError:  # `studio doctor` tells
        return DEFAULT_FORMS
    return measured.forms if measured else DEFAULT_FORMS


def measured_forms(studio: Studio, model_sha256: str) -> MeasuredForms | None:
    """A model's exam; None where it was never held. Blocks. Raises ModelError where its file is damaged."""
    file = _file(studio, model_sha256)
    damaged = f"The measured forms in {file} cannot be read, so the default ones are used"
    again = "Delete the file, or measure anew: studio models measure"
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        measured = msgspec.json.decode(content, type=MeasuredForms)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{damaged} ({error.strerror}).", again) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise ModelError(f"{damaged} (it is damaged).", again) from error
    if measured.model_sha256 != model_sha256:
        raise ModelError(f"{damaged} (they are another model's).", again)
    return measured


def forms_in_words(measured: MeasuredForms | None, *, bundled: bool) -> str:
    """What a model's forms are and whence that is known, in a sentence or two."""
    if measured is None:
        whence = (
            "the default, which was measured on this model" if bundled else "the default, not measured on this model"
        )
        how = "" if bundled else "; studio models measure finds out what it reads best"
        return f"Lessons are put to it in {whence} ({in_words(DEFAULT_FORMS)}){how}."
    whence = "which is the default" if measured.forms == DEFAULT_FORMS else "not the default"
    return (
        f"Lessons are put to it as measured on {measured.measured_at:%Y-%m-%d}, {whence}: {in_words(measured.forms)}."
    )


def in_words(forms: PromptForms) -> str:
    """The forms themselves."""
    return f"{IN_WORDS[forms.lesson]}; {IN_WORDS[forms.corrections]}"


def keep_measured(studio: Studio, measured: MeasuredForms) -> Path:
    """Write them in the place of earlier ones, whole or not at all. Raises MachineError."""
    file = _file(studio, measured.model_sha256)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, msgspec.json.format(msgspec.json.encode(measured)))
    except OSError as error:
        raise MachineError(f"{file} cannot be written ({error.strerror}).", "Make room, or mend rights.") from error
    return file


def forms_file(folder: Path, model_sha256: str) -> Path:
    """Where in the folder a model's exam lies."""
    return folder / f"{model_sha256[:_DIGITS]}.json"


def _file(studio: Studio, model_sha256: str) -> Path:
    return forms_file(studio.forms_folder or studio.workspace.prompt_forms, model_sha256)
