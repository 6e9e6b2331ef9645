"""Fit the map between motion coefficients and ARKit shapes: ridge regression on tracked frames.

Rows of the data: `grid_s1` and `grid_hi` (speech), `faces` (other expressions; London pairs give a
smile against its owner's own neutral). Every tenth clip and picture is held out and measured.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vasari.motion import layout
from vasari.motion.arkit_map import (
    COEFFICIENTS,
    FITTED,
    N_COEFFICIENTS,
    ArkitMap,
    motion_from_shapes,
    shapes_from_mediapipe,
    shapes_from_motion,
)
from vasari.motion.arkit_names import SHAPES
from vasari.motion.basis import Basis, load_basis
from vasari.motion.mesh import shape_from_motion
from vasari.motion.neutral import neutral_of_frames
from vasari.motion.tracking import Solver, estimate_neutral, head_frame, motion_from_landmarks
from vasari.types import Float

_RIDGE = 3e-4
_SPEECH_STEP = 6  # every sixth clip of grid_s1: 1000 sentences of one man say the same
_FACE_WEIGHT = 2  # pictures are few but show what speech does not


@dataclass(frozen=True)
class Samples:
    """values: (N, 44) motion; shapes: (N, 52) in the order of SHAPES; held: (N,) held out."""

    values: Float
    shapes: Float
    held: NDArray[np.bool_]


@dataclass(frozen=True)
class Errors:
    """On held-out frames; lip errors are medians in per cent of the distance between the eyes."""

    frames: int
    shapes_mae: float
    shapes_r2: float
    jaw_open_r: float
    lips_from_shapes_percent: float
    lips_round_trip_percent: float
    lips_without_map_percent: float
    shapes_round_trip_mae: float


def run(tracks: Path, out: Path) -> tuple[Errors, Errors]:
    """Fit, save to `out` (safetensors) and return the errors on held-out clips and pictures.

    tracks: folder with grid_s1/*.npz and grid_hi/*.npz (points (T, 478, 3), blendshapes (T, 52))
    and faces.npz (names, points (N, 478, 3), blendshapes (N, 52)), made by our own tracker.
    """
    basis = load_basis()
    speech = _joined(
        clips(sorted((tracks / "grid_s1").glob("*.npz"))[::_SPEECH_STEP], basis),
        clips(sorted((tracks / "grid_hi").glob("*.npz")), basis),
    )
    faces = pictures(tracks / "faces.npz", basis)
    samples = _joined(speech, *[faces] * _FACE_WEIGHT)
    mapping = fit(samples.values[~samples.held], samples.shapes[~samples.held])
    tensors = {"to_shapes": mapping.to_shapes, "to_motion": mapping.to_motion}
    save_file(tensors, out, metadata={"layout_version": str(layout.LAYOUT_VERSION)})
    return errors(mapping, speech, basis), errors(mapping, faces, basis)


def _joined(*parts: Samples) -> Samples:
    return Samples(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.shapes for part in parts]),
        np.concatenate([part.held for part in parts]),
    )


def clips(files: list[Path], basis: Basis) -> Samples:
    """Tracked clips of one person."""
    tracked = [np.load(file, allow_pickle=False) for file in files]
    points = [t["points"] for t in tracked]
    good = [np.isfinite(p).all((1, 2)) for p in points]
    held = [np.full(int(g.sum()), i % 10 == 9) for i, g in enumerate(good)]
    joined = np.concatenate([p[g] for p, g in zip(points, good, strict=True)])
    scores = np.concatenate([t["blendshapes"][g] for t, g in zip(tracked, good, strict=True)])
    shapes = np.stack([head_frame(p, basis.canonical).shape for p in joined[::3]])
    motion = motion_from_landmarks(joined, neutral_of_frames(shapes), basis)
    return Samples(motion.values, shapes_from_mediapipe(scores), np.concatenate(held))


def pictures(file: Path, basis: Basis) -> Samples:
    """Pictures of many people: a London smile against its owner's neutral picture, others against
    an estimated neutral."""
    table = np.load(file, allow_pickle=False)
    names = table["names"].tolist()
    good = [i for i, p in enumerate(table["points"]) if np.isfinite(p).all()]
    shapes = {names[i]: head_frame(table["points"][i], basis.canonical).shape for i in good}
    neutrals = {n.rsplit("_", 1)[0]: n for n in shapes if n.startswith("london/neutral_front")}
    offsets, scores = [], []
    for i in good:
        name, score = names[i], table["blendshapes"][i]
        # File names end in the number of the picture, which differs between expressions.
        person = name.replace("smiling_front", "neutral_front").rsplit("_", 1)[0]
        if person in neutrals:
            neutral = shapes[neutrals[person]]
        else:
            neutral = estimate_neutral(shapes[name], score, basis)
        offsets.append(shapes[name] - neutral)
        scores.append(score)
    values = np.tile(layout.rest(), (len(offsets), 1))
    values[:, COEFFICIENTS] = Solver(basis).coefficients(np.stack(offsets))
    held = np.arange(len(offsets)) % 10 == 9
    return Samples(values, shapes_from_mediapipe(np.stack(scores)), held)


def fit(values: Float, shapes: Float) -> ArkitMap:
    """Both directions. The way back learns from tracked shapes and from what the way there makes,
    so that a round trip returns."""
    columns = [SHAPES.index(name) for name in FITTED]
    coefficients = values[:, COEFFICIENTS]
    to_shapes = _ridge(coefficients, shapes[:, columns])
    first = ArkitMap(to_shapes, np.zeros((N_COEFFICIENTS, len(FITTED) + 1), np.float32))
    made = shapes_from_motion(values, first)[:, columns]
    to_motion = _ridge(
        np.concatenate([shapes[:, columns], made]), np.concatenate([coefficients, coefficients])
    )
    return ArkitMap(to_shapes, to_motion)


def _ridge(x: Float, y: Float) -> Float:
    """(outputs, inputs + 1) linear map from x (N, inputs) and 1 to y (N, outputs).

    The penalty is on inputs scaled to unit variance, at least 3 % of the largest: shapes that never
    move must not get large weights.
    """
    scale = x.std(0)
    scale = np.maximum(scale, 0.03 * scale.max()).astype(np.float64)
    design = np.column_stack([x / scale, np.ones(len(x))])
    penalty = np.diag([*np.full(x.shape[1], _RIDGE * len(x)), 0.0])
    solution = np.linalg.solve(design.T @ design + penalty, design.T @ y).T
    solution[:, :-1] /= scale
    return np.ascontiguousarray(solution, np.float32)


def errors(mapping: ArkitMap, samples: Samples, basis: Basis) -> Errors:
    """Errors on the held-out frames of `samples`, at most about 500 of them."""
    step = max(1, int(samples.held.sum()) // 500)
    values, shapes = samples.values[samples.held][::step], samples.shapes[samples.held][::step]
    columns = [SHAPES.index(name) for name in FITTED]
    made = shapes_from_motion(values, mapping)
    residual = ((made - shapes)[:, columns] ** 2).sum()
    spread = ((shapes - shapes.mean(0))[:, columns] ** 2).sum()
    jaw = SHAPES.index("JawOpen")
    there = motion_from_shapes(made, mapping)
    rest = np.tile(layout.rest(), (len(values), 1))
    return Errors(
        frames=len(values),
        shapes_mae=float(np.abs(made - shapes)[:, columns].mean()),
        shapes_r2=float(1.0 - residual / spread),
        jaw_open_r=float(np.corrcoef(made[:, jaw], shapes[:, jaw])[0, 1]),
        lips_from_shapes_percent=_lip_error(values, motion_from_shapes(shapes, mapping), basis),
        lips_round_trip_percent=_lip_error(values, there, basis),
        lips_without_map_percent=_lip_error(values, rest, basis),
        shapes_round_trip_mae=float(np.abs(shapes_from_motion(there, mapping) - made).mean()),
    )


def _lip_error(first: Float, second: Float, basis: Basis) -> float:
    """Median distance of lip landmarks, per cent of the distance between the eyes' centres."""
    neutral = basis.identity_mean
    eyes = [neutral[list(corners), :2].mean(0) for corners in ((33, 133), (263, 362))]
    unit = float(np.linalg.norm(eyes[0] - eyes[1]))
    gaps = []
    for a, b in zip(first, second, strict=True):
        lips = [shape_from_motion(neutral, v, basis)[layout.LIPS, :2] for v in (a, b)]
        gaps.append(np.linalg.norm(lips[0] - lips[1], axis=1))
    return float(np.median(gaps) / unit * 100.0)
