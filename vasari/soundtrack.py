"""Audio on its way through a session: kept for its frames, and measured for its loudness."""

from collections import deque

import numpy as np

from vasari.types import MOTION_FPS, Float


class Soundtrack:
    """Samples that wait for their frames, addressed by their number since the session began.

    start: the next sample to be taken. end: one past the last that was pushed.
    """

    def __init__(self, channels: int, start: int = 0) -> None:
        self.channels = channels
        self.start = start
        self.end = start
        self._blocks: deque[Float] = deque()

    def push(self, samples: Float) -> None:
        """Append (n, channels)."""
        if len(samples):
            self._blocks.append(samples)
            self.end += len(samples)

    def take(self, until: int) -> Float:
        """(until - start, channels): the samples up to number until, silence beyond the end."""
        want = until - self.start
        parts: list[Float] = []
        while want > 0 and self._blocks:
            block = self._blocks.popleft()
            if len(block) > want:
                self._blocks.appendleft(block[want:])
                block = block[:want]
            parts.append(block)
            want -= len(block)
        if want > 0:
            parts.append(np.zeros((want, self.channels), np.float32))
        self.start = until
        self.end = max(self.end, until)
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)


class Loudness:
    """Root mean square of every motion frame's samples, of a mono stream pushed in chunks."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._frame = 0
        self._first = 0
        self._kept = np.zeros(0, np.float32)

    def push(self, mono: Float) -> None:
        """Append (n,) samples."""
        self._kept = np.concatenate([self._kept, mono])

    def take(self, n: int) -> Float:
        """(n,) of the next n motion frames; samples that have not come count as silence."""
        out = np.zeros(n, np.float32)
        for i in range(n):
            end = (self._frame + 1) * self._rate_hz // MOTION_FPS - self._first
            part = self._kept[:end]
            out[i] = np.sqrt(np.mean(part**2)) if len(part) else 0.0
            self._kept = self._kept[end:]
            self._first += end
            self._frame += 1
        return out
