"""The keys of the demonstration: a clicker's page keys and arrows, and those of a presenter at the keyboard."""

from __future__ import annotations

from textual.binding import Binding, BindingType

NEXT = "Go on at once to what comes next; where you looked back, to the next chapter"
BACK = "Look back at the chapter before; the story waits"
SLOWER = "All that is told stands longer, up to four times as long"
FASTER = "All that is told stands for less time, down to a quarter"
BY_HAND = "Let every chapter wait until you go on, or let the story play by itself"
ASK = "A question from the audience: answered by all arms, corrected, and asked again; the story waits"
BLANK = "A black screen, until any key; the story waits"
RESTART = "Begin again from the first chapter; asks where something would be lost"
STORY_WAITS = "The story waits; F2 goes back to it."

DEMO_KEYS: list[BindingType] = [
    Binding("space", "pace", "Pause", id="demo.pace", tooltip="Pause the story, or go on"),
    Binding("pagedown,right,n", "next", "Next", key_display="pgdn", id="demo.next", tooltip=NEXT),
    Binding("pageup,left,p", "back", "Back", key_display="pgup", id="demo.back", tooltip=BACK),
    Binding("a", "ask", "Audience", id="demo.audience", tooltip=ASK),
    Binding("minus,left_square_bracket", "pace_by(1)", "Slower", key_display="-", id="demo.slower", tooltip=SLOWER),
    Binding("plus,right_square_bracket", "pace_by(-1)", "Faster", key_display="+", id="demo.faster", tooltip=FASTER),
    Binding("h", "by_hand", "By hand", id="demo.by_hand", tooltip=BY_HAND),
    Binding("b,full_stop", "blank", "Blank", key_display="b", id="demo.blank", tooltip=BLANK),
    Binding("r", "restart", "Restart", id="demo.restart", tooltip=RESTART),
    Binding("tab", "app.focus_next", "Figures", id="demo.pane", tooltip="From the story to the figures, and back"),
    Binding("escape", "leave", "Leave", id="demo.leave", tooltip="Leave the demonstration for the studio"),
]
