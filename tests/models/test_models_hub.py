"""What a wish for a model means, and what a repository of the hub offers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from made_gguf import made_gguf
from model_server import ModelServer, model_server

from studio.errors import PullError, UsageError
from studio.models.hub import HubSpec, look_up, parse_spec
from studio.models.pull import patiently
from studio.models.titles import quant_of
from studio.models.web import Web, WebRules

SMALL, LARGE = made_gguf(40_000), made_gguf(80_000)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as one:
        yield one


def rules(server: ModelServer) -> WebRules:
    return WebRules(hub=server.address, loopback_http=True, attempts=1)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("org/repo", HubSpec("org/repo")),
        ("org/repo:Q4_K_M", HubSpec("org/repo", "Q4_K_M")),
        ("hf.co/org/repo:q8_0", HubSpec("org/repo", "q8_0")),
        ("https://huggingface.co/org/repo", HubSpec("org/repo")),
        ("org", None),
        ("../repo", None),
        ("org/..", None),
        ("a/b/c", None),
        ("https://example.org/m.gguf", None),
        ("", None),
    ],
)
def test_a_wish_is_a_repository_or_it_is_not(text: str, spec: HubSpec | None) -> None:
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    ("file", "quant"),
    [
        ("SmolLM2-1.7B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q8_0.gguf", "Q8_0"),
        ("model.IQ3_XXS.gguf", "IQ3_XXS"),
        ("sub/Model-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("gpt-oss-MXFP4.gguf", "MXFP4"),
        ("Qwen3-4B-BF16.gguf", "BF16"),
        ("plain.gguf", ""),
    ],
)
def test_a_file_tells_its_quantisation(file: str, quant: str) -> None:
    assert quant_of(file) == quant


async def test_a_repository_lists_what_it_has_and_the_usual_one_is_chosen(server: ModelServer) -> None:
    files = {"M-Q8_0.gguf": LARGE, "M-Q4_K_M.gguf": SMALL, "mmproj-M.gguf": SMALL, "big-00001-of-00002.gguf": LARGE}
    server.serve_repository("org/repo", files | {"README.md": b"x"})
    async with Web(rules(server)) as web:
        found = await look_up(web, "org/repo")
    assert found.licence == "mit"
    assert [(file.quant, file.whole) for file in found.files] == [("Q4_K_M", True), ("Q8_0", True), ("", False)]
    assert found.choose("").quant == "Q4_K_M"
    assert found.choose("q8_0").bytes == len(LARGE)
    assert found.choose("M-Q8_0.gguf").quant == "Q8_0"
    order = found.order(found.choose(""), server.address)
    assert order.address == f"{server.address}/org/repo/resolve/{'c' * 40}/M-Q4_K_M.gguf"
    assert order.bytes == len(SMALL)
    with pytest.raises(UsageError, match="no single file 'Q2_K'") as raised:
        found.choose("Q2_K")
    assert "org/repo:Q4_K_M (41 kB)" in raised.value.hint


async def test_repositories_without_a_choice_say_so(server: ModelServer) -> None:
    server.serve_repository("org/none", {"README.md": b"x"})
    server.serve_repository("org/odd", {"A.gguf": SMALL, "B.gguf": SMALL})
    server.serve_repository("org/one", {"only.gguf": SMALL})
    async with Web(rules(server)) as web:
        with pytest.raises(UsageError, match="has no GGUF file"):
            (await look_up(web, "org/none")).choose("")
        with pytest.raises(UsageError, match="has several files"):
            (await look_up(web, "org/odd")).choose("")
        assert (await look_up(web, "org/one")).choose("").path == "only.gguf"


@pytest.mark.parametrize("answer", [b"not json", b'{"siblings": 4}', b"[]"])
async def test_a_listing_that_cannot_be_read_is_told(server: ModelServer, answer: bytes) -> None:
    server.serve("/api/models/org/repo/revision/main", answer)
    async with Web(rules(server)) as web:
        with pytest.raises(PullError, match="cannot be read"):
            await look_up(web, "org/repo")


@pytest.mark.parametrize("mishap", ["reset:20", "short:20", "stall:20"])
async def test_a_listing_that_breaks_off_is_asked_for_again(server: ModelServer, mishap: str) -> None:
    server.serve_repository("org/repo", {"M-Q4_K_M.gguf": SMALL})
    server.served["/api/models/org/repo/revision/main"].mishaps = [mishap]
    patient = WebRules(hub=server.address, loopback_http=True, stall_s=0.2, pause_s=0.01)
    waited: list[str] = []
    async with Web(patient) as web:
        found = await patiently(web, lambda: look_up(web, "org/repo"), waited.append)
    assert [file.quant for file in found.files] == ["Q4_K_M"]
    assert len(waited) == 1


async def test_a_gated_repository_says_what_to_do(server: ModelServer) -> None:
    server.serve("/api/models/org/repo/revision/main", status=401)
    async with Web(rules(server)) as web:
        with pytest.raises(PullError, match="401") as raised:
            await look_up(web, "org/repo")
    assert "HF_TOKEN" in raised.value.hint
