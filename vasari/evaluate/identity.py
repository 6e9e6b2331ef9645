"""Does the person stay the same? Distance of face descriptors between photo and film.

The descriptor is dlib's ResNet (King 2017; 128 numbers, CC0), of which the package
face-recognition-models carries the file. Two people are about 0.2 apart in 1 - cosine; frames of
one film that are well made stay under 0.02.
"""

from pathlib import Path

import dlib
import numpy as np

from vasari.errors import NotFound
from vasari.motion.video import read_frames
from vasari.portrait.decode import decode
from vasari.portrait.faces import choose_face
from vasari.portrait.landmarks import FaceLandmarks, FaceTracker
from vasari.runtime import Runtime
from vasari.types import Float, Image

_CHIP_PX = 150


def run(photo: Path, film: Path, model: Path, step: int = 5) -> dict[str, float]:
    """Mean, 95th percentile and slope per minute of 1 - cosine over every step-th frame.

    Raises NotFound (no_input) without the model's file.
    """
    if not model.is_file():
        raise NotFound(f"There is no file '{model}'.", code="no_input", fix="Check --model.")
    net = dlib.face_recognition_model_v1(str(model))
    runtime = Runtime()
    image = decode(photo)
    own = _descriptor(net, image, choose_face(image, FaceTracker(runtime), None).landmarks.points)
    tracker, previous = FaceTracker(runtime), None
    distances, minutes = [], []
    for k, (frame, fps) in enumerate(read_frames(film)):
        if k % step:
            continue
        found: FaceLandmarks | None = tracker.track(frame, previous)
        previous = found
        if found is not None:
            distances.append(1 - float(own @ _descriptor(net, frame, found.points)))
            minutes.append(k / fps / 60)
    slope = float(np.polyfit(minutes, distances, 1)[0]) if len(distances) > 2 else 0.0
    return {
        "distance_mean": float(np.mean(distances)),
        "distance_p95": float(np.quantile(distances, 0.95)),
        "slope_per_minute": slope,
        "frames": float(len(distances)),
    }


def _descriptor(net: dlib.face_recognition_model_v1, image: Image, points: Float) -> Float:
    """(128,) of unit length, of the face with these landmarks, upright and cut as dlib wants it."""
    corners = [(33,), (133,), (263,), (362,), (2,)]
    places = [points[list(ids), :2].mean(0) for ids in corners]
    # dlib's order: outer and inner corner of the eye at image right, then at image left, nose.
    order = [places[k] for k in (2, 3, 0, 1, 4)]
    low, high = points[:468, :2].min(0), points[:468, :2].max(0)
    box = dlib.rectangle(*(round(float(v)) for v in (*low, *high)))
    five = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in order])
    chip = dlib.get_face_chip(image, dlib.full_object_detection(box, five), size=_CHIP_PX)
    value = np.array(net.compute_face_descriptor(chip), np.float32)
    return np.asarray(value / np.linalg.norm(value), np.float32)
