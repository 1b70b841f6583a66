"""A model ready to answer: checked, loaded, with its template, its adapters and its scheduler.

Everything that can be said about a bad file in words is said here, before llama.cpp sees it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from studio.domain.generation import CONTEXT_SHARE_OF_MEMORY, CPU, GPU, ChatMessage, Role, Sampling
from studio.domain.model_build import kv_bytes_per_token
from studio.errors import AdapterError, ModelError, PromptTooLongError
from studio.inference.file_identity import file_sha256
from studio.inference.gguf_header import GgufFormatError, read_header
from studio.inference.lane_run import AdapterFile, AdapterSet, Emit, LaneRun, Prompt
from studio.inference.llama_native import NativeAdapter, NativeModel, graphics_memory
from studio.inference.model_header import checked_header
from studio.inference.protocol import AdapterSpec, Generate, LaneSpec, LoadModel, ModelLoaded
from studio.inference.scheduler import Scheduler
from studio.prompting.chat_template import Piece, render_pieces
from studio.prompting.thinking import closing_of

_BASE_SHA256 = "studio.base_sha256"
_HERE = "\U0010fffe"  # a character that is none: it stands where the text of a forced completion begins
_SHARES_OF_A_CARD = 5
"""Of what is free on it once the model is loaded: one for each context, and one for what computing takes."""
_MOST_ADAPTERS = 8
"""As many as are kept loaded, those used last. A night brings one more, and the app may be open for weeks."""


def _room_bytes(native: NativeModel) -> int:
    """Of memory, what one context may take at most. A graphics card's is shared by all of them and their buffers."""
    room: int = psutil.virtual_memory().total // CONTEXT_SHARE_OF_MEMORY
    return min(room, graphics_memory() // _SHARES_OF_A_CARD) if native.offloads else room


class LoadedModel:
    """Raises ModelError with the reason in words. `on_progress` is called now and then during the load."""

    def __init__(self, command: LoadModel, hashes: Path, emit: Emit, on_progress: Callable[[], None]) -> None:
        path = Path(command.path)
        header = checked_header(path)
        sha256 = file_sha256(path, hashes, on_progress)
        self._native = NativeModel(path, command.gpu_layers, on_progress)
        native = self._native
        if not native.has_decoder or not native.chat_template.strip():
            native.free()
            raise ModelError(
                f"{path.name} carries no chat template, so there is no telling how to talk to it.",
                "Use an instruction-tuned build (often named -Instruct, -Chat or -it).",
            )
        self._control_tokens = native.control_tokens()
        self._architecture = header.architecture
        self._adapters: dict[AdapterFile, NativeAdapter] = {}
        context_tokens = min(command.context_tokens, native.trained_context_tokens)
        # Where heads differ from layer to layer: as if every one had keys and values of its own, of 16 bits.
        token_bytes = kv_bytes_per_token(header.metadata) or 4 * native.layers * native.width
        threads = command.threads or psutil.cpu_count(logical=False) or os.cpu_count() or 1
        self._emit = emit
        self._scheduler = Scheduler(
            native,
            context_tokens=context_tokens,
            room_tokens=_room_bytes(native) // token_bytes,
            threads=threads,
            emit=emit,
        )
        self.facts = ModelLoaded(
            request=command.request,
            sha256=sha256,
            name=str(header.metadata.get("general.name", path.stem)),
            architecture=header.architecture,
            parameters=native.parameters,
            file_bytes=header.file_bytes,
            trained_context_tokens=native.trained_context_tokens,
            context_tokens=context_tokens,
            layers=native.layers,
            chat_template=native.chat_template,
            device=GPU if native.offloads else CPU,
        )

    def close(self) -> None:
        self._scheduler.close()
        self._native.free()

    def cancel(self, request: int) -> None:
        self._scheduler.cancel(request)

    def prompt_tokens(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        """The chat as tokens, answer header included; control tokens that people typed stay plain text."""
        return self._tokens(self._pieces(messages, answered=True))

    def _pieces(self, messages: Sequence[tuple[str, str]], *, answered: bool, thinking: bool = False) -> list[Piece]:
        return render_pieces(
            self._native.chat_template,
            [ChatMessage(Role(role), content) for role, content in messages],
            bos_token=self._native.bos_text,
            eos_token=self._native.eos_text,
            add_generation_prompt=answered,
            control_tokens=self._control_tokens,
            thinking=thinking,
        )

    def _tokens(self, pieces: Sequence[Piece]) -> list[int]:
        native = self._native
        return [token for piece in pieces for token in native.tokenize(piece.text, parse_special=piece.is_template)]

    def _asked(self, spec: LaneSpec) -> Prompt:
        """The chat with the header of its answer, and of its thinking where the model may think."""
        pieces = self._pieces(spec.messages, answered=True, thinking=spec.sampling.thinking_tokens > 0)
        closing = closing_of(pieces[-1].text) if pieces and pieces[-1].is_template else ""
        return Prompt(self._tokens(pieces), closing=closing)

    def _forced(self, messages: Sequence[tuple[str, str]]) -> Prompt:
        """The chat up to where the last message's own text begins, and that text; empty where the template hides it."""
        *before, (role, text) = messages
        pieces = self._pieces([*before, (role, _HERE)], answered=False)
        head: list[int] = []
        for piece in pieces:
            until, found, _ = piece.text.partition(_HERE)
            head += self._native.tokenize(until, parse_special=piece.is_template)
            if found:
                return Prompt(head, self._native.tokenize(text.strip(), parse_special=False))
        return Prompt(())

    def lane(self, command: Generate, spec: LaneSpec, started: float) -> LaneRun:
        """Raises PromptTooLongError, ModelError or AdapterError."""
        prompt = self._forced(spec.messages) if spec.forced else self._asked(spec)
        room = self.facts.context_tokens
        if not prompt.tokens or (spec.forced and not prompt.forced):
            raise ModelError("The model's chat template made nothing of this conversation.", "Use another build of it.")
        if len(prompt) >= room:
            raise PromptTooLongError(
                f"The prompt takes {len(prompt):,} tokens, but the model's context holds {room:,}, answer included.",
                "Shorten it, or raise model.context_tokens if the model allows.",
            )
        adapters = self._adapter_set(spec.adapters)
        sampling = spec.sampling
        return LaneRun(
            command.request,
            spec.key,
            prompt,
            priority=command.priority,
            adapters=adapters,
            sampling=Sampling(
                sampling.temperature,
                sampling.top_k,
                sampling.top_p,
                sampling.min_p,
                sampling.seed,
                sampling.max_tokens,
                sampling.stop,
                sampling.thinking_tokens,
            ),
            context_tokens=room,
            started=started,
        )

    def submit(self, lanes: list[LaneRun]) -> None:
        self._scheduler.submit(lanes)

    def _adapter_set(self, wanted: Sequence[AdapterSpec]) -> AdapterSet:
        found = [self._adapter(Path(spec.path)) for spec in wanted]
        return AdapterSet(
            tuple(file for file, _ in found), tuple(spec.scale for spec in wanted), tuple(loaded for _, loaded in found)
        )

    def _adapter(self, path: Path) -> tuple[AdapterFile, NativeAdapter]:
        try:
            status = path.stat()
        except OSError as error:
            raise AdapterError(
                f"The adapter file {path} is not there ({error.strerror}).",
                "Choose another adapter, or train a new one.",
            ) from error
        file = AdapterFile(path, status.st_size, status.st_mtime_ns)
        loaded = self._adapters.pop(file, None)
        if loaded is None:
            self._check_adapter(path)
            loaded = NativeAdapter(self._native, path)
        self._adapters[file] = loaded
        if len(self._adapters) > _MOST_ADAPTERS:
            del self._adapters[next(iter(self._adapters))]
        return file, loaded

    def _check_adapter(self, path: Path) -> None:
        again = "Choose another adapter, or train a new one."
        try:
            header = read_header(path)
        except (GgufFormatError, OSError) as error:
            raise AdapterError(f"{path.name} is not a GGUF adapter: {error}.", again) from error
        if not header.is_adapter:
            raise AdapterError(f"{path.name} is not an adapter but a {header.metadata.get('general.type')}.", again)
        if header.is_truncated:
            raise AdapterError(f"The adapter {path.name} is cut short.", again)
        base = header.metadata.get(_BASE_SHA256, self.facts.sha256)
        if base != self.facts.sha256 or header.architecture != self._architecture:
            raise AdapterError(
                f"The adapter {path.name} was made for another model than {self.facts.name}.",
                "Load that model, or train a new adapter for this one.",
            )
