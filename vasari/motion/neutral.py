"""A person's neutral face out of many frames."""

import numpy as np

from vasari.motion.mesh import EYES
from vasari.motion.tracking import lid_gap
from vasari.types import Float


def neutral_of_frames(shapes: Float) -> Float:
    """(478, 3) a person's neutral from head-frame shapes (T, 478, 3): the median of quiet frames.

    Quiet: lips as shut as in the lowest fifth of frames, eyes more open than in two fifths, mouth
    neither wide nor pursed.
    """
    gap = np.abs(shapes[:, 14, 1] - shapes[:, 13, 1])
    lids = np.array([np.mean([lid_gap(s, eye) for eye in EYES]) for s in shapes])
    wide = np.linalg.norm(shapes[:, 61] - shapes[:, 291], axis=1)
    quiet = (gap <= np.quantile(gap, 0.2)) & (lids >= np.quantile(lids, 0.4))
    quiet = quiet if quiet.any() else gap <= np.quantile(gap, 0.2)
    relaxed = quiet & (np.abs(wide - np.median(wide[quiet])) <= np.std(wide))
    return np.asarray(np.median(shapes[relaxed if relaxed.any() else quiet], 0), np.float32)
