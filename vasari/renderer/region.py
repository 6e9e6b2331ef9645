"""Where the refiner looks: small pictures of mouth and eyes that are fixed to the skull.

A patch follows the head, not the expression, so in it upper teeth and eye corners stand still while
lips and lids move. That is what keeps a network that sees one frame at a time from trembling.
Training and rendering make their patches with these very functions.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.renderer.warp import Affine, affine
from vasari.types import CROP_PX, Float, Image

N_INPUTS = 7
"""Channels of a frame's patch: picture (3), two contour rasters, flow (2)."""
N_SOURCE = 5
"""Channels of the photo's patch: picture (3), the same two rasters."""
FLOW_UNIT_PX = 16.0
"""Flow channels are in this unit, to lie in the range of the others."""

REACH_PX, SOFT_PX = 7, 4
"""How far beyond lips or lids the network may paint, and half the width of the edge of that."""

_SKULL_POINTS = np.union1d(layout.RIGID, [1, 2, 4, 5, 98, 327, 97, 326, 164, 195, 197])
_SUBPIXEL_BITS = 4
_FADE_PX = 12.0
"""Width of the strip inside a patch's border over which its influence fades out."""


@dataclass(frozen=True)
class Contours:
    """The two closed curves that are drawn for a region: landmark indices, outer one first.

    An inner curve of four points is an iris: it is drawn as a circle within the outer curve.
    """

    outer: NDArray[np.intp]
    inner: NDArray[np.intp]
    moving: NDArray[np.intp]
    centre: NDArray[np.intp]


def _ring(upper: NDArray[np.intp], lower: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([upper, lower[-2:0:-1]])


_MOUTH = Contours(
    _ring(layout.LIPS_OUTER_UPPER, layout.LIPS_OUTER_LOWER),
    _ring(layout.LIPS_INNER_UPPER, layout.LIPS_INNER_LOWER),
    layout.LIPS,
    np.array([13, 14]),
)


def _eye(upper: NDArray[np.intp], lower: NDArray[np.intp], iris: NDArray[np.intp]) -> Contours:
    ring = _ring(upper, lower)
    return Contours(ring, iris[1:], np.concatenate([ring, iris[:1]]), upper[[0, -1]])


@dataclass(frozen=True)
class Region:
    """A kind of patch: size px, scale, and what is drawn. below: face widths its middle lies under
    the middle of its landmarks. mirrored: the right eye is shown as a left one."""

    name: str
    contours: Contours
    width_px: int
    height_px: int
    px_per_face_width: float
    below: float = 0.0
    mirrored: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px, as OpenCV wants it."""
        return self.width_px, self.height_px


MOUTH = Region("mouth", _MOUTH, 128, 112, 224.0, below=0.055)
_EYE_SIZE = (96, 64, 256.0)
EYES = (
    Region(
        "eye",
        _eye(layout.EYE_LEFT_UPPER, layout.EYE_LEFT_LOWER, layout.IRIS_LEFT),
        *_EYE_SIZE,
    ),
    Region(
        "eye",
        _eye(layout.EYE_RIGHT_UPPER, layout.EYE_RIGHT_LOWER, layout.IRIS_RIGHT),
        *_EYE_SIZE,
        mirrored=True,
    ),
)


def place(region: Region, neutral: Float, skull: Float, jitter: Affine | None = None) -> Affine:
    """(2, 3) crop px from patch px.

    neutral: (478, 3) the face at rest in the head frame; skull: (478, 3) crop px of the head with
    the photo's own expression. jitter: (2, 3) a map inside the patch that comes first, in training.
    """
    head = _similarity(neutral[_SKULL_POINTS, :2], skull[_SKULL_POINTS, :2])
    centre = neutral[region.contours.centre, :2].mean(0) + np.array([0.0, region.below])
    k = 1.0 / region.px_per_face_width
    side = -k if region.mirrored else k
    width, height = region.size
    patch = np.array(
        [
            [side, 0, centre[0] - side * (width - 1) / 2],
            [0, k, centre[1] - k * (height - 1) / 2],
        ]
    )
    placed = chain(head, patch)
    return placed if jitter is None else chain(placed, jitter)


def picture(region: Region, image: Image, where: Affine, landmarks: Float) -> NDArray[np.uint8]:
    """(h, w, 5) picture and the two rasters, 0..255. landmarks: (478, 2+) crop px."""
    cut = affine(image, where, region.size)
    inside = invert(where)
    points = landmarks[:, :2] @ inside[:, :2].T + inside[:, 2]
    outer = _filled(region, points[region.contours.outer])
    if len(region.contours.inner) == 4:
        inner = np.minimum(_disc(region, points[region.contours.inner]), outer)
    else:
        inner = _filled(region, points[region.contours.inner])
    return np.dstack([cut, outer, inner])


def flow(region: Region, displacement: Float, where: Affine, source: Affine) -> Float:
    """(h, w, 2) patch px: where in the photo's own patch each pixel comes from, minus its place.

    displacement: (512, 512, 2) px, target minus source. source: place of the photo's own patch.
    """
    back = invert(source)
    still = chain(back, where)
    still[:, :2] -= np.eye(2)
    x = np.arange(region.width_px, dtype=np.float32)[None, :]
    y = np.arange(region.height_px, dtype=np.float32)[:, None]
    # One matrix for all pixels, which OpenCV does fastest.
    moved = cv2.transform(affine(displacement, where, region.size), -back[:, :2])
    for axis in range(2):
        a, b, c = (np.float32(v) for v in still[axis])
        moved[..., axis] += a * x + (b * y + c)
    return np.asarray(moved, np.float32)


def reach(seen: NDArray[np.uint8]) -> Float:
    """(h, w) 1 on the outer contour of a `picture` and close to it, falling to 0 around: skin
    farther away is the photo's own, and the smallest flow would only blur it."""
    side = 2 * REACH_PX + 1
    wide = cv2.dilate(seen[..., 3].astype(np.float32), np.ones((side, side), np.uint8))
    soft = cv2.blur(wide, (2 * SOFT_PX + 1,) * 2, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft, np.float32) * np.float32(1 / 255)


def stack(seen: NDArray[np.uint8], moved: Float) -> Float:
    """(7, h, w) float32 what the network gets: `picture` 0..1, then `flow` in its unit."""
    out = np.empty((N_INPUTS, *seen.shape[:2]), np.float32)
    np.multiply(seen.transpose(2, 0, 1), np.float32(1 / 255), out=out[:5], casting="unsafe")
    np.multiply(moved.transpose(2, 0, 1), np.float32(1 / FLOW_UNIT_PX), out=out[5:])
    return out


def source_stack(seen: NDArray[np.uint8]) -> Float:
    """(5, h, w) float32 0..1 of the photo's own `picture`."""
    return np.ascontiguousarray(seen.transpose(2, 0, 1), np.float32) * np.float32(1 / 255)


def window(region: Region) -> Float:
    """(h, w, 1) 1 inside, falling smoothly to 0 at the border of the patch."""
    sides = []
    for length in region.size:
        edge = np.minimum(np.arange(length), np.arange(length)[::-1]).astype(np.float32)
        t = np.clip(edge / np.float32(_FADE_PX), 0, 1)
        sides.append(t * t * (3 - 2 * t))
    return np.asarray(sides[1][:, None, None] * sides[0][None, :, None], np.float32)


def add(frame: Image, change: Float, where: Affine) -> None:
    """Add a patch's change (h, w, 3), in 0..255, to the frame (512, 512, 3), in place."""
    height, width = change.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - 0.5
    spots = corners @ where[:, :2].T + where[:, 2]
    lo = np.floor(spots.min(0)).astype(int).clip(0, CROP_PX)
    hi = np.ceil(spots.max(0)).astype(int).clip(0, CROP_PX) + 1
    hi = hi.clip(None, CROP_PX)
    if (hi - lo).min() < 1:
        return
    shift = np.array([[1.0, 0, lo[0]], [0, 1, lo[1]]])
    size = (int(hi[0] - lo[0]), int(hi[1] - lo[1]))
    part = affine(change, chain(invert(where), shift), size, cv2.BORDER_CONSTANT)
    region = frame[lo[1] : hi[1], lo[0] : hi[0]]
    region[...] = np.clip(region + part + np.float32(0.5), 0, 255)


def chain(outer: Affine, inner: Affine) -> Affine:
    """(2, 3) first inner, then outer."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def invert(matrix: Affine) -> Affine:
    """(2, 3) the other way."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def _similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> Affine:
    """(2, 3) rotation, scale and shift of (n, 2) source onto target points, least squares."""
    s, t = source.astype(np.float64), target.astype(np.float64)
    s_mean, t_mean = s.mean(0), t.mean(0)
    s, t = s - s_mean, t - t_mean
    total = float((s**2).sum())
    a = float((s * t).sum()) / total
    b = float((s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum()) / total
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, t_mean - linear @ s_mean])


def _filled(region: Region, points: NDArray[np.floating]) -> NDArray[np.uint8]:
    mask = np.zeros((region.height_px, region.width_px), np.uint8)
    fixed = np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def _disc(region: Region, points: NDArray[np.floating]) -> NDArray[np.uint8]:
    mask = np.zeros((region.height_px, region.width_px), np.uint8)
    centre = points.mean(0)
    radius = float(np.linalg.norm(points - centre, axis=1).mean())
    unit = 1 << _SUBPIXEL_BITS
    spot = (round(float(centre[0]) * unit), round(float(centre[1]) * unit))
    cv2.circle(mask, spot, round(radius * unit), 255, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask
