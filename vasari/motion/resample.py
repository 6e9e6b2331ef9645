"""Motion from 25 frames a second to the rate of the output, streaming, on the sample clock.

Output frame j shows time j / fps exactly: its place between motion frames is found with integers,
so nothing drifts, however long it runs. Between frames k and k+1 runs a cubic Hermite curve whose
slopes come from frames up to k+1 only (one motion frame of look-ahead, 40 ms; none at 25 fps,
which passes unchanged). The usual centred slopes (Catmull-Rom) would need another 40 ms.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.types import MOTION_DIM, MOTION_FPS, Float

_HISTORY = 3  # motion frames before the next one that a slope looks at


@dataclass(frozen=True)
class ResampleState:
    """count: motion frames taken in. index: next output frame. tail: (<= 3, 44) last motion frames,
    never changed in place."""

    fps: int
    motion_fps: int
    count: int
    index: int
    tail: Float


def init_state(fps: int, motion_fps: int = MOTION_FPS) -> ResampleState:
    """State before the first frame.

    Raises:
        ValueError: a rate is not a whole number within 1..240.
    """
    for name, rate in (("fps", fps), ("motion_fps", motion_fps)):
        if isinstance(rate, bool) or not isinstance(rate, int) or not 1 <= rate <= 240:
            raise ValueError(f"{name}: expected a whole number within 1..240, got {rate!r}")
    return ResampleState(fps, motion_fps, 0, 0, np.zeros((0, MOTION_DIM), np.float32))


def push(state: ResampleState, values: NDArray[Any]) -> tuple[ResampleState, Float]:
    """Take in n motion frames (n, 44); returns the state and the output frames they complete.

    Raises:
        ValueError: values has another shape.
    """
    block = np.asarray(values, np.float32)
    if block.ndim != 2 or block.shape[1] != MOTION_DIM:
        raise ValueError(f"values: expected shape (n, {MOTION_DIM}), got {block.shape}")
    known = np.concatenate([state.tail, block])
    count = state.count + len(block)
    # Output j needs motion frames up to ceil(j * motion_fps / fps): all j below this are ready.
    ready = (count - 1) * state.fps // state.motion_fps + 1 if count else 0
    indices = np.arange(state.index, max(state.index, ready), dtype=np.int64)
    out = _between(known, count - len(known), indices, state)
    keep = known[max(0, len(known) - _HISTORY) :].copy()
    return ResampleState(state.fps, state.motion_fps, count, state.index + len(indices), keep), out


def flush(state: ResampleState, n_total: int) -> tuple[ResampleState, Float]:
    """The output frames up to frame n_total (not included), holding the last motion frame.

    Returns the state, ready for another flush with a larger n_total, and (m, 44). Without any
    motion frame the face is at rest. Frames that were given out already are not taken back.
    """
    if n_total <= state.index:
        return state, np.zeros((0, MOTION_DIM), np.float32)
    last = state.tail[-1:] if state.count else layout.rest()[None]
    needed = (n_total - 1) * state.motion_fps // state.fps + 2 - state.count
    held = np.repeat(last, max(needed, 0), axis=0)
    full, out = push(state, held)
    extra = full.index - n_total
    keep = len(out) - extra if extra > 0 else len(out)
    index = state.index + keep
    return ResampleState(state.fps, state.motion_fps, full.count, index, full.tail), out[:keep]


def offline(values: NDArray[Any], fps: int, n_total: int, motion_fps: int = MOTION_FPS) -> Float:
    """(n, 44) whole motion to exactly n_total frames at fps: `push` and `flush` in one."""
    state, first = push(init_state(fps, motion_fps), values)
    _, rest = flush(state, n_total)
    return np.concatenate([first, rest])[:n_total]


def _between(known: Float, first: int, indices: NDArray[np.int64], state: ResampleState) -> Float:
    """Values at output frames `indices`; known[i] is motion frame first + i."""
    if len(indices) == 0:
        return np.zeros((0, MOTION_DIM), np.float32)
    place = indices * state.motion_fps
    k = place // state.fps
    u = ((place - k * state.fps) / state.fps)[:, None]

    def frame(offset: int) -> NDArray[np.float64]:
        # Before the first frame the face stood still; the frame after the last is never used,
        # because there u is 0.
        at = np.clip(np.maximum(k + offset, 0) - first, 0, len(known) - 1)
        return np.asarray(known[at], np.float64)

    x0, x1 = frame(0), frame(1)
    d = x1 - x0
    d1 = x0 - frame(-1)
    d2 = frame(-1) - frame(-2)
    start = _slope_limit(_slope_limit(1.5 * d1 - 0.5 * d2, d1), d)
    end = _slope_limit(1.5 * d - 0.5 * d1, d)
    u2 = u * u
    u3 = u2 * u
    out = x0 + (3.0 * u2 - 2.0 * u3) * d + (u3 - 2.0 * u2 + u) * start + (u3 - u2) * end
    # Lids must not open before they have shut, nor eyes swing past what they look at.
    snap = slice(layout.LIDS.start, layout.GAZE.stop)
    low, high = np.minimum(x0, x1)[:, snap], np.maximum(x0, x1)[:, snap]
    out[:, snap] = np.clip(out[:, snap], low, high)
    exact = (u == 0.0)[:, 0]
    out[exact] = x0[exact]
    return out.astype(np.float32)


def _slope_limit(slope: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope within -1..3 times the step it belongs to: a stand-still stays one, and a curve passes
    a turning point by at most 15 % of the step (Fritsch & Carlson 1980, made a little softer)."""
    return np.clip(slope, np.minimum(-step, 3.0 * step), np.maximum(-step, 3.0 * step))
