import cv2
import numpy as np
import pytest

from vasari.errors import InvalidInput, InvalidOption
from vasari.portrait import check_photo, make_portrait


def code_of(photo, runtime, **options):
    with pytest.raises((InvalidInput, InvalidOption)) as caught:
        make_portrait(photo, runtime, **options)
    assert caught.value.message and caught.value.fix
    return caught.value.code


def codes(photo, runtime, **options):
    return {check.code for check in check_photo(photo, runtime, **options)}


@pytest.fixture(scope="module")
def head(grace):
    """The head alone, 340 px, so that several fit one picture."""
    return np.ascontiguousarray(grace[20:360, 90:430])


def test_a_good_photo_becomes_a_portrait_without_warnings(grace, runtime):
    portrait = make_portrait(grace, runtime)
    assert portrait.checks == () == check_photo(grace, runtime)
    np.testing.assert_array_equal(portrait.photo, grace)
    assert 150 < portrait.anchor.scale_px < 260
    eye_photo = portrait.crop.photo_from_crop(portrait.landmarks[468, :2])
    assert 190 < eye_photo[0] < 235 and 170 < eye_photo[1] < 215
    assert (portrait.motion[3:6] == 0).all()
    assert np.abs(np.degrees(portrait.motion[:3])).max() < 8
    assert np.linalg.norm(portrait.neutral[454] - portrait.neutral[234]) == pytest.approx(
        1, abs=0.1
    )


def test_the_same_photo_gives_the_same_portrait(grace, runtime):
    one, two = make_portrait(grace, runtime), make_portrait(grace, runtime)
    for name in ("image", "landmarks", "motion", "neutral", "matte", "background"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_two_faces_ask_which(head, runtime):
    pair = np.hstack([head, head[:, ::-1]])
    assert code_of(pair, runtime) == "many_faces"
    right = make_portrait(pair, runtime, face=2)
    assert right.crop.photo_from_crop(right.landmarks[1, :2])[0] > 340
    assert "other_faces" in {check.code for check in right.checks}
    left = make_portrait(pair, runtime, face=1)
    assert left.crop.photo_from_crop(left.landmarks[1, :2])[0] < 340
    assert code_of(pair, runtime, face=3) == "bad_face"
    assert code_of(pair, runtime, face=0) == "bad_face"


def test_a_much_smaller_face_is_only_told(head, runtime):
    picture = np.full((500, 800, 3), 128, np.uint8)
    picture[100:440, 50:390] = head
    picture[50:200, 550:700] = cv2.resize(head, (150, 150), interpolation=cv2.INTER_AREA)
    assert "other_faces" in codes(picture, runtime)


def test_no_face_and_why(grace, runtime):
    blank = np.full((300, 300, 3), 100, np.uint8)
    assert code_of(blank, runtime) == "no_face"
    for turns, way in ((1, "right"), (2, "round"), (3, "left")):
        (check,) = check_photo(np.ascontiguousarray(np.rot90(grace, turns)), runtime)
        assert (check.code, check.level) == ("no_face", "error")
        assert way in check.fix


def test_a_face_under_64_pixels_is_too_small(grace, runtime):
    small = cv2.resize(grace, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    assert code_of(small, runtime) == "face_too_small"
    enough = cv2.resize(grace, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    assert codes(enough, runtime) == {"face_small"}


def test_what_spoils_a_photo_is_told(grace, runtime):
    assert "too_dark" in codes((grace * 0.1).astype(np.uint8), runtime)
    assert "blurry" in codes(cv2.GaussianBlur(grace, (0, 0), 4), runtime)
    assert "head_cut_off" in codes(np.ascontiguousarray(grace[110:]), runtime)
    assert "face_cut_off" in codes(np.ascontiguousarray(grace[:, :300]), runtime)


@pytest.mark.parametrize("shape", [(1200, 400), (400, 1200), (1000, 1000)])
def test_every_aspect_gives_a_portrait(head, runtime, shape):
    picture = np.full((*shape, 3), 140, np.uint8)
    y, x = (shape[0] - 340) // 2, (shape[1] - 340) // 2
    picture[y : y + 340, x : x + 340] = head
    portrait = make_portrait(picture, runtime)
    assert portrait.photo.shape == (*shape, 3) and portrait.image.shape == (512, 512, 3)
