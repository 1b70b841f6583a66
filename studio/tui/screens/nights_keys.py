"""The keys of the Nights screen."""

from __future__ import annotations

from textual.binding import Binding, BindingType

GIVE_UP = "Give up the interrupted night: the next one begins anew"
SCHEDULE = "Have a night begin by itself at a time of day, at another, or no more"

NIGHTS_KEYS: list[BindingType] = [
    Binding("n", "start_night", "Start a night", id="nights.start", tooltip="Train an adapter on your corrections"),
    Binding("p", "pause", "Pause", id="nights.pause", tooltip="Let the night stand still until it is resumed"),
    Binding("r", "resume", "Resume", id="nights.resume", tooltip="Let the paused night go on"),
    Binding("x", "cancel", "Cancel", id="nights.cancel", tooltip="End the night; the adapter before stays in use"),
    Binding("x", "give_up", "Give up", id="nights.give_up", tooltip=GIVE_UP),
    Binding("s", "schedule", "Schedule", id="nights.schedule", tooltip=SCHEDULE),
    Binding("a", "use", "Use adapter", id="nights.use", tooltip="Answer with the adapter chosen in the table"),
    Binding("z", "roll_back", "Roll back", id="nights.roll_back", tooltip="Answer with the adapter before this one"),
    Binding("o", "adapters_off", "Adapters off", id="nights.off", tooltip="Answer without any adapter"),
    Binding("u", "undo", "Undo", id="nights.undo", tooltip="Take back the last change of schedule, adapter or night"),
]
