"""Everything on the face that is not the mouth: head, blinks, gaze, brows; with and without speech.

Causal and streaming: the state is a value, and any cut of a recording into chunks gives the same
numbers, bit for bit. The same seed gives the same motion.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vasari.motion import eyes, layout
from vasari.motion.idle import blink, cues, draws, gaze, head
from vasari.motion.idle.ease import Bump, smooth_step, total
from vasari.types import MOTION_DIM, MOTION_FPS, Controls, Float

RAMP_IN = round(0.6 * MOTION_FPS)
"""Frames in which motion grows from the rest pose, which is the very first frame."""

_BROW_CHANCE = 0.4
_LARGE_SHIFT_URGE = 0.45
_PHRASE_END_URGE = 0.35
_NO_BROWS = np.zeros(layout.N_UPPER, np.float32)


@dataclass(frozen=True)
class IdleState:
    """Where idle motion stands after `frame` motion frames. Copyable; never changed in place."""

    seed: int
    frame: int
    cues: cues.CueState
    head: head.HeadState
    blink: blink.BlinkState
    gaze: gaze.GazeState
    brows: tuple[Bump, ...] = ()


def init_state(seed: int) -> IdleState:
    """State before the first frame. seed: any integer; its low 64 bits count."""
    return IdleState(
        seed=seed,
        frame=0,
        cues=cues.CueState(),
        head=head.init_state(),
        blink=blink.init_state(seed),
        gaze=gaze.GazeState(),
    )


def speech_energy(rms: NDArray[Any]) -> Float:
    """(n,) root mean square of each motion frame's samples (full scale 1) to energy 0..1.

    Linear in decibels: 0 at -50 dB and below, 1 at -10 dB.
    """
    level_db = 20.0 * np.log10(np.maximum(np.asarray(rms, np.float64), 1e-6))
    return np.clip((level_db + 50.0) / 40.0, 0.0, 1.0).astype(np.float32)


def idle(
    state: IdleState,
    energy: NDArray[Any],
    voiced: NDArray[Any],
    controls: Controls,
    brow_direction: NDArray[Any] | None = None,
) -> tuple[IdleState, Float]:
    """Motion of the next n frames at 25 a second.

    Args:
        energy: (n,) speech energy 0..1, see `speech_energy`. Values beyond are clipped.
        voiced: (n,) probability of voice, 0..1.
        controls: only `blink_per_minute` is used here; amplitudes, offsets and gaze target are
            the business of `vasari.motion.controls.apply`.
        brow_direction: (10,) coefficients of the upper basis that raise the brows by one standard
            unit; None leaves the brows still.

    Returns: state and (n, 44) values. ROTATION, GAZE and UPPER are offsets from the photo's own,
        LIDS are shares of its own opening, TRANSLATION is as is, MOUTH is 0.

    Raises:
        ValueError: energy and voiced are not finite vectors of one length.
    """
    energy_values = np.asarray(energy, np.float64)
    voiced_values = np.asarray(voiced, np.float64)
    if energy_values.ndim != 1 or energy_values.shape != voiced_values.shape:
        raise ValueError(
            f"energy and voiced: expected one shape (n,), got {energy_values.shape} and "
            f"{voiced_values.shape}"
        )
    if not (np.isfinite(energy_values).all() and np.isfinite(voiced_values).all()):
        raise ValueError("energy and voiced: hold NaN or infinity")
    direction = _NO_BROWS if brow_direction is None else np.asarray(brow_direction, np.float32)
    n = len(energy_values)
    values = np.tile(layout.rest(), (n, 1)).reshape(n, MOTION_DIM)
    noise = draws.white(state.seed, draws.HEAD_NOISE, state.frame, n, head.CHANNELS)
    shaping = head.filters()
    for i, (e, v) in enumerate(
        zip(
            np.clip(energy_values, 0.0, 1.0).tolist(),
            np.clip(voiced_values, 0.0, 1.0).tolist(),
            strict=True,
        )
    ):
        state, brow = _frame(state, e, v, controls, noise[i], shaping, values[i])
        values[i, layout.UPPER] = np.float32(brow) * direction
    return state, values


def _frame(
    state: IdleState,
    energy: float,
    voiced: float,
    controls: Controls,
    noise: NDArray[np.float64],
    shaping: tuple[NDArray[np.float64], NDArray[np.float64]],
    out: Float,
) -> tuple[IdleState, float]:
    """One frame: writes all but UPPER into out (44,), returns the state and the brows' height."""
    seed, frame = state.seed, state.frame
    ramp = smooth_step(frame / RAMP_IN)
    cue_state, heard = cues.step(state.cues, energy, voiced)
    head_state, rotation_deg, translation = head.step(
        state.head, seed, frame, heard, noise, shaping
    )
    gaze_state, look_deg, shift_deg = gaze.step(state.gaze, seed, frame, heard.talk)
    urge = _LARGE_SHIFT_URGE if shift_deg >= gaze.LARGE_SHIFT_DEG else 0.0
    urge = max(urge, _PHRASE_END_URGE if heard.phrase_end else 0.0)
    blink_state, lids = blink.step(state.blink, seed, frame, controls.blink_per_minute, urge)
    brows = _brows(state, heard)
    brow = ramp * total(brows, frame, 1)[0]

    rotation = ramp * np.radians(rotation_deg)
    # Vestibulo-ocular reflex: the eyes turn against the head and stay on what they look at.
    look = ramp * np.radians(look_deg) - eyes.VOR_GAIN * rotation[[1, 0]]
    out[layout.ROTATION] = rotation
    out[layout.TRANSLATION] = ramp * np.asarray(translation)
    out[layout.GAZE] = look
    out[layout.LIDS] = np.asarray(lids) * eyes.lid_follow(look[1]) * (1.0 + 0.04 * brow)
    new = IdleState(seed, frame + 1, cue_state, head_state, blink_state, gaze_state, brows)
    return new, brow


def _brows(state: IdleState, heard: cues.Cues) -> tuple[Bump, ...]:
    """Brow raises go with some accents: a little before the top of the nod, and longer."""
    frame = state.frame
    brows = tuple(bump for bump in state.brows if not bump.over(frame))
    if heard.accent > 0.0:
        random = draws.generator(state.seed, draws.BROWS, frame)
        if random.uniform() < _BROW_CHANCE:
            size = heard.accent * float(random.uniform(0.4, 1.0))
            rise, fall = float(random.uniform(3, 5)), float(random.uniform(8, 18))
            brows += (Bump(frame, rise, fall, (size,)),)
    return brows
