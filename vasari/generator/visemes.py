"""Lips from phones without training: the baseline that every network must beat.

Each phone has a mouth shape, and pulls the mouth to it with a strength that rises before the phone
and falls after it; where the pulls of neighbours overlap, they blend (dominance functions; Cohen &
Massaro 1993, Modeling coarticulation in synthetic visual speech). Lips that must touch pull most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vasari.motion import layout
from vasari.motion.arkit_map import load_map, motion_from_shapes
from vasari.motion.arkit_names import SHAPES
from vasari.types import MOTION_FPS, Float, Motion


@dataclass(frozen=True)
class Phone:
    """symbol: IPA, one sign without stress or length. at_s: its middle."""

    symbol: str
    at_s: float


@dataclass(frozen=True)
class Viseme:
    """A mouth in ARKit shapes, and how it pulls; reach: seconds in which that falls to 1 / e."""

    phones: str
    shapes: tuple[tuple[str, float], ...] = ()
    strength: float = 1.0
    reach_s: float = 0.070


VISEMES = (
    Viseme("p b m", (), strength=9.0, reach_s=0.040),
    Viseme("f v", (("JawOpen", 0.03), ("MouthStretch", 0.10)), strength=4.0, reach_s=0.045),
    Viseme("ɑ a æ ʌ ɐ", (("JawOpen", 0.32), ("MouthStretch", 0.10)), strength=1.4, reach_s=0.085),
    Viseme("ɔ ɒ o", (("JawOpen", 0.22), ("MouthFunnel", 0.30)), strength=1.4, reach_s=0.085),
    Viseme(
        "u ʊ w",
        (("JawOpen", 0.05), ("MouthPucker", 0.90), ("MouthFunnel", 0.15)),
        strength=1.6,
        reach_s=0.080,
    ),
    Viseme("i ɪ j y", (("JawOpen", 0.12), ("MouthStretch", 0.30)), reach_s=0.075),
    Viseme("e ɛ ə ɜ ɚ ɝ ø œ", (("JawOpen", 0.19), ("MouthStretch", 0.15)), reach_s=0.080),
    Viseme("ʃ ʒ ɹ r", (("JawOpen", 0.04), ("MouthFunnel", 0.30)), strength=1.3),
    Viseme("s z t d n l θ ð ɾ", (("JawOpen", 0.09), ("MouthStretch", 0.12)), strength=0.8),
    Viseme("k ɡ g ŋ h x q ʔ", (("JawOpen", 0.15),), strength=0.4),
)
"""Openings are those of fluent speech, not of single sounds."""

_REST_STRENGTH = 0.06
"""Pull of the mouth at rest; it wins where no phone is near."""


def shape_table() -> dict[str, tuple[Float, Viseme]]:
    """Every phone with its mouth coefficients (24,) and its viseme."""
    rows = np.zeros((len(VISEMES) + 1, len(SHAPES)), np.float32)
    for row, viseme in zip(rows, VISEMES, strict=False):
        for name, amount in viseme.shapes:
            sides = [name] if name in SHAPES else [name + "Left", name + "Right"]
            for side in sides:
                row[SHAPES.index(side)] = amount
    mouths = motion_from_shapes(rows, load_map())[:, layout.MOUTH]
    mouths = mouths - mouths[-1]  # the map's own constant is no mouth at rest
    return {
        phone: (mouth, viseme)
        for mouth, viseme in zip(mouths, VISEMES, strict=False)
        for phone in viseme.phones.split()
    }


def visemes(phones: Sequence[Phone], frames: int) -> Motion:
    """Mouth motion (frames, 44) at 25 frames a second; everything but MOUTH is at rest.

    Phones that no viseme knows move nothing. Their order does not matter.
    """
    table = shape_table()
    known = [(phone.at_s, *table[phone.symbol]) for phone in phones if phone.symbol in table]
    values = np.tile(layout.rest(), (frames, 1))
    if not known:
        return Motion(values, float(MOTION_FPS), "portrait", source="vasari visemes")
    at = np.array([k[0] for k in known])
    mouths = np.stack([k[1] for k in known])
    strength = np.array([k[2].strength for k in known])
    reach = np.array([k[2].reach_s for k in known])
    times = (np.arange(frames) + 0.5) / MOTION_FPS
    pull = strength * np.exp(-((np.abs(times[:, None] - at) / reach) ** 1.5))
    total = pull.sum(1, keepdims=True) + _REST_STRENGTH
    values[:, layout.MOUTH] = (pull @ mouths) / total
    return Motion(values.astype(np.float32), float(MOTION_FPS), "portrait", source="vasari visemes")
