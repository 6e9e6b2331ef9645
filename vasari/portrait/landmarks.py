"""The 478 landmarks and 52 expression coefficients of a face, in a picture or along a video.

The networks and the order of steps are those of MediaPipe's face landmarker (Apache-2.0): a square
around the face, turned so that the eyes are level and 1.5 times the face's size, is shown to the
landmark network; the square is then taken from the landmarks themselves and shown once more.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.portrait.detect import Detection, FaceDetector
from vasari.runtime import Runtime
from vasari.types import N_LANDMARKS, Float, Image

INPUT_PX = 256
REGION_SCALE = 1.5
MIN_PRESENCE = 0.5
_EYE_CORNERS = (33, 263)

_BLENDSHAPE_NAMES = (
    "_neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff"
    " cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft"
    " eyeLookDownRight eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft"
    " eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft"
    " jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight"
    " mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight"
    " mouthPucker mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper"
    " mouthSmileLeft mouthSmileRight mouthStretchLeft mouthStretchRight mouthUpperUpLeft"
    " mouthUpperUpRight noseSneerLeft noseSneerRight"
)
BLENDSHAPES: tuple[str, ...] = tuple(_BLENDSHAPE_NAMES.split())
"""Names of the coefficients, in order. Here Left and Right are the subject's, as in ARKit."""

# The landmarks that the blendshape network reads (MediaPipe, face_blendshapes_graph.cc).
_BLENDSHAPE_POINT_IDS = (
    "0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84"
    " 87 88 91 93 95 103 105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157"
    " 158 159 160 161 162 163 168 172 173 176 178 181 185 191 195 197 234 246 249 251 263 267 269"
    " 270 276 282 283 284 285 288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324"
    " 332 334 336 338 356 361 362 365 373 374 375 377 378 379 380 381 382 384 385 386 387 388 389"
    " 390 397 398 400 402 405 409 415 454 466 468 469 470 471 472 473 474 475 476 477"
)
_BLENDSHAPE_POINTS = np.array(_BLENDSHAPE_POINT_IDS.split(), dtype=np.intp)


@dataclass(frozen=True)
class FaceLandmarks:
    """One face. points: (478, 3) x, y in picture pixels, z of the same scale (+ = farther).

    presence: 0..1, how sure it is that a face is there. blendshapes: (52,) 0..1, `BLENDSHAPES`.
    """

    points: Float
    presence: float
    blendshapes: Float

    @property
    def width_px(self) -> float:
        """Width of the face, landmark 234 to 454."""
        return float(np.linalg.norm(self.points[454] - self.points[234]))


@dataclass(frozen=True)
class _Region:
    """A turned square: centre and side in pixels (from pixel corners), angle in radians."""

    centre: NDArray[np.float64]
    side_px: float
    angle: float

    @property
    def axes(self) -> NDArray[np.float64]:
        """(2, 2): picture = centre + axes @ region, a rotation."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])


def _region_of_detection(detection: Detection) -> _Region:
    box = detection.box.astype(np.float64)
    dx, dy = (detection.keypoints[1] - detection.keypoints[0]).astype(np.float64)
    side = max(box[2] - box[0], box[3] - box[1]) * REGION_SCALE
    return _Region((box[:2] + box[2:]) / 2 + 0.5, float(side), float(np.arctan2(dy, dx)))


def _region_of_landmarks(points: Float) -> _Region:
    flat = points[:, :2].astype(np.float64)
    dx, dy = flat[_EYE_CORNERS[1]] - flat[_EYE_CORNERS[0]]
    angle = float(np.arctan2(dy, dx))
    axes = _Region(np.zeros(2), 1.0, angle).axes
    upright = flat @ axes
    low, high = upright.min(axis=0), upright.max(axis=0)
    side = float((high - low).max()) * REGION_SCALE
    return _Region(axes @ ((low + high) / 2) + 0.5, side, angle)


def _cut(image: Image, region: _Region) -> NDArray[np.float32]:
    """(1, 256, 256, 3) 0..1: the region, upright. Outside the picture its border is repeated."""
    centre, side = region.centre, region.side_px
    whole = int(side / INPUT_PX)
    if whole > 1:  # bilinear reading would skip pixels: average whole blocks of them first
        x0, y0 = np.floor(np.maximum(centre - side * 0.75, 0)).astype(int)
        x1, y1 = np.ceil(centre + side * 0.75).astype(int)
        part = image[y0:y1, x0:x1]
        width, height = part.shape[1] // whole, part.shape[0] // whole
        if width and height:
            blocks = part[: height * whole, : width * whole]
            small = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_AREA)
            image = np.asarray(small, np.uint8)
            centre, side = (centre - (x0, y0)) / whole, side / whole
    axes = region.axes * side / INPUT_PX
    offset = centre - axes @ np.full(2, INPUT_PX / 2)
    shift = axes @ np.full(2, 0.5) + offset - 0.5  # of pixel centres
    matrix = np.concatenate([axes, shift[:, None]], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        image, matrix, (INPUT_PX, INPUT_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.float32)[None] / np.float32(255)


class FaceTracker:
    """Finds faces and their landmarks. Holds no state of a video: that is passed in."""

    def __init__(self, runtime: Runtime) -> None:
        # One thread each: the networks are too small to gain from more.
        self._detector = FaceDetector(runtime.model("face_detector", 1))
        self._landmarks = runtime.model("face_landmarks")
        self._blendshapes = runtime.model("face_blendshapes", 1)

    def detect(self, image: Image) -> list[Detection]:
        """The faces in an (H, W, 3) RGB uint8 picture, best first."""
        return self._detector.detect(image)

    def landmarks(self, image: Image, start: Detection | FaceLandmarks) -> FaceLandmarks:
        """The landmarks of the face at start, from two passes.

        image: (H, W, 3) RGB uint8. start: a detection, or the landmarks of a frame shortly before.
        Check `presence` of the result: below `MIN_PRESENCE` there is no face.
        """
        if isinstance(start, Detection):
            points, _ = self._pass(image, _region_of_detection(start))
        else:
            points = start.points
        points, presence = self._pass(image, _region_of_landmarks(points))
        return self._complete(points, presence)

    def track(self, image: Image, previous: FaceLandmarks | None) -> FaceLandmarks | None:
        """The landmarks of the next frame of a video; None when no face can be seen.

        previous: what the frame before gave. When the face is lost there, it is detected anew; the
        largest face is taken.
        """
        if previous is not None:
            points, presence = self._pass(image, _region_of_landmarks(previous.points))
            if presence >= MIN_PRESENCE:
                return self._complete(points, presence)
        found = self.detect(image)
        if not found:
            return None
        face = self.landmarks(image, max(found, key=lambda item: item.width_px))
        return face if face.presence >= MIN_PRESENCE else None

    def _pass(self, image: Image, region: _Region) -> tuple[Float, float]:
        out = self._landmarks.run({"image": _cut(image, region)})
        raw = out["landmarks"].reshape(N_LANDMARKS, 3).astype(np.float64)
        scale = region.side_px / INPUT_PX
        points = np.empty_like(raw)
        flat = (raw[:, :2] - INPUT_PX / 2) * scale
        points[:, :2] = flat @ region.axes.T + region.centre - 0.5
        points[:, 2] = raw[:, 2] * scale
        logit = float(np.clip(out["presence"].reshape(-1)[0], -80, 80))
        return points.astype(np.float32), 1 / (1 + float(np.exp(-logit)))

    def _complete(self, points: Float, presence: float) -> FaceLandmarks:
        seen = points[None, _BLENDSHAPE_POINTS, :2]
        values = self._blendshapes.run({"points": np.ascontiguousarray(seen)})["blendshapes"]
        return FaceLandmarks(points, presence, values.astype(np.float32))
