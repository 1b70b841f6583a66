"""What is used of transformers' untyped objects, so that the rest of the room is checked against something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch


class Tokens(Protocol):
    input_ids: list[int]


class Tokenizer(Protocol):
    bos_token: str | None
    eos_token: str | None
    bos_token_id: int | None
    chat_template: str | None
    all_special_tokens: list[str]

    def __call__(
        self, text: str, *, add_special_tokens: bool = True, split_special_tokens: bool | None = None
    ) -> Tokens: ...


class Output(Protocol):
    logits: torch.Tensor


class LoraModel(Protocol):
    """A causal language model, once `attach_lora` has given it an adapter."""

    config: Any

    def __call__(
        self,
        *,
        input_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        use_cache: bool = False,
        **options: Any,
    ) -> Output: ...
    def get_base_model(self) -> Any: ...
    def get_output_embeddings(self) -> torch.nn.Module: ...
    def train(self, mode: bool = True) -> object: ...
    def eval(self) -> object: ...
    def disable_adapter(self) -> AbstractContextManager[None]: ...
    def named_parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]: ...
    def named_modules(self) -> Iterator[tuple[str, Any]]: ...
    def parameters(self) -> Iterator[torch.nn.Parameter]: ...
