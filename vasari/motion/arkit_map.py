"""Motion to and from ARKit's 52 blend shapes.

Lids and gaze map by rule. Mouth, jaw, brows, cheeks and nose map linearly, by a ridge regression
between tracked motion and the blend shapes that Google's face landmarker gives for the same frames
(`vasari.train.arkit`). ARKit's Left is the subject's left: the right side of an unmirrored picture.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vasari import weights
from vasari.motion import layout
from vasari.motion.arkit_names import MEDIAPIPE, SHAPES
from vasari.types import MOTION_DIM, Float, check_array

_BY_RULE = re.compile("Eye(Blink|Look|Wide).*|TongueOut")
FITTED: tuple[str, ...] = tuple(name for name in SHAPES if not _BY_RULE.fullmatch(name))
"""Shapes that the linear map covers; TongueOut is always 0."""

COEFFICIENTS = slice(layout.MOUTH.start, layout.UPPER.stop)
N_COEFFICIENTS = layout.N_MOUTH + layout.N_UPPER

LOOK_FULL = (0.61, 0.52)
"""Radians of gaze, yaw and pitch, at which a Look shape is 1 (35 and 30 degrees)."""

_WIDE_FULL = 0.35  # opening beyond 1 at which EyeWide is 1


@dataclass(frozen=True)
class ArkitMap:
    """Both directions of the linear map; the last column of each matrix is the constant.

    to_shapes: (39, 35) shapes in the order of FITTED from mouth and upper coefficients.
    to_motion: (34, 40) coefficients from shapes.
    """

    to_shapes: Float
    to_motion: Float

    def __post_init__(self) -> None:
        n = len(FITTED)
        check_array("to_shapes", self.to_shapes, (n, N_COEFFICIENTS + 1), np.float32)
        check_array("to_motion", self.to_motion, (N_COEFFICIENTS, n + 1), np.float32)


def load_map() -> ArkitMap:
    """The shipped map. Raises NotSupported when it is missing or damaged."""
    tensors = weights.load_tensors("arkit")
    return ArkitMap(
        np.asarray(tensors["to_shapes"], np.float32), np.asarray(tensors["to_motion"], np.float32)
    )


def shapes_from_motion(values: NDArray[Any], mapping: ArkitMap) -> Float:
    """(T, 44) motion to (T, 52) shapes 0..1 in the order of SHAPES."""
    moves = np.asarray(values, np.float64)
    shapes = np.zeros((len(moves), len(SHAPES)))
    shapes[:, _columns(FITTED)] = _linear(mapping.to_shapes, moves[:, COEFFICIENTS])
    opening = moves[:, layout.LIDS]
    yaw, pitch = (moves[:, layout.GAZE] / np.array(LOOK_FULL)).T
    # (side, column of its lid, sign of a yaw towards the nose)
    for side, lid, inward in (("Left", 1, -1.0), ("Right", 0, 1.0)):
        rules = {
            "EyeBlink": 1.0 - opening[:, lid],
            "EyeWide": (opening[:, lid] - 1.0) / _WIDE_FULL,
            "EyeLookIn": inward * yaw,
            "EyeLookOut": -inward * yaw,
            "EyeLookDown": pitch,
            "EyeLookUp": -pitch,
        }
        for name, column in rules.items():
            shapes[:, SHAPES.index(name + side)] = column
    return np.clip(shapes, 0.0, 1.0).astype(np.float32)


def motion_from_shapes(shapes: NDArray[Any], mapping: ArkitMap) -> Float:
    """(T, 52) shapes in the order of SHAPES to (T, 44) motion; the head stays at rest."""
    x = np.asarray(shapes, np.float64)
    values = np.tile(layout.rest().astype(np.float64), (len(x), 1)).reshape(len(x), MOTION_DIM)
    values[:, COEFFICIENTS] = np.clip(
        _linear(mapping.to_motion, x[:, _columns(FITTED)]), -20.0, 20.0
    )

    def shape(name: str) -> NDArray[np.float64]:
        return np.asarray(x[:, SHAPES.index(name)], np.float64)

    for side, lid in (("Left", 1), ("Right", 0)):
        opening = 1.0 - shape("EyeBlink" + side) + _WIDE_FULL * shape("EyeWide" + side)
        values[:, layout.LIDS.start + lid] = opening
    yaw = shape("EyeLookOutLeft") - shape("EyeLookInLeft")
    yaw = yaw + shape("EyeLookInRight") - shape("EyeLookOutRight")
    pitch = shape("EyeLookDownLeft") - shape("EyeLookUpLeft")
    pitch = pitch + shape("EyeLookDownRight") - shape("EyeLookUpRight")
    values[:, layout.GAZE] = 0.5 * np.stack([yaw, pitch], 1) * np.array(LOOK_FULL)
    return values.astype(np.float32)


def shapes_from_mediapipe(blendshapes: NDArray[Any]) -> Float:
    """(T, 52) outputs of the face landmarker to (T, 52) in the order of SHAPES."""
    lower = {name.lower(): i for i, name in enumerate(MEDIAPIPE)}
    source = np.asarray(blendshapes, np.float32)
    out = np.zeros_like(source)
    for i, name in enumerate(SHAPES):
        if name.lower() in lower:
            out[:, i] = source[:, lower[name.lower()]]
    return out


def _columns(names: tuple[str, ...]) -> list[int]:
    return [SHAPES.index(name) for name in names]


def _linear(matrix: Float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    weights_, constant = matrix[:, :-1].astype(np.float64), matrix[:, -1].astype(np.float64)
    return np.asarray(x @ weights_.T + constant, np.float64)
