"""The Hugging Face hub: what a repository offers, and which of its files is meant by `org/repo[:quant]`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from studio.domain.sizes import size_text
from studio.errors import PullError, UsageError
from studio.models.pull import Order
from studio.models.titles import quant_of
from studio.models.web import Web

_MOST_LISTING = 16_000_000
_PREFERRED = ("Q4_K_M", "Q4_K_S", "Q4_0", "Q8_0")
_IN_PARTS = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_SPEC = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?::(?P<quant>[^\s:]+))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True)
class HubSpec:
    """A repository, and the quantisation or file wanted of it; empty for the usual one."""

    repository: str
    quant: str = ""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A GGUF file of a repository. `whole`: it is not one of several parts."""

    path: str
    quant: str
    bytes: int
    sha256: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository offers at one commit."""

    name: str
    commit: str
    licence: str
    files: tuple[HubFile, ...]

    def choose(self, wanted: str) -> HubFile:
        """The file of this quantisation or name; where none is named, the only one or the usual one.

        Raises UsageError that lists what there is.
        """
        whole = [file for file in self.files if file.whole]
        if not whole:
            parts = "only in parts, which are not loaded here" if self.files else "no GGUF file"
            raise UsageError(f"{self.name} has {parts}.", "Look for a repository named …-GGUF.")
        named = [f for f in whole if wanted and wanted.casefold() in (f.quant.casefold(), f.path.casefold())]
        if not wanted:
            named = whole if len(whole) == 1 else []
            for quant in _PREFERRED:
                named = named or [file for file in whole if file.quant == quant]
        if len(named) != 1:
            what = f"no single file '{wanted}'" if wanted else "several files"
            raise UsageError(f"{self.name} has {what}.", f"Choose one: {_listed(self.name, whole)}")
        return named[0]

    def order(self, file: HubFile, hub: str) -> Order:
        """What to pull for this file."""
        address = f"{hub}/{self.name}/resolve/{self.commit}/{quote(file.path)}"
        return Order(address, f"{self.name}/{file.path}", file.bytes, file.sha256)


def parse_spec(text: str) -> HubSpec | None:
    """`org/repo`, `org/repo:quant`, with or without `hf.co/` or the hub's address before it; None for anything else."""
    text = re.sub(r"^(?:https://)?(?:huggingface\.co|hf\.co)/", "", text.strip())
    match = _SPEC.fullmatch(text)
    if match is None or any(part in (".", "..") for part in match["repository"].split("/")):
        return None
    return HubSpec(match["repository"], match["quant"] or "")


def wish_of(source: str) -> str:
    """What to ask for in order to go on with a pull from this source, as its order named it."""
    if "://" in source:
        return source
    owner, name, path = [*source.split("/", 2), "", ""][:3]
    return f"{owner}/{name}:{path}"


async def look_up(web: Web, repository: str) -> Repository:
    """Ask the hub what a repository holds. Raises PullError, TransientError."""
    address = f"{web.rules.hub}/api/models/{repository}/revision/main?blobs=true"
    content = bytearray()
    async with web.get(address) as opened:
        async for data in opened.body():
            content += data
            if len(content) > _MOST_LISTING:
                raise PullError(f"The hub's listing of {repository} is too long to be one.", "Try again later.")
    try:
        told = msgspec.json.decode(content, type=_Model)
    except msgspec.MsgspecError as error:
        raise PullError(f"The hub's listing of {repository} cannot be read.", "Try again later.") from error
    files = [_file(sibling) for sibling in told.siblings if _is_model(sibling.rfilename)]
    commit = told.sha if _COMMIT.fullmatch(told.sha) else "main"
    licence = told.cardData.get("license") if isinstance(told.cardData, dict) else None
    ordered = sorted(files, key=lambda file: (file.bytes, file.path))
    return Repository(repository, commit, licence if isinstance(licence, str) else "", tuple(ordered))


class _Lfs(msgspec.Struct):
    sha256: str = ""
    size: int = 0


class _Sibling(msgspec.Struct):
    rfilename: str
    size: int | None = None
    lfs: _Lfs | None = None


class _Model(msgspec.Struct):
    siblings: list[_Sibling] = []
    sha: str = ""
    cardData: object = None  # noqa: N815 - the hub's name


def _is_model(path: str) -> bool:
    return path.lower().endswith(".gguf") and not path.rpartition("/")[2].lower().startswith(("mmproj", "imatrix"))


def _file(sibling: _Sibling) -> HubFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs and _SHA256.fullmatch(sibling.lfs.sha256) else ""
    size = (sibling.lfs.size if sibling.lfs else 0) or sibling.size or 0
    path = sibling.rfilename
    return HubFile(path, quant_of(path), size, sha256, whole=not _IN_PARTS.search(path))


def _listed(repository: str, files: Sequence[HubFile]) -> str:
    return ", ".join(f"{repository}:{file.quant or file.path} ({size_text(file.bytes)})" for file in files)
