"""What a photo shows of its own mouth: the inside between open lips, and the colour of the lips."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.renderer.eyes import opening_mask, smooth_curve
from vasari.types import Float, Image


@dataclass(frozen=True)
class Own:
    """The mouth inside of the photo. upper, lower: (512, 512) weights of both parts."""

    image: Float
    upper: Float
    lower: Float


def seam_colour(image: Image, upper: NDArray[np.float64], lower: NDArray[np.float64]) -> Float:
    """(3,) dark of the line between this photo's lips: half of the lips' own colour."""
    reach = np.array([0.0, 3.0])
    around = np.concatenate([upper[2:-2] - reach, lower[2:-2] + reach])
    place = np.round(around).astype(int).clip(0, image.shape[0] - 1)
    lips = np.median(image[place[:, 1], place[:, 0]].astype(np.float32), 0)
    return np.asarray(0.5 * lips, np.float32)


def own_inside(image: Image, upper: NDArray[np.float64], lower: NDArray[np.float64]) -> Own:
    """Split what the photo shows between its lips at the bite.

    The bite is the darkest row between bright ones; a mouth full of upper teeth has none, and
    belongs to the skull as a whole.
    """
    side = image.shape[0]
    zero = np.zeros(2, np.float32)
    mask = opening_mask(
        smooth_curve(upper.astype(np.float32)),
        smooth_curve(lower.astype(np.float32)),
        (side, side),
        zero,
    )
    inner = np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8)), np.float32)
    soft = np.asarray(cv2.GaussianBlur(inner, (0, 0), 0.8), np.float32)
    x0, x1 = int(upper[3, 0]), max(int(upper[3, 0]) + 1, int(upper[-4, 0]))
    y0, y1 = int(upper[:, 1].min()), int(np.ceil(lower[:, 1].max()))
    band = inner[y0:y1, x0:x1]
    luma = image[y0:y1, x0:x1].mean(2)
    rows = (luma * band).sum(1) / np.maximum(band.sum(1), 1)
    full = band.sum(1) > 0.3 * (x1 - x0)
    y = np.arange(side, dtype=np.float32)[:, None]
    if full.sum() < 4:
        return Own(image.astype(np.float32), soft, np.zeros_like(soft))
    bright = float(rows[full].max())
    dark = full & (rows < 0.6 * bright)
    if not dark.any():
        return Own(image.astype(np.float32), soft, np.zeros_like(soft))
    bite = y0 + float(np.flatnonzero(dark).mean())
    above = np.clip((bite - y) / 3 + 0.5, 0, 1).astype(np.float32)
    return Own(image.astype(np.float32), soft * above, soft * (1 - above))
