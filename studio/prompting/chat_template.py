"""The one renderer of conversations: chat, training and evaluation all turn messages into model text here.

Follows the conventions of `transformers.apply_chat_template` (environment options, filters, globals), so
that templates written for it render alike. Templates come from model files and are not trusted: they run in
jinja2's immutable sandbox, for a bounded time, and make a bounded text. What people typed is not trusted
either: where it spells one of the model's
control tokens (`<|im_end|>`), that span is handed on as data, to be tokenised as plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, NoReturn

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser

from studio.domain.generation import ChatMessage
from studio.errors import ModelError
from studio.prompting.template_limits import LimitedEnvironment, TemplateLimitError, limited
from studio.prompting.thinking import closing_of

MOST_CHARACTERS = 1_000_000
"""Of a template; the longest in use have some ten thousand."""
_MOST_REASON = 300
_ANOTHER_BUILD = "Use another build of this model."


class Piece(NamedTuple):
    """A span of rendered text. `is_template`: control tokens in it are meant and are to be parsed as such;
    otherwise someone typed what looks like one, and it must be tokenised without special parsing."""

    text: str
    is_template: bool


def render(
    template: str,
    messages: Sequence[ChatMessage],
    *,
    bos_token: str,
    eos_token: str,
    add_generation_prompt: bool,
    thinking: bool = False,
) -> str:
    """The conversation as the model's own template writes it.

    `add_generation_prompt` ends the text with the header of the assistant's answer. `thinking`: a model that can think
    before it answers is to do so; else it is told not to, as far as its template knows how, and a block of thinking
    that the template opens all the same is closed (arXiv 2504.09858). Raises ModelError where the model has no
    template, or the template is broken or refuses these messages.
    """
    compiled = _compile(template)
    try:
        with limited():
            text = compiled.render(
                messages=[{"role": message.role.value, "content": message.content} for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                bos_token=bos_token,
                eos_token=eos_token,
                enable_thinking=thinking,
                thinking=thinking,
            )
    except TemplateLimitError as error:
        raise ModelError(f"The model's chat template was stopped: {error}.", _ANOTHER_BUILD) from error
    except jinja2.TemplateError as error:
        raise ModelError(
            f"The model's chat template refused this conversation: {_reason(error)}.",
            "Some templates know no system message; set prompt.system to an empty text, or use another model.",
        ) from error
    except Exception as error:  # it is a stranger's program, and may fail as any does
        raise ModelError(
            f"The model's chat template failed on this conversation: {_reason(error)}.", _ANOTHER_BUILD
        ) from error
    if add_generation_prompt and not thinking and (closing := closing_of(text)):
        return f"{text.rstrip()}\n\n{closing}\n\n"
    return text


def render_pieces(
    template: str,
    messages: Sequence[ChatMessage],
    *,
    bos_token: str,
    eos_token: str,
    add_generation_prompt: bool,
    control_tokens: Collection[str],
    thinking: bool = False,
) -> list[Piece]:
    """The conversation as pieces that keep the template's control tokens apart from ones people typed.

    `control_tokens` are the texts of the vocabulary's control tokens. Joined, the pieces are what `render`
    gives. Messages that spell no control token, nearly all, come back as one piece, so that tokenising it
    is tokenising the plain rendering; token boundaries cannot shift.

    A control token inside a message is rendered as one character that occurs nowhere else, and put back
    afterwards. So the template sees the real content wherever it tests or strips it, save for those spans.
    """
    typed = _typed_control_tokens(messages, control_tokens)
    if not typed:
        text = render(
            template,
            messages,
            bos_token=bos_token,
            eos_token=eos_token,
            add_generation_prompt=add_generation_prompt,
            thinking=thinking,
        )
        return [Piece(text, is_template=True)]
    seen = set(template).union(*(message.content for message in messages))
    free = (chr(code) for code in range(0x100000, 0x10FFFE) if chr(code) not in seen)
    placeholders = dict(zip(typed, free, strict=False))
    # Longest first: where one control token begins another, the longer one was typed.
    pattern = re.compile("|".join(re.escape(token) for token in sorted(typed, key=len, reverse=True)))
    shielded = [
        ChatMessage(message.role, pattern.sub(lambda match: placeholders[match.group()], message.content))
        for message in messages
    ]
    text = render(
        template,
        shielded,
        bos_token=bos_token,
        eos_token=eos_token,
        add_generation_prompt=add_generation_prompt,
        thinking=thinking,
    )
    return list(_split(text, {placeholder: token for token, placeholder in placeholders.items()}))


def _typed_control_tokens(messages: Sequence[ChatMessage], control_tokens: Collection[str]) -> list[str]:
    return [token for token in control_tokens if token and any(token in message.content for message in messages)]


def _split(text: str, tokens: dict[str, str]) -> Iterator[Piece]:
    """Cut at the placeholders; each becomes the token it stands for, as data."""
    for part in re.split(f"([{''.join(tokens)}])", text):
        if part in tokens:
            yield Piece(tokens[part], is_template=False)
        elif part:
            yield Piece(part, is_template=True)


@lru_cache(maxsize=8)
def _compile(template: str) -> jinja2.Template:
    if not template.strip():
        raise ModelError(
            "This model carries no chat template, so there is no telling how to talk to it.",
            "Use an instruction-tuned build of it (often named -Instruct, -Chat or -it).",
        )
    if len(template) > MOST_CHARACTERS:
        raise ModelError(f"The model's chat template has {len(template):,} characters.", _ANOTHER_BUILD)
    environment = LimitedEnvironment(
        {"tojson": _tojson},
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _GenerationBlock],
    )
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    try:
        with limited():
            return environment.from_string(template)
    except Exception as error:  # also Python's own limits on what can be nested in what
        raise ModelError(f"The model's chat template is broken: {_reason(error)}.", _ANOTHER_BUILD) from error


def _reason(error: Exception) -> str:
    """What an error says, in one line that can be read."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _MOST_REASON else words[:_MOST_REASON] + "…"


class _GenerationBlock(jinja2.ext.Extension):
    """`{% generation %}…{% endgeneration %}` marks answers for training masks; it renders as its body."""

    tags = {"generation"}  # noqa: RUF012  jinja2 declares it so

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise_exception(message: object) -> NoReturn:
    raise jinja2.TemplateError(message if isinstance(message, str) else "it says no reason in words")


def _strftime_now(format_: str) -> str:
    # Local time without a zone, as transformers gives it: a template's "today" is the user's today.
    return datetime.now().strftime(format_)  # noqa: DTZ005


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Without the HTML escapes of jinja2's own filter; the arguments are transformers'."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
