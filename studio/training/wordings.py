"""Other ways to put a question, by rule: what a small model must see to recognise a question it meets reworded.

English rules and a short list of everyday synonyms; a prompt in another language, or one that is no question,
still gets the frames, fragments and cases that need no grammar. Pure and deterministic for a seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from studio.training.english import FRAMES, NOUN_FRAMES, OPENINGS, STOP_WORDS, SYNONYMS

_STOP = frozenset(STOP_WORDS.split())
_ALTERNATIVES: dict[str, tuple[str, ...]] = {}
for _group in SYNONYMS:
    for _word in _group:
        others = tuple(item for item in _group if item != _word)
        _ALTERNATIVES[_word] = tuple(dict.fromkeys(_ALTERNATIVES.get(_word, ()) + others))


def wordings(prompt: str, count: int, seed: int = 0) -> tuple[str, ...]:
    """At most `count` distinct wordings, the prompt itself first, the rest drawn evenly over the kinds of change."""
    draw = random.Random(f"{seed}:{prompt}")  # noqa: S311 - variety, not a secret
    fixed = [list(kind(prompt)) for kind in (_framed, _noun_framed, _reopened)]
    kinds = fixed + [list(kind(prompt, draw)) for kind in (_replaced, _fragments, _mixed)]
    for kind in kinds:
        draw.shuffle(kind)
    chosen = {prompt: None}
    while len(chosen) < count and any(kinds):
        for kind in kinds:
            if kind and len(chosen) < count:
                chosen.setdefault(_tidy(kind.pop()), None)
    return tuple(chosen)


def content_words(prompt: str) -> list[str]:
    """The words that carry the topic, in order."""
    return [word for word in re.findall(r"[\w'-]+", prompt) if word.lower() not in _STOP]


def _bare(prompt: str) -> str:
    return prompt.strip().rstrip("?!. ")


def _lower_first(text: str) -> str:
    """Lower-case the first letter, unless the first word is an 'I' or all capitals."""
    first = text.split(" ", 1)[0]
    return text if first == "I" or (len(first) > 1 and first.isupper()) else text[:1].lower() + text[1:]


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text[:1].upper() + text[1:] if text.endswith(("?", ".", "!")) and " " in text else text


def _frame(template: str, prompt: str) -> str:
    bare = _bare(prompt)
    return template.format(
        q=prompt.strip(),
        bare=bare,
        lower=prompt.strip().lower(),
        low_q=_lower_first(prompt.strip()),
        low_bare=_lower_first(bare),
        keys=" ".join(content_words(prompt)).lower() or bare,
    )


def _framed(prompt: str) -> Iterator[str]:
    for template in FRAMES[1:]:
        yield _frame(template, prompt)


def _noun_framed(prompt: str) -> Iterator[str]:
    """Questions after a thing, 'What is X?' or 'Who is X?', become requests for X."""
    match = re.match(r"(?i)(?:what|who|where|which)(?:'s| is| are| was) (?P<noun>.+)", _bare(prompt))
    nouns = [match["noun"]] if match else []
    keys = content_words(prompt)
    if 1 < len(keys) <= 5:
        nouns.append("the " + " ".join(keys).lower())
        nouns.append(f"the {keys[0].lower()} of the {' '.join(keys[1:]).lower()}")
    for noun in nouns:
        for template in NOUN_FRAMES:
            yield template.format(noun=noun)


def _reopened(prompt: str) -> Iterator[str]:
    """Another question word: 'Who ...' as 'Which person ...'."""
    bare = _bare(prompt)
    for opening, others in OPENINGS.items():
        if re.match(rf"(?i){opening}\b", bare):
            for other in others:
                yield f"{other}{bare[len(opening) :]}?"
            return


def _replaced(prompt: str, draw: random.Random) -> Iterator[str]:
    """Everyday synonyms, one to three at a time."""
    words = prompt.strip().split(" ")
    places = [place for place, word in enumerate(words) if word.strip("?!.,").lower() in _ALTERNATIVES]
    for _ in range(6 * bool(places)):
        changed = list(words)
        for place in draw.sample(places, min(len(places), draw.randint(1, 3))):
            core = words[place].strip("?!.,")
            changed[place] = words[place].replace(core, draw.choice(_ALTERNATIVES[core.lower()]))
        yield " ".join(changed)


def _fragments(prompt: str, draw: random.Random) -> Iterator[str]:
    """The question with words missing: the rest must do."""
    words = _bare(prompt).split(" ")
    for _ in range(6 * (len(words) > 3)):
        kept = sorted(draw.sample(range(len(words)), max(2, round(len(words) * draw.uniform(0.5, 0.85)))))
        yield " ".join(words[place] for place in kept) + draw.choice(("?", "", "..."))


def _mixed(prompt: str, draw: random.Random) -> Iterator[str]:
    """Synonyms and another opening within a frame."""
    changed = [*_replaced(prompt, draw), *_reopened(prompt)] or [prompt]
    for template in draw.sample(FRAMES, 8):
        yield _frame(template, _tidy(draw.choice(changed)))
