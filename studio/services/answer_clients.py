"""The arms as the models of other programs: what these ask is answered, and lies in the log to be reviewed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from studio.domain.arms import ArmRecipe
from studio.domain.clients import ClientQuestion
from studio.domain.generation import Sampling
from studio.domain.identity import utc_now
from studio.domain.log import Answer, Origin, Turn
from studio.errors import EngineError
from studio.services.answer_with_arms import ArmDelta, ArmFailed, ArmFinished, ArmStarted, answer_question
from studio.services.converse import add_turn, start_conversation
from studio.services.place_question import History, Place, known_place
from studio.services.prepare_lanes import Question
from studio.services.reader import answering_arms
from studio.services.studio import Studio, off_loop


class ServedArms:
    """Implements domain.ports.Assistant. Questions asked at once are decoded together."""

    def __init__(self, studio: Studio, default: ArmRecipe) -> None:
        self._studio = studio
        self._default = default
        self._placing = asyncio.Lock()
        self._being_answered: dict[str, History] = {}

    @property
    def sampling(self) -> Sampling:
        return self._studio.sampling

    async def arms(self) -> tuple[str, ...]:
        """The arms that can answer, the default first. Raises ModelError."""
        recipes, _ = await answering_arms(self._studio)
        others = (recipe.name for recipe in recipes if recipe != self._default)
        return (self._default.name, *others)

    async def answer(self, question: ClientQuestion) -> AsyncGenerator[str | Answer]:
        """Pieces of the answer's text, an empty one as soon as it is being answered; last the answer as logged.

        Closing the iterator cancels; what had come by then is kept. Raises StudioError.
        """
        recipe = self._studio.arm(question.arm)
        asked = Question(question.prompt, question.history, question.system)
        placed: list[Turn] = []

        async def place() -> Turn:
            placed.append(await self._place(asked))
            return placed[0]

        try:
            events = answer_question(self._studio, asked, [recipe], place, question.sampling)
            async with aclosing(events):
                async for event in events:
                    match event:
                        case ArmStarted():
                            yield ""
                        case ArmDelta(text=text, is_thinking=is_thinking):
                            yield "" if is_thinking else text
                        case ArmFinished(answer=answer):
                            yield answer
                        case ArmFailed(message=message, hint=hint):
                            raise EngineError(message, hint)
        finally:
            for turn in placed:
                self._being_answered.pop(turn.id, None)

    async def _place(self, question: Question) -> Turn:
        """The question's turn, a new one unless it was asked before at the same place."""
        # One after the other: two at once would both go on from where the conversation was.
        async with self._placing:
            place = await off_loop(
                known_place, self._studio.log, question, utc_now(), being_answered=dict(self._being_answered)
            )
            if place is None:
                place = Place((await start_conversation(self._studio, origin=Origin.API)).id)
            turn = place.turn or await add_turn(self._studio, place.conversation_id, question.prompt)
            self._being_answered[turn.id] = question.history
            return turn
