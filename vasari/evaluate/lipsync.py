"""Lip sync judged without a learned sync network: do lips open on vowels and shut on p, b, m?

Phones and their moments come from a recogniser that knows nothing of video: hama (Apache-2.0,
`pip install hama`; it runs without torch), a CTC network with frames of 20 ms. The lip opening is
the distance of the inner lip points 13 and 14 over the height of the face (10 to 152), at 25 fps.

Score at a shift of s frames: (mean opening at open vowels - mean opening at p b m f v) over the
standard deviation of the opening, the phones moved by s frames. `phone_score` takes the moments as
hama reports them, which is how published clips were scored; but hama reports a p or b 30 ms after
its burst (median of 157 bursts in GRID, where lips part within 10 ms of the burst), so lips in
perfect time peak at -40 ms. `heard_late_ms=HAMA_LATE_MS` takes that out: then they peak at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vasari.generator.visemes import Phone
from vasari.types import MOTION_FPS, SPEECH_RATE_HZ, Float, check_array

OPEN = frozenset(["ɑ", "a", "æ", "ɒ", "ʌ", "ɔ"])
SHUT = frozenset(["p", "b", "m", "f", "v"])
BILABIAL = frozenset(["p", "b", "m"])
MIN_PHONES = 4
"""Of open vowels and of p b m f v, each; 8 of each, or 10 s of speech, for a figure to trust."""
HAMA_LATE_MS = 30.0
"""How long after the sound hama reports a phone, see above."""
_MOST_SHIFT = 8
_HAMA_FRAME_S = 0.02
_FRAME_MS = 1000 / MOTION_FPS


@dataclass(frozen=True)
class PhoneScore:
    """score_at_0, best_score: in standard deviations of the opening; VASA-1's clips reach 1.73.

    best_shift_ms: > 0 where the picture is late. closure: share of p b m at which the lips come
    under a quarter of the clip's 90th percentile within 40 ms, NaN without p b m.
    open_phones, shut_phones: how many phones the scores rest on.
    """

    score_at_0: float
    best_shift_ms: float
    best_score: float
    closure: float
    open_phones: int
    shut_phones: int


Recogniser = Callable[[Float], list[Phone]]
"""(n,) samples at 16 kHz to the phones in them."""


def recognise(audio_16k: Float) -> list[Phone]:
    """The phones that hama hears, each at the peak of its CTC output.

    Raises ImportError when hama is not installed.
    """
    from hama.asr import ASRModel  # type: ignore[import-not-found,import-untyped,unused-ignore]

    model = ASRModel()
    spans = model.phoneme_spans(model(audio_16k, SPEECH_RATE_HZ))
    return [
        Phone(str(s.phoneme).strip("ˈˌː"), (s.start_frame + 0.5) * _HAMA_FRAME_S) for s in spans
    ]


def phone_score(
    opening_25fps: Float,
    audio_16k: Float,
    recogniser: Recogniser = recognise,
    heard_late_ms: float = 0.0,
) -> PhoneScore:
    """Judge the lips of one clip.

    opening_25fps: (T,) lip opening over face height. audio_16k: (n,) its speech, -1..1.
    heard_late_ms: taken from the moments that the recogniser gives.

    Raises ValueError when the clip has fewer than four open vowels or four of p b m f v, or when
    the lips do not move at all. ImportError: hama is not installed.
    """
    check_array("opening_25fps", opening_25fps, (None,), np.float32)
    check_array("audio_16k", audio_16k, (None,), np.float32)
    spread = float(opening_25fps.std())
    if spread < 1e-7:
        raise ValueError("the lips do not move")
    late_s = heard_late_ms / 1000
    phones = [Phone(p.symbol, p.at_s - late_s) for p in recogniser(audio_16k)]
    wide = _frames([p for p in phones if p.symbol in OPEN])
    shut = _frames([p for p in phones if p.symbol in SHUT])
    if min(len(wide), len(shut)) < MIN_PHONES:
        raise ValueError(
            f"{len(wide)} open vowels and {len(shut)} p b m f v: expected {MIN_PHONES} of each"
        )
    scores = {
        shift: (_mean_at(opening_25fps, wide + shift) - _mean_at(opening_25fps, shut + shift))
        / spread
        for shift in range(-_MOST_SHIFT, _MOST_SHIFT + 1)
    }
    best = max(scores, key=lambda shift: scores[shift])
    bilabial = _frames([p for p in phones if p.symbol in BILABIAL])
    closure = closure_share(opening_25fps, bilabial)
    return PhoneScore(scores[0], best * _FRAME_MS, scores[best], closure, len(wide), len(shut))


def closure_share(opening: Float, frames: np.ndarray) -> float:
    """Share of these frames with lips under 25 % of the 90th percentile one frame around."""
    if len(frames) == 0:
        return float("nan")
    limit = 0.25 * float(np.quantile(opening, 0.9))
    around = np.clip(frames[:, None] + np.arange(-1, 2), 0, len(opening) - 1)
    return float((opening[around].min(1) < limit).mean())


def _frames(phones: list[Phone]) -> np.ndarray:
    return np.array([int(np.floor(p.at_s * MOTION_FPS)) for p in phones], int)


def _mean_at(opening: Float, frames: np.ndarray) -> float:
    inside = frames[(frames >= 0) & (frames < len(opening))]
    return float(opening[inside].mean()) if len(inside) else float("nan")
