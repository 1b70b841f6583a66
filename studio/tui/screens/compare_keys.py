"""The keys of the Compare screen, and what it says before its first question."""

from __future__ import annotations

from textual.binding import Binding, BindingType

GUARDED = frozenset(
    (
        *("cancel", "leave", "prefer", "edit", "diff", "then_and_now", "copy"),
        *("run", "maximise", "blind", "compose", "dial", "dial_off"),
    )
)
"""The actions that CompareScreen.check_action allows or not, by what there is to act on."""

DIAL = frozenset(("dial", "dial_off"))
DIAL_KEYS = frozenset(("left_square_bracket", "right_square_bracket", "minus", "plus", "0"))
NO_DIAL = "No arm here was given an adapter, so there is no scale to turn. A night (F5) trains one."

EMPTY = (
    "Type a question above and press enter: every arm answers it at once, so that you see what each way of learning "
    "changes.\n\n"
    "An arm is the model as it came (frozen), or with your corrections in its prompt (context), or with the lessons "
    "that fit the question (lessons), or with the adapter trained at night (lora), or with both. A reader "
    "is an adapter that came with the model and has learnt to use lessons.\n\n"
    "Best with a question you have corrected in Chat: then each answer is marked right or wrong. c in Chat brings it "
    "here."
)

THEN_AND_NOW = "This question through time: before, after the correction, after each night, now"
LESS, MORE = "left_square_bracket,minus", "right_square_bracket,plus"
WEAKER = "Turn the adapter's scale down and ask the arms with an adapter again"
STRONGER = "Turn the adapter's scale up and ask the arms with an adapter again"
AS_PROMOTED = "Put the adapter's scale back to the one chosen at its promotion"

COMPARE_KEYS: list[BindingType] = [
    Binding("escape", "cancel", "Cancel", id="compare.cancel", tooltip="Cancel all answers that are being written"),
    Binding("escape", "leave", "Leave", show=False, id="compare.leave", tooltip="From the question to the answers"),
    Binding("v", "prefer", "Prefer", id="compare.prefer", tooltip="Prefer this arm's answer, or take that back"),
    Binding("e", "edit", "Edit", id="compare.edit", tooltip="Edit this arm's answer into a correction"),
    Binding("d", "diff", "Diff", id="compare.diff", tooltip="The answers against the correction, word by word"),
    Binding("t", "then_and_now", "Then/now", id="compare.then_and_now", tooltip=THEN_AND_NOW),
    Binding("y", "copy", "Copy", id="compare.copy", tooltip="Copy this arm's answer"),
    Binding("r", "run", "Again", id="compare.run", tooltip="Ask all arms again"),
    Binding("m", "maximise", "Maximise", id="compare.maximise", tooltip="Show the chosen arm alone, or all again"),
    Binding("b", "blind", "Blind", id="compare.blind", tooltip="Hide the arms' names and shuffle, or show them"),
    Binding("i,enter", "compose", "Question", id="compare.input", tooltip="Go to the question"),
    Binding(LESS, "dial(-1)", "Weaker", key_display="[", id="compare.weaker", tooltip=WEAKER),
    Binding(MORE, "dial(1)", "Stronger", key_display="]", id="compare.stronger", tooltip=STRONGER),
    Binding("0", "dial_off", "As promoted", show=False, id="compare.as_promoted", tooltip=AS_PROMOTED),
    *(
        Binding(str(n), f"choose({n})", f"Arm {n}", show=False, id=f"compare.arm_{n}", tooltip=f"Choose arm {n}")
        for n in range(1, 10)
    ),
]
