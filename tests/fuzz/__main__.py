"""The long form: `PYTHONPATH=tests python -m fuzz [KIND ...] [--count N] [--seed S]`; prints what became of them."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from fuzz.run import KINDS, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description="Damaged files, through the product's own ways in.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all where none is named")
    parser.add_argument("--count", type=int, default=1_000, help="of models and of adapters; of others a tenth (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random draws (1)")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"there is no kind {min(unknown)}; there are: {', '.join(KINDS)}")
    folder = Path(tempfile.mkdtemp(prefix="studio-fuzz-"))
    bad = 0
    for kind in options.kinds or KINDS:
        tally = fuzz(kind, folder / kind, options.count, options.seed)
        print(tally, flush=True)
        for line in tally.broken:
            print(f"  {line}")
        bad += tally.failures
    print(f"Inputs that came to no good end lie in {folder}." if bad else "Every input came to a good end.")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
