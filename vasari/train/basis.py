"""Fit the basis of the motion space: `vasari train basis --data PATH --out FILE`.

Mouth and upper face are principal components of tracked speech (GRID speaker 1 and the woman of
grid_hi) and of pictures with other expressions, each after its person's neutral was taken away.
Identity is the principal components of faces at rest. Rows of the data: `grid_s1`, `grid_hi`,
`faces/london`, `faces/sfhq_t2i`; `grid_speakers` is never used, it is the test.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vasari.motion import layout
from vasari.motion.basis import Basis
from vasari.motion.canonical import canonical_shape
from vasari.motion.mesh import EYES
from vasari.motion.tracking import Solver, head_frame, lid_gap
from vasari.types import Float

N_IDENTITY = 32
_SPEECH_FLOOR = 0.3
"""A component's unit is its spread in speech, but at least this share of its spread in all data."""


@dataclass(frozen=True)
class Expressions:
    """Offsets from neutral (N, 478, 3) with their blendshape scores (N, 52)."""

    offsets: Float
    scores: Float


def region_weights(canonical: Float) -> tuple[Float, Float]:
    """(478,) weights of the mouth region and of the upper face; smooth, summing to 1 on skin.

    The mouth's weight is 1 from the base of the nose down and falls to 0 at the nose bridge. Lids
    and irises have their own channels and belong to neither.
    """
    y = canonical[:, 1]
    high, low = float(y[195]), float(y[2])
    t = np.clip((y - high) / (low - high), 0, 1)
    mouth = t * t * (3 - 2 * t)
    upper = 1.0 - mouth
    for eye in EYES:
        for row in (eye.upper, eye.lower, eye.above[0], eye.below, np.array(eye.corners)):
            mouth[row] = upper[row] = 0.0
        upper[eye.above[1]] *= 0.6
    mouth[468:] = upper[468:] = 0.0
    return mouth.astype(np.float32), upper.astype(np.float32)


def neutral_of_clips(shapes: Float) -> Float:
    """(478, 3) a person's neutral from many head-frame shapes: the median of the quiet ones.

    Quiet: lips as shut as in the lowest fifth of frames, eyes more open than the median.
    """
    gap = np.abs(shapes[:, 14, 1] - shapes[:, 13, 1])
    lids = np.array([np.mean([lid_gap(s, eye) for eye in EYES]) for s in shapes])
    wide = np.linalg.norm(shapes[:, 61] - shapes[:, 291], axis=1)
    quiet = (gap <= np.quantile(gap, 0.2)) & (lids >= np.quantile(lids, 0.4))
    relaxed = np.abs(wide - np.median(wide[quiet])) <= np.std(wide)
    return np.asarray(np.median(shapes[quiet & relaxed], 0), np.float32)


def principal(offsets: NDArray[np.floating], weight: Float, count: int, trust: Float) -> Float:
    """(count, 478, 3) orthogonal directions of largest variance of weight * offsets.

    trust: (478,) importance of each point in the variance that is explained.
    """
    region = offsets * weight[:, None]
    scale = np.sqrt(trust)[:, None] * np.array([1.0, 1.0, 0.5])
    flat = (region * scale).reshape(len(region), -1).astype(np.float64)
    covariance = flat.T @ flat / len(flat)
    values, vectors = np.linalg.eigh(covariance)
    top = vectors[:, np.argsort(-values)[:count]]
    coefficients = flat @ top
    # Directions of the unscaled region, by regression on the scores.
    gram = np.linalg.pinv(coefficients.T @ coefficients)
    directions = gram @ coefficients.T @ region.reshape(len(region), -1)
    return directions.reshape(count, *offsets.shape[1:]).astype(np.float32)


def lip_trust() -> Float:
    """(478,) the lips count twelve-fold: they are what people look at."""
    trust = np.ones(478, np.float32)
    trust[layout.LIPS] = 12.0
    return trust


def fit(
    speech: Expressions, pictures: Expressions, neutrals: Float, canonical: Float
) -> dict[str, Float]:
    """All arrays of the basis. neutrals: (P, 478, 3) head-frame shapes of people at rest."""
    mouth_weight, upper_weight = region_weights(canonical)
    # Pictures are few: repeat them until they make up a third of the variance's rows.
    times = max(1, round(0.5 * len(speech.offsets) / max(1, len(pictures.offsets))))
    joined = np.concatenate([speech.offsets, *[pictures.offsets] * times])
    mouth = principal(joined, mouth_weight, layout.N_MOUTH, lip_trust())
    upper = principal(joined, upper_weight, layout.N_UPPER, np.ones(478, np.float32))
    arrays = {"canonical": canonical, "mouth": mouth, "upper": upper}
    arrays |= _identity(neutrals)
    arrays["blendshape_map"] = np.zeros((layout.N_MOUTH + layout.N_UPPER, 53), np.float32)
    solver = Solver(Basis(**arrays))
    both = np.concatenate([mouth, upper])
    in_speech = solver.coefficients(speech.offsets).std(0)
    in_all = solver.coefficients(joined).std(0)
    unit = np.maximum(in_speech, _SPEECH_FLOOR * in_all)
    both = both * unit[:, None, None]
    arrays["mouth"], arrays["upper"] = both[: layout.N_MOUTH], both[layout.N_MOUTH :]
    solver = Solver(Basis(**arrays))
    scores = np.concatenate([speech.scores[::4], *[pictures.scores] * times])
    rows = np.concatenate([speech.offsets[::4], *[pictures.offsets] * times])
    arrays["blendshape_map"] = _ridge(scores, solver.coefficients(rows))
    return {k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}


def _identity(neutrals: Float) -> dict[str, Float]:
    mean = neutrals.mean(0)
    flat = (neutrals - mean).reshape(len(neutrals), -1)
    _, s, vt = np.linalg.svd(flat, full_matrices=False)
    spread = s[:N_IDENTITY, None] / np.sqrt(len(neutrals) - 1)
    return {
        "identity_mean": mean.astype(np.float32),
        "identity": (vt[:N_IDENTITY] * spread).reshape(-1, 478, 3).astype(np.float32),
    }


def _ridge(scores: Float, coefficients: Float) -> Float:
    """(34, 53) linear map from blendshape scores and 1 to coefficients."""
    x = np.column_stack([scores, np.ones(len(scores))]).astype(np.float64)
    penalty = np.diag([*np.full(scores.shape[1], 1e-3 * len(x)), 0.0])
    return np.asarray(np.linalg.solve(x.T @ x + penalty, x.T @ coefficients).T, np.float32)


def save(arrays: dict[str, Float], out: Path) -> None:
    """Write the basis with its layout version."""
    save_file(arrays, out, metadata={"layout_version": str(layout.LAYOUT_VERSION)})


def shapes_of(points: Float, canonical: Float | None = None) -> Float:
    """(T, 478, 3) head-frame shapes of landmarks (T, 478, 3) px, lost frames left out."""
    canonical = canonical_shape() if canonical is None else canonical
    kept = points[np.isfinite(points).all((1, 2))]
    return np.stack([head_frame(p, canonical).shape for p in kept])
