"""A recorded motion, played at the rate of generated motion."""

import numpy as np

from vasari.types import MOTION_FPS, Float, Motion


def frames_at(motion: Motion, first: int, count: int) -> Float:
    """(count, 44) of a recorded motion at frames first.. of the motion rate; it ends at rest on its
    last frame. Linear between the recorded frames."""
    times = (first + np.arange(count)) * (motion.fps / MOTION_FPS)
    last = len(motion.values) - 1
    low = np.clip(np.floor(times).astype(int), 0, last)
    high = np.minimum(low + 1, last)
    share = np.clip(times - low, 0.0, 1.0)[:, None]
    mixed = motion.values[low] * (1 - share) + motion.values[high] * share
    return np.asarray(mixed, np.float32)
