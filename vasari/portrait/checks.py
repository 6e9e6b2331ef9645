"""What may spoil the result of a usable photo: warnings, each with what to do about it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.portrait.faces import ChosenFace
from vasari.types import Check, Float, Image

SMALL_FACE_PX = 120
TURNED_DEG = 25.0
NODDED_DEG = 20.0
TILTED_DEG = 30.0
_BLINK = (9, 10)
_CLOSED = 0.5
_OPEN_MOUTH = 0.06
_DARK, _BRIGHT = 45.0, 225.0
_SHARPNESS_PX = 160
_BLURRY = 3.5
_HAIR_IN_FACES = 0.25


def warnings(image: Image, chosen: ChosenFace, rotation: Float) -> tuple[Check, ...]:
    """The findings about a photo that can be used.

    Args:
        image: (H, W, 3) RGB photo. chosen: its face, in photo pixels.
        rotation: (3,) pitch, yaw, roll of the head in radians.
    """
    face = chosen.landmarks
    points = face.points
    findings = [
        _check(
            face.width_px < SMALL_FACE_PX,
            "face_small",
            f"The face is only {face.width_px:.0f} pixels wide, so the video will be soft.",
            f"A face of {SMALL_FACE_PX} pixels and more looks better.",
        ),
        *_pose(rotation),
        _check(
            min(float(face.blendshapes[i]) for i in _BLINK) > _CLOSED,
            "eyes_closed",
            "The eyes are closed; what they look like open must be guessed.",
            "Give a photo with open eyes.",
        ),
        _check(
            _mouth_opening(points) > _OPEN_MOUTH,
            "mouth_open",
            "The mouth is open; what it looks like shut must be guessed.",
            "Give a photo with closed lips.",
        ),
        *_light(image, points),
        _check(
            sharpness(image, points) < _BLURRY,
            "blurry",
            "The face is blurred.",
            "Give a sharper photo.",
        ),
        *_frame(image, points),
        _check(
            chosen.others > 0,
            "other_faces",
            f"{chosen.others} more faces can be seen; they will stand still.",
            "Cut the photo to one person, or choose with --face N.",
        ),
    ]
    return tuple(item for item in findings if item is not None)


def _check(found: bool, code: str, message: str, fix: str) -> Check | None:
    return Check(code, "warning", message, fix) if found else None


def _pose(rotation: Float) -> list[Check | None]:
    pitch, yaw, roll = np.degrees(rotation.astype(np.float64))
    advice = "Give a photo that looks into the camera."
    return [
        _check(
            abs(yaw) > TURNED_DEG,
            "face_turned",
            f"The face is turned aside by {abs(yaw):.0f} degrees.",
            advice,
        ),
        _check(
            abs(pitch) > NODDED_DEG,
            "face_nodded",
            f"The face looks {'down' if pitch > 0 else 'up'} by {abs(pitch):.0f} degrees.",
            advice,
        ),
        _check(
            abs(roll) > TILTED_DEG,
            "face_tilted",
            f"The head is tilted by {abs(roll):.0f} degrees.",
            "Give a photo with the head upright, or turn it.",
        ),
    ]


def _mouth_opening(points: Float) -> float:
    """Gap between the inner lips over the height of the face."""
    gap = float(np.linalg.norm(points[13, :2] - points[14, :2]))
    return gap / max(float(np.linalg.norm(points[10] - points[152])), 1e-6)


def _window(image: Image, points: Float) -> tuple[Image, NDArray[np.int32]]:
    """The pixels around the face, and the points (468, 2) within them."""
    flat = points[:468, :2]
    x0, y0 = np.maximum(np.floor(flat.min(axis=0)).astype(int), 0)
    x1, y1 = np.ceil(flat.max(axis=0)).astype(int) + 1
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    return part, np.round(flat - (x0, y0)).astype(np.int32)


def _light(image: Image, points: Float) -> list[Check | None]:
    part, inside = _window(image, points)
    face = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(inside), 1)
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)[face > 0]
    level = float(np.percentile(grey, 75)) if grey.size else 128.0
    low = float(np.percentile(grey, 25)) if grey.size else 128.0
    return [
        _check(
            level < _DARK, "too_dark", "The face is very dark.", "Give a photo with more light."
        ),
        _check(
            low > _BRIGHT, "too_bright", "The face is overexposed.", "Give a photo with less light."
        ),
    ]


def sharpness(image: Image, points: Float) -> float:
    """Contrast of the finest detail around eyes and mouth, with the face 160 pixels wide.

    In percent of the face's own contrast. Measured on 150 portraits: 5.2 and more, 10 in the
    middle; blurred with a sigma of 2 pixels at that width, 3.5 and less for three of four.
    """
    part, _ = _window(image, points)
    width = float(np.ptp(points[:468, 0]))
    factor = min(1.0, _SHARPNESS_PX / max(width, 1.0))
    size = [max(8, round(side * factor)) for side in part.shape[1::-1]]
    grey = cv2.cvtColor(cv2.resize(part, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    values = grey.astype(np.float32)
    fine = values - cv2.GaussianBlur(values, (0, 0), 1.0)
    return 100 * float(np.std(fine)) / max(float(np.std(values)), 1.0)


def _frame(image: Image, points: Float) -> list[Check | None]:
    height, width = image.shape[:2]
    flat = points[:468, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = 0.01 * float((high - low).max())
    cut = bool((low < -room).any() or high[0] > width - 1 + room or high[1] > height - 1 + room)
    hair = float(low[1]) - _HAIR_IN_FACES * float(high[1] - low[1]) < 0
    return [
        _check(
            cut,
            "face_cut_off",
            "The face is cut off by the edge of the photo.",
            "Give a photo that shows the whole face.",
        ),
        _check(
            hair and not cut,
            "head_cut_off",
            "The head is cut off by the edge of the photo.",
            "Give a photo with some room above the head.",
        ),
    ]
