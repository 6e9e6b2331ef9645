import numpy as np

from vasari.motion import layout
from vasari.renderer.eyes import EyeLayer, draw_seam, iris_circle, opening_mask, smooth_curve
from vasari.types import Portrait

ORIGIN = np.zeros(2, np.float32)


def test_mask_has_the_area_of_the_opening() -> None:
    x = np.linspace(10, 50, 9, dtype=np.float32)
    upper = np.column_stack([x, np.full(9, 20.0)]).astype(np.float32)
    lower = np.column_stack([x, np.full(9, 32.0)]).astype(np.float32)
    mask = opening_mask(upper, lower, (60, 60), ORIGIN)
    assert abs(mask.sum() - 40 * 12) < 60
    assert mask.max() <= 1.0


def test_smooth_curve_goes_through_its_points() -> None:
    points = np.random.default_rng(0).uniform(0, 50, (9, 2)).astype(np.float32)
    curve = smooth_curve(points, per_segment=4)
    assert np.allclose(curve[::4], points, atol=1e-4)


def test_iris_circle_is_found() -> None:
    ring = np.array([[30, 20], [36, 20], [30, 14], [24, 20], [30, 26]], np.float32)
    centre, radius = iris_circle(ring)
    assert np.allclose(centre, [30, 20])
    assert abs(radius - 6) < 1e-5


def test_own_eyes_are_left_alone(hopper: Portrait) -> None:
    frame = hopper.image.copy()
    EyeLayer.build(hopper.image, hopper.landmarks).paint(frame, hopper.landmarks, hopper.landmarks)
    assert np.array_equal(frame, hopper.image)


def test_iris_follows_the_gaze(hopper: Portrait) -> None:
    layer = EyeLayer.build(hopper.image, hopper.landmarks)
    looking = hopper.landmarks.copy()
    irises = np.concatenate([layout.IRIS_LEFT, layout.IRIS_RIGHT])
    looking[irises, 0] += 4
    frame = hopper.image.copy()
    layer.paint(frame, looking, hopper.landmarks)
    x, y = hopper.landmarks[layout.IRIS_LEFT[0], :2].round().astype(int)
    dark_before = hopper.image[y - 3 : y + 4, x - 8 : x + 13].mean((0, 2)).argmin()
    dark_after = frame[y - 3 : y + 4, x - 8 : x + 13].mean((0, 2)).argmin()
    assert 2 <= dark_after - dark_before <= 6


def test_seam_is_drawn_where_it_is_said() -> None:
    frame = np.full((60, 60, 3), 200, np.uint8)
    line = np.column_stack([np.linspace(10, 50, 7), np.full(7, 30.0)]).astype(np.float32)
    draw_seam(frame, line, np.zeros(3, np.float32), 1.0, 3)
    assert frame[30, 30].max() < 60
    assert (frame[:25] == 200).all()
    assert (frame[36:] == 200).all()
