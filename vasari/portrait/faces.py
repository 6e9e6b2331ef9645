"""Which face of a photo is meant; with an answer for every way in which that can fail."""

from dataclasses import dataclass

import numpy as np

from vasari.errors import InvalidInput, InvalidOption
from vasari.portrait.landmarks import MIN_PRESENCE, FaceLandmarks, FaceTracker
from vasari.types import Image

MIN_FACE_PX = 64
"""Least width of a face, landmark 234 to 454."""

_COMPARABLE = 0.6
_LYING_DEG = 60.0
_CLEAR = 0.9


@dataclass(frozen=True)
class ChosenFace:
    """The face that is meant. others: how many more were seen."""

    landmarks: FaceLandmarks
    others: int


def choose_face(image: Image, tracker: FaceTracker, face: int | None = None) -> ChosenFace:
    """The one face of a photo, or the face'th, counted from 1 from left to right.

    Raises:
        InvalidInput: no_face; many_faces, when a second face is as large as to leave it open whom
            the user means; face_too_small (under 64 pixels wide).
        InvalidOption: bad_face, when there is no face of that number.
    """
    seen = _look(image, tracker)
    if not seen:
        raise _no_face(image, tracker)
    if face is not None:
        if not 1 <= face <= len(seen):
            raise InvalidOption(
                f"There is no face number {face}: {len(seen)} can be seen.",
                code="bad_face",
                fix="Faces are counted from 1, from left to right.",
            )
        chosen = seen[face - 1]
    else:
        chosen = max(seen, key=lambda item: item.width_px)
        rivals = [item for item in seen if item.width_px >= _COMPARABLE * chosen.width_px]
        if len(rivals) > 1:
            raise InvalidInput(
                f"{len(rivals)} faces of similar size can be seen.",
                code="many_faces",
                fix="Say which one is meant with --face N, counted from 1 from left to right.",
            )
    if chosen.width_px < MIN_FACE_PX:
        raise InvalidInput(
            f"The face is too small: {chosen.width_px:.0f} pixels wide.",
            code="face_too_small",
            fix=f"Give a photo whose face is at least {MIN_FACE_PX} pixels wide; 200 look good.",
        )
    if abs(_tilt_deg(chosen)) > _LYING_DEG:
        raise _lying(_tilt_deg(chosen))
    return ChosenFace(chosen, len(seen) - 1)


def _tilt_deg(face: FaceLandmarks) -> float:
    """How far the line of the eyes is turned clockwise, -180 to 180."""
    dx, dy = face.points[263, :2] - face.points[33, :2]
    return float(np.degrees(np.arctan2(dy, dx)))


def _lying(tilt_deg: float) -> InvalidInput:
    way = "round" if abs(tilt_deg) > 135 else "left" if tilt_deg > 0 else "right"
    return InvalidInput(
        "No upright face can be seen: the photo lies on its side or upside down.",
        code="no_face",
        fix=f"Turn the photo {way} and give it again.",
    )


def _look(image: Image, tracker: FaceTracker) -> list[FaceLandmarks]:
    """All faces, from left to right."""
    faces: list[FaceLandmarks] = []
    for detection in tracker.detect(image):
        found = tracker.landmarks(image, detection)
        middle = found.points[:, :2].mean(axis=0)
        apart = [np.linalg.norm(middle - item.points[:, :2].mean(axis=0)) for item in faces]
        double = any(gap < 0.5 * item.width_px for gap, item in zip(apart, faces, strict=True))
        if found.presence >= MIN_PRESENCE and not double:
            faces.append(found)
    return sorted(faces, key=lambda item: float(item.points[:, 0].mean()))


def _no_face(image: Image, tracker: FaceTracker) -> InvalidInput:
    """Say why there is none, where that can be told."""
    for turns, tilt_deg in ((1, -90), (3, 90), (2, 180)):
        turned = _look(np.ascontiguousarray(np.rot90(image, -turns)), tracker)
        if any(item.presence > _CLEAR and abs(_tilt_deg(item)) < 45 for item in turned):
            return _lying(tilt_deg)
    if tracker.detect(image):
        return InvalidInput(
            "No face looks towards the camera: it is turned away or covered.",
            code="no_face",
            fix="Give a photo in which both eyes and the mouth can be seen.",
        )
    return InvalidInput(
        "No face can be seen in the photo.",
        code="no_face",
        fix="Give a photo that shows one face from the front, evenly lit.",
    )
