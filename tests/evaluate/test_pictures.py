import cv2
import numpy as np
import pytest

from vasari.evaluate.pictures import psnr_db, sharpness, ssim

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (16, 16, 3)).astype(np.uint8)
PICTURE = np.asarray(cv2.resize(NOISE, (128, 96), interpolation=cv2.INTER_CUBIC))


def test_psnr_is_what_the_formula_says() -> None:
    assert psnr_db(PICTURE, PICTURE) == 100.0
    low = np.full((10, 10, 3), 100, np.uint8)
    assert psnr_db(low, low + 5) == pytest.approx(10 * np.log10(255**2 / 25))


def test_ssim_knows_structure_from_light() -> None:
    assert ssim(PICTURE, PICTURE) == pytest.approx(1.0, abs=1e-6)
    dim = (PICTURE * 0.9).astype(np.uint8)
    soft = np.asarray(cv2.GaussianBlur(PICTURE, (0, 0), 4))
    other = np.ascontiguousarray(PICTURE[::-1])
    assert ssim(PICTURE, dim) > 0.95 > ssim(PICTURE, soft) > ssim(PICTURE, other)


def test_sharpness_falls_with_blur() -> None:
    blurred = [sharpness(np.asarray(cv2.GaussianBlur(PICTURE, (0, 0), s))) for s in (0.5, 1, 2)]
    assert sharpness(PICTURE) > blurred[0] > blurred[1] > blurred[2]
