import numpy as np
import pytest

from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.renderer import region as regions
from vasari.renderer.compose import Renderer, load_assets
from vasari.renderer.warp import affine
from vasari.types import Portrait

ALL = (regions.MOUTH, *regions.EYES)


@pytest.fixture(scope="module")
def renderer(hopper: Portrait) -> Renderer:
    return Renderer(hopper, load_basis(), load_assets())


def turned(portrait: Portrait, yaw_deg: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
    motion = portrait.motion.copy()
    motion[1:3] += np.radians([yaw_deg, roll_deg]).astype(np.float32)
    return motion


@pytest.mark.parametrize("region", ALL)
def test_a_patch_holds_its_landmarks_in_its_middle(
    region: regions.Region, hopper: Portrait, renderer: Renderer
) -> None:
    skull = renderer.target(hopper.motion).skull
    inside = regions.invert(regions.place(region, hopper.neutral, skull))
    points = hopper.landmarks[region.contours.outer, :2] @ inside[:, :2].T + inside[:, 2]
    assert (points > 8).all() and (points < np.array(region.size) - 9).all()


@pytest.mark.parametrize("region", ALL)
def test_a_patch_follows_the_head_and_not_the_expression(
    region: regions.Region, hopper: Portrait, renderer: Renderer
) -> None:
    still = renderer.target(hopper.motion)
    speaking = hopper.motion.copy()
    speaking[layout.MOUTH.start] += 3.0
    speaking[layout.LIDS] = 0.1
    home = regions.place(region, hopper.neutral, still.skull)
    assert np.allclose(
        regions.place(region, hopper.neutral, renderer.target(speaking).skull), home, atol=1e-4
    )
    rolled = regions.place(
        region, hopper.neutral, renderer.target(turned(hopper, roll_deg=10)).skull
    )
    angle = np.degrees(np.arctan2(rolled[1, 1], rolled[0, 1]) - np.arctan2(home[1, 1], home[0, 1]))
    assert abs(angle) == pytest.approx(10, abs=1.0)


def test_the_right_eye_is_shown_as_a_left_one(hopper: Portrait, renderer: Renderer) -> None:
    skull = renderer.target(hopper.motion).skull
    left, right = (regions.place(e, hopper.neutral, skull) for e in regions.EYES)
    assert np.linalg.det(left[:, :2]) > 0 > np.linalg.det(right[:, :2])
    for region, where in zip(regions.EYES, (left, right), strict=True):
        inside = regions.invert(where)
        outer_corner = hopper.landmarks[region.contours.outer[0], :2]
        assert (inside[:, :2] @ outer_corner + inside[:, 2])[0] < region.width_px / 2


@pytest.mark.parametrize("region", ALL)
def test_flow_is_nothing_at_the_photos_own_motion_and_under_a_turn_of_the_picture(
    region: regions.Region, hopper: Portrait, renderer: Renderer
) -> None:
    own = renderer.target(hopper.motion)
    home = regions.place(region, hopper.neutral, own.skull)
    assert np.abs(regions.flow(region, renderer.draw(own).displacement, home, home)).max() < 0.02
    rolled = renderer.target(turned(hopper, roll_deg=8))
    there = regions.place(region, hopper.neutral, rolled.skull)
    middle = np.s_[20:-20, 20:-20]
    moved = regions.flow(region, renderer.draw(rolled).displacement, there, home)
    assert np.abs(moved[middle]).mean() < 1.0


def test_flow_says_where_the_skin_comes_from(hopper: Portrait, renderer: Renderer) -> None:
    opened = hopper.motion.copy()
    opened[layout.MOUTH.start] += 3.0
    own, target = renderer.target(hopper.motion), renderer.target(opened)
    home = regions.place(regions.MOUTH, hopper.neutral, own.skull)
    there = regions.place(regions.MOUTH, hopper.neutral, target.skull)
    flow = regions.flow(regions.MOUTH, renderer.draw(target).displacement, there, home)
    for index in (17, 0, 61):  # lower lip, upper lip, corner
        inside, back = regions.invert(there), regions.invert(home)
        x, y = inside[:, :2] @ target.landmarks[index, :2] + inside[:, 2]
        source = back[:, :2] @ hopper.landmarks[index, :2] + back[:, 2]
        got = flow[round(float(y)), round(float(x))] + (x, y)
        assert np.abs(got - source).max() < 2.0


def test_rasters_show_lips_and_what_is_between(hopper: Portrait, renderer: Renderer) -> None:
    opened = hopper.motion.copy()
    opened[layout.MOUTH.start] += 4.0 * _opening_sign(renderer, hopper)
    target = renderer.target(opened)
    where = regions.place(regions.MOUTH, hopper.neutral, target.skull)
    seen = regions.picture(regions.MOUTH, hopper.image, where, target.landmarks)
    assert seen.shape == (112, 128, 5) and seen.dtype == np.uint8
    outer, inner = seen[..., 3] > 127, seen[..., 4] > 127
    assert inner.sum() > 150 and outer.sum() > 2 * inner.sum()
    assert (inner & ~outer).sum() <= 0.05 * inner.sum()


def _opening_sign(renderer: Renderer, portrait: Portrait) -> float:
    motion = portrait.motion.copy()
    motion[layout.MOUTH.start] += 1.0
    moved = renderer.target(motion).landmarks
    return float(np.sign(moved[14, 1] - moved[13, 1] - np.ptp(portrait.landmarks[[13, 14], 1])))


@pytest.mark.parametrize("region", ALL)
def test_what_is_added_lands_where_the_patch_was_cut(
    region: regions.Region, hopper: Portrait, renderer: Renderer
) -> None:
    where = regions.place(region, hopper.neutral, renderer.target(turned(hopper, 6, 5)).skull)
    frame = np.full((512, 512, 3), 100, np.uint8)
    spot = np.zeros((region.height_px, region.width_px, 3), np.float32)
    cx, cy = region.width_px // 2 + 9, region.height_px // 2 - 7
    spot[cy - 3 : cy + 4, cx - 3 : cx + 4] = 60.0
    regions.add(frame, spot, where)
    y, x = np.argwhere(frame[..., 0] > 130).mean(0)
    assert np.abs(where[:, :2] @ (cx, cy) + where[:, 2] - (x, y)).max() < 0.6
    assert np.abs(affine(frame, where, region.size)[cy, cx].astype(int) - 160).max() <= 2
    assert (frame[0] == 100).all() and (frame[-1] == 100).all()


def test_a_change_beside_the_frame_is_left_out() -> None:
    frame = np.full((512, 512, 3), 100, np.uint8)
    where = np.array([[1.0, 0, 600], [0, 1, 600]])
    regions.add(frame, np.full((20, 20, 3), 50, np.float32), where)
    assert (frame == 100).all()


def test_influence_ends_before_the_border_of_the_patch() -> None:
    window = regions.window(regions.MOUTH)
    assert window.shape == (112, 128, 1)
    assert window[0].max() == 0 and window[:, -1].max() == 0 and window[56, 64, 0] == 1
    assert np.abs(np.diff(window[..., 0], axis=1)).max() < 0.15, "no visible edge"
