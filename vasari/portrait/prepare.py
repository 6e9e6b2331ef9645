"""From the bytes of a photo to a `Portrait`."""

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.errors import InvalidInput
from vasari.motion.basis import load_basis
from vasari.motion.layout import TRANSLATION
from vasari.motion.pose import fit_pose
from vasari.motion.tracking import estimate_neutral, head_frame, motion_from_landmarks
from vasari.portrait import crop, matte
from vasari.portrait.checks import warnings
from vasari.portrait.decode import decode
from vasari.portrait.faces import ChosenFace, choose_face
from vasari.portrait.landmarks import FaceTracker
from vasari.runtime import Runtime
from vasari.types import Check, Float, Image, Portrait

Photo = bytes | str | os.PathLike[str] | NDArray[Any]
"""Bytes of a PNG, JPEG or WebP file, the path of one, or pixels (H, W, 3) RGB uint8."""

_MATTE_OF_FACE = 0.9


@dataclass(frozen=True)
class _Seen:
    image: Image
    chosen: ChosenFace
    checks: tuple[Check, ...]


def make_portrait(photo: Photo, runtime: Runtime, *, face: int | None = None) -> Portrait:
    """Prepare a photo for animation.

    Args:
        photo: see `Photo`.
        runtime: where the networks run.
        face: which face is meant, counted from 1 from left to right; None for the only one.

    Raises:
        NotFound: no_input.
        InvalidInput: bad_image, image_too_large, image_too_small, no_face, many_faces,
            face_too_small.
        InvalidOption: bad_face.
    """
    seen = _see(photo, runtime, face)
    found = seen.chosen.landmarks
    height, width = seen.image.shape[:2]
    square = crop.choose_square(found.points, width, height)
    transform = crop.transform_of(square)
    image = crop.cut(seen.image, square)
    points = crop.landmarks_in_crop(found.points, transform)
    person = matte.person_matte(image, points, runtime)
    basis = load_basis()
    frame = head_frame(points, basis.canonical)
    neutral = estimate_neutral(frame.shape, found.blendshapes, basis)
    motion = motion_from_landmarks(points[None], neutral, basis, frame.anchor).values[0].copy()
    motion[TRANSLATION] = 0.0
    return Portrait(
        photo=seen.image,
        image=image,
        crop=transform,
        landmarks=points,
        blendshapes=found.blendshapes,
        anchor=frame.anchor,
        motion=motion,
        neutral=neutral,
        matte=person,
        background=matte.paint_out(image, person),
        checks=(*seen.checks, *_matte_check(person, points)),
    )


def check_photo(photo: Photo, runtime: Runtime, *, face: int | None = None) -> tuple[Check, ...]:
    """Everything found about a photo, without preparing it; empty when all is well.

    What `make_portrait` would refuse comes as one check of level "error". Raises NotFound and
    InvalidOption as `make_portrait` does.
    """
    try:
        return _see(photo, runtime, face).checks
    except InvalidInput as error:
        if error.code == "no_input":
            raise
        return (Check(error.code, "error", error.message, error.fix),)


def _see(photo: Photo, runtime: Runtime, face: int | None) -> _Seen:
    image = decode(photo)
    chosen = choose_face(image, FaceTracker(runtime), face)
    rotation, _ = fit_pose(chosen.landmarks.points, load_basis().canonical)
    return _Seen(image, chosen, warnings(image, chosen, np.asarray(rotation, np.float32)))


def _matte_check(person: Float, points: Float) -> tuple[Check, ...]:
    hull = cv2.convexHull(np.round(points[:468, :2]).astype(np.int32))
    oval = cv2.fillConvexPoly(np.zeros(person.shape, np.uint8), hull, 1)
    if float(person[oval > 0].mean()) >= _MATTE_OF_FACE:
        return ()
    return (
        Check(
            "no_outline",
            "warning",
            "The person could not be told from the background, which will move along.",
            "Give a photo with a plain background.",
        ),
    )
