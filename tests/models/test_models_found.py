"""Models of other programs are found where they lie, and what is odd in their folders is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.models.found import Found, Surroundings, found_on_disk

HEX = "a" * 64


def put(file: Path, content: bytes = b"GGUF") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def found(home: Path, **variables: str) -> dict[str, Found]:
    return {one.name: one for one in found_on_disk(Surroundings(home, variables, "linux"))}


def manifest(*layers: tuple[str, str]) -> bytes:
    kinds = [
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}"} for kind, digest in layers
    ]
    return json.dumps({"layers": kinds}).encode()


def test_hugging_face_in_its_many_places(tmp_path: Path) -> None:
    hub = tmp_path / ".cache" / "huggingface" / "hub"
    blob = put(hub / "models--org--repo" / "blobs" / "b1")
    link = hub / "models--org--repo" / "snapshots" / "c1" / "M-Q4.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(blob)
    put(hub / "models--org--repo" / "snapshots" / "c1" / "mmproj-M.gguf")
    put(tmp_path / "elsewhere" / "hub" / "models--a--b" / "snapshots" / "c" / "N.gguf")
    put(tmp_path / ".cache" / "llama.cpp" / "old.gguf")
    models = found(tmp_path, HF_HOME=str(tmp_path / "elsewhere"))
    assert set(models) == {"repo-M-Q4", "b-N", "old"}
    assert models["repo-M-Q4"].program == "Hugging Face cache, org/repo"


def test_lm_studio_and_jan(tmp_path: Path) -> None:
    put(tmp_path / ".lmstudio" / "settings.json", json.dumps({"downloadsFolder": str(tmp_path / "lm")}).encode())
    put(tmp_path / "lm" / "pub" / "model" / "A.gguf")
    put(tmp_path / ".cache" / "lm-studio" / "models" / "pub" / "model" / "B-00001-of-00002.gguf")
    put(tmp_path / ".local/share/Jan/data/llamacpp/models/org/repo/model.gguf")
    models = found(tmp_path)
    assert models["A"].program == "LM Studio, pub"
    assert "several parts" in models["B-00001-of-00002"].note
    assert models["org-repo"].program == "Jan"


def test_ollama_by_its_manifests(tmp_path: Path) -> None:
    folder = tmp_path / ".ollama" / "models"
    blob = put(folder / "blobs" / f"sha256-{HEX}")
    put(folder / "manifests/registry.ollama.ai/library/llama3.2/1b", manifest(("model", HEX), ("params", "b" * 64)))
    eyes = manifest(("model", "c" * 64), ("projector", "d" * 64))
    put(folder / "blobs" / ("sha256-" + "c" * 64))
    put(folder / "manifests/registry.ollama.ai/someone/eyes/latest", eyes)
    models = found(tmp_path)
    assert models["llama3.2-1b"] == Found("llama3.2-1b", blob, "Ollama")
    assert "projector" in models["someone-eyes-latest"].note


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b'{"layers": 3}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model"}]}',
        manifest(("model", HEX)),
    ],
)
def test_odd_manifests_are_passed_over(tmp_path: Path, content: bytes) -> None:
    put(tmp_path / ".ollama/models/manifests/host/library/m/latest", content)
    assert found(tmp_path) == {}


def test_a_file_that_two_programs_share_is_found_once(tmp_path: Path) -> None:
    file = put(tmp_path / ".lmstudio" / "models" / "pub" / "model" / "A.gguf")
    link = tmp_path / ".local/share/Jan/data/llamacpp/models/org/repo/model.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(file)
    assert set(found(tmp_path)) == {"A"}
