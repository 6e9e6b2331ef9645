"""How eyes go with the head and lids with the eyes: rules that idle motion and controls share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

VOR_GAIN = 0.9
"""Share of a head turn that the eyes take back, so that they stay on what they look at."""

_DOWN = 1.0  # opening lost per radian of looking down
_UP = 0.45  # opening won per radian of looking up


def lid_follow(pitch: NDArray[Any] | float) -> NDArray[np.float64]:
    """Opening of the lids, 1 looking ahead, for eyes turned by `pitch` radians (+ = down).

    The upper lid goes with the eye: lower when it looks down. Within 0.55..1.2.
    """
    turn = np.asarray(pitch, np.float64)
    return np.clip(1.0 - np.where(turn > 0.0, _DOWN, _UP) * turn, 0.55, 1.2)
