"""The eyes: an eyeball under the lids, whose iris turns inside the opening.

The photo shows one gaze and one opening. From it two pictures per eye are made once: the white of
the eye with the iris painted out, and the iris made whole where a lid covered it. A frame puts the
white, then the iris at its new place, into the opening that the target lids leave. With the photo's
own gaze and lids both pictures show the photo's own pixels, so nothing changes there.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.renderer.geometry import smoothstep
from vasari.types import Float, Image

_MARGIN = 0.45
"""The patch reaches this far beyond the corners, in eye widths."""
_SUBPIXEL_BITS = 4
_IRIS_SOFTNESS_PX = 1.2
_LID_SHADOW = 0.18
"""How much darker the eyeball is right under a lid that has come down over it."""


_SEAM_PX = 3.0
"""Openings narrower than this show a line of lashes."""


@dataclass(frozen=True)
class _Side:
    upper: NDArray[np.intp]
    lower: NDArray[np.intp]
    iris: NDArray[np.intp]


_SIDES = (
    _Side(layout.EYE_LEFT_UPPER, layout.EYE_LEFT_LOWER, layout.IRIS_LEFT),
    _Side(layout.EYE_RIGHT_UPPER, layout.EYE_RIGHT_LOWER, layout.IRIS_RIGHT),
)


def opening_mask(upper: Float, lower: Float, shape: tuple[int, int], origin: Float) -> Float:
    """(h, w) 0..1, anti-aliased: the area between two lid margins (n, 2), relative to origin."""
    contour = np.concatenate([upper, lower[-2:0:-1]]) - origin
    fixed = np.round(contour * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return np.asarray(cv2.blur(mask, (3, 3)), np.float32) / np.float32(255.0)


def smooth_curve(points: Float, per_segment: int = 4) -> Float:
    """Catmull-Rom curve through (n, 2) points: lid and lip margins are smooth, not polygons."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, per_segment, endpoint=False, dtype=np.float32)[None, :, None]
    p0, p1, p2, p3 = (p[:, None, :] for p in (p0, p1, p2, p3))
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.concatenate([curve.reshape(-1, 2), points[-1:]]).astype(np.float32)


def _fill(colour: Float, known: Float) -> Float:
    """Spread known colours (h, w, 3) over the rest by normalised convolution, fine to coarse."""
    result = np.zeros_like(colour)
    missing: Float = np.ones_like(known)
    for sigma in (1.5, 3.0, 6.0, 12.0, 40.0):
        mass = np.asarray(cv2.GaussianBlur(known, (0, 0), sigma), np.float32)
        mean = np.asarray(cv2.GaussianBlur(colour * known[..., None], (0, 0), sigma), np.float32)
        mean /= np.maximum(mass, 1e-6)[..., None]
        share = np.asarray(missing * smoothstep(0.02, 0.15, mass), np.float32)
        result += mean * share[..., None]
        missing = np.asarray(missing - share, np.float32)
    return np.asarray(result + mean * missing[..., None], np.float32)


@dataclass(frozen=True)
class _Eye:
    side: _Side
    origin: Float  # (2,) px, top left of the patch
    white: Float  # (h, w, 3) 0..255
    iris: Float  # (h, w, 4) colour premultiplied by alpha, alpha 0..1
    frame: Float  # (3, 2) px: outer corner, inner corner, and a third point square to them
    gap_px: float
    lids: Float  # (18, 2) px the photo's lid margins
    lashes: Float  # (3,) 0..255 colour of the line where shut lids meet

    @staticmethod
    def build(image: Image, landmarks: Float, side: _Side) -> "_Eye":
        points = landmarks[:, :2]
        upper, lower = points[side.upper], points[side.lower]
        width = float(np.linalg.norm(upper[0] - upper[-1]))
        margin = _MARGIN * width + 6
        both = np.concatenate([upper, lower])
        lo = np.floor(both.min(0) - margin).clip(0)
        hi = np.ceil(both.max(0) + margin).clip(None, image.shape[0] - 1)
        window = image[int(lo[1]) : int(hi[1]), int(lo[0]) : int(hi[0])].astype(np.float32)
        seen = opening_mask(smooth_curve(upper), smooth_curve(lower), window.shape[:2], lo)
        centre, radius = iris_circle(points[side.iris])
        distance = _distance(window.shape[:2], centre - lo)
        disc = 1.0 - smoothstep(radius - _IRIS_SOFTNESS_PX, radius + _IRIS_SOFTNESS_PX, distance)
        inner = np.asarray(cv2.erode(seen, np.ones((3, 3), np.uint8)), np.float32)
        white = _white(window, seen, inner, distance, radius)
        whole = _whole_iris(window, inner, centre - lo, distance, radius)
        iris = np.concatenate([whole * disc[..., None], disc[..., None]], 2)
        gap = float(np.mean(np.linalg.norm(upper[1:-1] - lower[1:-1], axis=1)))
        corners = _corner_frame(points, side)
        return _Eye(side, lo, white, iris, corners, gap, both, _lash_colour(image, upper))

    def paint(self, frame: Image, landmarks: Float, skull: Float) -> None:
        """Put this eye into frame (512, 512, 3), in place. landmarks, skull: (478, 3) px."""
        points = landmarks[:, :2]
        upper, lower = points[self.side.upper], points[self.side.lower]
        corners = _corner_frame(skull[:, :2], self.side)
        head = np.asarray(cv2.getAffineTransform(self.frame, corners), np.float64)
        turned = points[self.side.iris].mean(0) - skull[self.side.iris, :2].mean(0)
        gap = float(np.linalg.norm(upper[1:-1] - lower[1:-1], axis=1).mean())
        self._paint_lashes(frame, np.float32(0.5) * (upper + lower), gap)
        amount = self._change(np.concatenate([upper, lower]), head, turned)
        amount *= float(smoothstep(0.4, 2.0, np.array(gap)))
        if amount <= 0.0 or self.gap_px < 1.5:
            return
        lo = np.floor(np.minimum(upper.min(0), lower.min(0)) - 3).astype(int).clip(0)
        hi = np.ceil(np.maximum(upper.max(0), lower.max(0)) + 3).astype(int)
        hi = hi.clip(None, frame.shape[0])
        if (hi - lo).min() < 2:
            return
        size = (int(hi[0] - lo[0]), int(hi[1] - lo[1]))
        mask = opening_mask(smooth_curve(upper), smooth_curve(lower), (size[1], size[0]), lo)
        eyeball = self._eyeball(head, turned, lo, size)
        eyeball *= self._shadow(upper, head, lo, size)[..., None]
        region = frame[lo[1] : hi[1], lo[0] : hi[0]]
        alpha = (mask * amount)[..., None]
        region[...] = np.clip(region * (1 - alpha) + eyeball * alpha + 0.5, 0, 255)

    def _paint_lashes(self, frame: Image, meeting: Float, gap: float) -> None:
        """The line of lashes where the lids meet; it also hides the cut between both skins."""
        strength = 1.0 - float(smoothstep(0.8, _SEAM_PX, np.array(gap)))
        if strength <= 0.0 or self.gap_px < 1.5:
            return
        width_px = float(np.clip(0.15 * self.gap_px, 1.4, 3.0))
        draw_seam(frame, meeting, self.lashes, strength, width_px)

    def _change(self, lids: Float, head: NDArray[np.float64], turned: Float) -> float:
        """0 where gaze and lids are the photo's own; 1 from half a pixel of change on."""
        still = self.lids @ head[:, :2].T.astype(np.float32) + head[:, 2].astype(np.float32)
        lid = float(np.abs(lids - still).max())
        gaze = float(np.abs(turned).max())
        return float(smoothstep(0.05, 0.6, np.array(max(lid, gaze))))

    def _eyeball(
        self, head: NDArray[np.float64], turned: Float, lo: NDArray[np.int_], size: tuple[int, int]
    ) -> Float:
        shift = np.array([[1, 0, -float(lo[0])], [0, 1, -float(lo[1])], [0, 0, 1]])
        place = np.array([[1, 0, float(self.origin[0])], [0, 1, float(self.origin[1])], [0, 0, 1]])
        matrix = shift @ np.vstack([head, [0, 0, 1]]) @ place
        white = cv2.warpAffine(
            self.white, matrix[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        moved = matrix[:2].copy()
        moved[:, 2] += turned
        iris = cv2.warpAffine(self.iris, moved, size, flags=cv2.INTER_LINEAR)
        return np.asarray(white * (1 - iris[..., 3:]) + iris[..., :3], np.float32)

    def _shadow(
        self, upper: Float, head: NDArray[np.float64], lo: NDArray[np.int_], size: tuple[int, int]
    ) -> Float:
        """Shade of the upper lid, where it is lower than in the photo."""
        n = len(self.side.upper)
        still = self.lids[:n] @ head[:, :2].T + head[:, 2]
        down = np.maximum(0.0, upper[:, 1] - still[:, 1])
        depth = np.clip(down / max(1.0, 0.5 * self.gap_px), 0, 1)
        order = np.argsort(upper[:, 0])
        x = np.arange(size[0]) + lo[0]
        edge = np.interp(x, upper[order, 0], upper[order, 1])
        strength = np.interp(x, upper[order, 0], depth[order]) * _LID_SHADOW
        y = np.arange(size[1])[:, None] + lo[1]
        reach = max(1.5, 0.3 * self.gap_px)
        return np.asarray(1 - strength * np.exp(-np.maximum(0, y - edge) / reach), np.float32)


def draw_seam(frame: Image, line: Float, colour: Float, strength: float, width_px: float) -> None:
    """Draw a soft line (n, 2) px into frame, in place; it is fine at its ends."""
    curve = smooth_curve(line)
    lo = np.floor(curve.min(0) - 4).astype(int).clip(0)
    hi = np.ceil(curve.max(0) + 5).astype(int).clip(None, frame.shape[0])
    if (hi - lo).min() < 2:
        return
    along = np.gradient(curve, axis=0)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    swell = 0.35 + 0.65 * np.sin(np.linspace(0, np.pi, len(curve)))[:, None]
    side = across * (0.5 * width_px * swell)
    ring = np.concatenate([curve + side, (curve - side)[::-1]]) - lo
    mask = np.zeros((hi[1] - lo[1], hi[0] - lo[0]), np.uint8)
    fixed = np.round(ring * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.7), np.float32)
    alpha = np.minimum(1.0, soft * (1.15 / 255))[..., None] * np.float32(strength)
    region = frame[lo[1] : hi[1], lo[0] : hi[0]]
    region[...] = region * (1 - alpha) + colour * alpha + 0.5


def _lash_colour(image: Image, upper: Float) -> Float:
    """(3,) the dark of the upper lid's margin in the photo."""
    curve = smooth_curve(upper)[2:-2]
    around = np.concatenate([curve + np.array([0.0, dy]) for dy in (-1.5, -0.5, 0.5, 1.5)])
    place = np.round(around).astype(int).clip(0, image.shape[0] - 1)
    samples = image[place[:, 1], place[:, 0]].astype(np.float32)
    dark = samples[samples.sum(1) <= np.quantile(samples.sum(1), 0.3)]
    return np.asarray(dark.mean(0), np.float32)


def iris_circle(points: Float) -> tuple[Float, float]:
    """Centre (2,) px and radius px of an iris from its five landmarks, centre first."""
    centre = points.mean(0)
    return centre, float(np.linalg.norm(points[1:] - centre, axis=1).mean())


def _distance(shape: tuple[int, int], centre: Float) -> Float:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.asarray(np.hypot(x - centre[0], y - centre[1]), np.float32)


def _corner_frame(points: Float, side: _Side) -> Float:
    """(3, 2) px: the eye corners and a third point square to them, for an affine without shear."""
    outer, inner = points[side.upper[0]], points[side.upper[-1]]
    across = inner - outer
    return np.stack([outer, inner, outer + np.array([-across[1], across[0]])]).astype(np.float32)


def _white(window: Float, seen: Float, inner: Float, distance: Float, radius: float) -> Float:
    """The white of the eye without the iris, spread beyond the opening."""
    away = smoothstep(radius + 1.0, radius + 2.5, distance)
    known = inner * away
    if known.sum() < 0.04 * max(1.0, float(seen.sum())):
        # No white to see: take the brightest tenth of the opening as its colour.
        luma = window.mean(2)
        bright = np.quantile(luma[seen > 0.5], 0.9) if (seen > 0.5).any() else 128.0
        known = inner * (luma >= bright)
    filled = _fill(window, known)
    keep = (seen * away)[..., None]
    return np.asarray(window * keep + filled * (1 - keep), np.float32)


def _whole_iris(
    window: Float, inner: Float, centre: Float, distance: Float, radius: float
) -> Float:
    """Iris and pupil without lids: hidden parts come from the ring at the same distance."""
    known = inner * (distance < radius + 0.5)
    rings = np.minimum(distance, radius).astype(np.int32)
    n = int(radius) + 2
    mass = np.bincount(rings.ravel(), known.ravel(), n)
    result = np.empty_like(window)
    smooth = np.ones(3) / 3
    steps = np.arange(n)
    for c in range(3):
        total = np.bincount(rings.ravel(), (window[..., c] * known).ravel(), n)
        weight = np.convolve(mass, smooth, "same")
        seen = weight > 0.5
        mean = np.convolve(total, smooth, "same") / np.maximum(weight, 1e-3)
        filled = np.interp(steps, steps[seen], mean[seen]) if seen.any() else np.full(n, 60.0)
        result[..., c] = np.interp(distance, steps + 0.5, filled)
    hidden = cv2.GaussianBlur(1 - known, (0, 0), 1.0) * (1 - known)
    keep = (known * (1 - np.clip(hidden, 0, 1)))[..., None]
    return np.asarray(window * keep + result * (1 - keep), np.float32)


class EyeLayer:
    """Both eyes of a portrait."""

    def __init__(self, eyes: tuple[_Eye, _Eye]) -> None:
        self._eyes = eyes

    @staticmethod
    def build(image: Image, landmarks: Float) -> "EyeLayer":
        """From the crop (512, 512, 3) and its landmarks (478, 3) px."""
        left, right = (_Eye.build(image, landmarks, side) for side in _SIDES)
        return EyeLayer((left, right))

    def paint(self, frame: Image, landmarks: Float, skull: Float) -> None:
        """Put both eyes into frame (512, 512, 3) RGB, in place.

        landmarks: (478, 3) px of the target; skull: the same head with the photo's own expression.
        """
        for eye in self._eyes:
            eye.paint(frame, landmarks, skull)
