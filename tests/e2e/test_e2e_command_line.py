"""How the command line itself behaves: where options may stand, closed outputs, signals, unprintable text."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Adapter
from studio.errors import StorageError
from studio.storage import DuckDbLog
from studio.storage.database import Database
from studio.storage.query import run_query
from studio.workspace import Workspace

pytestmark = pytest.mark.timeout(300)

STUDIO = (sys.executable, "-m", "studio")
STARTER = Path(__file__).parents[2] / "sessions" / "starter"


def run(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STUDIO, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workspace", "{}", "lessons", "list", "--json"],
        ["lessons", "--workspace", "{}", "list", "--json"],
        ["lessons", "list", "--json", "--workspace", "{}"],
        ["--workspace", "{}/other", "lessons", "list", "--json", "--workspace", "{}"],
    ],
)
def test_the_workspace_may_be_given_before_or_after_the_verb(tmp_path: Path, arguments: Sequence[str]) -> None:
    done = run(*(argument.format(tmp_path) for argument in arguments))
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert (tmp_path / "sessions" / "studio.duckdb").is_file()
    assert not (tmp_path / "other").exists()


def test_what_is_no_workspace_is_refused_and_the_environment_is_heard(tmp_path: Path) -> None:
    assert run("--workspace", "", "where").returncode == 2
    (tmp_path / "a file").touch()
    of_a_file = run("--workspace", str(tmp_path / "a file"), "where")
    assert (of_a_file.returncode, "is a file" in of_a_file.stderr) == (2, True)
    for wrong, told in ((str(tmp_path / "a file"), "is a file"), ("~nobody-of-this-name/x", "cannot be found")):
        done = run("where", STUDIO_WORKSPACE=wrong)
        assert (done.returncode, told in done.stderr, done.stdout) == (3, True, "")
        assert "Traceback" not in done.stderr
        # What is chosen counts more, and so what is not chosen need not be whole.
        assert run("--workspace", str(tmp_path), "where", STUDIO_WORKSPACE=wrong).returncode == 0
    done = run("where", "--json", STUDIO_WORKSPACE=str(tmp_path))
    assert json.loads(done.stdout)["workspace"] == str(tmp_path)


def test_a_reader_that_leaves_and_a_full_disk_are_no_tracebacks(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*STUDIO, "--workspace", str(tmp_path), "sql", "FROM range(9999)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as left:
        assert left.stdout is not None
        assert left.stderr is not None
        left.stdout.close()
        assert b"Traceback" not in left.stderr.read()
    closed = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', *STUDIO, "--workspace", str(tmp_path), "where"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*STUDIO, "--workspace", str(tmp_path), "where"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_the_terminal_cannot_encode_is_replaced(tmp_path: Path) -> None:
    done = run("--workspace", str(tmp_path), "lessons", "list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "No lessons yet" in done.stdout


def test_json_holds_no_character_that_steers_a_terminal(tmp_path: Path) -> None:
    where = ("--workspace", str(tmp_path))
    done = run(*where, "sql", "SELECT chr(155) || '31m' AS text", "--json")
    assert "\x9b" not in done.stdout
    assert json.loads(done.stdout) == [{"text": "\x9b31m"}]


def test_a_dash_before_the_prompt_is_explained(tmp_path: Path) -> None:
    done = run("--workspace", str(tmp_path), "ask", "- why?")
    assert done.returncode == 2
    assert "studio ask --" in done.stderr


def test_an_unexpected_failure_is_written_down_in_the_chosen_workspace(tmp_path: Path) -> None:
    broken = "import studio.cli.root as r; r.studio.callback = lambda **_: 1 / 0; raise SystemExit(r.run({!r}))"
    done = subprocess.run(
        [sys.executable, "-c", broken.format(["--workspace", str(tmp_path)])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "sessions" / "diagnostics" / "command.log") in done.stderr
    assert "ZeroDivisionError" in (tmp_path / "sessions" / "diagnostics" / "command.log").read_text()


@pytest.mark.slow
def test_a_measurement_that_is_ended_twice_over_says_nothing_of_itself(tmp_path: Path) -> None:
    """As by `timeout`, which signals the command and then its whole group, while many answers are under way."""
    command = [*STUDIO, "--workspace", str(tmp_path), "bench", str(STARTER), "--arms", "frozen,lessons"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as measuring:
        assert measuring.stderr is not None
        assert "Reset" in measuring.stderr.readline()
        time.sleep(2.0)
        measuring.terminate()
        time.sleep(0.05)
        measuring.terminate()
        _, said = measuring.communicate(timeout=60)
    # The second one may find the command on its last lines, where Python has let go of its handlers.
    assert measuring.returncode in (128 + signal.SIGTERM, -signal.SIGTERM)
    assert said == ""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_in_mid_answer_keeps_the_part_and_takes_the_engine_along(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    psutil = pytest.importorskip("psutil")
    command = [*STUDIO, "--workspace", str(tmp_path), "ask", "Tell me a long story.", "--arm", "frozen"]
    long_answer = os.environ | {"STUDIO_SAMPLING__MAX_TOKENS": "3000"}
    inherited = signal.signal(number, signal.SIG_DFL)  # nohup ignores the hang-up, and so would what we start
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=long_answer
    ) as asking:
        signal.signal(number, inherited)
        assert asking.stdout is not None
        asking.stdout.read(20)  # into the answer, however fast the machine
        children = psutil.Process(asking.pid).children(recursive=True)
        asking.send_signal(number)
        _, said = asking.communicate(timeout=60)
    assert asking.returncode == code
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    assert _count(tmp_path, "SELECT count(*) AS n FROM answer WHERE finish_reason = 'cancelled'") == 1


@pytest.mark.slow
def test_an_engine_killed_in_mid_answer_is_told_and_the_part_is_kept(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    command = [*STUDIO, "--workspace", str(tmp_path), "ask", "Tell me a long story.", "--arm", "frozen"]
    long_answer = os.environ | {"STUDIO_SAMPLING__MAX_TOKENS": "3000"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=long_answer
    ) as asking:
        assert asking.stdout is not None
        asking.stdout.read(20)  # it is being written
        for child in psutil.Process(asking.pid).children(recursive=True):
            if "studio.inference.engine_process" in child.cmdline():
                child.kill()
        _, said = asking.communicate(timeout=60)
    assert asking.returncode == 1
    assert "SIGKILL" in said
    assert "Traceback" not in said
    assert _count(tmp_path, "SELECT count(*) AS n FROM answer WHERE finish_reason = 'failed'") == 1


@pytest.mark.slow
def test_nothing_is_imported_from_the_folder_it_is_started_in(tmp_path: Path) -> None:
    for name in ("studio", "timeit", "llama_cpp"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('code of the current folder was run')\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "studio", "--workspace", str(tmp_path / "ws"), "doctor"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "WRONG" not in done.stdout


@pytest.mark.slow
def test_a_damaged_adapter_fails_its_own_arm_only(tmp_path: Path) -> None:
    where = ("--workspace", str(tmp_path))
    first = json.loads(run(*where, "ask", "Hello", "--arm", "frozen", "--json").stdout)["answers"][0]
    model = first["given"]["model_sha256"]
    place = Workspace(tmp_path)
    (place.adapters / "junk.gguf").write_bytes(b"GGUF but not really")
    log = DuckDbLog.of(place)
    log.adapters.add(Adapter(new_id(), 1, model, new_id(), "junk.gguf", "0" * 64, "lora", 16, 1.0, utc_now()))
    (tmp_path / "studio.toml").write_text('[arms.first]\nadapter = "1"\nscope = -1\n')
    done = run(*where, "ask", "Hello", "--arm", "first", "--arm", "frozen", "--json")
    assert done.returncode == 1
    assert "junk.gguf" in done.stderr
    assert [answer["text"] for answer in json.loads(done.stdout)["answers"]] == [first["text"]]
    assert run(*where, "adapters", "use", "1").returncode == 3


def _count(workspace: Path, query: str) -> int:
    """What the query counts; nothing where there is no log yet. Read here: a `studio sql` for each look takes longer
    than what is looked at."""
    try:
        return int(str(run_query(Database(Workspace(workspace).log_file), query)[1][0][0]))
    except StorageError:
        return 0
