"""Sound of any sample rate to the 16 kHz of all speech processing, in chunks."""

import numpy as np
import soxr

from vasari.types import SPEECH_RATE_HZ, Float


class To16k:
    """One stream of mono sound on its way to 16 kHz.

    Output sample k belongs to time k / 16000 of the input: the filter's delay is taken out, at the
    price of a few milliseconds that come late. The resampler keeps its own history, so this object
    is not a value; a new stream needs a new one.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        same = sample_rate_hz == SPEECH_RATE_HZ
        self._stream = None if same else soxr.ResampleStream(sample_rate_hz, SPEECH_RATE_HZ, 1)

    def push(self, mono: Float, last: bool = False) -> Float:
        """(m,) samples at 16 kHz that (n,) more samples complete; with last, all that are left."""
        block = np.ascontiguousarray(mono, np.float32)
        if self._stream is None:
            return block
        return np.asarray(self._stream.resample_chunk(block, last=last), np.float32)
