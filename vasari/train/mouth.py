"""Learn the teeth of the mouth layer from pictures of smiling and open mouths.

    run(data, out)

Every picture with visible upper teeth is turned to the front in a frame that is fixed to the
skull, the row of teeth laid on a dental arch. The one that agrees best with the others starts the
reference; all are registered to it (ECC, Evangelidis & Psarakis 2008), the better half is averaged
and made symmetric, and the average is the next reference. What teeth have in common stays sharp,
what is one person's own disappears. Lower teeth show too seldom to be learned the same way:
they are the learned crowns set in the widths of lower teeth (Wheeler's Dental Anatomy). How bright
and how coloured teeth are, given the skin around, is fitted on the same pictures.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.pose import rotation_matrix
from vasari.motion.tracking import estimate_neutral, head_frame
from vasari.train.lower_teeth import lower_row
from vasari.train.tracks import track_pictures
from vasari.types import Float, Image

PX_PER_FACE_WIDTH = 360
WIDTH_PX, HEIGHT_PX = 188, 108
LINE_PX = 47
"""Row of the lip line at rest in the skull-fixed frame."""
ABOVE_PX, BELOW_PX = 44, 6
"""Rows of the finished texture above and below the edge of the front teeth."""
_BEHIND = 0.02
_ARCH = 4.0
"""Where teeth stand: depth behind the lips at the middle, and the arch's curvature in 1 / face
widths; canines (18 mm to the side) stand 9 mm behind the incisors."""
_ROUNDS = 5
_GUM = (0.66, 0.36, 0.34)
"""Colour of gums relative to the brightness of teeth; few pictures show them."""
_MIN_FACE_PX, _MIN_GAP = 100, 0.03
_MOST_TURN_DEG = (20.0, 13.0)  # pitch, yaw
_SKIN = [50, 280, 205, 425, 36, 266, 203, 423]


@dataclass(frozen=True)
class Sample:
    """One mouth in the skull-fixed frame.

    picture: (h, w, 3) RGB over the brightness of its teeth; inside: (h, w) 0/1, within the lips;
    teeth, skin: (3,) RGB 0..255 of bright teeth and of the cheeks.
    """

    picture: Float
    inside: Float
    teeth: Float
    skin: Float


def samples_of(data: Path, tracks: Path, basis: Basis) -> list[Sample]:
    """All mouths that mostly show upper teeth, in the order of the tracks."""
    with np.load(tracks, allow_pickle=False) as arrays:
        names, points, scores = arrays["names"], arrays["points"], arrays["blendshapes"]
    found: list[Sample] = []
    for name, landmarks, blendshapes in zip(names, points, scores, strict=True):
        width = np.linalg.norm(landmarks[234, :2] - landmarks[454, :2])
        gap = np.linalg.norm(landmarks[13, :2] - landmarks[14, :2]) / width
        if width < _MIN_FACE_PX or gap < _MIN_GAP:
            continue
        picture = cv2.imread(str(data / "faces" / str(name)))
        if picture is None:
            continue
        sample = _sample(
            np.ascontiguousarray(picture[:, :, ::-1], np.uint8), landmarks, blendshapes, basis
        )
        if sample is not None:
            found.append(sample)
    return found


def _sample(picture: Image, points: Float, blendshapes: Float, basis: Basis) -> Sample | None:
    frame = head_frame(points, basis.canonical)
    if (np.abs(np.degrees(frame.rotation[:2])) > _MOST_TURN_DEG).any():
        return None
    neutral = estimate_neutral(frame.shape, blendshapes, basis)
    place = _arch(neutral[[13, 14]].mean(0)) @ rotation_matrix(*frame.rotation.tolist()).T
    anchor = frame.anchor
    where = (place[..., :2] * anchor.scale_px + (anchor.x_px, anchor.y_px)).astype(np.float32)
    cut = _sample_at(picture.astype(np.float32), where, cv2.INTER_CUBIC).clip(0, 255)
    inside = _inside(points, where, picture.shape[:2])
    if inside.sum() < 700:
        return None
    luma = cut.mean(2)
    bright = float(np.quantile(luma[inside > 0], 0.85))
    lab = cv2.cvtColor(cut.astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    teeth = (luma > 0.55 * bright) & (inside > 0) & (np.abs(lab[..., 1] - 128) < 16)
    if bright < 70 or teeth.sum() < 0.45 * inside.sum():
        return None
    limit = np.array(picture.shape[1::-1]) - 1
    x, y = np.round(points[_SKIN, :2]).astype(int).clip(0, limit).T
    skin = np.median(picture[y, x], 0)
    front = cut[teeth & (luma > 0.8 * bright)].mean(0)
    return Sample(
        (cut / bright).astype(np.float32), inside, front.astype(np.float32), skin.astype(np.float32)
    )


def _arch(middle: Float) -> NDArray[np.float64]:
    """(h, w, 3) head frame: the surface on which teeth stand, seen from the front."""
    u, v = np.meshgrid(
        (np.arange(WIDTH_PX) - (WIDTH_PX - 1) / 2) / PX_PER_FACE_WIDTH,
        (np.arange(HEIGHT_PX) - LINE_PX) / PX_PER_FACE_WIDTH,
    )
    return np.asarray(np.stack([u, v, _BEHIND + _ARCH * u**2], 2) + middle)


def _sample_at(picture: Float, where: Float, how: int) -> Float:
    """Picture at the positions (h, w, 2) px."""
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    return np.asarray(cv2.remap(picture, x, y, how), np.float32)


def _inside(points: Float, where: Float, shape: tuple[int, ...]) -> Float:
    ring = np.concatenate([layout.LIPS_INNER_UPPER, layout.LIPS_INNER_LOWER[-2:0:-1]])
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(points[ring, :2] * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    seen = _sample_at(mask.astype(np.float32), where, cv2.INTER_LINEAR) > 200
    return np.asarray(cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)), np.float32)


def _detail(luma: Float) -> Float:
    """Edges of teeth count, light does not."""
    fine = cv2.GaussianBlur(luma, (0, 0), 0.9)
    return np.asarray(fine - 0.7 * cv2.GaussianBlur(luma, (0, 0), 6.7), np.float32)


def _align(reference: Float, sample: Sample, start: Float, steps: int) -> tuple[float, Float]:
    """Agreement and the affine map (2, 3) from the reference to the sample; -1 where it fails."""
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-5)
    seen = sample.inside.astype(np.uint8)
    detail = _detail(sample.picture.mean(2))
    try:
        score, found = cv2.findTransformECC(
            reference, detail, start.copy(), cv2.MOTION_AFFINE, stop, seen, 3
        )
    except cv2.error:  # no convergence
        return -1.0, start
    matrix = np.asarray(found, np.float32)
    wide, high = np.linalg.norm(matrix[:, 0]), np.linalg.norm(matrix[:, 1])
    middle = matrix[:, :2] @ (WIDTH_PX / 2, LINE_PX) + matrix[:, 2] - (WIDTH_PX / 2, LINE_PX)
    sane = 0.7 < wide < 1.4 and 0.55 < high < 1.7 and bool((np.abs(middle) < (24, 30)).all())
    return (score, matrix) if sane else (-1.0, np.eye(2, 3, dtype=np.float32))


def _warp(value: Float, matrix: Float, how: int) -> Float:
    flags = how | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(value, matrix, (WIDTH_PX, HEIGHT_PX), flags=flags), np.float32)


def _symmetric(total: Float, mass: Float) -> Float:
    both, weight = total + total[:, ::-1], mass + mass[:, ::-1]
    return np.asarray(both / np.maximum(weight, 1e-3)[..., None], np.float32)


def register(samples: list[Sample]) -> tuple[Float, Float, int]:
    """The mean mouth (h, w, 3) over the brightness of teeth, how often each pixel of it was seen
    (h, w) relative to the most seen, and how many pictures it blends."""
    size = np.array([s.inside.sum() for s in samples])
    candidates = np.flatnonzero(size >= np.quantile(size, 0.7))[:25]
    still = np.eye(2, 3, dtype=np.float32)
    agreement = [
        sum(
            max(0.0, _align(_detail(samples[c].picture.mean(2)), s, still, 30)[0])
            for s in samples[::4]
        )
        for c in candidates
    ]
    first = samples[candidates[int(np.argmax(agreement))]]
    mean = _symmetric(first.picture * first.inside[..., None], first.inside)
    maps = [still] * len(samples)
    for _ in range(_ROUNDS):
        reference = _detail(mean.mean(2))
        pairs = [_align(reference, s, m, 60) for s, m in zip(samples, maps, strict=True)]
        scores = np.array([p[0] for p in pairs])
        least = max(float(np.quantile(scores, 0.55)), 0.3)
        good = np.flatnonzero(scores >= least)
        full = np.array([np.vstack([p[1], [0, 0, 1]]) for p in pairs])
        # The group keeps its mean shape: without this the reference would keep the first one's.
        full = full @ np.linalg.inv(full[good].mean(0))
        maps = [f[:2].astype(np.float32) for f in full]
        total = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
        mass = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
        for k in good:
            seen = cv2.GaussianBlur(_warp(samples[k].inside, maps[k], cv2.INTER_LINEAR), (0, 0), 1)
            weight = (scores[k] - least + 0.05) * seen
            # Balanced to white teeth, so that the light of one room does not stain all mouths.
            white = samples[k].picture * (samples[k].teeth.mean() / samples[k].teeth)
            total += _warp(white.astype(np.float32), maps[k], cv2.INTER_CUBIC) * weight[..., None]
            mass += weight
        mean = _symmetric(total, mass)
    seen = mass + mass[:, ::-1]
    return mean, np.asarray(seen / seen.max(), np.float32), len(good)


def upper_row(mean: Float, seen: Float) -> tuple[Float, Float, NDArray[np.float64]]:
    """Cut the upper teeth (50, 188, 3) out of the mean mouth, with their alpha (50, 188) and the
    row at which each column of them ends (188,).

    Below the teeth the mean shows lips, above them gums and lips. Down each column the steepest
    fall of brightness under the crown is the tooth's edge, the steepest rise above it the gum's.
    """
    luma = mean.mean(2)
    centre = WIDTH_PX // 2
    front = luma[:, centre - 14 : centre + 14].mean(1) * (seen[:, centre] > 0.1)
    crown = int(np.argmax(cv2.GaussianBlur(front[:, None], (1, 25), 4)[:, 0]))
    fall = -cv2.Sobel(cv2.GaussianBlur(luma, (0, 0), 1.0), cv2.CV_32F, 0, 1)
    bottom = crown + int(np.argmax(fall[crown : crown + 20, centre - 14 : centre + 14].mean(1)))
    edge = _outwards_up(_edge(fall[crown - 6 : bottom + 3]) + crown - 6)
    tops = _edge(-fall[crown - 20 : crown - 3]) + crown - 20
    rows = np.arange(HEIGHT_PX, dtype=np.float32)[:, None]
    x = np.abs(np.arange(WIDTH_PX) - (WIDTH_PX - 1) / 2) / PX_PER_FACE_WIDTH
    alpha = np.clip((edge[None] - rows) / 1.6 + 0.5, 0, 1) * np.clip((0.185 - x) / 0.03, 0, 1)
    sharp = mean + 0.6 * (mean - cv2.GaussianBlur(mean, (0, 0), 1.6))
    gum = np.array(_GUM, np.float32) * (1 - 0.8 * np.clip(x / 0.185, 0, 1) ** 2)[None, :, None]
    share = np.clip((tops[None] - rows) / 3 + 0.5, 0, 1)[..., None]
    shade = sharp * (1 - share) + gum * share
    keep = slice(bottom - ABOVE_PX, bottom + BELOW_PX)
    cut = np.clip(shade[keep], 0, 1.3).astype(np.float32)
    return cut, alpha[keep].astype(np.float32), edge - keep.start


def _outwards_up(edge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Teeth end higher from canine to molar; what ends lower there in pictures is a lip."""
    half = len(edge) // 2
    free = 34  # beyond the canine
    right = edge[half:].copy()
    right[free:] = np.minimum.accumulate(right[free:])
    smooth = cv2.GaussianBlur(np.concatenate([right[::-1], right])[None], (0, 0), 0.8)[0]
    return np.asarray(smooth)


def _edge(gain: Float) -> NDArray[np.float64]:
    """(w,) row of the most gain in each column, smooth across columns and symmetric (Viterbi)."""
    rows, columns = gain.shape
    gain = gain / max(float(gain.max()), 1e-6)
    steps = np.arange(rows)
    cost = 0.08 * (steps[:, None] - steps[None]) ** 2
    best, back = gain[:, 0].copy(), np.zeros((columns, rows), int)
    for column in range(1, columns):
        options = best[None] - cost
        back[column] = options.argmax(1)
        best = options.max(1) + gain[:, column]
    path = np.empty(columns, int)
    path[-1] = int(best.argmax())
    for column in range(columns - 1, 0, -1):
        path[column - 1] = back[column, path[column]]
    smooth = cv2.GaussianBlur(path[None].astype(np.float64), (0, 0), 1.0)[0]
    return np.asarray(0.5 * (smooth + smooth[::-1]))


def light(samples: list[Sample]) -> dict[str, Float]:
    """How teeth look by the skin around.

    brightness: (2,) slope and level of the brightness of teeth over that of skin, 0..255. On
    logarithms of colour over brightness: tint: (3,) that of teeth; skin_hue: (3,) that of skin;
    follow: (1,) the share of a skin's deviation from skin_hue that its teeth show too, as light.
    """
    teeth, skin = np.array([s.teeth for s in samples]), np.array([s.skin for s in samples])
    slope, level = np.polyfit(skin.mean(1), teeth.mean(1), 1)
    tint = np.log(teeth / teeth.mean(1, keepdims=True))
    hue = np.log(np.maximum(skin, 4) / np.maximum(skin.mean(1, keepdims=True), 4))
    typical, typical_skin = np.median(tint, 0), np.median(hue, 0)
    off, off_skin = tint - typical, hue - typical_skin
    calm = np.abs(off).max(1) < 0.3
    follow = (off[calm] * off_skin[calm]).sum() / max(1e-6, float((off_skin[calm] ** 2).sum()))
    return {
        "brightness": np.array([slope, level], np.float32),
        "tint": typical.astype(np.float32),
        "skin_hue": typical_skin.astype(np.float32),
        "follow": np.array([follow], np.float32),
    }


def run(data: Path, out: Path, tracks: Path | None = None) -> dict[str, float]:
    """The whole recipe. data: folder with faces/. out: the safetensors file to write.

    Returns how many pictures took part, and the fitted light.
    """
    tracks = tracks or out.parent / "tracks" / "faces.npz"
    if not tracks.exists():
        tracks.parent.mkdir(parents=True, exist_ok=True)
        track_pictures(data / "faces", tracks)
    samples = samples_of(data, tracks, load_basis())
    mean, seen, blended = register(samples)
    shade, alpha, edge = upper_row(mean, seen)
    lower_shade, lower_alpha = lower_row(shade, alpha, edge)
    arrays = {
        "shade": shade,
        "alpha": alpha,
        "lower_shade": lower_shade,
        "lower_alpha": lower_alpha,
        **light(samples),
    }
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}, out)
    figures = {k: float(v) for k, v in zip(("slope", "level"), arrays["brightness"], strict=True)}
    counts = {"pictures": float(len(samples)), "blended": float(blended)}
    return figures | {"follow": float(arrays["follow"][0])} | counts
