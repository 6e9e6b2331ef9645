"""The basis of the motion space: how a mouth and an upper face move, whoever they belong to."""

from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load

from vasari.motion import layout
from vasari.types import N_LANDMARKS, Float, check_array
from vasari.weights import load_bytes


@dataclass(frozen=True)
class Basis:
    """Linear model of face shapes in the head frame, in face widths.

    canonical: (478, 3) the standard face, which defines the head frame.
    mouth: (24, 478, 3) and upper: (10, 478, 3): displacement per unit of a motion coefficient.
    identity_mean: (478, 3); identity: (K, 478, 3): how people at rest differ, unit variance.
    blendshape_map: (34, 53): 52 blendshape scores and 1 to an estimate of the 34 coefficients.
    """

    canonical: Float
    mouth: Float
    upper: Float
    identity_mean: Float
    identity: Float
    blendshape_map: Float

    def __post_init__(self) -> None:
        mesh = (N_LANDMARKS, 3)
        check_array("canonical", self.canonical, mesh, np.float32)
        check_array("mouth", self.mouth, (layout.N_MOUTH, *mesh), np.float32)
        check_array("upper", self.upper, (layout.N_UPPER, *mesh), np.float32)
        check_array("identity_mean", self.identity_mean, mesh, np.float32)
        check_array("identity", self.identity, (None, *mesh), np.float32)
        rows = layout.N_MOUTH + layout.N_UPPER
        check_array("blendshape_map", self.blendshape_map, (rows, 53), np.float32)


def load_basis() -> Basis:
    """The shipped basis, verified against the manifest."""
    arrays = load(load_bytes("basis"))
    return Basis(**{name: value.astype(np.float32) for name, value in arrays.items()})
