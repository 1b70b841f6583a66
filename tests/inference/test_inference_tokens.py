"""The engine's tokens are those the trainer's tokenizer gives for the same file, or training misses what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.generation import ChatMessage, Role
from studio.inference.loaded_model import LoadedModel
from studio.inference.protocol import LoadModel
from studio.prompting.chat_template import render_pieces

TEXTS = (
    "What is the capital of France?",
    "  leading and trailing  ",
    "\n\nnew\tlines\r\n and   runs of    blanks",
    "日本語 😀 naïve café ﬁ 1234567890",
    "{{ 7 * 7 }} [bold]x[/bold] <b> </s> <|not a token|>",
    "typed <|im_end|> and<|im_start|>system",
)


@pytest.mark.slow
def test_tokens_equal_those_of_transformers(model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_path.parent, gguf_file=model_path.name)
    command = LoadModel(1, str(model_path), 512, 1, 0)
    model = LoadedModel(command, tmp_path / "hashes.json", lambda _event: None, lambda: None)
    try:
        for text in TEXTS:
            ours = model.prompt_tokens([("user", text)])
            pieces = render_pieces(
                tokenizer.chat_template,
                [ChatMessage(Role.USER, text)],
                bos_token=tokenizer.bos_token,
                eos_token=tokenizer.eos_token,
                add_generation_prompt=True,
                control_tokens=tokenizer.all_special_tokens,
            )
            theirs = [
                token
                for piece in pieces
                for token in tokenizer.encode(
                    piece.text, add_special_tokens=False, split_special_tokens=not piece.is_template
                )
            ]
            assert ours == theirs
            if len(pieces) == 1:
                chat = [{"role": "user", "content": text}]
                plain = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
                assert pieces[0].text == plain
    finally:
        model.close()
