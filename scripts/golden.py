"""The fixed inputs on which a converted network is compared with its original."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def picture(side: int) -> NDArray[np.float32]:
    """(1, side, side, 3) 0..1: a drawn face with a little noise; the same on every machine."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    image = np.stack([0.35 + 0.2 * x, 0.4 + 0.1 * y, 0.5 + 0 * x], axis=-1)

    def paint(cx: float, cy: float, rx: float, ry: float, colour: list[float]) -> None:
        inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        image[inside] = colour

    paint(0.5, 0.5, 0.28, 0.38, [0.85, 0.65, 0.55])
    for cx in (0.39, 0.61):
        paint(cx, 0.42, 0.07, 0.035, [0.95, 0.95, 0.95])
        paint(cx, 0.42, 0.03, 0.03, [0.2, 0.15, 0.1])
        paint(cx, 0.34, 0.09, 0.015, [0.25, 0.2, 0.15])
    paint(0.5, 0.56, 0.04, 0.05, [0.75, 0.5, 0.45])
    paint(0.5, 0.7, 0.11, 0.035, [0.7, 0.25, 0.25])
    ripple = 0.02 * np.sin(np.arange(image.size, dtype=np.float32) * 0.7).reshape(image.shape)
    return np.clip(image + ripple, 0, 1).astype(np.float32)[None]


def photo(side: int) -> NDArray[np.float32]:
    """(1, side, side, 3) 0..1: Grace Hopper's public-domain portrait, in squares; 64 divides side.

    A drawing will not do where a network was made to tell persons from pictures.
    """
    path = Path(__file__).resolve().parent.parent / "tests" / "data" / "portrait_64.npy"
    image = np.load(path, allow_pickle=False).astype(np.float32) / 255
    return np.kron(image, np.ones((side // 64, side // 64, 1), np.float32))[None]
