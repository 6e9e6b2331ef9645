"""The first test of the whole chain: a photo rendered with its own motion is the photo."""

from pathlib import Path

import numpy as np

from vasari.errors import VasariError
from vasari.evaluate.pictures import psnr_db
from vasari.portrait import make_portrait
from vasari.renderer.compose import Renderer
from vasari.session import Engine


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
