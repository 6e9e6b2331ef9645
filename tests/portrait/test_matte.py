import numpy as np
import pytest

from vasari.portrait import matte
from vasari.portrait.prepare import make_portrait


@pytest.fixture(scope="module")
def portrait(grace, runtime):
    return make_portrait(grace, runtime)


def at(image, portrait, x, y):
    """What image (crop) shows at a place of the photo."""
    column, row = np.round(portrait.crop.crop_from_photo(np.array([x, y]))).astype(int)
    return image[row, column]


def test_the_person_is_told_from_the_background(portrait):
    person = portrait.matte
    assert person.min() >= 0 and person.max() <= 1
    for x, y in ((256, 200), (256, 60), (256, 450)):  # face, cap, jacket
        assert at(person, portrait, x, y) > 0.95
    for x, y in ((470, 100), (60, 60), (480, 250)):  # wall, flag
        assert at(person, portrait, x, y) < 0.05
    soft = ((person > 0.05) & (person < 0.95)).mean()
    assert 0.002 < soft < 0.12


def test_the_background_is_the_photo_outside_the_person_and_not_inside(portrait):
    far = matte.cv2.dilate((portrait.matte > 0.02).astype(np.uint8), np.ones((21, 21))) == 0
    assert far.mean() > 0.3
    np.testing.assert_array_equal(portrait.background[far], portrait.image[far])
    inside = portrait.matte > 0.99
    gap = np.abs(portrait.background[inside].astype(int) - portrait.image[inside]).mean()
    assert gap > 30


def test_a_flat_wall_is_painted_flat():
    image = np.full((512, 512, 3), (90, 120, 160), np.uint8)
    person = np.zeros((512, 512), np.float32)
    person[150:, 150:360] = 1
    image[person > 0] = (255, 0, 0)
    painted = matte.paint_out(image, person)
    assert np.abs(painted.astype(int) - (90, 120, 160)).max() <= 1


def test_stripes_go_on_behind_the_outline():
    image = np.zeros((512, 512, 3), np.uint8)
    image[(np.arange(512) // 16) % 2 == 0] = 200  # level stripes
    person = np.zeros((512, 512), np.float32)
    person[100:, 200:330] = 1
    truth = image.copy()
    image[person > 0] = (255, 0, 0)
    band = matte.paint_out(image, person)[200:450, 200:215].astype(int)
    assert np.abs(band - truth[200:450, 200:215]).mean() < 25


def test_without_background_the_picture_stays():
    image = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    whole = np.ones((512, 512), np.float32)
    np.testing.assert_array_equal(matte.paint_out(image, whole), image)


def test_the_guided_filter_keeps_edges_of_the_guide():
    guide = np.zeros((64, 64, 3), np.float32)
    guide[:, 32:] = 0.8
    rough = np.clip((np.arange(64) - 26) / 16, 0, 1).astype(np.float32)  # a blurred, shifted edge
    value = np.broadcast_to(rough, (64, 64)).copy()
    fine = matte.guided_filter(guide, value, 8, 1e-4)
    assert fine[32, 32] - fine[32, 31] > 0.4  # was 0.06
    flat = matte.guided_filter(guide, np.full((64, 64), 0.3, np.float32), 8, 1e-4)
    np.testing.assert_allclose(flat, 0.3, atol=1e-3)


def test_another_person_beside_is_dropped():
    rough = np.zeros((512, 512), np.float32)
    rough[100:512, 100:300] = 1
    rough[200:512, 380:500] = 1
    points = np.zeros((478, 3), np.float32)
    rng = np.random.default_rng(0)
    points[:, :2] = rng.uniform(150, 250, (478, 2))
    own = matte._of_face(rough, points)
    assert own[300, 200] == 1 and own[300, 440] == 0
