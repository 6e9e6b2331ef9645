import itertools

import numpy as np
import pytest

from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.renderer.compose import Renderer, load_assets
from vasari.types import Portrait


@pytest.fixture(scope="module")
def renderer(hopper: Portrait) -> Renderer:
    return Renderer(hopper, load_basis(), load_assets())


def moved(portrait: Portrait, yaw_deg: float = 0.0, lids: float | None = None) -> np.ndarray:
    motion = portrait.motion.copy()
    motion[1] += np.radians(yaw_deg)
    if lids is not None:
        motion[layout.LIDS] = lids
    return motion


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def test_own_motion_gives_back_the_photo(hopper: Portrait, renderer: Renderer) -> None:
    assert psnr(renderer.render(hopper.motion), hopper.image) >= 45
    assert psnr(renderer.render_photo(hopper.motion), hopper.photo) >= 45


def test_same_vector_same_picture_whatever_came_before(
    hopper: Portrait, renderer: Renderer
) -> None:
    first = renderer.render(moved(hopper, 8))
    renderer.render(moved(hopper, -12, lids=0.0))
    assert np.array_equal(first, renderer.render(moved(hopper, 8)))


def test_background_and_border_stand_still(hopper: Portrait, renderer: Renderer) -> None:
    frame = renderer.render(moved(hopper, 10))
    wall = np.s_[20:200, 440:505]
    assert np.array_equal(frame[wall], hopper.image[wall])
    assert np.array_equal(frame[-1], hopper.image[-1]), "the lower border is a body"
    whole = renderer.render_photo(moved(hopper, 10))
    assert whole.shape == hopper.photo.shape
    assert np.array_equal(whole[-20:], hopper.photo[-20:])


def test_the_band_beside_the_head_bends_and_never_folds(
    hopper: Portrait, renderer: Renderer
) -> None:
    """Straight lines behind the head stay whole: source columns keep their order in every row."""
    for yaw in (-15, -6, 6, 15):
        target = renderer._geometry.target(moved(hopper, yaw))
        columns = np.arange(512) - renderer._displacement(target)[:150, :, 0]
        beside = np.diff(columns[:, :170], axis=1)
        assert beside.min() > -0.05
        assert beside.max() < 4.0


def test_turning_moves_the_nose_as_far_as_geometry_says(
    hopper: Portrait, renderer: Renderer
) -> None:
    target = renderer._geometry.target(moved(hopper, 10))
    shift = target.landmarks[1, 0] - hopper.landmarks[1, 0]
    reach = hopper.anchor.scale_px * 0.6 * np.sin(np.radians(10))
    assert shift == pytest.approx(reach, rel=0.25)
    temple = target.landmarks[234, 0] - hopper.landmarks[234, 0]
    assert abs(temple) < 0.2 * shift, "the head turns, it does not slide"


def test_shut_lids_hide_the_eyes(hopper: Portrait, renderer: Renderer) -> None:
    shut = renderer.render(moved(hopper, lids=0.0))
    for iris in (layout.IRIS_LEFT, layout.IRIS_RIGHT):
        x, y = np.round(hopper.landmarks[iris[0], :2]).astype(int)
        box = np.s_[y - 2 : y + 3, x - 2 : x + 3]
        assert shut[box].mean() > hopper.image[box].mean() + 20, "lid skin is lighter than an iris"


def test_gaze_moves_the_iris_inside_the_opening(hopper: Portrait, renderer: Renderer) -> None:
    motion = hopper.motion.copy()
    motion[layout.GAZE.start] += np.radians(15)
    frame = renderer.render(motion)
    changed = np.abs(frame.astype(int) - hopper.image).sum(2) > 12
    ys, xs = np.nonzero(changed)
    eyes = hopper.landmarks[np.concatenate([layout.EYE_LEFT_UPPER, layout.EYE_RIGHT_LOWER]), :2]
    assert changed.sum() > 40
    assert xs.min() > eyes[:, 0].min() - 6
    assert xs.max() < eyes[:, 0].max() + 6
    assert ys.max() - ys.min() < 40


def test_large_turns_do_not_tear(hopper: Portrait, renderer: Renderer) -> None:
    """Neighbouring frames differ little: no triangle flips or pops between 0 and 25 degrees."""
    frames = [renderer.render(moved(hopper, yaw)).astype(int) for yaw in range(0, 26)]
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    assert max(steps) < 2.5 * np.median(steps)
