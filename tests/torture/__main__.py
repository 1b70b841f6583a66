"""The long form: `make torture`, or `PYTHONPATH=tests python -m torture [PART ...] [--times N] [--seed N]
[--deeds NAME,...]`.

A part is a module `torture.long_NAME` with a docstring, of which the first line is printed, and a function
`run(wanted)` that yields Figures. The exit status is 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import time

import torture
from torture.deeds import BY_NAME
from torture.figures import Figure, Wanted


def parts() -> dict[str, str]:
    """Module by the name of the part."""
    names = (module.name for module in pkgutil.iter_modules(torture.__path__))
    return {name.removeprefix("long_"): f"torture.{name}" for name in sorted(names) if name.startswith("long_")}


def main() -> int:
    known = parts()
    parser = argparse.ArgumentParser(prog="torture", description="The long form of the tests of trust.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(known)}; all where none is named")
    times = "how often each thing is tried; of a soak, the rounds (10)"
    parser.add_argument("--times", type=int, default=10, help=times)
    parser.add_argument("--seed", type=int, default=1, help="of the random draws (1)")
    of = "of kills, power and faults: which deeds, names with commas between (all)"
    parser.add_argument("--deeds", default=",".join(BY_NAME), metavar="NAME,...", help=of)
    options = parser.parse_args()
    if unknown := set(options.parts) - known.keys():
        parser.error(f"there is no part {min(unknown)}; there are: {', '.join(known)}")
    names = options.deeds.split(",")
    if unknown := set(names) - BY_NAME.keys():
        parser.error(f"there is no deed {min(unknown)}; there are: {', '.join(BY_NAME)}")
    deeds = tuple(BY_NAME[name] for name in names)
    lost: list[Figure] = []
    for name in options.parts or known:
        module = importlib.import_module(known[name])
        print(f"{name}: {(module.__doc__ or '').partition(chr(10))[0]}", flush=True)
        tried, began = 0, time.monotonic()
        for figure in module.run(Wanted(options.times, random.Random(options.seed), deeds)):
            print(f"  {figure}", flush=True)
            tried += figure.tried
            lost += [figure] if figure.broken else []
        print(f"  {tried:,} in {time.monotonic() - began:.0f} s", flush=True)
    for figure in lost:
        print(f"BROKEN {figure.what}:\n  " + "\n  ".join(figure.broken), flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
