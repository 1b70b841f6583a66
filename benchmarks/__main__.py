"""Runs every benchmark module's `main()` and prints one table; `--json FILE` also writes the figures.

`methods` takes more than an hour and `reader` the adapter named by `--adapter`: they run only where they are named.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
from pathlib import Path

import benchmarks

READER, METHODS = "reader", "methods"


def main() -> None:
    modules = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(modules)}; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as one JSON object")
    parser.add_argument("--adapter", type=Path, metavar="FILE", help="the adapter that `reader` measures")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(modules):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if READER in arguments.names and not (arguments.adapter and arguments.adapter.is_file()):
        parser.error(f"{READER} needs --adapter FILE, a GGUF adapter that exists")
    figures: dict[str, float] = {}
    for name in arguments.names or [module for module in modules if module not in (READER, METHODS)]:
        module = importlib.import_module(f"benchmarks.{name}")
        figures |= module.main(arguments.adapter) if name == READER else module.main()
    width = max(map(len, figures), default=0)
    for name, value in figures.items():
        print(f"{name:<{width}}  {value:>12.4g}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
