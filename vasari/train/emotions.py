"""Make the emotions: `run(data, out)`; `out` is the safetensors file.

Happy is measured: 102 people of the London set, smiling against their own neutral. Brows of the
others are measured across the synthetic portraits (`vasari.train.brows`), in the combinations of
action units that the field agrees on (Ekman & Friesen 1978). What their mouths do hardly occurs in
the data, so it is modelled: where a few points of the mouth go, the rest by the mouth basis.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.tracking import Solver, head_frame, motion_from_landmarks
from vasari.train.brows import directions
from vasari.train.tracks import track_pictures
from vasari.types import EMOTIONS, Float

_CORNERS, _LOWER_LIP, _CHIN = (61, 291), (17, 14, 84, 314), (199, 200, 175)
_UPPER_LIP, _WINGS = (0, 13, 37, 267), (64, 294)
_SMILE = 1.1
"""Of a posed smile's mouth; without its opening it would look less than it is."""
_RIDGE, _SHUT = 2e-5, 30.0


@dataclass(frozen=True)
class Plan:
    """One emotion at full strength. brows: amounts of down, inner up, outer up. lids: added share.
    outwards, down: face widths that groups of points move, away from the middle and down."""

    brows: tuple[float, float, float]
    lids: float
    down: tuple[tuple[tuple[int, ...], float], ...] = ()
    outwards: tuple[tuple[tuple[int, ...], float], ...] = ()


PLANS: dict[str, Plan] = {
    "sad": Plan(
        (0.25, 0.9, 0.0),
        -0.14,
        down=((_CORNERS, 0.026), (_CHIN, -0.006), (_LOWER_LIP, -0.002)),
        outwards=((_CORNERS, -0.006),),
    ),
    "angry": Plan(
        (1.0, 0.0, 0.1),
        -0.12,
        down=((_CORNERS, 0.012), (_CHIN, -0.008), (_UPPER_LIP, 0.002)),
        outwards=((_CORNERS, -0.012),),
    ),
    "surprised": Plan((0.0, 0.9, 1.0), 0.28, down=((_CHIN, 0.012),)),
    "afraid": Plan(
        (0.15, 1.0, 0.25),
        0.26,
        down=((_CORNERS, 0.010),),
        outwards=((_CORNERS, 0.022),),
    ),
    "disgusted": Plan(
        (0.6, 0.0, 0.0),
        -0.22,
        down=((_WINGS, -0.012), (_UPPER_LIP, -0.010), (_CORNERS, 0.008), (_CHIN, -0.006)),
        outwards=((_WINGS, 0.006),),
    ),
    "contempt": Plan(
        (0.1, 0.0, 0.2),
        -0.10,
        down=(((291,), -0.024), ((61,), 0.004)),
        outwards=(((291,), 0.014), ((61,), -0.004)),
    ),
}


def run(data: Path, out: Path, tracks: Path | None = None) -> dict[str, float]:
    """The whole recipe. data: folder with faces/.

    Returns the largest coefficient of each emotion, and the widest gap of the lips one makes, in
    face widths.
    """
    tracks = tracks or out.parent / "tracks" / "faces.npz"
    if not tracks.exists():
        tracks.parent.mkdir(parents=True, exist_ok=True)
        track_pictures(data / "faces", tracks)
    basis = load_basis()
    brows = _brow_coefficients(directions(tracks, basis.canonical), basis)
    offsets = np.stack(
        [
            happy(tracks, basis) if name == "happy" else planned(PLANS[name], brows, basis)
            for name in EMOTIONS
        ]
    )
    save_file({"offsets": np.ascontiguousarray(offsets, np.float32)}, out)
    gaps = offsets[:, layout.MOUTH] @ _gap_rows(basis).T
    figures = {k: float(np.abs(v).max()) for k, v in zip(EMOTIONS, offsets, strict=True)}
    return figures | {"widest_gap": float(gaps.max())}


def _brow_coefficients(wanted: Float, basis: Basis) -> Float:
    """(3, 10) of the three brow directions (3, 478, 3), as long as they were measured: the solver
    keeps coefficients small, which shortens what they make."""
    found = Solver(basis).coefficients(wanted)[:, layout.N_MOUTH :]
    points = np.concatenate([layout.BROW_LEFT, layout.BROW_RIGHT])
    made = np.tensordot(found, basis.upper, 1)[:, points, 1]
    along = (made * wanted[:, points, 1]).sum(1) / (made**2).sum(1)
    return np.asarray(found * along[:, None], np.float32)


def happy(tracks: Path, basis: Basis) -> Float:
    """(44,) the mean smile, without what it opens."""
    with np.load(tracks, allow_pickle=False) as arrays:
        names, points = [str(n) for n in arrays["names"]], arrays["points"]
    index = {name: k for k, name in enumerate(names)}
    found = []
    for name in names:
        smiling = name.replace("neutral", "smiling").replace("_03.", "_08.")
        if name.startswith("london/neutral") and smiling in index:
            own = head_frame(points[index[name]], basis.canonical).shape
            found.append(motion_from_landmarks(points[index[smiling]][None], own, basis).values[0])
    mean = np.mean(found, 0)
    smile = np.zeros(layout.DIM, np.float32)
    smile[layout.UPPER] = mean[layout.UPPER]
    smile[layout.LIDS] = mean[layout.LIDS] - 1.0
    smile[layout.MOUTH] = _shut(_SMILE * mean[layout.MOUTH], basis)
    return smile


def planned(plan: Plan, brows: Float, basis: Basis) -> Float:
    """(44,) an emotion by its plan. brows: (3, 10) coefficients of the three brow directions."""
    vector = np.zeros(layout.DIM, np.float32)
    vector[layout.UPPER] = np.asarray(plan.brows) @ brows
    vector[layout.LIDS] = plan.lids
    rows, wanted = [], []
    for groups, axis in ((plan.down, 1), (plan.outwards, 0)):
        for points, amount in groups:
            for point in points:
                side = 1.0 if axis == 1 else float(np.sign(basis.canonical[point, 0]))
                rows.append(basis.mouth[:, point, axis])
                wanted.append(side * amount)
    if rows:
        still = basis.mouth[:, [1, 4, 234, 454, 116, 345]].reshape(layout.N_MOUTH, -1).T
        design = np.concatenate([np.stack(rows), _SHUT * _gap_rows(basis), 0.5 * still])
        target = np.concatenate([wanted, np.zeros(len(design) - len(wanted))])
        gram = design.T @ design + _RIDGE * np.eye(layout.N_MOUTH)
        vector[layout.MOUTH] = np.linalg.solve(gram, design.T @ target)
    return vector


def _gap_rows(basis: Basis) -> NDArray[np.float64]:
    """(9, 24) how the gap of the inner lips grows with the mouth coefficients."""
    upper, lower = layout.LIPS_INNER_UPPER[1:-1], layout.LIPS_INNER_LOWER[1:-1]
    return (basis.mouth[:, lower, 1] - basis.mouth[:, upper, 1]).T.astype(np.float64)


def _shut(mouth: Float, basis: Basis) -> NDArray[np.float64]:
    """(24,) the nearest mouth that opens no gap."""
    rows = _gap_rows(basis)
    gap = np.maximum(rows @ mouth, 0.0)
    return mouth - np.linalg.solve(rows.T @ rows + 2e-5 * np.eye(len(mouth)), rows.T @ gap)
