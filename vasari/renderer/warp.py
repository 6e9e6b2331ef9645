"""The few OpenCV calls that move pixels, with exact types."""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.types import Float

Picture = TypeVar("Picture", bound=NDArray[Any])
Affine = NDArray[np.float64]
"""(2, 3)."""


def sample(picture: Picture, positions: Float) -> Picture:
    """Picture at positions (h, w, 2) px, bilinear; beyond its border it is mirrored.

    Mirrored hair at a cut-off head looks like hair; a repeated last row looks like a comb.
    """
    # The stubs miss that the second map may be None when the first has two channels.
    out = cv2.remap(  # type: ignore[call-overload]
        picture, positions, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(out, picture.dtype)  # type: ignore[return-value]


def affine(
    picture: Picture,
    source_from_out: Affine,
    size: tuple[int, int],
    border: int = cv2.BORDER_REPLICATE,
) -> Picture:
    """Picture resampled to size (width, height); the matrix takes output to source pixels."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(picture, source_from_out, size, flags=flags, borderMode=border)
    return np.asarray(out, picture.dtype)  # type: ignore[return-value]
