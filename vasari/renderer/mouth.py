"""The inside of the mouth, in layers: cavity, tongue, lower teeth, upper teeth.

Upper teeth are fixed to the skull, lower teeth and tongue to the jaw, so they never swim. Teeth are
a texture learned from many smiles, lit like the photo; a photo that shows its own mouth inside
keeps it: the part above the bite moves with the skull, the part below with the jaw.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.renderer.eyes import draw_seam, opening_mask, smooth_curve
from vasari.renderer.geometry import smoothstep
from vasari.renderer.own_mouth import Own, own_inside, seam_colour
from vasari.renderer.teeth import MouthTextures, coloured, light_of, lit
from vasari.renderer.warp import affine
from vasari.types import Float, HeadAnchor, Image

PX_PER_FACE_WIDTH = 360.0
"""Scale of the teeth's textures."""
EDGE_ROW = 44
"""Row of the texture at which the upper front teeth end."""
LOWER_EDGE_ROW = 14
"""Row of the texture at which the lower front teeth begin."""

_DISPLAY = 0.022
"""How far upper teeth reach below the lip line at rest, in face widths: 3 mm of 140 mm. Faces at
rest show 2.6 mm (mean of Vig & Brundo 1978), the learned smiles have 4 mm."""
_OVERBITE = 0.003
"""How far the edge of the lower teeth stands above that of the upper, mouth shut, in face widths.
Less than nature's 2 to 3 mm: lips that part a little then show upper teeth alone, as they do."""
_LOWER_LIGHT = 0.60
"""Lower teeth lie deeper and under the shade of the upper ones."""
_CAVITY = np.array([0.165, 0.062, 0.055], np.float32)
_TONGUE = np.array([0.60, 0.31, 0.30], np.float32)
"""Colours relative to the brightness of teeth; dark red and dull pink."""
_SKULL_POINTS = np.union1d(layout.RIGID, [1, 2, 4, 5, 98, 327, 97, 326, 164, 195, 197])
_NEAR_MOUTH = np.union1d(layout.LIPS, [2, 98, 327, 164, 152, 200, 199, 18, 83, 313])
_JAW = np.array([152, 148, 377, 199, 200, 17, 83, 313, 18])
"""Chin and outer lower lip: skin over the chin moves less than the teeth, the lip more."""
_OPEN_PX = 4.0
"""A photo whose lips are this far apart shows its own mouth inside."""


@dataclass(frozen=True)
class MouthLayer:
    """The mouth of one portrait; build it once, paint every frame."""

    teeth: Float  # (50, 188, 4) upper, lit, premultiplied by alpha
    lower_teeth: Float  # (50, 188, 4) the same of the lower
    cavity: Float
    tongue: Float
    seam: Float  # (3,) colour of the line between shut lips
    photo_from_texture: NDArray[np.float64]  # (2, 3)
    landmarks: Float  # (478, 2) the photo's
    scale_px: float
    jaw_drop: Float  # (2,) px how far the photo's own jaw is open
    own: Own | None
    lips: Float  # (22, 2) the photo's inner lips

    @staticmethod
    def build(
        image: Image, landmarks: Float, neutral: Float, anchor: HeadAnchor, textures: MouthTextures
    ) -> "MouthLayer":
        """From the crop (512, 512, 3), its landmarks (478, 3) px and neutral shape (478, 3)."""
        points = landmarks[:, :2].astype(np.float64)
        head = _fit_affine(neutral[_SKULL_POINTS, :2], points[_SKULL_POINTS])
        line = neutral[[13, 14], 1].mean()
        # Texture pixels to the plane of the face, whose lip line is known in the head frame.
        middle = float(neutral[[13, 14, 0, 2], 0].mean())
        k = 1.0 / PX_PER_FACE_WIDTH
        width = textures.shade.shape[1]
        plane = np.array(
            [[k, 0, middle - k * width / 2], [0, k, line + _DISPLAY - k * EDGE_ROW], [0, 0, 1]]
        )
        upper, lower = points[layout.LIPS_INNER_UPPER], points[layout.LIPS_INNER_LOWER]
        gap = float((lower - upper)[1:-1, 1].max())
        light = light_of(image, points, textures)
        teeth = lit(textures.shade, textures.alpha, light)
        lower_teeth = lit(textures.lower_shade, textures.lower_alpha, light)
        # The neutral face has its lips shut, so the photo's jaw is open by what it differs.
        shut = neutral[_JAW, :2] @ head[:, :2].T + head[:, 2]
        drop = (points[_JAW] - shut).mean(0) * (gap > 1.0)
        return MouthLayer(
            teeth=teeth,
            lower_teeth=lower_teeth * np.array([_LOWER_LIGHT] * 3 + [1], np.float32),
            cavity=coloured(_CAVITY, light),
            tongue=coloured(_TONGUE, light),
            seam=seam_colour(image, upper, lower),
            photo_from_texture=head @ plane,
            landmarks=points.astype(np.float32),
            scale_px=anchor.scale_px,
            jaw_drop=drop.astype(np.float32),
            own=own_inside(image, upper, lower) if gap >= _OPEN_PX else None,
            lips=np.concatenate([upper, lower]).astype(np.float32),
        )

    def paint(
        self, frame: Image, upper: Float, lower: Float, skull_points: Float, jaw_points: Float
    ) -> None:
        """Paint into frame (512, 512, 3), in place.

        upper, lower: (11, 2) px target inner lips. skull_points: (478, 2) px the head at the target
        pose with the photo's expression. jaw_points: (478, 2) px target landmarks.
        """
        move = _fit_affine(self.landmarks[_NEAR_MOUTH], skull_points[_NEAR_MOUTH])
        amount = self._change(np.concatenate([upper, lower]), move)
        gap = float((lower - upper)[1:-1, 1].max())
        if self.own is not None:
            closed = amount * (1.0 - float(smoothstep(0.5, 2.5, np.array(gap))))
            if closed > 0:
                draw_seam(frame, 0.5 * (upper + lower), self.seam, 0.95 * closed, 2.6)
        amount *= float(smoothstep(0.6, 2.2, np.array(gap)))
        if amount <= 0:
            return
        lo = np.floor(np.minimum(upper, lower).min(0) - 3).astype(int).clip(0)
        hi = np.ceil(np.maximum(upper, lower).max(0) + 4).astype(int).clip(None, frame.shape[0])
        size = (int(hi[0] - lo[0]), int(hi[1] - lo[1]))
        if min(size) < 3:
            return
        drop = (jaw_points[_JAW] - skull_points[_JAW]).mean(0) + self.jaw_drop
        top, bottom = smooth_curve(upper), smooth_curve(lower)
        mask = opening_mask(top, bottom, (size[1], size[0]), lo.astype(np.float32))
        shadow = _lip_shadow(top, lo, size, gap)[..., None]
        inside = self._inside(move, drop, lo, size, gap) * shadow
        if self.own is not None:
            # What the photo shows has its own shadow already; a mouth less open adds some.
            self._add_own(inside, move, drop - self.jaw_drop, lo, size, 0.7 + 0.3 * shadow)
        region = frame[lo[1] : hi[1], lo[0] : hi[0]]
        alpha = (mask * amount)[..., None]
        region[...] = np.clip(region * (1 - alpha) + inside * alpha + 0.5, 0, 255)

    def _change(self, lips: Float, move: NDArray[np.float64]) -> float:
        still = self.lips @ move[:, :2].T + move[:, 2]
        return float(smoothstep(0.1, 0.9, np.array(np.abs(lips - still).max())))

    def _inside(
        self,
        move: NDArray[np.float64],
        drop: Float,
        lo: NDArray[np.int_],
        size: tuple[int, int],
        gap: float,
    ) -> Float:
        """(h, w, 3) everything behind the lips."""
        rows = np.linspace(0.75, 1.15, size[1], dtype=np.float32)[:, None, None]
        out = np.broadcast_to(self.cavity * rows, (size[1], size[0], 3)).copy()
        upper = _chain(move, self.photo_from_texture)
        shut = EDGE_ROW - LOWER_EDGE_ROW - _OVERBITE * PX_PER_FACE_WIDTH
        lower = _chain(upper, np.array([[1.0, 0, 0], [0, 1, shut]]))
        lower[:, 2] += drop
        self._add_tongue(out, lower, lo, size, gap)
        _over(out, self.lower_teeth, lower, lo, size)
        _over(out, self.teeth, upper, lo, size)
        return out

    def _add_tongue(
        self,
        out: Float,
        lower: NDArray[np.float64],
        lo: NDArray[np.int_],
        size: tuple[int, int],
        gap: float,
    ) -> None:
        """A dull arch behind the lower teeth; it shows only in wide openings."""
        centre = lower @ np.array([self.teeth.shape[1] / 2, LOWER_EDGE_ROW, 1.0]) - lo
        half = 0.15 * self.scale_px
        y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
        aside, up = (x - centre[0]) / half, (centre[1] + 0.03 * self.scale_px - y) / (0.7 * half)
        alpha = smoothstep(1.15, 0.45, aside**2 + up**2)
        alpha *= 0.8 * float(smoothstep(6.0, 24.0, np.array(gap)))
        # Darker into the throat, and a furrow along the middle.
        alpha *= (1 - 0.45 * np.clip(up, 0, 1)) * (1 - 0.15 * np.exp(-((aside / 0.1) ** 2)))
        out += (self.tongue - out) * alpha[..., None]

    def _add_own(
        self,
        out: Float,
        move: NDArray[np.float64],
        drop: Float,
        lo: NDArray[np.int_],
        size: tuple[int, int],
        light: Float,
    ) -> None:
        assert self.own is not None
        for weight, shift in ((self.own.lower, drop), (self.own.upper, np.zeros(2))):
            place = move.copy()
            place[:, 2] += shift
            back = _window(place, lo)
            alpha = affine(weight, back, size, cv2.BORDER_CONSTANT)[..., None]
            if alpha.max() > 0:
                out += (affine(self.own.image, back, size) * light - out) * alpha


def _fit_affine(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, 3) affine map of (n, 2) source onto target points, least squares."""
    design = np.column_stack([source, np.ones(len(source))]).astype(np.float64)
    return np.asarray(np.linalg.lstsq(design, target.astype(np.float64), rcond=None)[0].T)


def _chain(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) first inner, then outer."""
    last = np.array([[0.0, 0.0, 1.0]])
    full = np.vstack([outer, last]) @ np.vstack([inner[:2], last])
    return np.asarray(full[:2], np.float64)


def _window(place: NDArray[np.float64], lo: NDArray[np.int_]) -> NDArray[np.float64]:
    """From pixels of a window at lo back to the source of place."""
    inverse = np.linalg.inv(np.vstack([place, [0, 0, 1]]))
    shift = np.array([[1.0, 0.0, float(lo[0])], [0.0, 1.0, float(lo[1])], [0.0, 0.0, 1.0]])
    return np.asarray((inverse @ shift)[:2])


def _over(
    out: Float,
    texture: Float,
    place: NDArray[np.float64],
    lo: NDArray[np.int_],
    size: tuple[int, int],
) -> None:
    """Lay a premultiplied texture (h, w, 4) over out, in place."""
    layer = affine(texture, _window(place, lo), size, cv2.BORDER_CONSTANT)
    out *= 1 - layer[..., 3:]
    out += layer[..., :3]


def _lip_shadow(top: Float, lo: NDArray[np.int_], size: tuple[int, int], gap: float) -> Float:
    """(h, w) shade: under the upper lip, towards the corners, and of a mouth hardly open."""
    x = np.arange(size[0]) + lo[0]
    y = np.arange(size[1])[:, None] + lo[1]
    edge = np.interp(x, top[:, 0], top[:, 1]) if top[0, 0] < top[-1, 0] else np.full(size[0], lo[1])
    under = 1 - 0.42 * np.exp(-np.maximum(0, y - edge) / max(2.0, 0.16 * gap))
    left, right = min(top[0, 0], top[-1, 0]), max(top[0, 0], top[-1, 0])
    across = np.abs(2 * (x - left) / max(1.0, right - left) - 1)
    corners = 1 - 0.65 * smoothstep(0.55, 1.0, across)
    depth = 0.70 + 0.26 * float(smoothstep(2.0, 20.0, np.array(gap)))
    return np.asarray(under * corners[None] * depth, np.float32)
