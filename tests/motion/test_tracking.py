import numpy as np
import pytest

from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.mesh import shape_from_motion
from vasari.motion.neutral import neutral_of_frames
from vasari.motion.pose import project
from vasari.motion.tracking import estimate_neutral, head_frame, motion_from_landmarks
from vasari.types import HeadAnchor

ANCHOR = HeadAnchor(200.0, 256.0, 240.0)
NO_SCORES = np.zeros(52, np.float32)


@pytest.fixture(scope="module")
def basis() -> Basis:
    return load_basis()


def landmarks_of(motions: np.ndarray, neutral: np.ndarray, basis: Basis) -> np.ndarray:
    return np.stack(
        [
            project(
                shape_from_motion(neutral, m, basis),
                m[layout.ROTATION],
                m[layout.TRANSLATION],
                ANCHOR,
            )
            for m in motions
        ]
    )


def test_motion_survives_the_way_over_landmarks(basis: Basis) -> None:
    """vector -> landmarks -> vector: pose, mouth, lids and gaze come back."""
    rng = np.random.default_rng(1)
    neutral = shape_from_motion(basis.canonical, layout.rest(), basis)
    motions = np.tile(layout.rest(), (20, 1))
    motions[:, layout.ROTATION] = rng.uniform(-0.3, 0.3, (20, 3))
    motions[:, layout.TRANSLATION] = rng.uniform(-0.05, 0.05, (20, 3))
    motions[:, layout.MOUTH.start : layout.MOUTH.start + 4] = rng.normal(0, 1, (20, 4))
    motions[:, layout.LIDS] = rng.uniform(0.2, 1.1, (20, 2))
    motions[:, layout.GAZE] = rng.uniform(-0.2, 0.2, (20, 2))
    points = landmarks_of(motions, neutral, basis)
    found = motion_from_landmarks(points, neutral, basis, ANCHOR).values
    again = landmarks_of(found, neutral, basis)
    eyes_px = np.linalg.norm(points[:, 33, :2] - points[:, 263, :2], axis=1).mean()
    error = np.linalg.norm(again - points, axis=2)[:, :468] / eyes_px
    assert np.median(error) < 0.005
    assert np.degrees(np.abs(found - motions)[:, layout.ROTATION]).max() < 0.5
    assert np.abs(found - motions)[:, layout.LIDS].max() < 0.08
    assert np.degrees(np.abs(found - motions)[:, layout.GAZE]).max() < 2.0


def test_neutral_of_an_open_mouth_is_shut(basis: Basis) -> None:
    motion = layout.rest()
    rest = shape_from_motion(basis.identity_mean, motion, basis)
    jaw = basis.mouth[:, 17, 1]
    motion[layout.MOUTH] = 2.5 * jaw / np.linalg.norm(jaw) * np.sign(jaw.sum() or 1)
    opened = shape_from_motion(rest, motion, basis)
    gap = opened[14, 1] - opened[13, 1]
    assert gap > 0.03, "the test face must be open"
    neutral = estimate_neutral(opened, NO_SCORES, basis)
    gaps = neutral[layout.LIPS_INNER_LOWER, 1] - neutral[layout.LIPS_INNER_UPPER, 1]
    assert np.abs(gaps).max() < 1e-5


def test_head_frame_takes_the_pose_out(basis: Basis) -> None:
    shape = basis.canonical
    straight = project(shape, np.zeros(3), np.zeros(3), ANCHOR)
    turned = project(shape, np.radians([10.0, 20.0, -15.0]), np.array([0.1, 0.0, 0.2]), ANCHOR)
    first, second = (head_frame(p, basis.canonical).shape for p in (straight, turned))
    assert np.abs(first - second).max() < 1e-3


def test_neutral_of_frames_comes_from_quiet_ones(basis: Basis) -> None:
    rng = np.random.default_rng(0)
    quiet = np.repeat(basis.identity_mean[None], 40, 0)
    motion = layout.rest()
    motion[layout.MOUTH] = rng.normal(0, 1.5, layout.N_MOUTH)
    loud = shape_from_motion(basis.identity_mean, motion, basis)[None].repeat(60, 0)
    loud[:, 14, 1] += 0.05
    neutral = neutral_of_frames(np.concatenate([loud, quiet]))
    assert np.abs(neutral - basis.identity_mean).max() < 1e-5
