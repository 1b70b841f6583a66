"""How well colours can be told apart and read: contrast as WCAG 2.2 has it, and dichromats' sight simulated.

The matrices are those of G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6), 2009, severity
1.0, for linear RGB.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from textual.color import Color

Vector = npt.NDArray[np.float64]

SIGHT: dict[str, Vector] = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def difference(one: Color, other: Color, sight: str) -> float:
    """How far two colours are apart, as CIE 1976 L*a*b* has it, for somebody with this sight."""
    return float(np.linalg.norm(_lab(SIGHT[sight] @ _linear(one)) - _lab(SIGHT[sight] @ _linear(other))))


def _linear(colour: Color) -> Vector:
    channels = np.array(colour.rgb, dtype=np.float64) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _luminance(colour: Color) -> float:
    return float(_TO_XYZ[1] @ _linear(colour))


def _lab(linear: Vector) -> Vector:
    ratio = _TO_XYZ @ np.clip(linear, 0, 1) / _WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
