"""What the generator hears of the speech around one frame, and which samples that takes.

Time. Frame k covers the samples [640 k, 640 (k + 1)) at 16 kHz (40 ms); its moment is the middle.
The window of frame k is the second of sound that ends 80 ms after that moment:
samples [640 k + 1600 - 16000, 640 k + 1600), so the look-ahead is 100 ms from the first sample of
the frame and 60 ms from its last. Before the first sample there is digital silence.

Features. The window goes through three of the four layers of the Whisper tiny.en encoder; the last
six tokens (the last 120 ms of the window, 20 ms each) are kept: 6 x 384 = 2304 numbers.
"""

from collections.abc import Callable

import numpy as np

from vasari.speech.mel import log_mel
from vasari.types import MOTION_FPS, SPEECH_RATE_HZ, Float

FRAME = SPEECH_RATE_HZ // MOTION_FPS
WINDOW = SPEECH_RATE_HZ
LOOKAHEAD = 1600
"""Samples from the first sample of a frame to the end of its window (100 ms)."""

N_TOKENS, TOKEN_DIM = 6, 384
FEATURE_DIM = N_TOKENS * TOKEN_DIM

Encoder = Callable[[Float], Float]
"""(1, 80, 100) log-mel to (1, 6, 384) tokens."""


def window_of(frame: int) -> tuple[int, int]:
    """First sample (may be negative: silence) and end of the window of this frame."""
    end = frame * FRAME + LOOKAHEAD
    return end - WINDOW, end


def frames_in(samples: int) -> int:
    """Number of frames that this many samples cover, the last one perhaps in part."""
    return -(-samples // FRAME)


def encode_window(window: Float, encoder: Encoder) -> Float:
    """(2304,) features of one window of 16000 samples.

    Windows are encoded one at a time: a batch would let the sums run in another order, and the
    numbers would depend on how the sound arrived.
    """
    return np.asarray(encoder(log_mel(window)[None]), np.float32).reshape(FEATURE_DIM)
