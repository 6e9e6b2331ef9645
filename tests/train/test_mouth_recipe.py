import numpy as np
import pytest

from vasari.train.lower_teeth import EDGE_ROW, borders, lower_row
from vasari.train.mouth import HEIGHT_PX, WIDTH_PX, Sample, light, register, upper_row

MIDDLE = (WIDTH_PX - 1) / 2


def mouth(shift: float, noise: int) -> Sample:
    """Teeth with dark gaps every 20 px between dark lips and gums, moved sideways by shift px."""
    rng = np.random.default_rng(noise)
    x = np.arange(WIDTH_PX)[None]
    gaps = 1 - 0.5 * np.exp(-((((x - MIDDLE - shift) + 10) % 20 - 10) ** 2) / 4)
    wide = np.clip(1 - np.abs(x - MIDDLE - shift) / 130, 0, 1)
    picture = np.full((HEIGHT_PX, WIDTH_PX), 0.3)
    inside = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    inside[26:76, 22:166] = 1
    picture[34:64] = gaps * wide
    colour = np.repeat((picture + rng.normal(0, 0.02, picture.shape))[..., None], 3, 2)
    skin, teeth = np.full(3, 150 - 10 * noise, np.float32), np.full(3, 190 - noise, np.float32)
    return Sample(colour.astype(np.float32), inside, teeth, skin)


@pytest.fixture(scope="module")
def registered() -> tuple[np.ndarray, np.ndarray, int]:
    return register([mouth(shift, k) for k, shift in enumerate((-4, -2, -1, 0, 1, 2, 4, 3))])


def test_registered_teeth_stay_sharp(registered: tuple[np.ndarray, np.ndarray, int]) -> None:
    """Shifted by up to 4 px, the gaps between teeth survive the mean."""
    mean, _, blended = registered
    assert blended >= 3
    row = mean.mean(2)[42:56].mean(0)
    assert row[70:118].max() - row[70:118].min() > 0.3
    assert np.allclose(row, row[::-1], atol=1e-4)


def test_teeth_end_at_a_known_row(registered: tuple[np.ndarray, np.ndarray, int]) -> None:
    mean, seen, _ = registered
    _, alpha, edge = upper_row(mean, seen)
    assert alpha[-4:].max() < 0.2
    assert alpha[24:40, 64:124].min() > 0.9
    assert edge[60:128] == pytest.approx(44, abs=1.5)


def test_lower_teeth_take_their_own_widths() -> None:
    x = np.abs(np.arange(WIDTH_PX) - MIDDLE)
    at = np.array([0.0, 21, 35, 48, 58, 68])
    gaps = sum(0.5 * np.exp(-((x - place) ** 2) / 3) for place in at)
    shade = np.repeat(np.repeat((1 - gaps)[None, :, None], 50, 0), 3, 2).astype(np.float32)
    alpha = np.zeros((50, WIDTH_PX), np.float32)
    alpha[:44] = 1
    edge = np.full(WIDTH_PX, 44.0)
    assert borders(shade, edge) == pytest.approx(at, abs=1.5)
    colour, cover = lower_row(shade, alpha, edge)
    row = colour[EDGE_ROW + 5, :, 0]
    first = 6 + int(np.argmin(row[WIDTH_PX // 2 + 6 : WIDTH_PX // 2 + 18]))
    assert first == pytest.approx(21 * 5.0 / 8.5, abs=1.5)
    assert cover[EDGE_ROW + 3 :, WIDTH_PX // 2].min() > 0.9
    assert cover[: EDGE_ROW - 3, WIDTH_PX // 2].max() < 0.1


def test_light_is_fitted_on_skin() -> None:
    figures = light([mouth(0, k) for k in range(6)])
    assert figures["brightness"][0] == pytest.approx(0.1, abs=1e-3)
    assert figures["brightness"][1] == pytest.approx(175, abs=0.1)
    assert np.abs(figures["tint"]).max() < 1e-6
