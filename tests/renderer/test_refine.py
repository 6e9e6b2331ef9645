"""The refiner with networks that paint plain colours, so that it shows where and when it works."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vasari.motion import layout
from vasari.motion.arkit_map import load_map, motion_from_shapes
from vasari.motion.arkit_names import SHAPES
from vasari.motion.basis import load_basis
from vasari.renderer import region as regions
from vasari.renderer.compose import Renderer, load_assets
from vasari.renderer.refine import Network, Refiners
from vasari.types import Portrait


class Plain:
    """Paints everything in one brightness, and remembers what it was given."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.calls: list[Mapping[str, Any]] = []

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(feeds)
        if "source" in feeds:
            count = np.arange(len(feeds["source"]), dtype=np.float32)
            return {"style": count[:, None], "detail": count[:, None, None, None]}
        return {"picture": np.full_like(feeds["frame"][:, :3], self.value)}


@pytest.fixture
def networks() -> Refiners:
    mouth, eyes = (Network(Plain(1.0), Plain(v)) for v in (1.0, 0.0))  # type: ignore[arg-type]
    return Refiners(mouth, eyes)


@pytest.fixture
def pair(hopper: Portrait, networks: Refiners) -> tuple[Renderer, Renderer]:
    """Without, and with the networks."""
    assets = load_assets()
    return (
        Renderer(hopper, load_basis(), assets),
        Renderer(hopper, load_basis(), replace(assets, refiners=networks)),
    )


def calls(network: Network) -> list[Mapping[str, Any]]:
    return network.frame.calls  # type: ignore[attr-defined, no-any-return]


def test_the_photo_stays_the_photo(
    hopper: Portrait, pair: tuple[Renderer, Renderer], networks: Refiners
) -> None:
    plain, refined = pair
    assert np.array_equal(refined.render(hopper.motion), plain.render(hopper.motion))
    assert not calls(networks.mouth) and not calls(networks.eyes), "nothing to do, nothing run"


def test_a_turned_head_with_the_photos_face_needs_no_paint(
    hopper: Portrait, pair: tuple[Renderer, Renderer], networks: Refiners
) -> None:
    turned = hopper.motion.copy()
    turned[1] += np.radians(10)
    plain, refined = pair
    assert np.array_equal(refined.render(turned), plain.render(turned))
    assert not calls(networks.mouth) and not calls(networks.eyes)


def test_each_region_is_painted_where_it_is_and_only_when_it_moves(
    hopper: Portrait, pair: tuple[Renderer, Renderer], networks: Refiners
) -> None:
    plain, refined = pair
    speaking = hopper.motion.copy()
    speaking[layout.MOUTH.start] += 3.0
    change = refined.render(speaking).astype(int) - plain.render(speaking)
    x, y = refined.target(speaking).landmarks[[13, 14], :2].mean(0).astype(int)
    assert change[y, x].min() > 0 and calls(networks.mouth) and not calls(networks.eyes)
    rows, columns = np.nonzero(change.any(2))
    assert np.ptp(rows) < 130 and np.ptp(columns) < 150

    blinking = hopper.motion.copy()
    blinking[layout.LIDS] = [0.0, hopper.motion[layout.LIDS][1]]
    before = len(calls(networks.mouth))
    change = refined.render(blinking).astype(int) - plain.render(blinking)
    assert len(calls(networks.mouth)) == before
    assert [len(call["frame"]) for call in calls(networks.eyes)] == [1], "one eye moved"
    rows, columns = np.nonzero(change.any(2))
    assert columns.max() < 256, "the left one"
    assert float(calls(networks.eyes)[0]["style"][0, 0]) == 0.0


def test_features_of_the_photo_are_made_once_and_go_to_their_eye(
    hopper: Portrait, pair: tuple[Renderer, Renderer], networks: Refiners
) -> None:
    blinking = hopper.motion.copy()
    for lids in ([1.0, 0.2], [0.2, 0.2]):
        blinking[layout.LIDS] = lids
        pair[1].render(blinking)
    assert len(networks.eyes.source.calls) == 1  # type: ignore[attr-defined]
    assert networks.eyes.source.calls[0]["source"].shape == (2, regions.N_SOURCE, 64, 96)  # type: ignore[attr-defined]
    both = calls(networks.eyes)[-1]
    assert both["frame"].shape == (2, regions.N_INPUTS, 64, 96)
    assert both["style"].ravel().tolist() == [0.0, 1.0]


def test_paint_comes_in_gently(hopper: Portrait, pair: tuple[Renderer, Renderer]) -> None:
    """A mouth that begins to move does not jump to what the network thinks of it."""
    plain, refined = pair
    steps = []
    for amount in np.linspace(0, 1.0, 41):
        motion = hopper.motion.copy()
        motion[layout.MOUTH.start] += np.float32(amount)
        steps.append(np.abs(refined.render(motion).astype(int) - plain.render(motion)).mean())
    assert steps[0] == 0 and steps[-1] > 1
    assert np.diff(steps).max() < 0.2 * steps[-1]


def test_the_whole_photo_is_painted_like_the_crop(
    hopper: Portrait, pair: tuple[Renderer, Renderer]
) -> None:
    speaking = hopper.motion.copy()
    speaking[layout.MOUTH.start] += 3.0
    plain, refined = pair
    change = refined.render_photo(speaking).astype(int) - plain.render_photo(speaking)
    lips = refined.target(speaking).landmarks[[13, 14], :2].mean(0)
    x, y = hopper.crop.photo_from_crop(lips).astype(int)
    assert change[y, x].min() > 0
    assert not change[: y // 2].any()


def test_the_widest_mouths_are_left_to_the_layers(
    hopper: Portrait, pair: tuple[Renderer, Renderer], networks: Refiners
) -> None:
    plain, refined = pair
    gaps, changes = [], []
    jaw = np.zeros(52, np.float32)
    for amount in (0.3, 0.6, 1.0):
        jaw[SHAPES.index("JawOpen")] = amount
        motion = hopper.motion.copy()
        motion[layout.MOUTH] = motion_from_shapes(jaw[None], load_map())[0, layout.MOUTH]
        points = refined.target(motion).landmarks
        gaps.append((points[14, 1] - points[13, 1]) / hopper.anchor.scale_px)
        changes.append(np.abs(refined.render(motion).astype(int) - plain.render(motion)).mean())
    assert gaps[0] < 0.09 and gaps[-1] > 0.12, "the test opens the mouth as wide as it says"
    assert changes[0] > 5 * changes[-1]
