"""The formats of the ecosystem, each as the parts it consists of: what one correction becomes in each of them.

Where a trainer can tell the answer from what precedes it, the answer alone is to be learnt: earlier answers in a
conversation may be the very ones that were wrong. Schemas: TRL (huggingface.co/docs/trl/dataset_formats), OpenAI
(platform.openai.com/docs/guides/fine-tuning), LLaMA-Factory (data/README.md), Axolotl (docs.axolotl.ai), EasyEdit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.exchange.examples import Example

Row = dict[str, Any]
Builder = Callable[[Example], "list[Row] | str"]
Feature = dict[str, Any]

NO_ANSWER = "no original answer on record"
NO_TURNS = "the messages before it do not take turns"
NO_HISTORY = "within a conversation, for which the format has no place"


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of file. `rows` gives what a correction becomes, or why it becomes nothing.

    `features` are its columns as a dataset card on the Hub states them.
    """

    name: str
    rows: Builder
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """`task` is the task category on the Hub. A `whole` format is of the log, not of its corrections alone."""

    name: str
    says: str
    parts: tuple[Part, ...] = ()
    ending: str = "jsonl"
    takes_rationale: bool = True
    whole: bool = False


def _assistant(text: str) -> Row:
    return {"role": "assistant", "content": text}


def _trl_sft(example: Example) -> list[Row]:
    return [{"prompt": example.before, "completion": [_assistant(example.chosen)]}]


def _trl_dpo(example: Example) -> list[Row] | str:
    if not example.rejected:
        return NO_ANSWER
    chosen, rejected = [_assistant(example.chosen)], [_assistant(example.rejected)]
    return [{"prompt": example.before, "chosen": chosen, "rejected": rejected}]


def _trl_kto(example: Example) -> list[Row]:
    said = [(example.chosen, True), *([(example.rejected, False)] if example.rejected else [])]
    return [{"prompt": example.before, "completion": [_assistant(text)], "label": good} for text, good in said]


def _openai_sft(example: Example) -> list[Row]:
    # Weight 0: read, not learnt.
    before = [m | {"weight": 0} if m["role"] == "assistant" else m for m in example.before]
    return [{"messages": [*before, _assistant(example.chosen)]}]


def _openai_dpo(example: Example) -> list[Row] | str:
    if not example.rejected:
        return NO_ANSWER
    return [
        {
            "input": {"messages": example.before, "tools": [], "parallel_tool_calls": True},
            "preferred_output": [_assistant(example.chosen)],
            "non_preferred_output": [_assistant(example.rejected)],
        }
    ]


def _alpaca(example: Example, said: Row) -> list[Row] | str:
    history = example.exchanges
    if history is None:
        return NO_TURNS
    return [{"instruction": example.prompt, "input": "", **said, "system": example.system, "history": history}]


def _alpaca_sft(example: Example) -> list[Row] | str:
    return _alpaca(example, {"output": example.chosen})


def _alpaca_dpo(example: Example) -> list[Row] | str:
    return _alpaca(example, {"chosen": example.chosen, "rejected": example.rejected}) if example.rejected else NO_ANSWER


def _sharegpt(example: Example, answer: str | None, **said: Any) -> list[Row] | str:
    history = example.exchanges
    if history is None:
        return NO_TURNS
    turns = [text for exchange in history for text in exchange] + [example.prompt]
    if answer is not None:
        turns.append(answer)
    conversations = [{"from": ("human", "gpt")[at % 2], "value": text} for at, text in enumerate(turns)]
    return [{"conversations": conversations, **said, "system": example.system}]


def _sharegpt_sft(example: Example) -> list[Row] | str:
    return _sharegpt(example, example.chosen)


def _sharegpt_dpo(example: Example) -> list[Row] | str:
    if not example.rejected:
        return NO_ANSWER
    chosen, rejected = ({"from": "gpt", "value": text} for text in (example.chosen, example.rejected))
    return _sharegpt(example, None, chosen=chosen, rejected=rejected)


def _sharegpt_kto(example: Example) -> list[Row] | str:
    good = _sharegpt(example, example.chosen, kto_tag=True)
    bad = _sharegpt(example, example.rejected, kto_tag=False) if example.rejected else []
    return good if isinstance(good, str) or isinstance(bad, str) else good + bad


def _axolotl_sft(example: Example) -> list[Row]:
    return [{"messages": [*example.before, _assistant(example.chosen)]}]


def _axolotl_dpo(example: Example) -> list[Row] | str:
    if not example.rejected:
        return NO_ANSWER
    chosen, rejected = _assistant(example.chosen), _assistant(example.rejected)
    return [{"messages": example.before, "chosen": chosen, "rejected": rejected}]


def _axolotl_kto(example: Example) -> list[Row] | str:
    if example.history:
        return NO_HISTORY
    said = [(example.chosen, True), *([(example.rejected, False)] if example.rejected else [])]
    one = {"prompt": example.prompt, "system": example.system}
    return [one | {"completion": text, "label": good} for text, good in said]


def _easyedit(example: Example) -> list[Row] | str:
    if example.history:
        return NO_HISTORY
    edit = {"prompt": example.prompt, "ground_truth": example.rejected, "target_new": example.chosen}
    return [edit | {"rephrase_prompt": "", "locality": {}, "portability": {}}]


def _text(*names: str) -> tuple[Feature, ...]:
    return tuple({"name": name, "dtype": "string"} for name in names)


def _messages(name: str, *more: Feature) -> Feature:
    return {"name": name, "list": [*_text("role", "content"), *more]}


def _label(name: str) -> Feature:
    return {"name": name, "dtype": "bool"}


_PAIRS: Feature = {"name": "history", "list": {"list": "string"}}
_TURNS: Feature = {"name": "conversations", "list": list(_text("from", "value"))}
_SAID = tuple({"name": name, "struct": list(_text("from", "value"))} for name in ("chosen", "rejected"))
_ANSWERS = tuple({"name": name, "struct": list(_text("role", "content"))} for name in ("chosen", "rejected"))

_SHAREGPT = (
    Part("sft", _sharegpt_sft, (_TURNS, *_text("system"))),
    Part("preference", _sharegpt_dpo, (_TURNS, *_SAID, *_text("system"))),
    Part("kto", _sharegpt_kto, (_TURNS, _label("kto_tag"), *_text("system"))),
)
_ALPACA = (
    Part("sft", _alpaca_sft, (*_text("instruction", "input", "output", "system"), _PAIRS)),
    Part("preference", _alpaca_dpo, (*_text("instruction", "input", "chosen", "rejected", "system"), _PAIRS)),
)
_AXOLOTL = (
    Part("sft", _axolotl_sft, (_messages("messages"),)),
    Part("preference", _axolotl_dpo, (_messages("messages"), *_ANSWERS)),
    Part("kto", _axolotl_kto, (*_text("prompt", "system", "completion"), _label("label"))),
)
_OPENAI_SFT = _messages("messages", {"name": "weight", "dtype": "int64"})

FORMATS = {
    one.name: one
    for one in (
        Format("trl-sft", "TRL, supervised", (Part("", _trl_sft, (_messages("prompt"), _messages("completion"))),)),
        Format(
            "trl-dpo",
            "TRL, preferences",
            (Part("", _trl_dpo, (_messages("prompt"), _messages("chosen"), _messages("rejected"))),),
        ),
        Format(
            "trl-kto",
            "TRL, answers judged one by one",
            (Part("", _trl_kto, (_messages("prompt"), _messages("completion"), _label("label"))),),
        ),
        Format("openai-sft", "OpenAI, supervised", (Part("", _openai_sft, (_OPENAI_SFT,)),), takes_rationale=False),
        Format("openai-dpo", "OpenAI, preferences", (Part("", _openai_dpo, ()),), takes_rationale=False),
        Format("alpaca", "Alpaca: supervised and preferences", _ALPACA),
        Format("sharegpt", "ShareGPT: supervised, preferences and KTO", _SHAREGPT),
        Format("llama-factory", "LLaMA-Factory: ShareGPT with dataset_info.json", _SHAREGPT),
        Format("axolotl", "Axolotl: supervised, preferences and KTO, with a configuration", _AXOLOTL),
        Format("easyedit", "EasyEdit: knowledge edits", (Part("", _easyedit, ()),), ending="json"),
        Format("parquet", "the whole log as Parquet", ending="parquet", whole=True),
        Format("jsonl", "the whole log as JSON Lines, lossless", whole=True),
    )
}
