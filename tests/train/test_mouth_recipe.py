import numpy as np

from vasari.train.mouth import HEIGHT_PX, WIDTH_PX, Sample, blend, register


def mouth(shift: float, noise: int) -> Sample:
    """Eight bright teeth with dark gaps between them, between lips."""
    rng = np.random.default_rng(noise)
    x = np.arange(WIDTH_PX)[None]
    gaps = 1 - 0.5 * np.exp(-(((x - 100 - shift) % 20 - 10) ** 2) / 4)
    picture = np.full((HEIGHT_PX, WIDTH_PX), 90.0)
    inside = np.zeros_like(picture)
    inside[40:90, 30:170] = 1
    picture[42:80, 30:170] = (200 * np.repeat(gaps, 38, 0))[:, 30:170]
    picture[80:90, 30:170] = 30
    teeth = np.zeros_like(picture)
    teeth[42:80, 30:170] = 1
    colour = np.repeat((picture + rng.normal(0, 4, picture.shape))[..., None], 3, 2)
    skin = np.full(3, 150, np.float32)
    return Sample(
        colour.astype(np.float32), teeth.astype(np.float32), inside.astype(np.float32), skin
    )


def test_registered_teeth_stay_sharp() -> None:
    """Shifted by up to 5 px, the gaps between teeth survive the mean."""
    samples = [mouth(shift, k) for k, shift in enumerate((-5, -2, 0, 3, 5))]
    kept = register(samples, samples[2])
    assert len(kept) == 5
    row = blend(kept)["shade"].mean(2)[30:45].mean(0)
    contrast = row[60:140].max() - row[60:140].min()
    assert contrast > 0.25


def test_bright_skin_below_the_teeth_is_cut_off() -> None:
    samples = [mouth(0, k) for k in range(3)]
    arrays = blend(register(samples, samples[0]))
    assert arrays["shade"].shape == (60, WIDTH_PX, 3)
    assert arrays["alpha"][-4:].max() < 0.3
    assert arrays["alpha"][35:48, 70:130].min() > 0.9
