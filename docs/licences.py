"""Writes docs/licences.md: every package the studio is installed with, its version and licence, from their metadata.

python docs/licences.py            # write it
python docs/licences.py --check    # is it current, is every package pinned and free? Needs no network.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
EXTRAS = ("starter", "dev")
# torch brings these where there is a GPU; they are the makers' own and no part of what is tested here.
FOR_GPUS = re.compile(r"(nvidia|cuda|triton|pytorch-triton|intel|mkl|tbb|umf|onemkl|impi)(-|$)")
SHIPPED_WITH_PYTHON = frozenset(("pip", "setuptools", "wheel"))
FREE = {
    "MIT": r"\bMIT\b|Expat",
    "BSD": r"\bBSD\b|0BSD|3-Clause|2-Clause",
    "Apache-2.0": r"Apache",
    "ISC": r"\bISC\b",
    "PSF": r"PSF|Python Software Foundation|Python-2\.0",
    "MPL-2.0": r"MPL|Mozilla Public",
    "HPND": r"HPND|MIT-CMU|Historical Permission",
    "Unlicense": r"Unlicense|public domain",
    "Zlib": r"\bzlib\b",
    "LGPL": r"LGPL|Lesser General",
    "CC0": r"CC0",
}


def installed() -> dict[str, metadata.Distribution]:
    """The project's requirements and theirs, as far as they apply to this machine, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    first = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    found: dict[str, metadata.Distribution] = {}
    waiting = list(_applying(first, ()))
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen or FOR_GPUS.match(name):
            continue
        seen.add((name, extras))
        found[name] = metadata.distribution(name)
        waiting += _applying(found[name].requires or (), extras)
    return dict(sorted(found.items()))


def _applying(lines: Iterable[str], extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of requirements, those of this machine and these extras: name and extras of each."""
    for line in lines:
        wanted = Requirement(line)
        applies = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if applies and canonicalize_name(wanted.name) not in SHIPPED_WITH_PYTHON:
            yield canonicalize_name(wanted.name), tuple(sorted(wanted.extras))


def licence_of(distribution: metadata.Distribution) -> str:
    """The licences named in the metadata, by their usual names; empty where none that is free is named."""
    fields = distribution.metadata
    told = [fields.get("License-Expression") or ""]
    told += [one for one in fields.get_all("Classifier") or () if one.startswith("License ::")]
    told.append((fields.get("License") or "")[:200])
    for words in told:
        if names := [name for name, pattern in FREE.items() if re.search(pattern, words, re.IGNORECASE)]:
            return ", ".join(names)
    return ""


def pinned() -> dict[str, str]:
    """What constraints.txt says, by name."""
    lines = (line.strip() for line in (ROOT / "constraints.txt").read_text().splitlines())
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def faults(packages: dict[str, metadata.Distribution]) -> list[str]:
    """What is wrong with what is installed, a sentence each."""
    told, wanted = [], pinned()
    for name, one in packages.items():
        version = one.version.partition("+")[0]  # torch names its build after a plus
        if name not in wanted:
            told.append(f"{name} {version} is not pinned in constraints.txt.")
        elif wanted[name] != version:
            told.append(f"{name} is installed as {version} and pinned as {wanted[name]}.")
        if not licence_of(one):
            told.append(f"{name} names no licence that is known to be free.")
    told += [f"{name} is pinned in constraints.txt and needed by nothing." for name in wanted.keys() - packages.keys()]
    return told


def page(packages: dict[str, metadata.Distribution]) -> str:
    rows = [f"| {name} | {one.version.partition('+')[0]} | {licence_of(one)} |" for name, one in packages.items()]
    return "\n".join(
        [
            "# Licences",
            "",
            "Every package that `make setup` installs, as its metadata names it. Written by `python docs/licences.py`;",
            "`make check` sees to it that the page is current, that each package is pinned in `constraints.txt`,",
            "and that each licence is known and free. What torch adds for a GPU is left out.",
            "",
            "| package | version | licence |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    packages = installed()
    told = faults(packages)
    if "--check" in sys.argv[1:]:
        if PAGE.read_text("utf-8") != page(packages):
            told.append("docs/licences.md is not current: python docs/licences.py")
    else:
        PAGE.write_text(page(packages), "utf-8")
    for line in told:
        sys.stderr.write(f"{line}\n")
    return 1 if told else 0


if __name__ == "__main__":
    raise SystemExit(main())
