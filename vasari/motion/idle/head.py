"""The head's own motion: smooth noise, nods on accents, lowering at the end of a phrase, breath.

Figures (degrees at 25 frames a second) are chosen between calm and lively published talking heads:
standard deviation of yaw, pitch, roll near 3, 2.5, 1.8 in speech, mean change near 0.3 a frame.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasari.motion.idle import draws
from vasari.motion.idle.cues import Cues
from vasari.motion.idle.ease import Bump, total
from vasari.types import MOTION_FPS

LIMIT_DEG = 8.0
_KNEE_DEG = 5.5
CHANNELS = 12
"""Noise channels: slow then fast, each (pitch, yaw, roll, x, y, log scale)."""

_SLOW_HZ = 0.20
_FAST_HZ = 1.35
_SD = np.array([2.0, 2.55, 1.5, 0.013, 0.008, 0.010, 1.75, 2.2, 1.4, 0.006, 0.004, 0.004])
_SILENT_SHARE = np.array([0.5] * 6 + [0.2] * 6)  # what is left of each channel in silence
_BREATH_HZ = 0.25

# The head turns about the neck, so its centre moves when it turns: face widths per sine, as
# regressed on tracked news speakers.
_YAW_TO_X = 0.11
_ROLL_TO_X = 0.60
_PITCH_TO_Y = 0.45


@dataclass(frozen=True)
class HeadState:
    """noise: (3, 12) the stages of the low-pass cascade. Never changed in place."""

    noise: NDArray[np.float64]
    breath: float = 0.0
    bumps: tuple[Bump, ...] = ()
    events: int = 0


def init_state() -> HeadState:
    return HeadState(noise=np.zeros((3, CHANNELS)))


def cascade(hz: float) -> tuple[float, float]:
    """Share per frame of each of three equal one-pole stages, and the gain to unit variance.

    The impulse response (1-a)^3 C(n+2, 2) a^n has energy (1-a)^6 (1+4q+q^2) / (1-q)^5, q = a^2.
    """
    a = math.exp(-2.0 * math.pi * hz / MOTION_FPS)
    q = a * a
    energy = (1.0 - a) ** 6 * (1.0 + 4.0 * q + q * q) / (1.0 - q) ** 5
    return 1.0 - a, 1.0 / math.sqrt(energy)


def filters() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(12,) share per frame and (12,) output gain of the noise channels."""
    slow, slow_gain = cascade(_SLOW_HZ)
    fast, fast_gain = cascade(_FAST_HZ)
    share = np.repeat([slow, fast], CHANNELS // 2)
    gain = np.repeat([slow_gain, fast_gain], CHANNELS // 2) * _SD
    return share, gain


def step(
    state: HeadState,
    seed: int,
    frame: int,
    cues: Cues,
    noise: NDArray[np.float64],
    shaping: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[HeadState, list[float], list[float]]:
    """One motion frame.

    Args:
        noise: (12,) white noise of this frame. shaping: what `filters` returned.

    Returns: state; pitch, yaw, roll in degrees within +-8; x, y, log scale.
    """
    share, gain = shaping
    stages = np.empty_like(state.noise)
    drive = noise
    for i in range(3):
        drive = state.noise[i] + share * (drive - state.noise[i])
        stages[i] = drive
    lively = _SILENT_SHARE + (1.0 - _SILENT_SHARE) * cues.talk
    channels = (drive * gain * lively).tolist()
    pitch, yaw, roll, x, y, log_scale = (channels[i] + channels[i + 6] for i in range(6))

    bumps, events = _events(state, seed, frame, cues)
    nod_pitch, nod_yaw, nod_roll = total(bumps, frame, 3)
    breath = (state.breath + _BREATH_HZ * (1.0 + 0.3 * channels[5]) / MOTION_FPS) % 1.0
    wave = math.sin(2.0 * math.pi * breath)

    rotation = [
        soften(pitch + nod_pitch + 0.22 * wave),
        soften(yaw + nod_yaw),
        soften(roll + nod_roll),
    ]
    sines = [math.sin(math.radians(angle)) for angle in rotation]
    translation = [
        x + _YAW_TO_X * sines[1] + _ROLL_TO_X * sines[2],
        y + _PITCH_TO_Y * sines[0] - 0.0035 * wave,
        log_scale + 0.002 * wave,
    ]
    return HeadState(stages, breath, bumps, events), rotation, translation


def _events(state: HeadState, seed: int, frame: int, cues: Cues) -> tuple[tuple[Bump, ...], int]:
    bumps = tuple(bump for bump in state.bumps if not bump.over(frame))
    events = state.events
    if cues.accent > 0.0:
        events += 1
        random = draws.generator(seed, draws.NODS, events)
        size = cues.accent * float(random.uniform(0.9, 3.0))
        side = float(random.normal(0.0, 0.45)) * size
        tilt = float(random.normal(0.0, 0.25)) * size
        bumps += (
            Bump(
                frame, float(random.uniform(5, 7)), float(random.uniform(9, 14)), (size, side, tilt)
            ),
        )
    if cues.phrase_end:
        events += 1
        random = draws.generator(seed, draws.NODS, events)
        size = float(random.uniform(0.8, 2.2))
        bumps += (
            Bump(
                frame,
                float(random.uniform(8, 11)),
                float(random.uniform(24, 36)),
                (size, 0.0, float(random.normal(0.0, 0.4))),
            ),
        )
    return bumps, events


def soften(angle_deg: float) -> float:
    """Identity up to the knee, then towards the limit without reaching it; one slope throughout."""
    size = abs(angle_deg)
    if size <= _KNEE_DEG:
        return angle_deg
    u = (size - _KNEE_DEG) / (LIMIT_DEG - _KNEE_DEG)
    return math.copysign(_KNEE_DEG + (LIMIT_DEG - _KNEE_DEG) * u / (1.0 + u), angle_deg)
