"""A process that does deeds in children of its own, which may be killed: started once, so that each takes milliseconds.

Run as `python -m torture.forge` with the shim loaded; speaks JSON, one line a request, one line a reply.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture.shim import Mode, Shim

HUNG_AFTER_S = 120.0
TESTS = Path(__file__).parent.parent
# Imported here once and not in every child; not used here, for threads do not survive a fork.
USED_BY_DEEDS = (
    "_strptime",
    "queue",
    "studio.lessons.retrieve",
    "studio.storage.attaching",
    "studio.storage.exporting",
    "tomlkit",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a child: what it told, how many changes of the disk it began, the signal that ended it or 0.

    `said` is the sentence of a StudioError that ended it; `crashed` the traceback of anything else.
    """

    told: list[tuple[str, str]] = field(default_factory=list)
    changes: int = 0
    signal: int = 0
    said: str = ""
    crashed: str = ""


class Forge:
    """The parent's end. A context manager."""

    def __init__(self, library: Path) -> None:
        environment = os.environ | {
            "LD_PRELOAD": str(library),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "torture.forge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Forge:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def prepare(self, deed: str, folder: Path) -> Outcome:
        return self._ask(do="prepare", deed=deed, folder=folder)

    def act(
        self,
        deed: str,
        folder: Path,
        mode: Mode = Mode.COUNT,
        at: int = 0,
        *,
        journal: Path | None = None,
        killed_after_s: float | None = None,
    ) -> Outcome:
        """Do the deed, with `mode` at the `at`-th change of the disk below the folder; or killed from outside."""
        asked = {"deed": deed, "folder": folder, "mode": int(mode), "at": at, "journal": journal}
        return self._ask(do="act", killed_after_s=killed_after_s, **asked)

    def _ask(self, **request: Any) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request, default=str), file=self._process.stdin, flush=True)
        reply = json.loads(self._process.stdout.readline())
        reply["told"] = [(kind, name) for kind, name in reply["told"]]
        return Outcome(**reply)


def _serve() -> None:
    from studio.errors import StudioError
    from torture.deeds import BY_NAME

    shim = Shim()

    def answer(request: dict[str, Any], say: Callable[..., None]) -> None:
        folder = Path(request["folder"])

        def tell(kind: str, name: str) -> None:
            shim.note(json.dumps([kind, name]))
            say(told=[kind, name])

        try:
            match request["do"]:
                case "prepare":
                    BY_NAME[request["deed"]].prepare_in(folder, tell)
                case "act":
                    journal = Path(request["journal"]) if request["journal"] else None
                    shim.arm(folder, Mode(request["mode"]), request["at"], journal)
                    BY_NAME[request["deed"]].act_in(folder, tell)
        except StudioError as error:
            say(said=str(error))
        except BaseException:  # noqa: BLE001 - whatever it is, the parent shows it
            say(crashed="".join(traceback.format_exc().splitlines(keepends=True)[-9:]))
        changes = shim.changes
        shim.disarm()
        say(changes=changes)

    for name in USED_BY_DEEDS:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(_in_a_child(json.loads(line), answer)), flush=True)


def _in_a_child(
    request: dict[str, Any], answer: Callable[[dict[str, Any], Callable[..., None]], None]
) -> dict[str, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)

        def say(**what: Any) -> None:
            os.write(writing, json.dumps(what).encode() + b"\n")

        answer(request, say)
        os._exit(0)
    os.close(writing)
    reply: dict[str, Any] = {"told": []}
    for line in _lines_until_it_ends(reading, pid, request.get("killed_after_s")):
        if "told" in line:
            reply["told"].append(line["told"])
        else:
            reply |= line
    status = os.waitpid(pid, 0)[1]
    return reply | {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}


def _lines_until_it_ends(reading: int, pid: int, killed_after_s: float | None) -> list[dict[str, Any]]:
    said, deadline = b"", time.monotonic() + (HUNG_AFTER_S if killed_after_s is None else killed_after_s)
    while True:
        if not select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            os.kill(pid, signal.SIGKILL)
            said += b'{"crashed": "It hung."}\n' if killed_after_s is None else b""
            deadline = time.monotonic() + HUNG_AFTER_S
        part = os.read(reading, 65536)
        if not part:
            break
        said += part
    os.close(reading)
    return [json.loads(line) for line in said.splitlines() if line.endswith(b"}")]


if __name__ == "__main__":
    _serve()
