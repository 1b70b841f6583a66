"""Draws docs/scaling.svg from docs/scaling.json: `python docs/scaling_svg.py`.

The figures: `python -m benchmarks scaling --json docs/scaling.json`, some three minutes on two cores.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

HERE = Path(__file__).parent
PANELS = (
    ("lessons", "Finding a lesson", "lessons", "NumPy brute force", "log"),
    ("corrections", "Saving a correction", "corrections in the log", "the raw DuckDB statements", "log"),
    ("turns", "First token of a chat's next answer", "turn", "all of it read anew", "linear"),
    ("arms", "All arms' answers", "arms", "one after the other", "linear"),
)


def main() -> None:
    figures: dict[str, float] = json.loads((HERE / "scaling.json").read_text("utf-8"))
    style = {"svg.fonttype": "none", "svg.hashsalt": "scaling", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
    with mpl.rc_context(style):
        drawn = Figure(figsize=(9, 6), layout="constrained")
        for axes, (panel, title, x_label, other, scale) in zip(drawn.subplots(2, 2).flat, PANELS, strict=True):
            for side, name, line in (("ours", "the studio", "o-"), ("other", other, "s--")):
                start = f"scaling.{panel}.{side}."
                points = [(int(key[len(start) :]), value) for key, value in figures.items() if key.startswith(start)]
                axes.plot(*zip(*points, strict=True), line, label=name)
            axes.set(title=title, xlabel=x_label, ylabel="ms", xscale=scale, yscale="log")
            axes.legend()
        drawn.savefig(HERE / "scaling.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
