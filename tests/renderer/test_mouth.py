import itertools

import numpy as np
import pytest

from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.renderer.compose import Renderer, load_assets
from vasari.renderer.mouth import EDGE_ROW, LOWER_EDGE_ROW, MouthLayer
from vasari.renderer.teeth import load_textures
from vasari.types import Portrait


@pytest.fixture(scope="module")
def layer(hopper: Portrait) -> MouthLayer:
    return MouthLayer.build(
        hopper.image, hopper.landmarks, hopper.neutral, hopper.anchor, load_textures()
    )


def lips(portrait: Portrait, gap_px: float) -> tuple[np.ndarray, np.ndarray]:
    """The photo's shut inner lips, parted by an arch."""
    shut = portrait.landmarks[layout.LIPS_INNER_UPPER, :2]
    arch = np.column_stack([np.zeros(11), np.sin(np.linspace(0, np.pi, 11))])
    return (shut - 0.3 * gap_px * arch).astype(np.float32), (shut + 0.7 * gap_px * arch).astype(
        np.float32
    )


def painted(layer: MouthLayer, portrait: Portrait, gap_px: float, drop_px: float) -> np.ndarray:
    frame = portrait.image.copy()
    skull = portrait.landmarks[:, :2]
    jaw = skull + np.array([0.0, drop_px])
    layer.paint(frame, *lips(portrait, gap_px), skull, jaw)
    return frame


def test_shut_lips_are_left_alone(layer: MouthLayer, hopper: Portrait) -> None:
    assert np.array_equal(painted(layer, hopper, 0.3, 0.0), hopper.image)


def test_paint_stays_between_the_lips(layer: MouthLayer, hopper: Portrait) -> None:
    upper, lower = lips(hopper, 24)
    change = np.abs(painted(layer, hopper, 24, 20).astype(int) - hopper.image).sum(2) > 0
    rows, columns = np.nonzero(change)
    assert change.sum() > 600
    assert rows.min() >= upper[:, 1].min() - 3
    assert rows.max() <= lower[:, 1].max() + 3
    assert columns.min() >= upper[:, 0].min() - 3
    assert columns.max() <= upper[:, 0].max() + 3


def test_opening_is_continuous(layer: MouthLayer, hopper: Portrait) -> None:
    """No layer pops in: half a pixel more of opening never changes the frame by much."""
    frames = [painted(layer, hopper, gap, 0.8 * gap).astype(int) for gap in np.arange(0, 30, 0.5)]
    changes = [np.abs(b - a).sum() for a, b in itertools.pairwise(frames)]
    assert max(changes) < 4 * np.median(changes[4:])


def test_upper_teeth_stay_with_the_skull_while_the_jaw_drops(
    layer: MouthLayer, hopper: Portrait
) -> None:
    upper, _ = lips(hopper, 30)
    x, y = upper[5].astype(int)
    under_the_lip = np.s_[y + 2 : y + 8, x - 15 : x + 15]
    first = painted(layer, hopper, 30, 22)[under_the_lip].astype(int)
    second = painted(layer, hopper, 30, 32)[under_the_lip].astype(int)
    assert np.abs(first - second).max() <= 2


def test_teeth_are_brighter_than_the_cavity_and_not_brighter_than_lit_skin(
    layer: MouthLayer, hopper: Portrait
) -> None:
    upper, _lower = lips(hopper, 34)
    frame = painted(layer, hopper, 34, 30).astype(float).mean(2)
    x, y = upper[5].astype(int)
    teeth = frame[y + 4 : y + 9, x - 10 : x + 10].mean()
    cavity = frame[y + 16 : y + 22, x - 10 : x + 10].min()
    cheek = hopper.image[230:240, 235:245].mean()
    assert teeth > 2 * cavity
    assert teeth < 1.1 * cheek


def test_a_grey_photo_gets_grey_teeth(hopper: Portrait) -> None:
    grey = np.repeat(hopper.image.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    layer = MouthLayer.build(grey, hopper.landmarks, hopper.neutral, hopper.anchor, load_textures())
    frame = grey.copy()
    skull = hopper.landmarks[:, :2]
    layer.paint(frame, *lips(hopper, 20), skull, skull + np.array([0.0, 18.0]))
    assert np.ptp(frame.astype(int), axis=2).max() <= 3


def test_shipped_teeth_are_teeth() -> None:
    textures = load_textures()
    alpha, shade = textures.alpha, textures.shade.mean(2)
    middle = alpha.shape[1] // 2
    crowns = np.s_[EDGE_ROW - 18 : EDGE_ROW - 4]
    assert alpha[crowns, middle - 30 : middle + 30].mean() > 0.95, "front teeth are solid"
    assert alpha[EDGE_ROW + 4 :].max() < 0.2, "nothing below their edge"
    assert np.allclose(alpha, alpha[:, ::-1], atol=0.02), "as many on the left as on the right"
    # Dark gaps part the front teeth from each other and from their neighbours.
    row = shade[crowns].mean(0)
    assert row[middle - 3 : middle + 3].min() < 0.93 * row[middle - 15 : middle + 15].max()
    assert row[middle + 18 : middle + 28].min() < 0.85 * row[middle + 5 : middle + 20].max()


def test_lower_front_teeth_are_narrower_and_belong_to_the_jaw(
    layer: MouthLayer, hopper: Portrait
) -> None:
    textures = load_textures()
    middle = textures.alpha.shape[1] // 2
    lower = textures.lower_shade[LOWER_EDGE_ROW + 4 : LOWER_EDGE_ROW + 14].mean((0, 2))
    upper = textures.shade[EDGE_ROW - 14 : EDGE_ROW - 4].mean((0, 2))
    lower_width = 8 + int(np.argmin(lower[middle + 8 : middle + 18]))
    upper_width = 16 + int(np.argmin(upper[middle + 16 : middle + 28]))
    assert 0.5 < lower_width / upper_width < 0.7  # 5.0 of 8.5 mm
    assert textures.lower_alpha[: LOWER_EDGE_ROW - 3, middle].max() < 0.2
    _, bottom = lips(hopper, 30)
    x, y = bottom[5].astype(int)
    above_the_lip = np.s_[y - 16 : y - 2, x - 10 : x + 10]
    first = painted(layer, hopper, 30, 12)[above_the_lip].astype(int)
    second = painted(layer, hopper, 30, 18)[above_the_lip].astype(int)
    assert np.abs(first - second).mean() > 4


def test_a_speaking_face_opens_and_shuts(hopper: Portrait) -> None:
    renderer = Renderer(hopper, load_basis(), load_assets())
    motion = hopper.motion.copy()
    motion[layout.MOUTH] = 0
    shut = renderer.render(motion)
    x, y = hopper.landmarks[13, :2].astype(int)
    box = np.s_[y - 2 : y + 14, x - 12 : x + 12]
    jaw = load_basis().mouth[:, 14, 1] - load_basis().mouth[:, 13, 1]
    motion[layout.MOUTH] = 3 * jaw / np.linalg.norm(jaw)
    opened = renderer.render(motion)
    assert opened[box].mean() < shut[box].mean() - 15, "an open mouth is darker than shut lips"
