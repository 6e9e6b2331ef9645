import numpy as np
import pytest

from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.mesh import EYES, shape_from_motion
from vasari.motion.tracking import lid_gap


@pytest.fixture(scope="module")
def basis() -> Basis:
    return load_basis()


def vector(**slices: object) -> np.ndarray:
    motion = layout.rest()
    for name, value in slices.items():
        motion[getattr(layout, name)] = value
    return motion


def test_rest_is_the_neutral_shape(basis: Basis) -> None:
    neutral = basis.identity_mean
    shape = shape_from_motion(neutral, layout.rest(), basis)
    moved = np.abs(shape - neutral).max(1)
    assert moved[~np.isin(np.arange(478), layout.LIPS)].max() == 0
    assert moved.max() < 0.01, "lips only part from where they overlapped"


@pytest.mark.parametrize("opening", [0.0, 0.3, 1.0, 1.2])
def test_lids_open_in_proportion_and_shut_fully(basis: Basis, opening: float) -> None:
    neutral = basis.identity_mean
    shape = shape_from_motion(neutral, vector(LIDS=opening), basis)
    for eye in EYES:
        assert lid_gap(shape, eye) == pytest.approx(opening * lid_gap(neutral, eye), abs=1e-5)


def test_one_eye_winks_alone(basis: Basis) -> None:
    neutral = basis.identity_mean
    shape = shape_from_motion(neutral, vector(LIDS=(0.0, 1.0)), basis)
    assert lid_gap(shape, EYES[0]) == pytest.approx(0.0, abs=1e-5)
    assert lid_gap(shape, EYES[1]) == pytest.approx(lid_gap(neutral, EYES[1]), abs=1e-5)


def test_gaze_turns_irises_and_nothing_else(basis: Basis) -> None:
    neutral = basis.identity_mean
    ahead = shape_from_motion(neutral, layout.rest(), basis)
    shape = shape_from_motion(neutral, vector(GAZE=np.radians([20.0, 10.0])), basis)
    change = shape - ahead
    assert np.abs(change[:468]).max() == 0
    width = np.linalg.norm(neutral[33, :2] - neutral[133, :2])
    assert change[468, 0] == pytest.approx(0.4 * width * np.sin(np.radians(20)), rel=0.03)
    assert change[468, 1] > 0, "pitch > 0 looks down"


def test_lips_never_pass_through_each_other(basis: Basis) -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        motion = vector(MOUTH=rng.normal(0, 3, layout.N_MOUTH))
        shape = shape_from_motion(basis.identity_mean, motion, basis)
        upper = shape[layout.LIPS_INNER_UPPER[1:-1], 1]
        lower = shape[layout.LIPS_INNER_LOWER[1:-1], 1]
        assert (lower - upper).min() > -1e-6


def test_mouth_coefficients_leave_lids_and_forehead_alone(basis: Basis) -> None:
    motion = vector(MOUTH=2.0)
    change = np.abs(shape_from_motion(basis.identity_mean, motion, basis) - basis.identity_mean)
    for eye in EYES:
        assert change[eye.upper].max() == 0
    assert change[[10, 67, 109, 151, 297, 338]].max() < 1e-3
    assert change[layout.LIPS].max() > 0.01
