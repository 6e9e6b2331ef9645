"""How far two pictures are apart, in pixels and in structure."""

import cv2
import numpy as np

from vasari.types import Float, Image

_MOST_DB = 100.0
"""What identical pictures count as."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def psnr_db(a: Image, b: Image) -> float:
    """10 log10(255^2 / MSE) over RGB, at most 100 dB."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return _MOST_DB if error == 0 else min(_MOST_DB, float(10 * np.log10(255**2 / error)))


def ssim(a: Image, b: Image) -> float:
    """Structural similarity of luma (Wang et al. 2004): sigma 1.5, K 0.01 and 0.03."""

    def blur(picture: Float) -> Float:
        return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5))

    x, y = (np.asarray(p.astype(np.float32) @ _LUMA) for p in (a, b))
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    value = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(value.mean())


def sharpness(picture: Image) -> float:
    """Variance of the Laplacian of luma."""
    return float(cv2.Laplacian(picture.astype(np.float32) @ _LUMA, cv2.CV_32F).var())
