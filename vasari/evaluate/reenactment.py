"""Self-reenactment: the first frame of a clip as photo, the clip's own motion as drive.

The finished frames are tracked again and compared with the clip (protocol of the field: X-to-own
reenactment, average keypoint distance), in percent of the distance between the eyes.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vasari.motion import layout
from vasari.motion.tracking import motion_from_landmarks
from vasari.motion.video import read_frames
from vasari.portrait import make_portrait
from vasari.portrait.landmarks import FaceLandmarks, FaceTracker
from vasari.renderer.compose import Renderer
from vasari.session import Engine
from vasari.types import CROP_PX, CropTransform, Float, Image

SEEN = ("bbaf2n", "lwbsza")
"""Clips of grid_speakers that show the people of the training sets."""


@dataclass(frozen=True)
class Reenactment:
    """Landmark distances in percent of the distance between the eyes, one per frame."""

    clip: str
    face: Float
    lips: Float


def reenact(clip: Path, engine: Engine, step: int = 2) -> Reenactment:
    """Reenact one clip; every step-th frame is rendered and measured."""
    frames = [image for image, _ in read_frames(clip)][::step]
    portrait = make_portrait(frames[0], engine.runtime)
    tracker = FaceTracker(engine.runtime)
    truth = track(tracker, [cut(f, portrait.crop) for f in frames])
    motion = motion_from_landmarks(truth, portrait.neutral, engine.basis, portrait.anchor)
    renderer = Renderer(portrait, engine.basis, engine.assets)
    again = track(tracker, [renderer.render(m) for m in motion.values])
    eyes = truth[:, [33, 133], :2].mean(1) - truth[:, [263, 362], :2].mean(1)
    distance = np.linalg.norm((again - truth)[:, :468, :2], axis=2)
    distance = 100 * distance / np.linalg.norm(eyes, axis=1)[:, None]
    return Reenactment(
        clip.stem,
        distance.mean(1).astype(np.float32),
        distance[:, layout.LIPS].mean(1).astype(np.float32),
    )


def cut(image: Image, crop: CropTransform) -> Image:
    """(512, 512, 3) the crop of another frame of the same clip."""
    scale = crop.photo_px_per_crop_px
    matrix = np.array([[scale, 0, crop.x0_px], [0, scale, crop.y0_px]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    side = (CROP_PX, CROP_PX)
    out = cv2.warpAffine(image, matrix, side, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def track(tracker: FaceTracker, images: list[Image]) -> Float:
    points: list[Float] = []
    previous: FaceLandmarks | None = None
    for image in images:
        previous = tracker.track(image, previous)
        points.append(previous.points if previous else points[-1])
    return np.stack(points)


def run(data: Path, limit: int | None = None) -> dict[str, float]:
    """Medians over all frames of the unseen people in video/grid_speakers.

    Returns face_median, lips_median, face_p95 in percent of the distance between the eyes, and the
    number of clips.
    """
    engine = Engine.load()
    clips = sorted((data / "video" / "grid_speakers").glob("*.mp4"))
    clips = [clip for clip in clips if clip.stem not in SEEN]
    results = [reenact(clip, engine) for clip in clips[:limit]]
    face = np.concatenate([r.face for r in results])
    lips = np.concatenate([r.lips for r in results])
    return {
        "face_median": float(np.median(face)),
        "lips_median": float(np.median(lips)),
        "face_p95": float(np.quantile(face, 0.95)),
        "clips": float(len(results)),
    }
