import dataclasses
from typing import Any

import numpy as np
import pytest

from vasari.types import (
    Controls,
    CropTransform,
    HeadAnchor,
    Motion,
    Portrait,
    SpeechFeatures,
    check_array,
)


def portrait(**changes: Any) -> Portrait:
    fields: dict[str, Any] = {
        "photo": np.zeros((600, 500, 3), np.uint8),
        "image": np.zeros((512, 512, 3), np.uint8),
        "crop": CropTransform(10, 20, 0.5),
        "landmarks": np.zeros((478, 3), np.float32),
        "blendshapes": np.zeros(52, np.float32),
        "anchor": HeadAnchor(200, 256, 256),
        "motion": np.zeros(44, np.float32),
        "neutral": np.zeros((478, 3), np.float32),
        "matte": np.zeros((512, 512), np.float32),
        "background": np.zeros((512, 512, 3), np.uint8),
    }
    return Portrait(**fields | changes)


def test_records_cannot_be_changed() -> None:
    for record in (portrait(), Controls(), HeadAnchor(1, 2, 3)):
        name = dataclasses.fields(record)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image", np.zeros((512, 512, 4), np.uint8)),
        ("landmarks", np.zeros((468, 3), np.float32)),
        ("landmarks", np.zeros((478, 3), np.float64)),
        ("motion", np.full(44, np.nan, np.float32)),
        ("matte", np.full((512, 512), np.inf, np.float32)),
    ],
)
def test_a_portrait_names_the_field_that_does_not_fit(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        portrait(**{name: value})


def test_crop_coordinates_go_there_and_back() -> None:
    crop = CropTransform(-12.5, 40.25, 1.75)
    points = np.array([[0.0, 0.0], [511.0, 511.0], [3.5, -7.0]])
    assert np.abs(crop.crop_from_photo(crop.photo_from_crop(points)) - points).max() < 1e-9
    assert crop.photo_from_crop([0.0, 0.0]).tolist() == [-12.5, 40.25]


@pytest.mark.parametrize("fps", [0.0, -25.0, float("nan"), float("inf")])
def test_motion_needs_a_rate(fps: float) -> None:
    with pytest.raises(ValueError, match="fps"):
        Motion(np.zeros((3, 44), np.float32), fps)


def test_speech_features_need_one_voice_value_each() -> None:
    SpeechFeatures(np.zeros((5, 8), np.float32), np.zeros(5, np.float32))
    with pytest.raises(ValueError, match="voiced"):
        SpeechFeatures(np.zeros((5, 8), np.float32), np.zeros(4, np.float32))


def test_check_array_says_what_it_expected() -> None:
    check_array("x", np.zeros((2, 3), np.float32), (None, 3), np.float32)
    with pytest.raises(ValueError, match=r"x: expected shape \(None, 4\), got \(2, 3\)"):
        check_array("x", np.zeros((2, 3), np.float32), (None, 4), np.float32)
