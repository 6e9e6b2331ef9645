"""Fit the basis of the motion space: `vasari train basis --data PATH --out FILE`.

Mouth and upper face are principal components of tracked speech (GRID speaker 1 and the woman of
grid_hi) and of pictures with other expressions, each after its person's neutral was taken away.
Who speaks in a studio hardly frowns: what brows do is measured across the synthetic portraits
(`vasari.train.brows`), where nobody's neutral is known.
Identity is the principal components of faces at rest. Rows of the data: `grid_s1`, `grid_hi`,
`faces/london`, `faces/sfhq_t2i`; `grid_speakers` is the test, less the two of its clips that show
people of the training sets.
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
from vasari.motion.neutral import neutral_of_frames
from vasari.motion.tracking import Solver, head_frame
from vasari.train.brows import measured
from vasari.train.tracks import track_folder, track_pictures
from vasari.types import Float

N_IDENTITY = 32
_ALSO_TRAINED = ("bbaf2n", "lwbsza")
"""Clips of grid_speakers with the man of grid_s1 (a recording that is in it) and the woman of
grid_hi: no unseen speakers."""
_SPEECH_FLOOR = 0.3
"""A mouth component's unit is its spread in speech, but at least this share of that in all data."""


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
    return np.asarray(directions.reshape(count, *offsets.shape[1:]), np.float32)


def lip_trust() -> Float:
    """(478,) the lips count twelve-fold: they are what people look at."""
    trust = np.ones(478, np.float32)
    trust[layout.LIPS] = 12.0
    return trust


def fit(
    speech: Expressions,
    pictures: Expressions,
    brows: Expressions,
    neutrals: Float,
    canonical: Float,
) -> dict[str, Float]:
    """All arrays of the basis. brows: of the upper face alone. neutrals: (P, 478, 3) head-frame
    shapes of people at rest."""
    mouth_weight, upper_weight = region_weights(canonical)
    # Pictures are few: repeat them until they make up a third of the variance's rows.
    times = max(1, round(0.5 * len(speech.offsets) / max(1, len(pictures.offsets))))
    joined = np.concatenate([speech.offsets, *[pictures.offsets] * times])
    mouth = principal(joined, mouth_weight, layout.N_MOUTH, lip_trust())
    often = max(1, round(0.5 * len(speech.offsets) / max(1, len(brows.offsets))))
    above = np.concatenate([speech.offsets, pictures.offsets, *[brows.offsets] * often])
    upper = principal(above, upper_weight, layout.N_UPPER, np.ones(478, np.float32))
    arrays = {"canonical": canonical, "mouth": mouth, "upper": upper}
    arrays |= _identity(neutrals)
    arrays["blendshape_map"] = np.zeros((layout.N_MOUTH + layout.N_UPPER, 53), np.float32)
    solver = Solver(Basis(**arrays))
    both = np.concatenate([mouth, upper])
    in_speech = solver.coefficients(speech.offsets).std(0)
    in_all = solver.coefficients(joined).std(0)
    in_all[layout.N_MOUTH :] = solver.coefficients(above)[:, layout.N_MOUTH :].std(0)
    unit = np.maximum(in_speech, _SPEECH_FLOOR * in_all)
    # Brows hardly move in studio speech: their unit is their spread in all data.
    unit[layout.N_MOUTH :] = in_all[layout.N_MOUTH :]
    both = both * unit[:, None, None]
    arrays["mouth"], arrays["upper"] = both[: layout.N_MOUTH], both[layout.N_MOUTH :]
    solver = Solver(Basis(**arrays))
    scores = np.concatenate([speech.scores[::4], *[pictures.scores] * times])
    rows = np.concatenate([speech.offsets[::4], *[pictures.offsets] * times])
    arrays["blendshape_map"] = _ridge(scores, solver.coefficients(rows))
    scores = np.concatenate([speech.scores[::4], pictures.scores, *[brows.scores] * often])
    rows = np.concatenate([speech.offsets[::4], pictures.offsets, *[brows.offsets] * often])
    upper_map = _ridge(scores, solver.coefficients(rows)[:, layout.N_MOUTH :])
    arrays["blendshape_map"][layout.N_MOUTH :] = upper_map
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


def run(data: Path, out: Path, tracks: Path | None = None) -> dict[str, float]:
    """The whole recipe: track, fit, write `out`, test on unseen speakers.

    Args:
        data: folder with video/grid_s1, video/grid_hi, video/grid_speakers and faces.
        out: the safetensors file to write. tracks: where landmarks are kept (default: beside out).

    Returns:
        median and p95 error of unseen speakers' lips, in percent of the distance between the eyes.
    """
    tracks = tracks or out.parent / "tracks"
    canonical = canonical_shape()
    sets = {}
    for name in ("grid_s1", "grid_hi", "grid_speakers"):
        sets[name] = track_folder(data / "video" / name, tracks / name)
    if not (tracks / "faces.npz").exists():
        track_pictures(data / "faces", tracks / "faces.npz")
    parts = [_speech(sets["grid_s1"][:600], canonical), _speech(sets["grid_hi"], canonical)]
    speech = Expressions(
        np.concatenate([p.offsets for p in parts]), np.concatenate([p.scores for p in parts])
    )
    pictures, neutrals = _pictures(tracks / "faces.npz", canonical)
    brows = Expressions(*measured(tracks / "faces.npz", canonical))
    arrays = fit(speech, pictures, brows, neutrals, canonical)
    save(arrays, out)
    unseen = [clip for clip in sets["grid_speakers"] if clip.stem not in _ALSO_TRAINED]
    return lip_errors(unseen, Basis(**arrays))


def _speech(clips: list[Path], canonical: Float) -> Expressions:
    """Offsets from one person's neutral, every third frame of their clips."""
    shapes, scores = [], []
    for clip in clips:
        with np.load(clip, allow_pickle=False) as arrays:
            points, blend = arrays["points"][::3], arrays["blendshapes"][::3]
        seen = np.isfinite(points).all((1, 2))
        shapes += [head_frame(p, canonical).shape for p in points[seen]]
        scores.append(blend[seen])
    stacked = np.stack(shapes)
    return Expressions(stacked - neutral_of_frames(stacked), np.concatenate(scores))


def _pictures(file: Path, canonical: Float) -> tuple[Expressions, Float]:
    """Expressions in pictures, and the shapes of people at rest.

    London: the same person smiling minus neutral. Synthetic portraits: the neutral is the identity
    that fits the upper face, where expression is smallest.
    """
    with np.load(file, allow_pickle=False) as arrays:
        names = [str(n) for n in arrays["names"]]
        points, scores = arrays["points"], arrays["blendshapes"]
    shapes = np.stack([head_frame(p, canonical).shape for p in points])
    index = {n: i for i, n in enumerate(names)}
    rest = [i for n, i in index.items() if "/neutral_" in n]
    smiling = [names[i].replace("neutral", "smiling").replace("_03", "_08") for i in rest]
    known = [(i, index[n]) for i, n in zip(rest, smiling, strict=True) if n in index]
    synthetic = np.array([n.startswith("sfhq") for n in names])
    gap = np.abs(shapes[:, 14, 1] - shapes[:, 13, 1])
    smile, jaw = scores[:, 44:46].mean(1), scores[:, 25]
    awake = scores[:, 9:11].max(1) < 0.4
    near = synthetic & awake & (gap < 0.008) & (smile < 0.15) & (jaw < 0.05)
    neutrals = np.concatenate([shapes[rest], shapes[near]])
    offsets = np.stack([shapes[j] - shapes[i] for i, j in known])
    smiles = Expressions(offsets, scores[[j for _, j in known]])
    lively = synthetic & ((gap > 0.02) | (smile > 0.4) | (scores[:, 38] > 0.5))
    weight = np.repeat(np.sqrt(region_weights(canonical)[1]), 3)
    model = _identity(neutrals)
    design = model["identity"].reshape(N_IDENTITY, -1) * weight
    target = (shapes[lively] - model["identity_mean"]).reshape(int(lively.sum()), -1) * weight
    noise = 4 * len(weight) * 0.012**2 * np.eye(N_IDENTITY)
    codes = np.linalg.solve(design @ design.T + noise, design @ target.T).T
    guessed = model["identity_mean"] + np.tensordot(codes, model["identity"], 1)
    both = Expressions(
        np.concatenate([smiles.offsets, smiles.offsets, shapes[lively] - guessed]),
        np.concatenate([smiles.scores, smiles.scores, scores[lively]]),
    )
    return both, neutrals


def lip_errors(clips: list[Path], basis: Basis) -> dict[str, float]:
    """How well the basis says what unseen speakers' lips do, in the image plane."""
    solver, errors = Solver(basis), []
    both = np.concatenate([basis.mouth, basis.upper])
    for clip in clips:
        with np.load(clip, allow_pickle=False) as arrays:
            points = arrays["points"]
        points = points[np.isfinite(points).all((1, 2))]
        shapes = np.stack([head_frame(p, basis.canonical).shape for p in points])
        neutral = neutral_of_frames(shapes)
        offsets = shapes - neutral
        missed = np.tensordot(solver.coefficients(offsets), both, 1) - offsets
        eyes = float(np.linalg.norm(neutral[[33, 133]].mean(0) - neutral[[263, 362]].mean(0)))
        errors.append(np.linalg.norm(missed[:, layout.LIPS, :2], axis=2).ravel() / eyes * 100)
    joined = np.concatenate(errors)
    return {"median": float(np.median(joined)), "p95": float(np.quantile(joined, 0.95))}
