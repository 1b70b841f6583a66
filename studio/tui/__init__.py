"""The terminal app, the only importer of textual. How its parts work together:

App and screens. `StudioApp` is thin: it owns the Studio, the header's `status`, the one `StreamFlusher`, themes, keys
and the reporting of errors. Each mode of `widgets.header.MODES` has one base screen, a `StudioScreen` constructed with
the Studio alone: `NameScreen` in `screens/name.py`, imported while nobody types, at the latest when its mode is first
entered. A `StudioScreen` implements `compose_body`; header and footer come from the base class. Modal dialogs are
`Dialog`s pushed on top.

Calling services. Actions and message handlers are plain `def`s that start a worker and return at once:
`self.start(service(...), group="...", exclusive=...)`. A worker's coroutine calls services directly, awaits them, and
then touches widgets; nothing that blocks runs on the loop. Services are imported inside the functions that call them
where that keeps first paint light. Widgets call no services: they post messages, and their screen acts on them.

Errors. A worker lets exceptions escape: `StudioScreen` hands them to `StudioApp.report`, which shows a StudioError as
a notice (message and hint) and anything else as a short dialog, its traceback in the diagnostics log without locals.
Catch StudioError in a worker only to keep what the user typed or to clean up, then raise it again. Exceptions in
actions are caught by the app in the same way; those in message handlers close the app cleanly.

Text. What users and models wrote is data: build `Content(displayable(text))` or `Static(..., markup=False)`, never
markup strings. `StudioApp.notify` takes plain text only.

Streams. Deltas are given to `StreamedMarkdown.write`, which only buffers; the app's `StreamFlusher` visits the panes
at most twelve times a second, one after another, yielding to the keyboard in between, and skips those out of sight.
A block is drawn as Markdown once it is complete, what still grows as plain text; `finish(text)` draws the rest.
Cancelling: `worker.cancel()` on the worker that iterates the service's generator inside `contextlib.aclosing`; that
reaches the engine.

Between screens. `post_message` one of `studio.tui.messages`: `CompareRequested` and `ChatRequested` bubble to the app,
which changes mode and calls `compare(prompt, history, read=...)` or `open_conversation(id)` on the screen there. After
anything was written to the log call `self.studio_app.log_changed()`: the header counts anew, and every screen's
`on_log_changed` runs when it is next in sight (at once if it is). A handler such as `on_mount` that base class and
subclass both define is called in both by textual: do not call `super()` in it.

Layout. By CSS classes only: screens carry `-narrow` (under 100 columns), `-medium` (100-159) or `-wide` (160 and
more), and `-short` (under 20 rows), `-usual` (20-35) or `-tall`. Style sheets lie in `studio/tui/styles/NAME.tcss`,
named by a screen's CSS_PATH; Chat's, the first, by the app's. Containers without a border are `widgets.ground`'s: what
grows is drawn with all containers beneath it.
Colours: the theme's alone, and the studio's own `$arm-1` to `$arm-6`, `$diff-insert`, `$diff-delete`, `$pane-border`;
in Content `$foreground-muted` for what is said aside (`dim` is as faint as the terminal likes). A test measures the
contrast of everything on every screen in every theme, so nothing there needs to be thought of twice.

Keys. Every Binding has an `id` ('chat.edit'), so that it can be remapped, and where its name does not say all a tooltip
in plain words; it is listed under F1 and in the command palette. Single letters act only when no editor has the focus,
which Textual's order of key handling gives for free: bind them on the screen.
"""

import os

# Textual paints at its next frame; at 60 a second that alone keeps a key waiting for up to 17 ms.
os.environ.setdefault("TEXTUAL_FPS", "120")
