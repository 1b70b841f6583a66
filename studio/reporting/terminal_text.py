"""Making any text safe to print: what a model, a file or a user wrote must not steer the terminal."""

from __future__ import annotations

import re

from studio.domain.steering import STEERING, SURROGATES

# Whole control sequences go first, so that their parameters do not stay behind as litter. Only those that are
# terminated: an open one must not swallow the rest of the text. Introducers may be 7-bit (ESC [) or 8-bit (U+009B).
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x1b\x07\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]+[0-~]"  # ESC with intermediates: character sets
    r"|\x1b[0-~]"  # two-character escapes: reset, save cursor
)

_CONTROLS = re.compile(f"[{STEERING}]")
_SURROGATES = re.compile(f"[{SURROGATES}]")  # printing one would end the program


def printable(text: str) -> str:
    """The text without terminal control sequences, control characters and bidi overrides.

    Newlines and tabs stay, `\\r\\n` and lone `\\r` become newlines, lone surrogates U+FFFD. Harmless text is
    returned as it is; applying it twice changes nothing more.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", _SEQUENCES.sub("", text)))
