"""The frame at the photo's own size: the same warp, done on the photo's own pixels.

Enlarging a 512x512 frame would blur a sharp photo, so the flow is enlarged instead, and only what
was painted inside eyes and mouth is taken from the frame. Outside the crop the photo is untouched.
"""

import numpy as np

from vasari.renderer.warp import affine, sample
from vasari.types import CROP_PX, Float, Image, Portrait


class PasteBack:
    """Full-size compositor of one portrait."""

    def __init__(self, portrait: Portrait) -> None:
        crop, photo = portrait.crop, portrait.photo
        lo = np.ceil(crop.photo_from_crop(np.array([-0.5, -0.5]))).astype(int)
        hi = np.floor(crop.photo_from_crop(np.full(2, CROP_PX - 0.5))).astype(int) + 1
        self._lo = np.clip(lo, 0, None)
        self._hi = np.minimum(hi, [photo.shape[1], photo.shape[0]])
        self._photo = photo
        self._scale = crop.photo_px_per_crop_px
        step = 1.0 / self._scale
        offset = (self._lo - np.array([crop.x0_px, crop.y0_px])) * step
        self._crop_from_roi = np.array([[step, 0, offset[0]], [0, step, offset[1]]])
        width, height = (self._hi - self._lo).tolist()
        self._size = (int(width), int(height))
        x = np.arange(width, dtype=np.float32)
        y = np.arange(height, dtype=np.float32)
        self._pixels = np.stack(np.meshgrid(x, y), 2)
        self._roi = np.s_[self._lo[1] : self._hi[1], self._lo[0] : self._hi[0]]

    def _resample(self, field: Float) -> Float:
        """A crop-sized field at the pixels of the photo's region."""
        return affine(field, self._crop_from_roi, self._size)

    def apply(self, displacement: Float, warped: Image, painted: Image) -> Image:
        """One full-size frame, (H, W, 3) like the photo.

        displacement: (512, 512, 2) crop px, target minus source. warped, painted: (512, 512, 3)
        the frame before and after eyes and mouth were painted.
        """
        moved = self._pixels - self._resample(displacement) * np.float32(self._scale)
        region = sample(self._photo[self._roi], moved)
        change = painted.astype(np.int16) - warped.astype(np.int16)
        rows, columns = np.flatnonzero(change.any((1, 2))), np.flatnonzero(change.any((0, 2)))
        out = self._photo.copy()
        result = region.astype(np.float32)
        if len(rows) and len(columns):
            result = np.clip(result + self._resample(change.astype(np.float32)), 0, 255)
        out[self._roi] = np.round(result).astype(np.uint8)
        return out
