"""The keys of the Models screen."""

from __future__ import annotations

from textual.binding import Binding, BindingType

MODELS_KEYS: list[BindingType] = [
    Binding("s", "use", "Use", id="models.use", tooltip="Answer with this model from now on, as enter does"),
    Binding("p", "pull", "Pull/pause", id="models.pull", tooltip="Pull this model, pause, go on"),
    Binding("c", "cancel", "Give up", id="models.cancel", tooltip="End the pull and delete what has arrived"),
    Binding("g", "get", "Get…", id="models.get", tooltip="Pull another model: org/repo or an address"),
    Binding("a", "add", "Add…", id="models.add", tooltip="Add a model file where it lies"),
    Binding("x", "remove", "Remove", id="models.remove", tooltip="Delete a pulled model, forget an added one"),
    Binding("m", "measure", "Measure", id="models.measure", tooltip="Find what the model in use reads best, or stop"),
    Binding("t", "train", "Train", id="models.train", tooltip="Train the model in use on your corrections: a night"),
    Binding("u", "undo", "Undo", id="models.undo", tooltip="Take the last choice or forgetting back"),
]
