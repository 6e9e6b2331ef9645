"""A picture of what the renderer can do: one row per portrait, one column per mouth shape or blink.

python scripts/expression_sheet.py OUT.jpg PHOTO [PHOTO …] [--side 150] [--plain]
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.motion.arkit_map import load_map, motion_from_shapes
from vasari.motion.arkit_names import SHAPES
from vasari.portrait import make_portrait
from vasari.renderer.compose import Renderer
from vasari.session import Engine

COLUMNS: tuple[dict[str, float], ...] = (
    {},
    {"JawOpen": 0.12, "MouthStretchLeft": 0.3, "MouthStretchRight": 0.3},
    {"JawOpen": 0.3},
    {"JawOpen": 0.6},
    {"JawOpen": 0.35, "MouthFunnel": 0.5},
    {"JawOpen": 0.1, "MouthPucker": 0.7},
    {"JawOpen": 0.15, "MouthSmileLeft": 0.6, "MouthSmileRight": 0.6},
    {"JawOpen": 0.45, "MouthSmileLeft": 0.5, "MouthSmileRight": 0.5},
    {"EyeBlinkLeft": 1.0, "EyeBlinkRight": 1.0},
    {"EyeBlinkLeft": 0.5, "EyeBlinkRight": 0.5},
)


def motions(own: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The photo's own motion, then every column's, with the photo's pose."""
    shapes = np.zeros((len(COLUMNS), len(SHAPES)), np.float32)
    for row, wanted in zip(shapes, COLUMNS, strict=True):
        for name, amount in wanted.items():
            row[SHAPES.index(name)] = amount
    found = motion_from_shapes(shapes, load_map())
    found[:, : layout.MOUTH.start] = own[: layout.MOUTH.start]
    return [own, *found]


def row(photo: Path, engine: Engine, side: int) -> NDArray[np.uint8]:
    """(side, n * side, 3) the face with every expression."""
    portrait = make_portrait(photo, engine.runtime)
    renderer = Renderer(portrait, engine.basis, engine.assets)
    points = portrait.landmarks[:468, :2]
    middle = (points.min(0) + points.max(0)) / 2
    half = int(min(0.58 * np.ptp(points[:, 1]), middle.min(), (511 - middle).min()))
    x, y = middle.astype(int)
    cells = [
        cv2.resize(
            renderer.render(motion)[y - half : y + half, x - half : x + half],
            (side, side),
            interpolation=cv2.INTER_AREA,
        )
        for motion in motions(portrait.motion)
    ]
    return np.asarray(np.hstack(cells), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--side", type=int, default=150)
    parser.add_argument("--plain", action="store_true", help="without the refiner")
    given = parser.parse_args()
    engine = Engine.load()
    if given.plain:
        engine = replace(engine, assets=replace(engine.assets, refiners=None))
    sheet = np.vstack([row(photo, engine, given.side) for photo in given.photos])
    cv2.imwrite(str(given.out), sheet[:, :, ::-1])


if __name__ == "__main__":
    main()
