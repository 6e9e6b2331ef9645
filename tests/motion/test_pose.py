import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.motion.canonical import canonical_shape
from vasari.motion.pose import euler_from_matrix, fit_pose, project, rotation_matrix
from vasari.types import HeadAnchor

angle = st.floats(-1.2, 1.2)
NOSE = np.array([[0.0, 0.0, -1.0]])
STILL = np.zeros(3)
ANCHOR = HeadAnchor(100.0, 200.0, 300.0)


@given(angle, angle, angle)
def test_angles_survive_the_matrix(pitch: float, yaw: float, roll: float) -> None:
    matrix = rotation_matrix(pitch, yaw, roll)
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.allclose(euler_from_matrix(matrix), [pitch, yaw, roll], atol=1e-9)


def test_signs_are_the_ones_written_down() -> None:
    right = project(NOSE, np.array([0.0, 0.3, 0.0]), STILL, ANCHOR)[0]
    assert right[0] > ANCHOR.x_px + 25
    down = project(NOSE, np.array([0.3, 0.0, 0.0]), STILL, ANCHOR)[0]
    assert down[1] > ANCHOR.y_px + 25
    crown = project(np.array([[0.0, -1.0, 0.0]]), np.array([0.0, 0.0, 0.3]), STILL, ANCHOR)[0]
    assert crown[0] > ANCHOR.x_px + 25, "roll > 0 tilts the crown to the image's right"


def test_translation_is_in_face_widths_and_scale_in_logs() -> None:
    moved = project(NOSE * 0, STILL, np.array([0.5, -0.25, 0.0]), ANCHOR)[0]
    assert moved[:2] == pytest.approx([250.0, 275.0])
    near = project(np.array([[1.0, 0.0, 0.0]]), STILL, np.array([0.0, 0.0, np.log(2)]), ANCHOR)[0]
    assert near[0] == pytest.approx(400.0, abs=1e-3)


@pytest.mark.parametrize("degrees", [(0, 0, 0), (10, -20, 5), (-15, 25, -25)])
def test_pose_is_found_again_in_noise(degrees: tuple[int, int, int]) -> None:
    canonical = canonical_shape()
    rotation = np.radians(degrees)
    points = project(canonical, rotation, STILL, HeadAnchor(180.0, 260.0, 250.0))
    noise = np.random.default_rng(0).normal(0, 0.5, points.shape)
    found, anchor = fit_pose(points + noise, canonical)
    assert np.degrees(found - rotation) == pytest.approx([0, 0, 0], abs=0.6)
    assert anchor.scale_px == pytest.approx(180.0, rel=0.01)
    assert (anchor.x_px, anchor.y_px) == pytest.approx((260.0, 250.0), abs=1.5)


def test_wrong_depth_hardly_turns_the_head() -> None:
    """The network's depth is its weakest output: 30 % too flat must not read as a turn."""
    canonical = canonical_shape()
    rotation = np.radians([8.0, 15.0, 0.0])
    points = project(canonical, rotation, STILL, HeadAnchor(180.0, 260.0, 250.0))
    points[:, 2] *= 0.7
    found, _ = fit_pose(points, canonical)
    assert np.abs(np.degrees(found - rotation)).max() < 2.5
