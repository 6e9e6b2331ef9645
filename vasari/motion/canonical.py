"""The canonical face in the head frame of the motion space."""

import numpy as np
from safetensors.numpy import load

from vasari.motion.layout import FACE_WIDTH
from vasari.types import N_LANDMARKS, Float
from vasari.weights import load_bytes

_IRIS_RING = np.array([[0, 0, 0], [1, 0, 0], [0, -1, 0], [-1, 0, 0], [0, 1, 0]], np.float32)
_IRIS_RADIUS = 0.042
"""In face widths: 5.9 mm of 140 mm."""


def canonical_shape() -> Float:
    """(478, 3) Google's canonical face, axes and unit of the head frame, irises looking ahead.

    The source file has x to the subject's left, y up, z towards the camera, in centimetres.
    """
    vertices = load(load_bytes("canonical_face"))["vertices"]
    shape = vertices.astype(np.float32) * np.array([1, -1, -1], np.float32)
    left, right = FACE_WIDTH
    width = np.linalg.norm(shape[left] - shape[right])
    origin = (shape[left] + shape[right]) / 2
    origin[1] = shape[[10, 152], 1].mean()
    shape = (shape - origin) / width
    irises = []
    for outer, inner in ((33, 133), (263, 362)):
        centre = (shape[outer] + shape[inner]) / 2
        irises.append(centre + _IRIS_RING * _IRIS_RADIUS)
    full = np.concatenate([shape, *irises]).astype(np.float32)
    assert full.shape == (N_LANDMARKS, 3)
    return full
