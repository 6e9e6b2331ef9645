"""The first test of the whole chain: a photo rendered with its own motion is the photo."""

from pathlib import Path

import numpy as np

from vasari.errors import VasariError
from vasari.portrait import make_portrait
from vasari.renderer.compose import Renderer
from vasari.session import Engine
from vasari.types import Image

_MOST_DB = 100.0
"""What identical pictures count as."""


def psnr_db(a: Image, b: Image) -> float:
    """10 log10(255^2 / MSE) over RGB, at most 100 dB."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return _MOST_DB if error == 0 else min(_MOST_DB, float(10 * np.log10(255**2 / error)))


def run(data: Path, limit: int = 30) -> dict[str, float]:
    """Evenly spread pictures of faces/sfhq_t2i; those that `avatar check` refuses are left out.

    Returns the smallest and the median PSNR of crop and of photo in dB, and how many pictures.
    """
    engine = Engine.load()
    pictures = sorted((data / "faces" / "sfhq_t2i").glob("*.jpg"))
    crops, photos = [], []
    for path in pictures[:: max(1, len(pictures) // limit)][:limit]:
        try:
            portrait = make_portrait(path, engine.runtime)
        except VasariError:
            continue
        renderer = Renderer(portrait, engine.basis, engine.assets)
        crops.append(psnr_db(renderer.render(portrait.motion), portrait.image))
        photos.append(psnr_db(renderer.render_photo(portrait.motion), portrait.photo))
    return {
        "crop_psnr_min_db": min(crops),
        "crop_psnr_median_db": float(np.median(crops)),
        "photo_psnr_min_db": min(photos),
        "pictures": float(len(crops)),
    }
