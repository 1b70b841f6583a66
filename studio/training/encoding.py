"""Examples in tokens, rendered and tokenised as the engine does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studio.domain.generation import ChatMessage, Role
from studio.domain.nights import TrainingExample
from studio.prompting.chat_template import Piece, render_pieces
from studio.training.batches import Encoded
from studio.training.foreign import Tokenizer

REPLAYED_TOKENS = 12
"""Replayed answers are held near the frozen model's over their first tokens, which set the course of the rest: more
prompts for the same work, where it counts (docs/night.md)."""


def encode(examples: Sequence[TrainingExample], tokenizer: Tokenizer) -> list[Encoded]:
    """Prompt up to the answer header, then the answer and its end, with a transformers tokenizer.

    The two are tokenised apart, because at answering time the first token generated follows the header's last.
    Raises ModelError where the model has no chat template or it refuses the conversation.
    """
    encoded = []
    for index, example in enumerate(examples):
        header = _pieces(tokenizer, example.messages, add_generation_prompt=True)
        answer = ChatMessage(Role.ASSISTANT, example.completion)
        whole = _pieces(tokenizer, (*example.messages, answer), add_generation_prompt=False)
        if _text(whole).startswith(_text(header)):
            ending = _after(whole, len(_text(header)))
        else:  # this template writes the header of a finished answer otherwise: take the bare answer
            ending = [Piece(example.completion, is_template=False), Piece(tokenizer.eos_token or "", is_template=True)]
        completion = _tokens(tokenizer, ending)[: REPLAYED_TOKENS if example.replay else None]
        asked = encode_prompt(example.messages, tokenizer)
        frozen = encode_prompt(example.frozen_messages, tokenizer) if example.frozen_messages else ()
        encoded.append(Encoded(index, asked, tuple(completion), example.replay, frozen))
    return encoded


def encode_prompt(messages: Sequence[ChatMessage], tokenizer: Tokenizer) -> tuple[int, ...]:
    """A chat up to the header of the answer, begin-of-text included where the model wants it."""
    opening = _opening(tokenizer)
    prompt = _tokens(tokenizer, _pieces(tokenizer, messages, add_generation_prompt=True))
    return tuple(prompt if prompt[: len(opening)] == opening else [*opening, *prompt])


def _opening(tokenizer: Tokenizer) -> list[int]:
    """The begin-of-text token, where the model wants one before every text."""
    bos = tokenizer.bos_token_id
    return [bos] if bos is not None and tokenizer("").input_ids[:1] == [bos] else []


def _pieces(tokenizer: Tokenizer, messages: Sequence[ChatMessage], *, add_generation_prompt: bool) -> list[Piece]:
    return render_pieces(
        tokenizer.chat_template or "",
        messages,
        bos_token=tokenizer.bos_token or "",
        eos_token=tokenizer.eos_token or "",
        add_generation_prompt=add_generation_prompt,
        control_tokens=tokenizer.all_special_tokens,
    )


def _text(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _after(pieces: Sequence[Piece], characters: int) -> list[Piece]:
    """What follows the first `characters`, without the line break templates write after the end of a turn."""
    rest = []
    for piece in pieces:
        rest.append(Piece(piece.text[characters:], piece.is_template))
        characters = max(0, characters - len(piece.text))
    rest[-1] = Piece(rest[-1].text.rstrip(), rest[-1].is_template)
    return [piece for piece in rest if piece.text]


def _tokens(tokenizer: Tokenizer, pieces: Iterable[Piece]) -> list[int]:
    tokens: list[int] = []
    for piece in pieces:
        tokens += tokenizer(piece.text, add_special_tokens=False, split_special_tokens=not piece.is_template).input_ids
    return tokens
