"""The long form: `make torture`, or `PYTHONPATH=tests python -m torture [PART ...] [--times N] [--seed N]`.

A part is a module `torture.long_NAME` with a docstring, of which the first line is printed, and a function
`run(times, draw)` that yields Figures: `times` is how often each thing is tried (1 is what `make test` does, give or
take), `draw` the random numbers to use. The exit status is 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import time

import torture
from torture.figures import Figure


def parts() -> dict[str, str]:
    """Module by the name of the part."""
    names = (module.name for module in pkgutil.iter_modules(torture.__path__))
    return {name.removeprefix("long_"): f"torture.{name}" for name in sorted(names) if name.startswith("long_")}


def main() -> int:
    known = parts()
    parser = argparse.ArgumentParser(prog="torture", description="The long form of the tests of trust.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(known)}; all where none is named")
    times = "how often each thing is tried; of a soak, the minutes (10)"
    parser.add_argument("--times", "--minutes", type=int, default=10, help=times)
    parser.add_argument("--seed", type=int, default=1, help="of the random draws (1)")
    options = parser.parse_args()
    if unknown := set(options.parts) - known.keys():
        parser.error(f"there is no part {min(unknown)}; there are: {', '.join(known)}")
    lost: list[Figure] = []
    for name in options.parts or known:
        module = importlib.import_module(known[name])
        print(f"{name}: {(module.__doc__ or '').partition(chr(10))[0]}", flush=True)
        tried, began = 0, time.monotonic()
        for figure in module.run(options.times, random.Random(options.seed)):
            print(f"  {figure}", flush=True)
            tried += figure.tried
            lost += [figure] if figure.broken else []
        print(f"  {tried:,} in {time.monotonic() - began:.0f} s", flush=True)
    for figure in lost:
        print(f"BROKEN {figure.what}:\n  " + "\n  ".join(figure.broken), flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
