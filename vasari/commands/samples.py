"""Material made on the spot, for the demo and the benchmark: nothing is downloaded."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.errors import NotSupported

if TYPE_CHECKING:
    from vasari.types import Float

DEMO_TEXT = (
    "Good day. I am a photograph from nineteen eighty four, and somebody has just taught me to"
    " talk. My lips follow the words, my eyes look and blink. When I pause, my mouth is shut."
    " All of this was made on an ordinary computer, without a network."
)
PORTRAIT_NOTE = "Grace Hopper, official US Navy photograph, public domain; demonstration"
"""A work of the US federal government. That covers the picture; she died in 1992."""

_NOISE_RATE_HZ = 16_000


def portrait() -> bytes:
    """The JPEG of Grace Hopper that matplotlib carries. Raises NotSupported (missing_extra)."""
    try:
        import matplotlib.cbook as cbook
    except ImportError:
        raise _missing("matplotlib, which carries the demo picture,") from None
    return Path(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))).read_bytes()


def speech(text: str) -> bytes:
    """A WAV of text spoken by hibari-tts, 24 kHz. Raises NotSupported (missing_extra)."""
    try:
        from hibari import Hibari
    except ImportError:
        raise _missing("hibari-tts, which speaks the text,") from None
    import numpy as np

    samples = np.asarray(Hibari()(text, seed=0), np.float32)
    return wav(samples, 24_000)


def babble(seconds: float) -> bytes:
    """A WAV that is no language, but has the rhythm of one: 4 syllables a second, and pauses.

    Noise through two resonances (first and second formant) under a syllable envelope; the same
    bytes at every call.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    n = max(1, round(seconds * _NOISE_RATE_HZ))
    time_s = np.arange(n) / _NOISE_RATE_HZ
    pitch_hz = 110 + 15 * np.sin(2 * np.pi * 0.7 * time_s)
    voice = np.cumsum(pitch_hz) / _NOISE_RATE_HZ % 1.0 - 0.5 + 0.1 * rng.standard_normal(n)
    spectrum = np.fft.rfft(voice)
    hertz = np.fft.rfftfreq(n, 1 / _NOISE_RATE_HZ)
    spectrum *= sum(np.exp(-(((hertz - f) / w) ** 2)) for f, w in ((600, 250), (1500, 400)))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time_s), 0, 1) * (
        np.sin(2 * np.pi * time_s / 5) < 0.8
    )
    sound = np.fft.irfft(spectrum, n) * syllables
    return wav((0.3 * sound / max(1e-9, np.abs(sound).max())).astype(np.float32), _NOISE_RATE_HZ)


def wav(samples: "Float", rate_hz: int) -> bytes:
    """A 16-bit WAV of mono samples."""
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format="WAV", subtype="PCM_16")
    return out.getvalue()


def _missing(what: str) -> NotSupported:
    return NotSupported(
        f"This needs {what} and it is not installed.",
        code="missing_extra",
        fix="Run: pip install 'vasari[demo]'.",
    )
