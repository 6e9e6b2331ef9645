import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vasari.portrait import crop
from vasari.portrait.crop import Square, choose_square, transform_of


def face(x, y, height):
    """Landmarks of a plain oval face, 0.8 as wide as high."""
    angle = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.zeros((478, 3), np.float32)
    points[:, 0] = x + 0.4 * height * np.cos(angle)
    points[:, 1] = y + 0.5 * height * np.sin(angle)
    points[10], points[152] = (x, y - height / 2, 0), (x, y + height / 2, 0)
    points[234], points[454] = (x - 0.4 * height, y, 0), (x + 0.4 * height, y, 0)
    return points


def test_a_roomy_photo_gives_head_hair_and_shoulder():
    square = choose_square(face(1000, 800, 300), 2000, 2000)
    assert square.side == round(2.3 * 300)
    assert abs(square.x + square.side / 2 - 1000) <= 1
    above, below = 650 - square.y, square.y + square.side - 950
    assert 0.55 * 300 < above < below < 0.75 * 300


def test_near_512_no_pixel_is_resampled():
    photo = np.random.default_rng(0).integers(0, 255, (600, 900, 3), np.uint8)
    square = choose_square(face(400, 280, 215), 900, 600)
    assert square.side == 512
    expected = photo[square.y : square.y + 512, square.x : square.x + 512]
    np.testing.assert_array_equal(crop.cut(photo, square), expected)
    assert transform_of(square).photo_px_per_crop_px == 1


@settings(max_examples=200, deadline=None)
@given(
    width=st.integers(64, 3000),
    height=st.integers(64, 3000),
    share=st.floats(0.1, 1.2),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
)
def test_the_square_holds_the_face_and_stays_inside_if_it_can(width, height, share, x, y):
    size = share * min(width, height)
    points = face(x * width, y * height, size)
    square = choose_square(points, width, height)
    if square.side <= min(width, height):
        assert 0 <= square.x <= width - square.side and 0 <= square.y <= height - square.side
    low = np.maximum(points[:, :2].min(axis=0), 0)
    high = np.minimum(points[:, :2].max(axis=0), (width - 1, height - 1))
    assert square.x - 1 <= low[0] and high[0] <= square.x + square.side
    assert square.y - 1 <= low[1] and high[1] <= square.y + square.side


def test_the_transform_says_where_each_pixel_came_from():
    y, x = np.mgrid[0:1000, 0:1000]
    photo = np.stack([x / 4, y / 4, 0 * x], axis=-1).astype(np.uint8)
    for square in (Square(100, 200, 300), Square(40, 30, 900), Square(17, 80, 512)):
        image, transform = crop.cut(photo, square), transform_of(square)
        places = np.array([[50, 60], [255, 400], [480, 100]], np.float64)
        found = image[places[:, 1].astype(int), places[:, 0].astype(int), :2] * 4.0 + 1.5
        np.testing.assert_allclose(found, transform.photo_from_crop(places), atol=3)
        back = transform.crop_from_photo(transform.photo_from_crop(places))
        np.testing.assert_allclose(back, places, atol=1e-9)


def test_corners_of_crop_and_square_meet():
    transform = transform_of(Square(10, 20, 1024))
    corners = np.array([[-0.5, -0.5], [511.5, 511.5]])
    np.testing.assert_allclose(
        transform.photo_from_crop(corners), [[9.5, 19.5], [1033.5, 1043.5]], atol=1e-9
    )


def test_beyond_the_photo_its_edge_goes_on():
    photo = np.full((100, 100, 3), 50, np.uint8)
    photo[:, -1] = 200
    image = crop.cut(photo, Square(0, 0, 128))
    assert image.shape == (512, 512, 3)
    assert (image[:, -50:] == 200).all() and (image[-1, 0] == 50).all()


def test_depth_scales_with_the_crop():
    points = face(500, 500, 200)
    points[:, 2] = 40
    placed = crop.landmarks_in_crop(points, transform_of(Square(0, 0, 1024)))
    np.testing.assert_allclose(placed[:, 2], 20)
    assert placed.dtype == np.float32
