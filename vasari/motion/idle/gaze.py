"""Where the eyes look, in the camera's frame: fixations, microsaccades, glances.

Durations of saccades follow the main sequence, 21 ms + 2.2 ms per degree (Carpenter 1988).
"""

import math
from dataclasses import dataclass

from vasari.motion.idle import draws
from vasari.motion.idle.ease import smooth_step
from vasari.types import MOTION_FPS

LARGE_SHIFT_DEG = 4.0
_P_GLANCE_SILENT = 0.08
_P_GLANCE_TALK = 0.13


@dataclass(frozen=True)
class GazeState:
    """The last saccade, from `origin` to `target` (yaw, pitch; degrees, camera frame)."""

    origin: tuple[float, float] = (0.0, 0.0)
    target: tuple[float, float] = (0.0, 0.0)
    start: float = -10.0
    duration: float = 1.0
    due: float = 1.2 * MOTION_FPS
    away: bool = False
    index: int = 0


def step(
    state: GazeState, seed: int, frame: int, talk: float
) -> tuple[GazeState, tuple[float, float], float]:
    """One motion frame: state, gaze (yaw, pitch) in degrees, size of a saccade that begins."""
    shift_deg = 0.0
    if frame >= state.due:
        state = _saccade(state, seed, talk)
        shift_deg = math.dist(state.origin, state.target)
    s = smooth_step((frame - state.start) / state.duration)
    yaw, pitch = (a + s * (b - a) for a, b in zip(state.origin, state.target, strict=True))
    return state, (yaw, pitch), shift_deg


def _saccade(state: GazeState, seed: int, talk: float) -> GazeState:
    index = state.index + 1
    random = draws.generator(seed, draws.GAZE, index)
    p_glance = _P_GLANCE_SILENT + talk * (_P_GLANCE_TALK - _P_GLANCE_SILENT)
    away = not state.away and bool(random.uniform() < p_glance)
    if away:
        size = float(random.uniform(4.0, 9.5))
        slope = math.radians(float(random.normal(8.0, 22.0)))
        side = 1.0 if random.uniform() < 0.5 else -1.0
        target = (side * size * math.cos(slope), size * math.sin(slope))
        fixation_s = float(random.uniform(0.6, 1.1))
    else:
        jitter = random.normal(0.0, 0.45, 2)
        target = (float(jitter[0]), 0.7 * float(jitter[1]))
        fixation_s = min(3.0, max(0.6, 1.4 * math.exp(0.45 * float(random.standard_normal()))))
    duration_ms = 21.0 + 2.2 * math.dist(state.target, target)
    return GazeState(
        origin=state.target,
        target=target,
        start=state.due,
        duration=duration_ms * MOTION_FPS / 1000.0,
        due=state.due + fixation_s * MOTION_FPS,
        away=away,
        index=index,
    )
