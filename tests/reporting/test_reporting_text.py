"""Tables that align in any terminal, and text that cannot steer one."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from studio.domain.measures import Estimate
from studio.errors import UsageError
from studio.reporting.bench_report import arms_table, bench_tables
from studio.reporting.figures import COSTS, SHARES
from studio.reporting.pareto import pareto_table
from studio.reporting.tables import Table, plain_table, stages_table
from studio.reporting.terminal_text import printable


def test_columns_align_by_terminal_cells() -> None:
    table = plain_table(["name", "n"], [["東京", "1"], ["plain", "22"], ["🦦 otter", "3"]], right=[1])
    assert {cell_len(line) for line in table.split("\n")} == {cell_len("🦦 otter") + 4}
    assert table.split("\n")[1] == "--------  --"


def test_a_cell_stays_on_its_line_and_cannot_steer_the_terminal() -> None:
    assert plain_table(["a"], [["one\ntwo\x1b[2J"]]).split("\n") == ["a", "-------", "one two"]


def test_a_table_without_rows_has_its_header() -> None:
    assert plain_table(["id", "prompt"], []) == "id  prompt\n--  ------"


def test_a_table_of_figures_too_wide_is_told_in_pieces_with_the_first_column_each() -> None:
    table = Table("Right", ["arm", "before", "after"], [["frozen", "12", "34"], ["東京", "5", "6"]], note="A note.")
    assert table.text(14).split("\n") == [
        *("Right", "arm     before", "------  ------", "frozen      12", "東京         5"),
        *("arm     after", "------  -----", "frozen     34", "東京        6", "A note."),
    ]
    assert table.text(21) == table.text()


def test_words_that_a_row_has_no_room_for_stand_beneath_it() -> None:
    table = Table("Lost", ["arm", "question"], [["lora", "Who has the key?"], ["lessons", "When?"]], left=(0, 1))
    told = ["Lost", "arm", "-------", "lora", "  question: Who", "  has the key?", "lessons", "  question: When?"]
    assert table.text(17).split("\n") == told


SHOWN = (*SHARES, *COSTS)

ARMS = {
    "frozen": {
        "rephrase": Estimate(0.1, 0.0, 0.2, 10),
        "gain": Estimate(0.0, 0.0, 0.0, 10),
        "prompt_tokens": Estimate(40.0, None, None, 2),
        "latency_s": Estimate(0.5, 0.4, 0.6, 10),
    },
    "context": {
        "rephrase": Estimate(0.3, 0.2, 0.4, 10),
        "gain": Estimate(0.3, 0.2, 0.4, 10),
        "prompt_tokens": Estimate(250.0, 240.0, 260.0, 10),
        "latency_s": Estimate(1.0, 0.9, 1.1, 10),
    },
    "lora": {
        "rephrase": Estimate(0.655, 0.5, 0.8, 9),
        "gain": Estimate(0.6, 0.5, 0.7, 10),
        "prompt_tokens": Estimate(40.0, 40.0, 40.0, 10),
        "latency_s": Estimate(0.7, 0.6, 0.8, 10),
    },
}


def test_the_arms_table_shows_means_with_intervals_and_n() -> None:
    lines = arms_table(ARMS, SHOWN).text().split("\n")
    assert lines[0].split() == ["frozen", "context", "lora", "n"]
    assert lines[2].split() == ["rephrase", "10", "[0,", "20]", "30", "[20,", "40]", "66", "[50,", "80]", "9-10"]
    assert lines[3].split("  ")[0] == "prompt tokens"
    assert not any(line.startswith("portability") for line in lines)
    assert max(map(cell_len, lines)) <= 80


def test_five_arms_fit_into_a_hundred_columns() -> None:
    shares = dict.fromkeys(("reliability", "portability"), Estimate(1.0, 1.0, 1.0, 36)) | {
        "rephrase": Estimate(0.53, 0.4, 0.66, 36)
    }
    arms = dict.fromkeys(("frozen", "context", "lessons", "lora", "lora+lessons"), shares)
    assert max(map(cell_len, arms_table(arms, SHOWN).text().split("\n"))) <= 100


def test_the_stages_table_counts_right_answers() -> None:
    table = stages_table({"before": {"frozen": [False, None, True]}, "after": {"frozen": [True, True], "lora": []}})
    assert [line.split() for line in table.split("\n")[2:]] == [["frozen", "1/2", "2/2"], ["lora", "-", "-"]]


def test_the_stages_table_fits_beside_the_story_of_the_demonstration() -> None:
    stages = ("before", "after corrections", "after the night")
    table = stages_table({stage: {"reader+lessons": [True] * 10} for stage in stages})
    assert max(map(len, table.split("\n"))) <= 46
    assert [line.split() for line in table.split("\n")[:2]] == [
        ["after", "after"],
        ["arm", "before", "corrections", "the", "night"],
    ]


def test_the_pareto_table_marks_the_front_and_names_what_beats_the_others() -> None:
    costs = ("prompt_tokens", "latency_s")
    table = pareto_table(ARMS, costs)
    assert {row[1]: (row[0], row[-1]) for row in table.rows} == {
        "frozen": ("*", ""),
        "lora": ("*", ""),
        "context": ("", "lora"),
    }
    assert all(row[-2] == "10" for row in table.rows)
    incomplete = {**ARMS, "lessons": {"gain": Estimate(0.9, None, None, 1)}}
    assert list(pareto_table(incomplete, costs).rows[-1][:2]) == ["?", "lessons"]


def bench(**more: object) -> dict[str, object]:
    unsure = {**ARMS["lora"], "gain": Estimate(0.1, -0.1, 0.3, 10)}
    few = {**ARMS["lora"], "gain": Estimate(0.1, None, None, 3)}
    named = {**ARMS, "lessons": unsure, "mine": few}
    arms = {name: {n: asdict(e) for n, e in arm.items()} for name, arm in named.items()}
    return {"scenario": "A week", "model": "tiny", "orders": 2, "arms": arms, "night": None, "curve": [], **more}


def test_the_bench_tables_say_what_is_inconclusive_and_how_the_nights_went() -> None:
    night = {"minutes": 3.21, "peak_rss_mb": 900.4, "promoted": True, "reason": "Promoted: \x1b[1m+60 points."}
    text = bench_tables(bench(night=night))
    assert text.startswith("A week, tiny, 2 orders\n")
    assert "Inconclusive, the gain's interval spans zero: lessons." in text
    assert "Inconclusive, too few corrections for an interval: mine." in text
    assert text.endswith("Nights: 3.2 minutes over 2 orders, 900 MB at most. Promoted: +60 points.")
    without = {"scenario": "A", "model": "m", "orders": 1, "arms": {}, "night": None, "curve": []}
    assert bench_tables(without).startswith("A, m, 1 order\n")


def test_the_bench_tables_show_differences_and_the_two_by_two_with_their_verdicts() -> None:
    sure, unsure = asdict(Estimate(0.2, 0.1, 0.3, 9)), asdict(Estimate(-0.05, -0.1, 0.02, 9))
    cells = dict.fromkeys(("neither", "prompt", "weights", "both"), sure) | {"interaction": unsure}
    arms = {"neither": "frozen", "prompt": "lessons", "weights": "lora", "both": "lora+lessons"}
    text = bench_tables(
        bench(
            size={"days": 3, "corrections": 24, "general": 20, "rules": 2, "induction": 6},
            reset={"arms": ["lessons", "lora"], "questions": 251},
            differences=[{"arm": "lora", "against": "lessons", "score": sure, "rephrase": unsure}],
            two_by_two=[{"memory": "lessons", "adapter": "active", "arms": arms, "measures": {"score": cells}}],
        )
    )
    assert "24 corrections in 3 days, 20 general probes, 6 unseen instances of 2 rules." in text
    assert "lessons, lora answered all 251 questions exactly as frozen" in " ".join(text.split())
    (row,) = [line for line in text.split("\n") if line.startswith("lora - lessons")]
    assert "+20 [10, 30]  " in row
    assert "-5 [-10, 2] ?" in row
    assert any(line.split() == ["n", "9", "9"] for line in text.split("\n"))
    (crossed,) = [line for line in text.split("\n") if line.startswith("score ")]
    assert crossed.count("20 [10, 30]") == 4
    assert "-5 [-10, 2] ?" in crossed


@pytest.mark.parametrize(
    "wrong", [{}, {"arms": []}, bench(curve=[{}]), bench(arms={"frozen": {"gain": 1}}), bench(night=3)]
)
def test_what_is_no_bench_result_is_refused_in_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="no result of studio bench"):
        bench_tables(wrong)


@pytest.mark.parametrize(
    ("dangerous", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b2Jgone", "gone"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;YWJj\x1b\\text", "text"),
        ("\x1b]0;open end", "0;open end"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b(0lqk", "lqk"),
        ("\x1bcreset", "reset"),
        ("\x1b\x1b[31m[31mx", "[31mx"),
        ("a\x00b\x08c\x7fd\x85e", "abcde"),
        ("user\u202etxt.exe\u2066", "usertxt.exe"),
        ("one\r\ntwo\rthree\ttab\n", "one\ntwo\nthree\ttab\n"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("[bold]{{ x }} 東京 é 👩‍👩‍👧 שלום", "[bold]{{ x }} 東京 é 👩‍👩‍👧 שלום"),
    ],
)
def test_what_steers_a_terminal_is_taken_out_and_all_else_stays(dangerous: str, harmless: str) -> None:
    assert printable(dangerous) == harmless


@given(st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x9d[];m\x07\\\r\n"))))
def test_no_control_is_ever_left_and_a_second_pass_changes_nothing(text: str) -> None:
    shown = printable(text)
    assert not any((ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert printable(shown) == shown
    shown.encode("utf-8")
