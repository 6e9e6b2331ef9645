"""Emotions: offsets of brows, lids and mouth that lie over whatever the face is doing.

Each is measured or modelled at full strength (see the card of the weights) and never opens the
lips: p, b and m stay shut. They add up, so any mixture is one.
"""

from collections.abc import Mapping

import numpy as np

from vasari import weights
from vasari.errors import InvalidOption
from vasari.motion import layout
from vasari.types import EMOTIONS, MOTION_DIM, Float

NONE: tuple[float, ...] = (0.0,) * len(EMOTIONS)


def mix(amounts: Mapping[str, float]) -> tuple[float, ...]:
    """The value of `Controls.emotion` for named amounts 0..1; "neutral" stands for none.

    Raises InvalidOption (bad_control) for a name that is no emotion.
    """
    unknown = [name for name in amounts if name not in (*EMOTIONS, "neutral")]
    if unknown:
        raise InvalidOption(
            f"'{unknown[0][:40]}' is no emotion.",
            code="bad_control",
            fix=f"Choose from neutral, {', '.join(EMOTIONS)}.",
        )
    return tuple(float(amounts.get(name, 0.0)) for name in EMOTIONS)


def load_emotions() -> Float:
    """(7, 44) the shipped offsets in the order of `EMOTIONS`: MOUTH, UPPER and LIDS.

    LIDS are shares of the photo's own opening that are added. Raises NotSupported when the file is
    missing or damaged.
    """
    offsets = np.asarray(weights.load_tensors("emotions")["offsets"], np.float32)
    if offsets.shape != (len(EMOTIONS), MOTION_DIM):
        raise ValueError(f"emotions: expected {(len(EMOTIONS), MOTION_DIM)}, got {offsets.shape}")
    return offsets


def offset(amounts: tuple[float, ...], offsets: Float) -> Float:
    """(44,) what these amounts add to a motion vector."""
    total = np.asarray(amounts, np.float64) @ offsets.astype(np.float64)
    # Lids neither close nor stare, however many emotions want it.
    total[layout.LIDS] = np.clip(total[layout.LIDS], -0.4, 0.3)
    return total.astype(np.float32)
