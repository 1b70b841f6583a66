"""Files that are not what they should be: each is refused in a sentence, and the engine lives on."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest
from inference_adapters import write_adapter

from studio.domain.generation import AdapterUse, ChatMessage, EngineOptions, Lane, LaneFailed, Role, Sampling
from studio.errors import ModelError
from studio.inference.engine_client import LlamaEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = EngineOptions(context_tokens=512, threads=1)


def _gguf(path: Path, architecture: str, **metadata: str) -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in metadata.items():
        writer.add_string(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def _bad_model(kind: str, folder: Path, model: Path, adapter: Path) -> Path:
    path = folder / f"{kind}.gguf"
    match kind:
        case "missing":
            return path
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("This is a letter, not a model. " * 50)
        case "truncated":
            path.write_bytes(model.read_bytes()[:50_000_000])
        case "truncated-header":
            path.write_bytes(model.read_bytes()[:5_000])
        case "embedding":
            return _gguf(path, "bert")
        case "hollow":
            return _gguf(path, "llama")
        case "adapter":
            return adapter
        case "folder":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "no model file"),
        ("empty", "is empty"),
        ("text", "not a GGUF"),
        ("truncated", "cut short"),
        ("truncated-header", "cut short"),
        ("embedding", "embedding model"),
        ("hollow", "cannot load"),
        ("adapter", "an adapter, not a model"),
        ("folder", "cannot be read"),
    ],
)
async def test_bad_models(
    kind: str, said: str, engine: LlamaEngine, model_path: Path, adapter_path: Path, tmp_path: Path
) -> None:
    restarts = engine.restarts
    with pytest.raises(ModelError, match=said) as refusal:
        await engine.load(_bad_model(kind, tmp_path, model_path, adapter_path), SMALL)
    assert refusal.value.hint
    assert engine.restarts == restarts
    assert (await engine.load(model_path, SMALL)).layers == 30


@pytest.fixture
def base_model(model_path: Path, tmp_path: Path) -> Path:
    """The key of the template is renamed in place, so that all else stays a whole model."""
    path = tmp_path / "base.gguf"
    path.write_bytes(model_path.read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.chat_tomplate", 1))
    return path


async def test_a_model_without_a_chat_template(engine: LlamaEngine, base_model: Path) -> None:
    with pytest.raises(ModelError, match="no chat template"):
        await engine.load(base_model, SMALL)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "not there"),
        ("text", "not a GGUF adapter"),
        ("model", "not an adapter"),
        ("other-model", "made for another model"),
        ("other-shape", "does not fit"),
        ("truncated", "cut short"),
    ],
)
async def test_bad_adapters_fail_their_lane_only(
    kind: str, said: str, engine: LlamaEngine, model_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"{kind}.gguf"
    match kind:
        case "text":
            path.write_text("no adapter")
        case "model":
            path = model_path
        case "other-model":
            write_adapter(path, base_sha256="0" * 64)
        case "other-shape":
            write_adapter(path, width=640)
        case "truncated":
            whole = write_adapter(tmp_path / "whole.gguf").read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
    messages = (ChatMessage(Role.USER, "What is the capital of France?"),)
    short = Sampling(max_tokens=4)
    lanes = [Lane("bad", messages, (AdapterUse(path),), short), Lane("good", messages, (), short)]
    found = [event async for event in engine.generate(lanes)]
    (failed,) = [event for event in found if isinstance(event, LaneFailed)]
    assert failed.key == "bad"
    assert said in failed.message
    assert path.name in failed.message
    assert failed.hint
    assert found[-1].key == "good"
