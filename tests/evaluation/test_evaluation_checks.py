"""Judging answers, and the checks that edits turn into."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio.domain.checks import Check
from studio.evaluation.checks import check_from_edit, judge, pattern_fault
from studio.evaluation.judging import is_settled
from studio.evaluation.number_words import leading_number, other_spelling, spell
from studio.evaluation.words import count_words, words


def says(text: str, phrase: str) -> bool:
    return judge(text, Check(include=((phrase,),))).ok


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The window is 45 days.", "45 DAYS"),
        ("It's *plum kettle 77*!", "plum-kettle-77"),
        ("Use v2.1 from now on.", "2.1"),
        ("It runs on Python3.12.", "Python 3.12"),
        ("Elle va à l'école.", "école"),
        ("Mangiamo all'Osteria Verde.", "Osteria Verde"),
        ("サーバー3台です", "サーバー"),
        ("コーヒー2杯", "2杯"),
        ("That costs €5!", "€"),
        ("Fish 🐟, I ❤️ it", "❤"),
        ("Water is H₂O.", "h2o"),
        ("４５ days", "45 days"),
        ("Stra\u00dfe", "STRASSE"),
        ("cafe\u0301", "café"),
        ("You can’t.", "can't"),
        ("It is Priya's desk.", "Priya"),
        ("Ask PRIYA’S team.", "Priya's team"),
        ("Ask Priya.", "Priya's"),
        ("That's it, let's go.", "that's"),
        ("The soft\u00adware\u200b", "software"),
        ("It weighs 45km, say 6:25pm", "45 km"),
        ("at 6:25 p.m. sharp", "6:25pm"),
        ("1,000 boxes", "1000 boxes"),
        ("首都是東京です", "東京"),
        ("退款期限是45天。", "45天"),
        ("서울입니다", "서울"),
        ("I write C++ and C#.", "C++"),
        ("Otter/", "otter"),
    ],
)
def test_a_phrase_is_found_whatever_its_form(text: str, phrase: str) -> None:
    assert says(text, phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("450 days", "45"),
        ("13.5 percent", "13"),
        ("notable", "not able"),
        ("12:20", "2:20"),
        ("days 45", "45 days"),
        ("C#", "C++"),
        ("It's late.", "it"),
        ("ottery", "otter"),
        ("anything", "..."),
    ],
)
def test_a_phrase_is_found_only_as_whole_words_in_order(text: str, phrase: str) -> None:
    assert not says(text, phrase)


def test_the_score_is_the_share_of_conditions_and_the_reasons_name_those_that_fail() -> None:
    check = Check(include=(("45 days", "forty-five days"), ("receipt",)), exclude=("30 days",), max_words=3)
    verdict = judge("Forty-Five days, not 30 days.", check)
    assert not verdict.ok
    assert verdict.score == pytest.approx(0.25)
    assert (
        verdict.reasons
        == (
            "does not say 'receipt'",
            "says '30 days'",
            "has 5 words, 3 at most were wanted",
        )
        or "has 4 words" in verdict.reasons[2]
    )
    assert judge("45 days, receipt", check).ok
    assert judge("30", Check(include=(("45 days", "forty-five days"),))).reasons == (
        "does not say '45 days' or the like",
    )


def test_an_empty_answer_is_never_right() -> None:
    for check in (Check(), Check(exclude=("x",)), Check(max_words=3)):
        verdict = judge(" \n", check)
        assert (verdict.ok, verdict.score) == (False, 0.0)


def test_a_check_without_conditions_accepts_any_answer() -> None:
    assert judge("whatever", Check()).ok


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["ice", "iceberg", "İce", "1", ",", ".", "2", "冰", " ", "\n", "\u0301", "\u00ad", "´"]),
        max_size=9,
    ),
    st.sampled_from(["ice", "12", "1", "冰 ice", "iceberg 1"]),
)
def test_an_answer_that_is_settled_is_right_however_it_goes_on(parts: list[str], phrase: str) -> None:
    text, check = "".join(parts), Check(include=((phrase, "2 ice"),))
    settled = [is_settled(text[:end], check) for end in range(len(text) + 1)]
    assert settled == sorted(settled), "and stays so"
    assert judge(text, check).ok or not any(settled)


def test_an_answer_is_settled_once_all_is_said_in_whole_words_and_nothing_can_spoil_it() -> None:
    wanted = Check(include=(("two", "2"), ("wheels",)))
    assert not is_settled("A bicycle has two wheels", wanted), "wheelsmiths are others"
    assert is_settled("A bicycle has two wheels ", wanted)
    for spoilt in (Check(exclude=("three",)), Check(max_words=9), Check(pattern="wheels$")):
        assert not is_settled("A bicycle has two wheels, and ", replace(spoilt, include=wanted.include))


def test_a_pattern_is_searched_in_the_raw_text() -> None:
    check = Check(pattern=r"\b20\d\d-\d\d-\d\d\b")
    assert judge("Ships 2025-03-03.", check).ok
    assert not judge("Ships 2025 03 03.", check).ok
    assert not judge("kiln:", Check(pattern="Kiln:")).ok


@pytest.mark.parametrize(
    "pattern", ["(", "(?au)x", "(?:a{1000}){1000}", "a" * 3_000, "(?:(?:a{99}){99}){99}{99}", "a{99999999999}"]
)
def test_an_unusable_pattern_is_refused_with_the_reason(pattern: str) -> None:
    assert pattern_fault(pattern)
    verdict = judge("aaa", Check(pattern=pattern))
    assert not verdict.ok
    assert "pattern" in verdict.reasons[0]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^.{1,40}\n.{1,40}\n.{1,40}$",
        r"[A-Z]{2,10}-\d{1,10}-\d{1,10}-\d{2,12}",
        r"\{20000\}",
        "[{20000}]",
        "(a{9}|b{9}){99}",
    ],
)
def test_repeats_beside_each_other_add_up(pattern: str) -> None:
    assert pattern_fault(pattern) is None


def test_a_pattern_that_backtracks_without_end_is_stopped() -> None:
    verdict = judge("a" * 40_000 + "!", Check(pattern=r"(a|a?)+$|(a+)+b$|^(?:.*a){12}x"))
    assert not verdict.ok
    assert "too long" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("text", "count"), [("plum-kettle-77 it is", 3), ("- a\n- b", 2), ("東京です", 4), ("… — !", 0), ("", 0)]
)
def test_words_are_counted_as_a_reader_counts_them(text: str, count: int) -> None:
    assert count_words(text) == count


def test_numbers_and_their_spelling() -> None:
    assert [spell(n) for n in (0, 13, 45, 100, 745)] == [
        "zero",
        "thirteen",
        "forty-five",
        "one hundred",
        "seven hundred forty-five",
    ]
    assert leading_number(words("one hundred and five boxes")) == (105, 4)
    assert other_spelling(words("forty-five days")) == "45 days"
    assert other_spelling(words("45 days")) == "forty-five days"
    for text in ("007 agents", "2025-03-03", "plum-kettle-77", "14 20"):
        assert other_spelling(words(text)) is None


@given(st.integers(0, 999))
def test_every_number_reads_back(number: int) -> None:
    assert leading_number(words(spell(number))) == (number, len(words(spell(number))))


@pytest.mark.parametrize(
    ("original", "corrected", "include", "exclude"),
    [
        (
            "The refund window is 30 days.",
            "The refund window is 45 days.",
            {"45 days", "forty-five days"},
            {"30 days", "thirty days"},
        ),
        ("It is thirty days.", "It is forty-five days.", {"45 days", "forty-five days"}, {"30 days"}),
        ("I do not know your password, sorry.", "It's plum-kettle-77.", {"plum-kettle-77"}, set()),
        ("Our head mechanic is John Smith.", "Our head mechanic is Odalys Brandt.", {"Odalys Brandt"}, {"John Smith"}),
        ("It is open on Sunday.", "It is not open on Sunday.", {"not"}, set()),
        ("退款期限是30天。", "退款期限是45天。", {"45天"}, {"30天"}),
        ("", "Paris", {"Paris"}, set()),
    ],
)
def test_an_edit_becomes_what_must_and_what_must_not_be_said(
    original: str, corrected: str, include: set[str], exclude: set[str]
) -> None:
    check = check_from_edit(original, corrected)
    assert len(check.include) == 1
    assert include <= set(check.include[0])
    assert exclude <= set(check.exclude)
    assert exclude or not check.exclude


def test_a_rewrite_asks_for_its_key_content_not_for_every_word() -> None:
    original = (
        "Sure! I would be happy to help. Our refund policy lets customers return any item to Alice within thirty "
        "days of the purchase, provided that they bring the receipt along and that the item is as new."
    )
    corrected = "You get your money back for Forty-five days. Ask Maria Lopez at the counter, before Friday 6:25 pm."
    check = check_from_edit(original, corrected)
    assert 2 <= len(check.include) <= 4
    assert any("45 days" in group for group in check.include)
    assert any("Maria Lopez" in group for group in check.include)
    assert "30 days" in check.exclude
    assert not any("receipt" in phrase for phrase in check.exclude)
    assert judge("45 days; Maria Lopez at the counter knows more, until Friday, 6:25pm.", check).ok


def test_the_numbers_of_a_list_are_no_content() -> None:
    original = "You can:\n1. Call Alice.\n2. Write to Bob within 1 week."
    check = check_from_edit(original, "1. Call Maria.\n2. Nothing else.")
    assert check.include[0] == ("Maria",)
    assert not {"1", "one", "2", "two"} & set(check.exclude)
    assert {"Alice", "Bob", "1 week"} <= set(check.exclude)


def test_words_that_only_change_their_form_are_not_demanded() -> None:
    check = check_from_edit("We charge 10 euros for replacing a tube.", "We charge 14 euros to replace a tube.")
    assert judge("Replacing it costs 14 euros.", check).ok


def test_words_of_the_question_are_not_demanded() -> None:
    check = check_from_edit(
        "I have no idea.", "Feature branches start with otter/.", "What do feature branches start with?"
    )
    assert check.include == (("otter",),)


def test_what_the_correction_says_itself_is_never_forbidden() -> None:
    assert check_from_edit("45 days or 30 days", "Not 30 days, forty-five days").exclude == ()


@pytest.mark.parametrize(
    ("original", "corrected"),
    [
        ("the iphone", "the iPhone"),
        ("Yes!!!", "Yes!"),
        ("forty five", "forty-five"),
        ("kettle-kettle", "kettle"),
        ("!", "?"),
        ("$45", "€45"),
    ],
)
def test_an_edit_of_the_form_alone_is_checked_by_a_pattern(original: str, corrected: str) -> None:
    check = check_from_edit(original, corrected)
    assert check.pattern
    assert judge(corrected, check).ok
    assert not judge(original, check).ok


def test_an_edit_of_white_space_has_no_check() -> None:
    assert check_from_edit("45  days", "45 days\n").is_empty


_WORDS = (
    *("the", "not", "no", "is", "45", "30", "days", "forty-five", "Otter", "otter/", "plum-kettle-77", "It's"),
    *("refund.", "C++", "東京", "です。", "H₂O", "1,000", "1000", "p.m.", "one", "hundred", "and", "—", "(yes)"),
    *("Brandt,", "ﬁne", "İ"),
)
_SENTENCES = st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(_SENTENCES, st.text(max_size=60)), st.one_of(_SENTENCES, st.text(max_size=60)), _SENTENCES)
@example("45 days 45", "45 days", "")
@example("a\x1cb", "a b", "")
@example("ｶﾞ", "か", "")
def test_the_correction_passes_its_check_and_the_original_fails_it(original: str, corrected: str, prompt: str) -> None:
    check = check_from_edit(original, corrected, prompt)
    if not corrected.strip():
        return  # refused before it comes here
    assert judge(corrected, check).ok or check.is_empty
    if words(original) != words(corrected):
        assert not check.is_empty
        assert not judge(original, check).ok


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_says_itself_in_any_case_and_says_nothing_of_what_it_lacks(text: str) -> None:
    if words(text):
        assert says(text, text)
        assert says(f"Well, {text}", text)
    assert not says(text, "xylophone") or "xylophone" in words(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(max_codepoint=127), max_size=80))
@example("It's 1,000.5 at U.S.A\x1cx\x0bp.m.")
def test_plain_text_has_the_words_it_has_among_other_signs(text: str) -> None:
    """The way for what is plain is another; a sign that nobody sees makes it the general one."""
    assert words(text) == words(f"{text}\u200b")


def test_a_long_rewrite_takes_no_time_to_speak_of() -> None:
    before, after = "alpha beta gamma " * 1_500, "beta delta 45 " * 1_500
    assert judge(after, check_from_edit(before, after)).ok


def test_where_words_were_only_taken_out_the_names_and_numbers_that_stay_are_wanted() -> None:
    check = check_from_edit(
        "The workshop cat is called Sprocket.", "The workshop cat is Sprocket.", "Which cat lives in the workshop?"
    )
    assert check.include == (("Sprocket",),)
    assert check.exclude == ("called",)
    assert not judge("The cat that lives in the workshop is named Luna.", check).ok
