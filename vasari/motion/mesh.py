"""From a motion vector to the mesh of a face: neutral shape, basis, lids, gaze, lip contact."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.motion.basis import Basis
from vasari.types import Float

EYEBALL = 0.40
"""Radius on which the iris turns, in widths of the eye opening (12 mm on 30 mm)."""

_LOWER_LID_RISE = 0.12
"""Share of the gap that the lower lid closes from below."""
_ROW_FOLLOW = (0.55, 0.15)
"""How far the first and second row of skin around a lid margin go with it."""


def _ids(text: str) -> NDArray[np.intp]:
    return np.array(text.split(), np.intp)


@dataclass(frozen=True)
class EyeRows:
    """Landmark rows of one eye, outer to inner corner; rows match point by point."""

    upper: NDArray[np.intp]
    lower: NDArray[np.intp]
    above: tuple[NDArray[np.intp], NDArray[np.intp]]
    below: NDArray[np.intp]
    iris: NDArray[np.intp]
    corners: tuple[int, int]


EYES = (
    EyeRows(
        upper=layout.EYE_LEFT_UPPER[1:-1],
        lower=layout.EYE_LEFT_LOWER[1:-1],
        above=(_ids("247 30 29 27 28 56 190"), _ids("113 225 224 223 222 221 189")),
        below=_ids("25 110 24 23 22 26 112"),
        iris=layout.IRIS_LEFT,
        corners=(33, 133),
    ),
    EyeRows(
        upper=layout.EYE_RIGHT_UPPER[1:-1],
        lower=layout.EYE_RIGHT_LOWER[1:-1],
        above=(_ids("467 260 259 257 258 286 414"), _ids("342 445 444 443 442 441 413")),
        below=_ids("255 339 254 253 252 256 341"),
        iris=layout.IRIS_RIGHT,
        corners=(263, 362),
    ),
)


def shape_from_motion(neutral: Float, motion: Float, basis: Basis) -> Float:
    """(478, 3) shape in the head frame, face widths, of a motion vector (44,).

    neutral: (478, 3), lips shut, eyes open, gaze ahead. Pose in the vector is not applied here.
    """
    shape = np.array(neutral, np.float32)
    shape += np.tensordot(motion[layout.MOUTH], basis.mouth, 1)
    shape += np.tensordot(motion[layout.UPPER], basis.upper, 1)
    for eye, opening in zip(EYES, motion[layout.LIDS].tolist(), strict=True):
        move_lids(shape, eye, opening)
        shape[eye.iris] += gaze_offset(shape, eye, motion[layout.GAZE])
    close_lips(shape)
    return shape


def move_lids(shape: Float, eye: EyeRows, opening: float) -> None:
    """Set the opening of one eye, in place; the shape must have the opening 1."""
    opening = max(0.0, opening)
    gap = shape[eye.upper] - shape[eye.lower]
    rise = _LOWER_LID_RISE * max(0.0, 1.0 - opening) * gap
    drop = rise - (1.0 - opening) * gap
    shape[eye.lower] += rise
    shape[eye.upper] += drop
    shape[eye.below] += _ROW_FOLLOW[0] * rise
    for row, follow in zip(eye.above, _ROW_FOLLOW, strict=True):
        shape[row] += follow * drop


def gaze_offset(shape: Float, eye: EyeRows, gaze: Float) -> Float:
    """(3,) displacement of an iris that looks gaze (yaw, pitch in radians) away from ahead."""
    outer, inner = eye.corners
    radius = EYEBALL * float(np.linalg.norm(shape[outer] - shape[inner]))
    yaw, pitch = float(gaze[0]), float(gaze[1])
    away = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), 1 - np.cos(yaw) * np.cos(pitch)])
    return np.asarray(away * radius, np.float32)


def close_lips(shape: Float) -> None:
    """Lips do not pass through each other: where the lower is above the upper, both meet."""
    upper, lower = layout.LIPS_INNER_UPPER[1:-1], layout.LIPS_INNER_LOWER[1:-1]
    over = np.maximum(0.0, shape[upper, 1] - shape[lower, 1])
    shape[upper, 1] -= 0.5 * over
    shape[lower, 1] += 0.5 * over
