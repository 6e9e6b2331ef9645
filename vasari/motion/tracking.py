"""From landmarks to motion vectors: pose out, then coefficients, lids and gaze."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.motion.basis import Basis
from vasari.motion.mesh import EYEBALL, EYES, EyeRows, close_lips
from vasari.motion.pose import fit_pose, rotation_matrix
from vasari.types import Float, HeadAnchor, Motion

_TYPICAL_OPENING = 0.30
"""Gap between the lids over the width of the eye, of a relaxed open eye."""
_AHEAD = (-0.06, -0.074)
"""Iris of an eye looking ahead, in eye widths from the middle between the corners: along the line
to the nose, and down."""
_COEFFICIENT_PRIOR = 2e-5
"""Strength of the pull of coefficients to zero, against squared errors in face widths."""
_LIP_TRUST = 4.0
"""Weight of lip points against other points when coefficients are solved."""


@dataclass(frozen=True)
class HeadFrame:
    """One tracked face with the pose taken out. shape: (478, 3) head frame."""

    shape: Float
    rotation: Float
    anchor: HeadAnchor


def head_frame(points: Float, basis_canonical: Float) -> HeadFrame:
    """Take the pose out of landmarks (478, 3) px."""
    rotation, anchor = fit_pose(points, basis_canonical)
    matrix = rotation_matrix(*rotation.tolist())
    model_z = (basis_canonical[layout.RIGID] @ matrix.T)[:, 2] * anchor.scale_px
    z0 = float(np.mean(points[layout.RIGID, 2] - model_z))
    centred = (points - np.array([anchor.x_px, anchor.y_px, z0])) / anchor.scale_px
    return HeadFrame((centred @ matrix).astype(np.float32), rotation, anchor)


class Solver:
    """Coefficients of shapes by regularised least squares, lips first. Built once per basis."""

    def __init__(self, basis: Basis) -> None:
        skin = np.ones(478)
        skin[468:] = 0.0
        for eye in EYES:
            for row in (eye.upper, eye.lower, eye.above[0], eye.below):
                skin[row] = 0.0
        skin[layout.LIPS] = _LIP_TRUST
        axes = np.array([1.0, 1.0, 0.3])  # depth is the network's weakest output
        self._weight = np.sqrt(skin[:, None] * axes).ravel()
        both = np.concatenate([basis.mouth, basis.upper]).reshape(-1, 478 * 3)
        design = (both * self._weight).T.astype(np.float64)
        ridge = _COEFFICIENT_PRIOR * np.eye(design.shape[1]) * len(layout.LIPS)
        self._operator = np.linalg.solve(design.T @ design + ridge, design.T)

    def coefficients(self, offsets: NDArray[np.floating]) -> Float:
        """(T, 34) mouth and upper coefficients of offsets from neutral (T, 478, 3)."""
        flat = offsets.reshape(len(offsets), -1) * self._weight
        return np.asarray(flat @ self._operator.T, np.float32)


def lid_gap(shape: Float, eye: EyeRows) -> float:
    """Mean gap between the lids over the width of the eye."""
    outer, inner = eye.corners
    width = float(np.linalg.norm(shape[outer, :2] - shape[inner, :2]))
    return float((shape[eye.lower, 1] - shape[eye.upper, 1]).mean()) / max(width, 1e-6)


def gaze_of(shape: Float) -> NDArray[np.float64]:
    """(2,) yaw and pitch in radians of both eyes together, from the irises, relative to the head.

    Where an eye that looks ahead has its iris differs between people by a few degrees.
    """
    angles = []
    for eye in EYES:
        outer, inner = eye.corners
        width = float(np.linalg.norm(shape[outer, :2] - shape[inner, :2]))
        off = (shape[eye.iris, :2].mean(0) - ahead(shape, eye)) / max(EYEBALL * width, 1e-6)
        angles.append(np.arcsin(np.clip(off, -0.7, 0.7)))
    return np.asarray(np.mean(angles, 0))


def motion_from_landmarks(
    points: Float, neutral: Float, basis: Basis, anchor: HeadAnchor | None = None, fps: float = 25.0
) -> Motion:
    """Motion of tracked landmarks (T, 478, 3) px of one person.

    neutral: (478, 3), see `estimate_neutral`. anchor: what zero translation means; by default the
    first frame's place.
    """
    frames = [head_frame(p, basis.canonical) for p in points]
    anchor = anchor or frames[0].anchor
    solver = Solver(basis)
    values = np.zeros((len(frames), layout.DIM), np.float32)
    offsets = np.stack([f.shape for f in frames]) - neutral
    values[:, layout.MOUTH.start : layout.UPPER.stop] = solver.coefficients(offsets)
    rest_gap = [lid_gap(neutral, eye) for eye in EYES]
    rest_gaze = gaze_of(neutral)
    for row, frame in zip(values, frames, strict=True):
        row[layout.ROTATION] = frame.rotation
        row[layout.TRANSLATION] = (
            (frame.anchor.x_px - anchor.x_px) / anchor.scale_px,
            (frame.anchor.y_px - anchor.y_px) / anchor.scale_px,
            np.log(frame.anchor.scale_px / anchor.scale_px),
        )
        gaps = [lid_gap(frame.shape, eye) for eye in EYES]
        row[layout.LIDS] = np.clip(np.array(gaps) / np.maximum(rest_gap, 0.05), 0.0, 1.6)
        row[layout.GAZE] = gaze_of(frame.shape) - rest_gaze
    return Motion(values, fps=fps)


def estimate_neutral(shape: Float, blendshapes: Float, basis: Basis) -> Float:
    """(478, 3) the face at rest behind one picture: its own expression taken out.

    Identity and expression are separated as the most probable pair under both linear models, the
    expression's prior centred on what the blendshape scores say (maximum a posteriori; the usual
    fit of a morphable model). Then lips shut, lids at their natural opening, gaze ahead.

    Args:
        shape: (478, 3) head frame, of the picture. blendshapes: (52,) scores 0..1.
    """
    coefficients = _separate(shape, blendshapes, basis)
    both = np.concatenate([basis.mouth, basis.upper])
    neutral = shape - np.tensordot(coefficients, both, 1).astype(np.float32)
    neutral = _shut_lips(neutral, basis)
    for eye in EYES:
        _relax_lids(neutral, eye, float(blendshapes[_BLINKS[eye.corners[0]]]))
        neutral[eye.iris, :2] += ahead(neutral, eye) - neutral[eye.iris, :2].mean(0)
    return neutral.astype(np.float32)


_BLINKS = {263: 9, 33: 10}
"""Index of eyeBlinkLeft and eyeBlinkRight (the subject's) by the outer corner of the eye."""
_EXPRESSION_SIGMA = 0.7
_NOISE = 0.012


def _separate(shape: Float, blendshapes: Float, basis: Basis) -> NDArray[np.float64]:
    """(34,) coefficients of the picture's own expression."""
    skin = np.ones(478)
    skin[468:] = 0.0
    for eye in EYES:
        for row in (eye.upper, eye.lower, eye.above[0], eye.below):
            skin[row] = 0.0
    weight = np.sqrt(skin[:, None] * np.array([1.0, 1.0, 0.3])).ravel() / _NOISE
    both = np.concatenate([basis.mouth, basis.upper])
    guess = basis.blendshape_map @ np.append(blendshapes, 1.0)
    n_id, n_ex = len(basis.identity), len(both)
    design = np.concatenate([basis.identity, both]).reshape(n_id + n_ex, -1) * weight
    expected = np.tensordot(guess, both, 1)
    residual = (shape - basis.identity_mean - expected).ravel() * weight
    spread = np.concatenate([np.ones(n_id), np.full(n_ex, _EXPRESSION_SIGMA)])
    prior = np.diag(1.0 / spread**2)
    # Points are far from independent: a few dozen count, not 1,400 coordinates.
    share = 60.0 / design.shape[1]
    system = share * design @ design.T + prior
    solution = np.linalg.solve(system.astype(np.float64), share * design @ residual)
    return np.asarray(guess + solution[n_id:], np.float64)


def _shut_lips(neutral: Float, basis: Basis) -> Float:
    """Close what is left of the gap: first by the mouth basis, then exactly at the contact."""
    upper, lower = layout.LIPS_INNER_UPPER[1:-1], layout.LIPS_INNER_LOWER[1:-1]
    jacobian = (basis.mouth[:, lower, 1] - basis.mouth[:, upper, 1]).T.astype(np.float64)
    gap = (neutral[lower, 1] - neutral[upper, 1]).astype(np.float64)
    ridge = 4e-4 * np.eye(jacobian.shape[1])
    step = np.linalg.solve(jacobian.T @ jacobian + ridge, jacobian.T @ np.maximum(gap, 0.0))
    shut = neutral - np.tensordot(step, basis.mouth, 1).astype(np.float32)
    gap = shut[lower, 1] - shut[upper, 1]
    shut[upper, 1] += 0.35 * np.maximum(gap, 0.0)
    shut[lower, 1] -= 0.65 * np.maximum(gap, 0.0)
    close_lips(shut)
    return shut


def _relax_lids(neutral: Float, eye: EyeRows, blink: float) -> None:
    """Open the eye to a natural opening where the picture shows it (nearly) shut.

    Narrow eyes are how some people look: only what a blink score confirms is opened.
    """
    gap = lid_gap(neutral, eye)
    if gap > 0.5 * _TYPICAL_OPENING or (blink < 0.5 and gap > 0.3 * _TYPICAL_OPENING):
        return
    outer, inner = eye.corners
    width = float(np.linalg.norm(neutral[outer, :2] - neutral[inner, :2]))
    missing = (0.85 * _TYPICAL_OPENING - gap) * width
    arch = np.sin(np.linspace(0, np.pi, len(eye.upper) + 2))[1:-1]
    neutral[eye.upper, 1] -= missing * arch / arch.mean()


def ahead(shape: Float, eye: EyeRows) -> Float:
    """(2,) where the centre of an iris sits when the eye looks straight ahead, head frame.

    Measured on 102 people who look into the camera (London set): above the line of the corners.
    """
    outer, inner = eye.corners
    towards_nose = shape[inner, :2] - shape[outer, :2]
    width = float(np.linalg.norm(towards_nose))
    centre = (shape[outer, :2] + shape[inner, :2]) / 2
    lift = np.array([0.0, _AHEAD[1] * width])
    return np.asarray(centre + _AHEAD[0] * towards_nose + lift, np.float32)
