"""`studio models` as one types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_gguf import made_gguf
from model_server import ModelServer, model_server
from studio_fakes import fake_studio, shorten_exam

from studio.cli import root
from studio.services import expected_speed

CONTENT = made_gguf()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with model_server() as one:
        monkeypatch.setenv("HF_ENDPOINT", one.address)
        monkeypatch.setenv("STUDIO_PULL__LOOPBACK_HTTP", "1")
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield one


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        assert root.run(["--workspace", str(self.folder / "w"), "models", *arguments]) == code
        captured = self._capsys.readouterr()
        return captured.out + captured.err


@pytest.fixture
def models(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Shell(tmp_path, capsys)


def test_expected_speeds_are_listed_once_the_machine_was_measured(
    models: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[list[int]] = []

    async def run(folder: Path, threads: int, gpu_layers: int, kinds: list[int]) -> bytes:
        measured.append(kinds)
        speed = {"threads": threads, "layer_s": 0, "row_s": 0, "kv_bytes_s": 1e12}
        return json.dumps(speed | {"bytes_s": dict.fromkeys(map(str, kinds), 1e10)}).encode()

    monkeypatch.setattr(expected_speed, "_run", run)
    monkeypatch.setattr(expected_speed, "cores_left", lambda before, since: 64)
    monkeypatch.setenv("STUDIO_MODEL__MEASURE_SPEED", "true")
    assert "Measuring once how fast this machine decodes." in models("list")
    text = models("list")
    assert "Measuring" not in text
    assert len(measured) == 1
    assert "in use · 103 tok/s expected" in text
    assert "can be pulled · fits · 26 tok/s expected" in text
    small = next(one for one in json.loads(models("list", "--json")) if one["name"] == "smollm2-360m")
    assert small["expected_tokens_s"] == pytest.approx(1e10 / 386_404_992, rel=0.01)
    assert small["speed"] == "About 26 tokens a second expected here."


def states(models: Shell) -> dict[str, str]:
    return {one["name"]: one["state"] for one in json.loads(models("list", "--json"))}


def test_lists_what_is_here_and_what_could_be(models: Shell) -> None:
    text = models("list")
    assert "* smollm2-135m" in text
    assert "qwen3-4b-2507" in text
    assert "can be pulled" in text
    (small,) = [one for one in json.loads(models("list", "--json")) if one["name"] == "smollm2-360m"]
    assert small["licence"] == "Apache-2.0"
    assert small["fit"] in ("fits", "tight", "does not fit")


def test_pulls_uses_and_removes(server: ModelServer, models: Shell) -> None:
    server.serve_repository("org/repo", {"M-Q4_K_M.gguf": CONTENT, "M-Q8_0.gguf": made_gguf(90_000)})
    listing = models("pull", "org/repo", "--list")
    assert "licence: mit" in listing
    assert "Q8_0" in listing
    pulled = models("pull", "org/repo")
    assert "studio models use M-Q4_K_M" in pulled
    assert "hf_secret" not in pulled
    assert "here already" in models("pull", "org/repo", code=2)
    assert "adapters belong to the model" in models("use", "m-q4_k_m")
    assert "is in use" in models("remove", "M-Q4_K_M", "--yes", code=2)
    models("use", "smollm2-135m")
    assert "Say so with --yes" in models("remove", "M-Q4_K_M", code=2)
    assert states(models)["M-Q4_K_M"] == "pulled"
    models("remove", "M-Q4_K_M", "--yes")
    assert "M-Q4_K_M" not in states(models)


def test_a_pull_that_is_refused_says_why_and_leaves_nothing(server: ModelServer, models: Shell) -> None:
    address = server.serve("/m.gguf", b"<html>" * 500)
    assert "no GGUF" in models("pull", address, code=1)
    assert "64 hexadecimal" in models("pull", address, "--sha256", "12", code=2)
    assert "SHA-256 is another" in models("pull", server.serve("/n.gguf", CONTENT), "--sha256", "0" * 64, code=1)
    server.serve("/api/models/org/gated/revision/main", status=403)
    assert "HF_TOKEN" in models("pull", "org/gated", code=1)
    assert list((models.folder / "w" / "local_models" / "pulled").iterdir()) == []


def test_a_chosen_model_that_is_gone_can_be_replaced(models: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(CONTENT)
    assert "Added as mine" in models("add", str(file))
    models("use", "mine")
    file.unlink()
    assert "Its file is gone" in models("list")
    assert "There is no model file" in models("use", "mine", code=3)
    assert "no model 'min'" in models("use", "min", code=2)
    models("use", "smollm2-135m")
    assert "is forgotten; its file stays" in models("remove", "mine")
    assert "Nothing" not in models("list")


def test_ctrl_c_stops_a_pull_and_the_same_command_goes_on(server: ModelServer, tmp_path: Path) -> None:
    address = server.serve("/m.gguf", CONTENT, mishaps=["stall:70000"])
    command = [sys.executable, "-m", "studio", "--workspace", str(tmp_path / "w"), "models", "pull", address]
    pulling = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    part = tmp_path / "w" / "local_models" / "pulled" / "m.gguf.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and b"GGUF" in part.read_bytes()[:4]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pulling.send_signal(signal.SIGINT)
    _, told = pulling.communicate(timeout=30)
    assert pulling.returncode == 130
    assert "the same command goes on" in told
    assert "Traceback" not in told
    server.asked.clear()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (part.parent / "m.gguf").read_bytes() == CONTENT
    assert not any(asked.headers.get("range", "").startswith("bytes=0-2") for asked in server.asked)


def test_what_the_model_in_use_reads_best_is_measured(
    models: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_exam(monkeypatch)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda workspace: fake_studio(workspace.root))
    text = models("measure")
    for words in ("Lessons", "Context arm", "known facts before the question", "all corrections once", "chosen"):
        assert words in text, words
    measured = json.loads(models("measure", "--json"))
    assert measured["lesson"] == "shown"  # the stand-in repeats what stands before its question
    assert [one["form"] for one in measured["lessons"]] == ["shown", "after", "before", "turn", "system"]
    assert models("measure", "--nonsense", code=2)


def test_of_another_model_the_choice_says_how_to_find_what_it_reads_best(models: Shell, tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    models("add", str(tmp_path / "mine.gguf"))
    assert "studio models measure" in models("use", "mine")
    assert "studio models measure" not in models("use", "smollm2-135m")
