import cv2
import numpy as np
import pytest

from vasari.portrait.detect import FaceDetector
from vasari.portrait.landmarks import BLENDSHAPES, MIN_PRESENCE, FaceTracker


@pytest.fixture(scope="module")
def tracker(runtime):
    return FaceTracker(runtime)


@pytest.fixture(scope="module")
def found(tracker, grace):
    return tracker.landmarks(grace, tracker.detect(grace)[0])


def apart(points, others):
    return float(np.linalg.norm(points[:, :2] - others[:, :2], axis=1).mean())


def test_one_face_is_found_where_it_is(tracker, grace):
    faces = tracker.detect(grace)
    assert len(faces) == 1 and faces[0].score > 0.8
    eyes, nose, mouth = faces[0].keypoints[:2], faces[0].keypoints[2], faces[0].keypoints[3]
    assert eyes[0, 0] < nose[0] < eyes[1, 0] and eyes[:, 1].max() < nose[1] < mouth[1]
    assert 150 < faces[0].width_px < 260


def test_landmarks_lie_on_the_face(found):
    points = found.points
    assert points.shape == (478, 3) and points.dtype == np.float32
    assert found.presence > 0.99 and 165 < found.width_px < 190
    assert points[468, 0] < points[1, 0] < points[473, 0]  # irises of the image's left and right
    assert points[10, 1] < points[468, 1] < points[1, 1] < points[13, 1] < points[152, 1]
    assert points[1, 2] < points[[234, 454], 2].min() - 30  # the nose is nearer
    assert found.blendshapes.shape == (52,) and len(BLENDSHAPES) == 52
    scores = dict(zip(BLENDSHAPES, found.blendshapes, strict=True))
    assert scores["jawOpen"] < 0.1 and scores["eyeBlinkLeft"] < 0.3


def test_landmarks_move_with_the_picture(tracker, grace, found):
    canvas = np.full((800, 900, 3), 90, np.uint8)
    canvas[150:750, 201:713] = grace
    moved = tracker.landmarks(canvas, tracker.detect(canvas)[0])
    assert apart(moved.points, found.points + np.array([201, 150, 0])) < 0.5


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_landmarks_scale_with_the_picture(tracker, grace, found, scale):
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(grace, None, fx=scale, fy=scale, interpolation=method)
    other = tracker.landmarks(picture, tracker.detect(picture)[0])
    expected = (found.points[:, :2] + 0.5) * scale - 0.5
    assert apart(other.points, expected) < 0.006 * found.width_px * scale
    assert np.ptp(other.points[:, 2]) == pytest.approx(np.ptp(found.points[:, 2]) * scale, rel=0.1)


@pytest.mark.parametrize("angle", [-30, 30])
def test_a_tilted_head_is_seen_upright(tracker, grace, found, angle):
    matrix = cv2.getRotationMatrix2D((256, 300), angle, 1.0)
    picture = cv2.warpAffine(grace, matrix, (512, 600), borderMode=cv2.BORDER_REPLICATE)
    tilted = tracker.landmarks(picture, tracker.detect(picture)[0])
    expected = found.points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    assert apart(tilted.points, expected) < 0.015 * found.width_px


def test_a_small_face_in_a_large_picture_is_found(tracker, grace):
    canvas = np.full((2000, 3000, 3), 120, np.uint8)
    small = cv2.resize(grace, (256, 300), interpolation=cv2.INTER_AREA)
    canvas[1500:1800, 2300:2556] = small
    face = tracker.landmarks(canvas, tracker.detect(canvas)[0])
    assert face.presence > 0.9 and 80 < face.width_px < 120
    assert 2300 < face.points[1, 0] < 2556 and 1500 < face.points[1, 1] < 1800


def test_nothing_is_found_in_nothing(tracker):
    assert tracker.detect(np.zeros((300, 300, 3), np.uint8)) == []
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    assert tracker.track(noise, None) is None


def test_tracking_follows_and_loses_and_finds_again(tracker, grace, found):
    first = tracker.track(grace, None)
    assert apart(first.points, found.points) < 0.5
    shifted = np.roll(grace, 12, axis=1)
    second = tracker.track(shifted, first)
    assert apart(second.points, found.points + np.array([12, 0, 0])) < 1
    gone = np.zeros_like(grace)
    assert tracker.track(gone, second) is None
    jumped = np.zeros((600, 1200, 3), np.uint8)
    jumped[:, 688:] = grace
    third = tracker.track(jumped, second)
    assert third.presence >= MIN_PRESENCE
    assert apart(third.points, found.points + np.array([688, 0, 0])) < 2


def test_thin_pictures_do_not_break(runtime):
    detector = FaceDetector(runtime.model("face_detector"))
    for shape in ((1, 500, 3), (500, 1, 3), (3, 3, 3)):
        assert detector.detect(np.zeros(shape, np.uint8)) == []
