"""Blinks: a point process with log-normal intervals, and the course of one blink.

Times follow the literature (VanderWerf et al. 2003): closing takes 80-100 ms, the eye stays shut
for about 40 ms, opening takes about twice as long as closing. A blink is placed on the motion
frames so that two frames in a row are fully shut: then one frame is shut after resampling to any
rate from 25 per second up.
"""

import math
from dataclasses import dataclass, replace

from vasari.motion.idle import draws
from vasari.motion.idle.ease import smooth_step
from vasari.types import MOTION_FPS

REFRACTORY = math.ceil(0.7 * MOTION_FPS)
"""Frames from the start of a blink to the earliest start of the next."""

P_DOUBLE = 0.06
P_INCOMPLETE = 0.08
_SIGMA = 0.6  # of the logarithm of an interval: coefficient of variation 0.66
_PULL = 0.35  # an urge can only take a blink that has waited this share of its interval


@dataclass(frozen=True)
class Blink:
    """One blink. Frames; pairs are (image-left eye, image-right eye). depth: lowest opening."""

    shut: int
    hold: int
    closing: tuple[float, float]
    opening: tuple[float, float]
    depth: tuple[float, float]

    def opening_at(self, frame: int) -> tuple[float, float]:
        """Opening of both lids at a frame, 1 = as without a blink."""
        return self._eye(frame, 0), self._eye(frame, 1)

    def over(self, frame: int) -> bool:
        return frame >= self.shut + self.hold + max(self.opening)

    def _eye(self, frame: int, eye: int) -> float:
        closed = smooth_step(1.0 + (frame - self.shut) / self.closing[eye])
        u = (frame - self.shut - self.hold) / self.opening[eye]
        # The lid sets off faster than it settles.
        reopened = smooth_step(max(u, 0.0) ** 0.8)
        return 1.0 - (1.0 - self.depth[eye]) * (closed - reopened)


@dataclass(frozen=True)
class BlinkState:
    """phase runs in units of the mean interval, so the rate may change at any time."""

    threshold: float
    phase: float = 0.0
    index: int = 0
    since: int = 0
    second: int = -1  # frame at which the other half of a double blink is due
    blink: Blink | None = None


def init_state(seed: int) -> BlinkState:
    phase = float(draws.generator(seed, draws.START, 0).uniform(0.0, 0.6))
    return BlinkState(threshold=_threshold(seed, 0), phase=phase)


def step(
    state: BlinkState, seed: int, frame: int, per_minute: float, urge: float
) -> tuple[BlinkState, tuple[float, float]]:
    """One motion frame.

    Args:
        per_minute: mean rate, 0..60; 0 stops new blinks.
        urge: chance 0..1 that something now (end of a phrase, large gaze shift) draws a blink.

    Returns: state and the opening of both lids, 0..1.
    """
    per_frame = per_minute / (60.0 * MOTION_FPS)
    phase = state.phase + per_frame
    floor = min(REFRACTORY * per_frame, 0.9)
    due = (floor + (1.0 - floor) * state.threshold) * (1.0 + P_DOUBLE)
    free = state.since >= REFRACTORY and per_minute > 0.0
    pulled = False
    if urge > 0.0 and phase > _PULL * due:
        pulled = bool(draws.generator(seed, draws.URGES, frame).uniform() < urge)
    second = free and 0 <= state.second <= frame

    blink = state.blink
    if blink is not None and blink.over(frame):
        blink = None
    state = replace(state, phase=phase, blink=blink, since=state.since + 1)
    if free and blink is None and (second or phase >= due or pulled):
        state = _begin(state, seed, frame, spent=0.0 if second else due, doubled=second)
    lids = (1.0, 1.0) if state.blink is None else state.blink.opening_at(frame)
    return state, lids


def _begin(state: BlinkState, seed: int, frame: int, spent: float, doubled: bool) -> BlinkState:
    """Start a blink. A blink taken early leaves a debt in `phase`: the mean rate stays."""
    index = state.index + 1
    random = draws.generator(seed, draws.BLINKS, index)
    closing = float(random.uniform(2.0, 2.5))
    opening = float(random.uniform(3.75, 5.0))
    lag = float(random.normal(0.0, 0.08))
    depth = (0.0, 0.0)
    if random.uniform() < P_INCOMPLETE:
        low = float(random.uniform(0.2, 0.4))
        depth = (low, min(0.45, max(0.15, low + float(random.normal(0.0, 0.03)))))
    wants_second = not doubled and random.uniform() < P_DOUBLE
    blink = Blink(
        shut=frame + 3,
        hold=2 if random.uniform() < 0.15 else 1,
        closing=(closing, min(2.6, max(1.9, closing + lag))),
        opening=(opening, opening + float(random.normal(0.0, 0.1))),
        depth=depth,
    )
    return replace(
        state,
        threshold=state.threshold if doubled else _threshold(seed, index),
        phase=state.phase - spent,
        index=index,
        since=0,
        second=frame + REFRACTORY + int(random.integers(0, 5)) if wants_second else -1,
        blink=blink,
    )


def _threshold(seed: int, index: int) -> float:
    """Length of an interval in units of its mean: log-normal with mean 1."""
    z = float(draws.generator(seed, draws.BLINKS, index).standard_normal())
    return min(4.0, math.exp(_SIGMA * z - 0.5 * _SIGMA * _SIGMA))
