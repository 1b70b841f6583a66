"""A pickle runs whatever it says when it is loaded: the studio loads none. And no CSV of its own holds a formula."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import studio
from studio.cli import root

PICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
LOADERS = {"torch.load", "numpy.load", "np.load", "pd.read_pickle", "pandas.read_pickle"}
SAFELY = {"gguf_file", "use_safetensors"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(Path(studio.__file__).parent.rglob("*.py")):
        yield file, ast.parse(file.read_text("utf-8"))


def calls(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {keyword.arg or "" for keyword in node.keywords}


def test_nothing_is_unpickled_and_no_csv_is_written() -> None:
    found = []
    for file, tree in sources():
        imported = {
            alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        imported |= {
            (node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        found += [f"{file.name} imports {name}" for name in imported & PICKLING]
        for name, keywords in calls(tree):
            if (
                name in LOADERS
                or name.endswith((".to_csv", "csv.writer", "csv.DictWriter"))
                or "allow_pickle" in keywords
            ):
                found.append(f"{file.name} calls {name}")
            if "Model" in name and name.endswith(".from_pretrained") and not keywords & SAFELY:
                found.append(f"{file.name} calls {name} without {' or '.join(sorted(SAFELY))}")
    assert found == []


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.sprung,)


@pytest.mark.parametrize("name", ["model.bin", "model.pt", "model.pkl", "model.gguf"])
def test_a_pickled_model_is_refused_in_a_sentence(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert root.run(["--workspace", str(tmp_path / "home"), "models", "add", str(tmp_path / name)]) == 3
    monkeypatch.setenv("STUDIO_MODEL__PATH", str(tmp_path / name))
    assert root.run(["--workspace", str(tmp_path / "home"), "ask", "hello"]) == 3
    said = capsys.readouterr().err
    assert "GGUF" in said
    assert "Traceback" not in said
    assert not (tmp_path / "sprung").exists()
