"""Which coefficients of the upper basis raise the brows: worked out from its geometry."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.types import Float

RAISE = 0.014
"""Face widths that one standard raise lifts the brows: about 2 mm."""

_BROWS = np.concatenate([layout.BROW_LEFT, layout.BROW_RIGHT])
_RIDGE = 1e-4


def brow_direction(canonical: NDArray[Any], upper: NDArray[Any]) -> Float:
    """(10,) coefficients that lift the brows by about RAISE and move little else.

    Regularised least squares: brow points go up, points below them stay, the forehead is free.

    Args:
        canonical: (478, 3) standard face. upper: (10, 478, 3) upper basis; see `Basis`.
    """
    weight = np.where(canonical[:, 1] < canonical[_BROWS, 1].mean(), 0.0, 0.3)
    weight[468:] = 0.0
    weight[_BROWS] = 3.0
    target = np.zeros(canonical.shape)
    target[_BROWS, 1] = -RAISE
    trust = np.sqrt(weight[:, None] * np.array([1.0, 1.0, 0.2])).ravel()
    design = (np.asarray(upper, np.float64).reshape(len(upper), -1) * trust).T
    gram = design.T @ design + _RIDGE * np.eye(len(upper))
    direction = np.linalg.solve(gram, design.T @ (target.ravel() * trust))
    # The ridge keeps coefficients small and shortens the raise: give it its length back.
    lift = -float(np.tensordot(direction, upper, 1)[_BROWS, 1].mean())
    return (direction * (RAISE / max(lift, 0.25 * RAISE))).astype(np.float32)
