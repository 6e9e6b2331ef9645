"""What brows do, measured across people: regression of face shapes on blendshape scores.

Of a synthetic portrait nobody knows the face at rest. But over a thousand of them identity has
nothing to do with expression, so a regression of the shape on the scores of brows, eyes and mouth
leaves identity as noise and finds how the average face moves.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vasari.motion.arkit_names import MEDIAPIPE
from vasari.motion.tracking import head_frame
from vasari.types import Float

_MOST_TURN_DEG = 15.0
_WANTED = ("browDown", "browInnerUp", "browOuterUp")
"""These directions are kept; the others only take the blame for what is theirs."""
_OTHERS = ("eyeSquint", "eyeBlink", "eyeWide", "mouthSmile", "mouthFrown", "jawOpen")
_ONE_SIDED = 0.25
"""Share of the pictures of which one brow alone is used."""


def _score(scores: NDArray[np.floating], name: str) -> NDArray[np.floating]:
    """(N, 2) left and right score of a shape, of the subject."""
    sides = [name] * 2 if name in MEDIAPIPE else [name + "Left", name + "Right"]
    return scores[:, [MEDIAPIPE.index(side) for side in sides]]


def directions(file: Path, canonical: Float) -> Float:
    """(3, 478, 3) how the average face moves when brows go down, inner ends up, outer ends up, at
    a score of 1. file: see `vasari.train.tracks.track_pictures`."""
    return _regressed(file, canonical)[0]


def measured(file: Path, canonical: Float) -> tuple[Float, Float]:
    """Offsets (N, 478, 3) that brows make in the pictures of a tracks file, and scores (N, 52)."""
    found, scores = _regressed(file, canonical)
    scores = _some_one_sided(scores)
    moved = np.zeros((len(scores), *canonical.shape), np.float32)
    left = (canonical[:, :1] > 0).astype(np.float32)  # the subject's left is the picture's right
    for direction, name in zip(found, _WANTED, strict=True):
        sides = _score(scores, name)[:, :, None, None]
        moved += sides[:, 0] * left * direction + sides[:, 1] * (1 - left) * direction
    return moved, scores


def _regressed(file: Path, canonical: Float) -> tuple[Float, Float]:
    """The directions, and the scores (N, 52) of the pictures they were found in."""
    with np.load(file, allow_pickle=False) as arrays:
        synthetic = np.array([str(n).startswith("sfhq") for n in arrays["names"]])
        points, scores = arrays["points"][synthetic], arrays["blendshapes"][synthetic]
    frames = [head_frame(p, canonical) for p in points]
    rotation = np.stack([f.rotation for f in frames])
    ahead = (np.abs(np.degrees(rotation[:, :2])) < _MOST_TURN_DEG).all(1)
    shapes = np.stack([f.shape for f in frames])[ahead]
    scores, rotation = scores[ahead], rotation[ahead]
    columns = [_score(scores, name).mean(1) for name in (*_WANTED, *_OTHERS)]
    design = np.column_stack([*columns, rotation, np.ones(len(scores))]).astype(np.float64)
    found = np.linalg.lstsq(design, shapes.reshape(len(shapes), -1), rcond=None)[0]
    moved = found[: len(_WANTED)].reshape(-1, *canonical.shape)
    return moved.astype(np.float32), scores.astype(np.float32)


def _some_one_sided(scores: Float) -> Float:
    """The scores (N, 52), with one brow at rest in some rows, so that the basis can do that too."""
    rng = np.random.default_rng(0)
    changed = scores.astype(np.float32)
    for row in np.flatnonzero(rng.random(len(changed)) < _ONE_SIDED):
        side = "Left" if rng.random() < 0.5 else "Right"
        for name in ("browDown", "browOuterUp"):
            changed[row, MEDIAPIPE.index(name + side)] = 0.0
    return changed
