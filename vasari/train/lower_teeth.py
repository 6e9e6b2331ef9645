"""Lower teeth out of learned upper ones: the same crowns, in the widths of lower teeth."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.types import Float

_UPPER_MM = np.array([8.5, 6.5, 7.5, 7.0, 7.0])
_LOWER_MM = np.array([5.0, 5.5, 7.0, 7.0, 7.0])
"""Widths of the crowns from the middle to the side (Wheeler's Dental Anatomy)."""
_TURNED = np.array([1.0, 0.85, 0.72, 0.6, 0.5])
"""How wide teeth look from the front, which turn away along the arch."""
_HEIGHT = 0.85
_RISE = 13.0
"""Rows by which the row stands higher 60 px to the side than in the middle, seen from the front."""
EDGE_ROW = 14
"""Row of the lower texture at which the front teeth begin."""


def borders(shade: Float, edge: NDArray[np.float64]) -> NDArray[np.float64]:
    """(6,) px from the middle to the borders between upper teeth, the first 0: dark columns."""
    half = shade.shape[1] // 2
    bottom = round(float(np.median(edge[half - 20 : half + 20])))
    luma = shade[bottom - 16 : bottom - 3].mean((0, 2))
    side = 0.5 * (luma[half:] + luma[:half][::-1])
    dark = -cv2.GaussianBlur(side[None], (0, 0), 1.0)[0]
    widths = 21.0 * _UPPER_MM / _UPPER_MM[0] * _TURNED
    found = [0.0]
    for k in range(len(widths)):
        guess = found[-1] + widths[k]
        places = np.arange(int(found[-1] + 6), min(len(dark) - 1, int(guess + 6)))
        place = places[np.argmax(dark[places] - 0.004 * np.abs(places - guess))]
        if k == 0:  # the front tooth is the scale of the others
            widths *= place / widths[0]
        found.append(float(place))
    return np.array(found)


def lower_row(shade: Float, alpha: Float, edge: NDArray[np.float64]) -> tuple[Float, Float]:
    """Lower teeth (h, w, 3) and alpha (h, w), of the size of the upper ones.

    shade: (h, w, 3), alpha: (h, w) upper teeth. edge: (w,) the row at which each column ends.
    """
    height, width = alpha.shape
    upper = borders(shade, edge)
    lower = np.concatenate([[0.0], np.cumsum(np.diff(upper) * _LOWER_MM / _UPPER_MM)])
    x = np.arange(width) - (width - 1) / 2
    source = np.interp(np.abs(x), [*lower, lower[-1] + 60], [*upper, upper[-1] + 60])
    source_x = np.sign(x) * source + (width - 1) / 2
    rows = np.arange(height, dtype=np.float64)[:, None]
    row = EDGE_ROW - _RISE * (x / 60.0) ** 2
    source_y = np.interp(source_x, np.arange(width), edge)[None] - (rows - row[None]) / _HEIGHT
    across = np.broadcast_to(source_x, source_y.shape).astype(np.float32)
    down = source_y.astype(np.float32)
    border = cv2.BORDER_REPLICATE
    colour = cv2.remap(shade, across, down, cv2.INTER_CUBIC, borderMode=border)
    cover = cv2.remap(alpha, across, down, cv2.INTER_LINEAR, borderMode=border)
    return np.clip(colour, 0, 1.3).astype(np.float32), np.asarray(cover, np.float32)
