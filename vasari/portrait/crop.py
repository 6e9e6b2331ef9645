"""The square of the photo in which everything is rendered, and the way there and back."""

from dataclasses import dataclass

import cv2
import numpy as np

from vasari.types import CROP_PX, CropTransform, Float, Image

SIDE_IN_FACES = 2.3
"""Side of the square in face heights (landmark 10, at the hairline, to 152, the chin)."""

_ABOVE_IN_FACES = 0.62
"""From the hairline to the upper edge: hair takes 0.35, the rest is room to move."""
_LEAST_SIDE_IN_FACES = 1.15
_KEEP_PIXELS = 0.06
"""A square within 6 % of 512 pixels is made 512, so that no pixel is resampled."""


@dataclass(frozen=True)
class Square:
    """Whole pixels of the photo: upper left corner and side. May reach out of the photo."""

    x: int
    y: int
    side: int


def choose_square(points: Float, width: int, height: int) -> Square:
    """The square around a head: with hair, neck and some shoulder, inside the photo if it fits.

    Shifted into the photo first, then made smaller; it leaves the photo only where the face itself
    would be cut.

    Args:
        points: (478, 3) landmarks in photo pixels. width, height: of the photo.
    """
    flat = points[:, :2].astype(np.float64)
    low, high = flat.min(axis=0), flat.max(axis=0)
    face = max(float(np.linalg.norm(points[10] - points[152])), float(high[1] - low[1]))
    side = face * SIDE_IN_FACES
    if abs(side / CROP_PX - 1) < _KEEP_PIXELS:
        side = CROP_PX
    least = _LEAST_SIDE_IN_FACES * float((high - low).max())
    side = round(max(min(side, width, height), least))
    # Between the ears is the middle of the skull also where the face is turned.
    wish_x = (flat[234, 0] + flat[454, 0] + low[0] + high[0]) / 4 - side / 2
    slack = side - face * SIDE_IN_FACES
    wish_y = low[1] - face * _ABOVE_IN_FACES - slack * 0.4
    x = _place(wish_x, side, (low[0], high[0]), width)
    y = _place(wish_y, side, (low[1], high[1]), height)
    return Square(x, y, side)


def _place(wish: float, side: int, face: tuple[float, float], length: int) -> int:
    """Where the square begins along one axis: round the face first, then inside the photo."""
    wish = min(max(wish, face[1] + 1 - side), face[0] - 1)
    edge = length - side
    return round(min(max(wish, min(0, edge)), max(0, edge)))


def transform_of(square: Square) -> CropTransform:
    """The similarity between photo and crop, exact for pixel centres."""
    scale = square.side / CROP_PX
    offset = (scale - 1) / 2
    return CropTransform(square.x + offset, square.y + offset, scale)


def square_of(transform: CropTransform) -> Square:
    """The whole-pixel square of a crop that `transform_of` described."""
    scale = transform.photo_px_per_crop_px
    offset = (scale - 1) / 2
    corner = round(transform.x0_px - offset), round(transform.y0_px - offset)
    return Square(*corner, round(scale * CROP_PX))


def cut(photo: Image, square: Square) -> Image:
    """(512, 512, 3) the square's pixels; beyond the photo its edge goes on."""
    height, width = photo.shape[:2]
    x1, y1 = square.x + square.side, square.y + square.side
    part = photo[max(square.y, 0) : min(y1, height), max(square.x, 0) : min(x1, width)]
    out = (max(-square.y, 0), max(y1 - height, 0), max(-square.x, 0), max(x1 - width, 0))
    if any(out):
        part = np.asarray(cv2.copyMakeBorder(part, *out, cv2.BORDER_REPLICATE), np.uint8)
    if square.side == CROP_PX:
        return np.array(part, np.uint8, order="C")
    method = cv2.INTER_AREA if square.side > CROP_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (CROP_PX, CROP_PX), interpolation=method), np.uint8)


def landmarks_in_crop(points: Float, transform: CropTransform) -> Float:
    """(478, 3) crop pixels of landmarks (478, 3) in photo pixels; z scales along."""
    placed = points.astype(np.float64)
    placed[:, :2] = transform.crop_from_photo(placed[:, :2])
    placed[:, 2] /= transform.photo_px_per_crop_px
    return placed.astype(np.float32)
