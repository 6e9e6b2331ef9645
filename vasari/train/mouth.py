"""Learn the inside of the mouth from pictures of smiling and open mouths.

    run(data, out)

Every picture with visible upper teeth is brought into one frame that is fixed to the skull. One of
them, the one that agrees best with all others, becomes the reference; the others are registered to
it (ECC, Evangelidis & Psarakis 2008), and the best are averaged, so that what teeth have in common
stays sharp and what is one person's own disappears. Made symmetric at the end. How bright teeth are
against the skin around is measured on the same pictures.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.tracking import head_frame
from vasari.train.tracks import track_pictures
from vasari.types import Float, Image

PX_PER_FACE_WIDTH = 420
WIDTH_PX, HEIGHT_PX = 200, 110
TOP_PX = 10
"""Row of the base of the nose (landmark 2) in the skull-fixed frame."""
ABOVE_PX, BELOW_PX = 52, 8
"""Rows of the finished texture above and below the edge of the front teeth."""
_GUM = (0.80, 0.50, 0.47)
"""Colour of gums relative to the brightness of teeth."""
_KEPT = 24
_MIN_FACE_PX = 130
_MIN_GAP = 0.03
_SKIN = (50, 280, 205, 425, 36, 266, 203, 423)


@dataclass(frozen=True)
class Sample:
    """One mouth in the skull-fixed frame. picture (110, 200, 3) RGB; teeth, inside (110, 200) 0/1;
    skin: colour (3,) of the cheeks."""

    picture: Float
    teeth: Float
    inside: Float
    skin: Float


def samples_of(data: Path, tracks: Path, basis: Basis) -> list[Sample]:
    """All usable mouths, those with the most visible teeth first."""
    with np.load(tracks, allow_pickle=False) as arrays:
        names, points = arrays["names"], arrays["points"]
    found: list[Sample] = []
    for name, landmarks in zip(names, points, strict=True):
        width = np.linalg.norm(landmarks[234, :2] - landmarks[454, :2])
        gap = np.linalg.norm(landmarks[13, :2] - landmarks[14, :2]) / width
        if width < _MIN_FACE_PX or gap < _MIN_GAP:
            continue
        picture = cv2.imread(str(data / "faces" / str(name)))
        if picture is None:
            continue
        rgb = np.ascontiguousarray(picture[:, :, ::-1], np.uint8)
        sample = _sample(rgb, landmarks, basis)
        if sample is not None and sample.teeth.sum() > 500:
            found.append(sample)
    return sorted(found, key=lambda s: -float(s.teeth.sum()))


def _sample(picture: Image, points: Float, basis: Basis) -> Sample | None:
    frame = head_frame(points, basis.canonical)
    pitch, yaw, roll = np.degrees(frame.rotation)
    if abs(yaw) > 12 or abs(pitch) > 15:
        return None
    scale = frame.anchor.scale_px / PX_PER_FACE_WIDTH
    turn = np.radians(roll)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    origin = points[2, :2] - rotation @ np.array([WIDTH_PX / 2, TOP_PX])
    matrix = np.column_stack([rotation, origin])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(picture, matrix, (WIDTH_PX, HEIGHT_PX), flags=flags)
    local = (points[:, :2] - origin) @ np.linalg.inv(rotation).T
    ring = np.concatenate([layout.LIPS_INNER_UPPER, layout.LIPS_INNER_LOWER[-2:0:-1]])
    inside = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    cv2.fillPoly(inside, [np.round(local[ring]).astype(np.int32)], 1)
    inside = np.asarray(cv2.erode(inside, np.ones((3, 3), np.uint8)), np.uint8)
    x, y = np.round(points[list(_SKIN), :2]).astype(int).T
    limit = np.array(picture.shape[:2]) - 1
    skin = np.median(picture[y.clip(0, limit[0]), x.clip(0, limit[1])], 0).astype(np.float32)
    lab = cv2.cvtColor(np.asarray(cut, np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    skin_l = cv2.cvtColor(skin[None, None].astype(np.uint8), cv2.COLOR_RGB2LAB)[0, 0, 0]
    teeth = (inside > 0) & (lab[..., 0] > max(60.0, 0.62 * float(skin_l)))
    teeth &= np.abs(lab[..., 1] - 128) < 15
    return Sample(
        np.asarray(cut, np.float32),
        teeth.astype(np.float32),
        inside.astype(np.float32),
        skin,
    )


def register(samples: list[Sample], reference: Sample) -> list[tuple[float, Sample]]:
    """Samples moved onto the reference, with their agreement, best first."""
    target = _signature(reference)
    moved = []
    for sample in samples:
        matrix = np.eye(2, 3, dtype=np.float32)
        stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
        mask = (reference.inside * 255).astype(np.uint8)
        try:
            score, found = cv2.findTransformECC(
                target, _signature(sample), matrix, cv2.MOTION_AFFINE, stop, mask, 3
            )
        except cv2.error:
            continue
        if abs(np.linalg.det(found[:, :2]) - 1) > 0.45:
            continue
        moved.append((float(score), _moved(sample, np.asarray(found, np.float64))))
    return sorted(moved, key=lambda pair: -pair[0])


def _signature(sample: Sample) -> Float:
    """Local contrast of the brightness: edges of teeth count, light does not."""
    luma = sample.picture.mean(2)
    detail = luma - cv2.GaussianBlur(luma, (0, 0), 12)
    spread = np.sqrt(cv2.GaussianBlur(detail**2, (0, 0), 12)) + 4
    return np.asarray(detail / spread, np.float32)


def _moved(sample: Sample, matrix: NDArray[np.float64]) -> Sample:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    side = (WIDTH_PX, HEIGHT_PX)
    parts = [
        np.asarray(cv2.warpAffine(p, matrix, side, flags=flags), np.float32)
        for p in (sample.picture, sample.teeth, sample.inside)
    ]
    return Sample(parts[0], parts[1], parts[2], sample.skin)


def blend(kept: list[tuple[float, Sample]]) -> dict[str, Float]:
    """Upper teeth (110, 200, 4): shade relative to the teeth's mean, in RGB, and alpha."""
    weight_sum = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    colour = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    seen = np.zeros_like(weight_sum)
    for score, sample in kept:
        soft = cv2.GaussianBlur(sample.teeth, (0, 0), 1.0) * sample.inside
        mean = float((sample.picture.mean(2) * sample.teeth).sum() / sample.teeth.sum())
        weight = soft * score**2
        colour += sample.picture / mean * weight[..., None]
        weight_sum += weight
        seen += sample.inside * score**2
    shade = colour / np.maximum(weight_sum, 1e-3)[..., None]
    alpha = weight_sum / np.maximum(seen, 0.15 * float(seen.max()))
    shade = 0.5 * (shade + shade[:, ::-1])
    alpha = 0.5 * (alpha + alpha[:, ::-1])
    grey = shade.mean(2, keepdims=True)
    detail = grey - cv2.GaussianBlur(grey[..., 0], (0, 0), 2.0)[..., None]
    shade = np.clip(shade + 1.8 * detail, 0.2, 1.4)
    return _finish(shade.astype(np.float32), np.clip(alpha * 1.5, 0, 1).astype(np.float32))


def _finish(shade: Float, alpha: Float) -> dict[str, Float]:
    """Keep the row of upper teeth alone, with gum above; its lower edge ends at a known row.

    Below the teeth the pictures show lips and lower teeth; going down each column from the middle
    of the teeth, the first gap is the edge.
    """
    middle = int(np.argmax(alpha[:, WIDTH_PX // 2 - 20 : WIDTH_PX // 2 + 20].sum(1) > 30)) + 14
    rows = np.arange(HEIGHT_PX)[:, None]
    edges = np.empty(WIDTH_PX)
    for column in range(WIDTH_PX):
        below = np.flatnonzero(alpha[middle:, column] < 0.8)
        edges[column] = middle + (below[0] if len(below) else 0)
    tops = np.array([np.argmax(alpha[: middle + 1, c] > 0.8) for c in range(WIDTH_PX)])
    smooth = cv2.blur(edges[None].astype(np.float32), (3, 1))[0]
    row = np.clip((smooth[None] - rows) / 2.0 + 0.5, 0, 1)
    sides = np.where(np.abs(edges - middle) < 4, 0.0, 1.0)
    sides = cv2.blur(sides[None].astype(np.float32), (7, 1))[0]
    gum = np.clip((tops[None] - rows) / 3.0 + 0.5, 0, 1)[..., None]
    out = shade * (1 - gum) + np.array(_GUM, np.float32) * gum
    bottom = round(float(np.median(smooth[WIDTH_PX // 2 - 20 : WIDTH_PX // 2 + 20])))
    keep = np.s_[bottom - ABOVE_PX : bottom + BELOW_PX]
    return {
        "shade": np.ascontiguousarray(out[keep], np.float32),
        "alpha": np.ascontiguousarray((row * sides[None])[keep], np.float32),
    }


def run(data: Path, out: Path, tracks: Path | None = None) -> dict[str, float]:
    """The whole recipe. data: folder with faces/. out: the safetensors file to write.

    Returns how many pictures took part, and the measured light and place.
    """
    tracks = tracks or out.parent / "tracks" / "faces.npz"
    if not tracks.exists():
        tracks.parent.mkdir(parents=True, exist_ok=True)
        track_pictures(data / "faces", tracks)
    samples = samples_of(data, tracks, load_basis())
    candidates = samples[:40]
    trials = [register(candidates, c) for c in candidates[:12]]
    best = max(trials, key=lambda t: float(np.mean([s for s, _ in t[:_KEPT]])))
    kept = best[:_KEPT]
    arrays = blend(kept)
    skin = np.array([s.skin.mean() for s in samples])
    teeth = np.array([(s.picture.mean(2) * s.teeth).sum() / s.teeth.sum() for s in samples])
    slope, level = np.polyfit(skin, teeth, 1)
    tint = np.median(
        [
            (s.picture * s.teeth[..., None]).sum((0, 1)) / s.teeth.sum() / t
            for s, t in zip(samples, teeth, strict=True)
        ],
        0,
    )
    figures = {"slope": float(slope), "level": float(level)}
    arrays["teeth_of_skin"] = np.array([slope, level], np.float32)
    arrays["tint"] = tint.astype(np.float32)
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}, out)
    return figures | {"pictures": float(len(samples)), "blended": float(len(kept))}
