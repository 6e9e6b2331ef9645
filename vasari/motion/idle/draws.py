"""Random numbers that depend on a seed and a position alone, so that state stays a small value.

Philox is a counter-based generator: any block of its stream can be made without the blocks before
it. Nothing has to be carried along, copied or locked, and a stream cut into chunks anywhere draws
the same numbers.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
_MASK = (1 << 64) - 1

HEAD_NOISE, NODS, BROWS, BLINKS, URGES, GAZE, START = range(7)
"""Independent streams of one seed."""


def generator(seed: int, stream: int, index: int) -> np.random.Generator:
    """A fresh generator for event `index` (>= 0) of one stream of a seed (64 bits are used)."""
    key = np.array([seed & _MASK, stream], np.uint64)
    counter = np.array([0, 0, index & _MASK, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def white(seed: int, stream: int, start: int, count: int, width: int) -> NDArray[np.float64]:
    """(count, width) standard normal noise for frames start .. start + count - 1."""
    if count == 0:
        return np.zeros((0, width))
    first, last = start // BLOCK, (start + count - 1) // BLOCK
    blocks = [
        generator(seed, stream, b).standard_normal((BLOCK, width)) for b in range(first, last + 1)
    ]
    offset = start - first * BLOCK
    return np.concatenate(blocks)[offset : offset + count]
