"""Where a rule of style holds, learnt from the correction that taught it: pure, by words; the user may change it."""

from __future__ import annotations

import re
from itertools import takewhile

from studio.domain.lessons import Scope, ScopeKind
from studio.lessons.generality import speaks_of_all, speaks_of_all_of
from studio.lessons.question_kinds import asks_for
from studio.lessons.remarks import named_kinds, speaks_of_form, speaks_of_the_user

_EVERY = re.compile(
    r"\b(?:every|each|all|any)\s+(?:\w+\s+)?(?:answers?|repl(?:y|ies)|responses?)\b|\bno\s+answer\b|\beverything\b"
    r"|\bwhatever\s+i\s+ask\b|\beverywhere\b",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"\b(?:words?|sentences?|lines?|characters?|short(?:ly)?|brief(?:ly)?|concise)\b", re.IGNORECASE)
# Said of this one answer, and not as a rule: 'too long', 'shorter', 'more polite'.
_OF_THIS_ANSWER = re.compile(
    r"\b(?:too|more|less|rather|shorter|longer|politer|friendlier|simpler|nicer|better)\b", re.IGNORECASE
)
_AS_A_RULE = re.compile(
    r"\b(?:words?|sentences?|always|never|every|each|all|any|whenever|rule|no\s+more|more\s+than|at\s+most|only)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]{4,}")
_LEAST_SHARED, _ENDING = 6, 4  # letters
# Words that say how to write or ask, and so nothing about which questions a rule is for.
_NO_TOPIC = frozenset(
    "about after also always answer answers asked before begin begins close closes each every finish first from give"  # noqa: SIM905
    " given gives have into like line lines make message messages never note notes only please question questions"
    " sentence sentences short should start starts tell that their them then there this those used using what when"
    " where which with word words write written your email emails letter letters mail announce announcement"
    " announcements sign signs label labels card cards name names time times date dates number numbers day days say"
    " says end ends most more less must will would could each explain explanation definition list lists thing things"
    " step steps instruction instructions send capital capitals keep because greeting greetings title titles"
    " definitions explanations suggest suggestion suggestions recommend recommendation advice advise several person"
    " people".split()
)
_WHOM = re.compile(
    r"\b(?:to|for)\s+(?:(?:the|our|my|all|a|an)\s+)*([a-z]{4,})(?:\s+(?:and|or)\s+(?:(?:the|our|my)\s+)?([a-z]{4,}))?"
)
# Texts with a name of their own: a rule for announcements says nothing of a letter.
_PARTICULAR = ("announce", "invit", "remind", "postcard", "caption", "newsletter", "memo", "toast", "poster", "notice")
# Whom or what it is for, where rule and question both say it: 'messages to students', 'labels for jars'.
_ADDRESSED = (ScopeKind.MESSAGES, ScopeKind.SIGNS)
# A thing that an answer has in it, or that is written: a rule for it says nothing to other questions, which are most.
_THINGS = frozenset(
    {ScopeKind.DATES, ScopeKind.DAYS, ScopeKind.TIMES, ScopeKind.MONEY, ScopeKind.LENGTHS, ScopeKind.MEASURES}
    | {ScopeKind.MESSAGES, ScopeKind.SIGNS, ScopeKind.CODE, ScopeKind.TRANSLATIONS, ScopeKind.COMPARISONS}
)
# How the user is spoken with, and what they are like, holds whatever they talk of or want suggested.
_OF_THE_USER = (ScopeKind.TALK, ScopeKind.MESSAGES, ScopeKind.ADVICE)
# Every question is of one sort, or is a task of none, such as a translation. A small model answers worse under a rule,
# so that one said of an explanation is not put to every plain question too.
_SORTS = (ScopeKind.TEXTS, ScopeKind.OPEN, ScopeKind.FACTS)


def learn_scope(rule: str, question: str) -> Scope:
    """The scope of a rule, from the user's words about it and the corrected question.

    It always holds for the corrected question itself. A rule that names no kind of answer is for the sort of the
    corrected one, unless it says 'every answer'. What tells of the user ('Call me Sam', 'I'm vegetarian') is for small
    talk, messages or advice, where that was asked for. Words about this one answer ('too long') are no rule. A whole
    sort of question has to be asked for (studio.lessons.generality); else the rule is for those like the corrected one.
    """
    of_the_user = speaks_of_the_user(rule, question)
    if of_the_user and (spoken := next((kind for kind in _OF_THE_USER if asks_for(question, kind)), None)):
        return Scope(spoken)
    if named := next((kind for kind in named_kinds(rule) if asks_for(question, kind)), None):
        return _of_a_kind(named, rule, question)
    if not (speaks_of_form(rule, question) or of_the_user) or (
        _OF_THIS_ANSWER.search(rule) and not _AS_A_RULE.search(rule)
    ):
        return Scope()
    sort = next((kind for kind in _SORTS if asks_for(question, kind)), ScopeKind.LIKE)
    if words := _shared_words(rule, question):
        return Scope(sort, words)
    if _EVERY.search(rule):
        return Scope(ScopeKind.QUESTIONS if _LENGTH.search(rule) else ScopeKind.EVERY)
    return Scope(sort, like=sort is not ScopeKind.LIKE and not speaks_of_all(rule))


def _of_a_kind(kind: ScopeKind, rule: str, question: str) -> Scope:
    """The scope of a rule that names the kind of answer that the question asks for."""
    if kind in _THINGS:
        return Scope(kind, _addressed(rule, question) if kind in _ADDRESSED else ())
    words = _shared_words(rule, question)
    return Scope(kind, words, like=not words and not speaks_of_all_of(rule, kind))


def in_scope(scope: Scope, question: str) -> bool:
    """Whether a rule of this scope holds for the answer to the question, by the question's words.

    Where it holds for questions like its example alone, their likeness has to be seen as well.
    """
    if not asks_for(question, scope.kind):
        return False
    return not scope.words or any(_says(question, word) for word in scope.words)


def _addressed(rule: str, question: str) -> tuple[str, ...]:
    """Whom the rule names, if one of them is in the question too: 'letters to authorities and clients'.

    Else the text that both name, where it has a name of its own.
    """
    named = [_stem(word) for found in _WHOM.findall(rule.casefold()) for word in found if word]
    if any(_says(question, word) for word in named):
        return tuple(dict.fromkeys(named))
    return tuple(word for word in _PARTICULAR if _says(rule, word) and _says(question, word))


def _shared_words(rule: str, question: str) -> tuple[str, ...]:
    """What the rule is about: the words, or the beginnings of words, that it shares with the question."""
    asked = _WORD.findall(question.casefold())
    told = [word for word in _WORD.findall(rule.casefold()) if word not in _NO_TOPIC]
    return tuple(dict.fromkeys(shared for word in told for other in asked if (shared := _in_both(word, other))))


def _in_both(word: str, other: str) -> str:
    """The stem that two words share, 'percents' and 'percentage'; empty where they are other words."""
    if _stem(word) == _stem(other):
        return _stem(word)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    return word[:shared] if shared >= _LEAST_SHARED and max(len(word), len(other)) <= shared + _ENDING else ""


def _says(question: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}", question, re.IGNORECASE) is not None


def _stem(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3]
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
