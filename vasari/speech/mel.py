"""The log-mel picture that Whisper was trained on, in numpy.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), and the MIT
code published with it (`whisper/audio.py`): 25 ms Hann windows every 10 ms with reflected ends,
power, 80 Slaney mel filters from 0 to 8 kHz, log10, the range cut to 8 decades under the window's
loudest value, then (x + 4) / 4.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from vasari.types import SPEECH_RATE_HZ, Float

N_FFT = 400
HOP = 160
N_MELS = 80
FLOOR = 1e-10


def _mel_from_hz(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear to 1 kHz, then 27 steps for a factor of 6.4."""
    step = np.log(6.4) / 27
    above = 15 + np.log(np.maximum(hz, 1.0) / 1000) / step
    return np.where(hz < 1000, hz * 3 / 200, above)


def _hz_from_mel(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    step = np.log(6.4) / 27
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(step * (mel - 15)))


def mel_filters() -> Float:
    """(80, 201) triangular filters of equal area over the bins of a 400-point transform."""
    bins = np.linspace(0, SPEECH_RATE_HZ / 2, N_FFT // 2 + 1)
    top = float(_mel_from_hz(np.array(SPEECH_RATE_HZ / 2)))
    edges = _hz_from_mel(np.linspace(0, top, N_MELS + 2))
    widths = np.diff(edges)
    ramps = edges[:, None] - bins[None, :]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)


@cache
def _constants() -> tuple[Float, Float, NDArray[np.intp]]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    return mel_filters(), hann.astype(np.float32), np.arange(N_FFT)


def log_mel(audio: Float) -> Float:
    """(80, n) log-mel of one window of 160·n samples at 16 kHz, -1..1; values about -1.5..1.5."""
    filters, hann, within = _constants()
    count = len(audio) // HOP
    padded = np.pad(audio, N_FFT // 2, mode="reflect")
    rows = padded[(np.arange(count) * HOP)[:, None] + within] * hann
    spectrum = np.fft.rfft(rows, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    logs = np.log10(np.maximum(filters @ power.T, np.float32(FLOOR)))
    scaled = (np.maximum(logs, logs.max() - 8) + 4) / 4
    return np.ascontiguousarray(scaled, np.float32)
