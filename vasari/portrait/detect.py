"""Faces in a picture: boxes and six keypoints from BlazeFace (arXiv 1907.05047).

The network was made for selfies and misses small faces, so a picture in which it finds nothing is
looked at again in overlapping tiles.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.runtime import Model
from vasari.types import Float, Image

INPUT_PX = 128
MIN_SCORE = 0.5
_SAME_FACE_IOU = 0.3
_TILINGS = (1, 2, 4)


@dataclass(frozen=True)
class Detection:
    """One face. Picture pixels; "left" and "right" are the image's.

    box: (4,) x0, y0, x1, y1, from the brows to below the chin. keypoints: (6, 2) left eye, right
    eye, tip of the nose, mouth, left ear, right ear. score: 0..1.
    """

    box: Float
    keypoints: Float
    score: float

    @property
    def width_px(self) -> float:
        """Width of the box."""
        return float(self.box[2] - self.box[0])


def _anchors() -> NDArray[np.float32]:
    """(896, 2) centres, 0..1: a 16x16 grid twice a cell, then an 8x8 grid six times a cell."""
    parts = []
    for cells, repeats in ((16, 2), (8, 6)):
        y, x = np.mgrid[0:cells, 0:cells]
        grid = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) / cells
        parts.append(np.repeat(grid, repeats, axis=1).reshape(-1, 2))
    return np.concatenate(parts).astype(np.float32)


def _overlap(box: Float, boxes: Float) -> NDArray[np.float32]:
    """(N,) intersection over union of one box with (N, 4) boxes."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / np.maximum(area - shared, 1e-6), np.float32)


def _merge(candidates: Float, scores: Float) -> list[Detection]:
    """Blend the candidates of each face, weighted by score, best face first.

    candidates: (N, 16) box and keypoints in pixels; scores: (N,).
    """
    found = []
    left = np.argsort(-scores)
    while len(left):
        best = left[0]
        same = _overlap(candidates[best, :4], candidates[left, :4]) > _SAME_FACE_IOU
        same[0] = True
        group, left = left[same], left[~same]
        blend = np.average(candidates[group], axis=0, weights=scores[group]).astype(np.float32)
        found.append(Detection(blend[:4], blend[4:].reshape(6, 2), float(scores[best])))
    return found


class FaceDetector:
    """Finds faces with the network `face_detector`."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._anchors = _anchors()

    def detect(self, image: Image) -> list[Detection]:
        """The faces in an (H, W, 3) RGB picture, best first; empty when there is none."""
        for count in _TILINGS:
            parts = [self._look(image, *tile) for tile in _tiles(image.shape, count)]
            candidates = np.concatenate([part[0] for part in parts])
            if len(candidates):
                return _merge(candidates, np.concatenate([part[1] for part in parts]))
        return []

    def _look(self, image: Image, x0: int, y0: int, side: int) -> tuple[Float, Float]:
        """(N, 16) candidates in picture pixels and (N,) scores of one square of the picture."""
        part = image[max(y0, 0) : y0 + side, max(x0, 0) : x0 + side]
        scale = INPUT_PX / side
        size = [max(1, round(length * scale)) for length in part.shape[1::-1]]
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        canvas = np.zeros((INPUT_PX, INPUT_PX, 3), np.float32)
        left, top = round(max(-x0, 0) * scale), round(max(-y0, 0) * scale)
        small = small[: INPUT_PX - top, : INPUT_PX - left]
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
        out = self._model.run({"image": canvas[None] / 127.5 - 1})
        logits = np.clip(out["scores"][0, :, 0], -80, 80)
        scores = 1 / (1 + np.exp(-logits))
        kept = scores >= MIN_SCORE
        raw = out["boxes"][0][kept].reshape(-1, 8, 2) / INPUT_PX
        anchors = self._anchors[kept]
        middle, half = raw[:, 0] + anchors, raw[:, 1] / 2
        points = [middle - half, middle + half, *(raw[:, 2:] + anchors[:, None]).swapaxes(0, 1)]
        # from corners of the square to centres of the picture's pixels
        placed = np.stack(points, axis=1) * side + (x0 - 0.5, y0 - 0.5)
        return placed.reshape(-1, 16).astype(np.float32), scores[kept].astype(np.float32)


def _tiles(shape: tuple[int, ...], count: int) -> Iterator[tuple[int, int, int]]:
    """Squares (x0, y0, side) that cover a picture; with count > 1, overlapping by half a side."""
    height, width = shape[:2]
    longest = max(height, width)
    if count == 1:
        yield (width - longest) // 2, (height - longest) // 2, longest
        return
    side = -(-longest // count)
    step = max(1, side // 2)
    for y0 in range(0, max(height - side, 0) + step, step):
        for x0 in range(0, max(width - side, 0) + step, step):
            yield min(x0, max(width - side, 0)), min(y0, max(height - side, 0)), side
