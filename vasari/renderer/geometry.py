"""Where everything goes: target landmarks of the face, and the smooth field of the whole head.

The face moves by the mesh of the motion space. Hair, ears and the back of the head move as a rigid
body with a depth continued from the face; neck and shoulders follow with falling weight; the crop's
border stands still unless it is the photo's own border, where there is nothing to meet.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.motion.basis import Basis
from vasari.motion.mesh import EYES, shape_from_motion
from vasari.motion.pose import project, rotation_matrix
from vasari.types import CROP_PX, Float, HeadAnchor, Portrait

GRID_STEP_PX = 8
GRID_SIDE = CROP_PX // GRID_STEP_PX + 1

_HAIR_REACH = (0.45, 1.15)
"""Distance from the face oval, in face widths, between which the head's influence fades out."""
_NECK_REACH = 0.85
"""Distance below the chin, in face widths, over which neck and shoulders stop following."""
_BORDER_PX = 56
"""Width of the strip inside the crop's border over which motion dies out."""
_RECEDE = 0.45
"""How fast the head recedes outside the face oval: depth per distance, both in face widths."""
_CHIN_REACH = 0.32
"""Range, in face widths, over which skin outside the oval follows the expression of its border."""


_EXPRESSION_FLOOR = 0.5
"""Squared length of mouth coefficients under which a photo counts as being at rest."""


@dataclass(frozen=True)
class Target:
    """One frame's geometry. All (478, 3) crop px.

    landmarks: what the face shows. skull: the same head with the photo's own expression, so points
    that are fixed to the skull; its difference from landmarks is expression alone.
    displacement: (65, 65, 2) px, forward, of the coarse grid.
    """

    landmarks: Float
    skull: Float
    displacement: Float


def smoothstep(low: float, high: float, value: NDArray[np.floating]) -> NDArray[np.float32]:
    """0 below low, 1 above high, a smooth cubic between (Hermite; the usual graphics function)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


class Geometry:
    """Everything about a portrait's geometry that does not change from frame to frame."""

    def __init__(self, portrait: Portrait, basis: Basis) -> None:
        self._portrait = portrait
        self._basis = basis
        motion = portrait.motion
        self._source_shape = shape_from_motion(portrait.neutral, motion, basis)
        self._source_model = _place(self._source_shape, motion, portrait.anchor)
        self.source = portrait.landmarks
        self._residual = self.source - self._source_model
        self.face_width_px = portrait.anchor.scale_px
        self._grid = _grid_points()
        outside = _distance_outside(self.source, self._grid)
        self._head_grid = self._lift(outside)
        self._weight = self._influence(outside)
        self._spread = self._expression_spread(outside)

    def target(self, motion: Float) -> Target:
        """Geometry of a motion vector (44,), camera reference."""
        shape = shape_from_motion(self._portrait.neutral, motion, self._basis)
        placed = _place(shape, motion, self._portrait.anchor)
        skull = _place(self._source_shape, motion, self._portrait.anchor)
        landmarks = placed + self._unexplained(motion)
        expression = (placed - skull)[layout.FACE_OVAL, :2]
        moved = _place(self._head_grid, motion, self._portrait.anchor)[:, :2]
        rigid = (moved - self._grid) * self._weight[:, None]
        displacement = rigid + self._spread @ expression
        return Target(
            landmarks=landmarks.astype(np.float32),
            skull=(skull + self._residual).astype(np.float32),
            displacement=displacement.reshape(GRID_SIDE, GRID_SIDE, 2).astype(np.float32),
        )

    def _unexplained(self, motion: Float) -> Float:
        """(478, 3) px: what the motion space cannot say about the photo's own face.

        It belongs to the photo's expression and goes with it: at the photo's own motion the
        landmarks come back exactly, at rest the lips meet and shut lids leave no gap.
        """
        residual = self._residual.copy()
        own = self._portrait.motion
        mouth = own[layout.MOUTH]
        here = float(motion[layout.MOUTH] @ mouth) + _EXPRESSION_FLOOR
        share = np.clip(here / (float(mouth @ mouth) + _EXPRESSION_FLOOR), 0.0, 1.0)
        residual[layout.LIPS] *= share
        for eye, open_now, open_own in zip(
            EYES, motion[layout.LIDS].tolist(), own[layout.LIDS].tolist(), strict=True
        ):
            share = min(1.0, max(0.0, open_now) / max(open_own, 0.05))
            residual[eye.upper] *= share
            residual[eye.lower] *= share
        return residual

    def _lift(self, outside: Float) -> Float:
        """(G, 3) head-frame positions of the grid points, with depth continued from the face."""
        anchor, motion = self._portrait.anchor, self._portrait.motion
        squared = _squared_distances(self._grid, self.source[:468, :2])
        nearness = 1.0 / (squared + (0.03 * self.face_width_px) ** 2) ** 2
        depth = (nearness @ self._source_model[:468, 2]) / nearness.sum(1)
        width = self.face_width_px
        depth += _RECEDE * np.minimum(outside, 0.8 * width)
        centred = np.column_stack(
            [
                (self._grid[:, 0] - anchor.x_px) / width,
                (self._grid[:, 1] - anchor.y_px) / width,
                depth / width,
            ]
        )
        rotation = rotation_matrix(*motion[layout.ROTATION].tolist())
        return np.asarray(centred @ rotation, np.float32)

    def _influence(self, outside: Float) -> Float:
        """(G,) how much a grid point follows the head: 1 on the head, 0 on body and border."""
        width = self.face_width_px
        weight = 1.0 - smoothstep(_HAIR_REACH[0] * width, _HAIR_REACH[1] * width, outside)
        down = self.source[152, :2] - self.source[10, :2]
        down = down / np.linalg.norm(down)
        below = (self._grid - self.source[152, :2]) @ down
        weight = weight * (1.0 - smoothstep(0.0, _NECK_REACH * width, below))
        return np.asarray(weight * self._border(), np.float32)

    def _border(self) -> Float:
        """(G,) 0 on borders of the crop inside the photo, rising to 1; 1 along the photo's own.

        The lower border always stands still: what it cuts is a body.
        """
        crop, photo = self._portrait.crop, self._portrait.photo
        lo = crop.photo_from_crop(np.array([-0.5, -0.5]))
        hi = crop.photo_from_crop(np.array([CROP_PX - 0.5, CROP_PX - 0.5]))
        x, y = self._grid[:, 0], self._grid[:, 1]
        last = CROP_PX - 1
        factor = np.ones(len(self._grid), np.float32)
        for meets, distance in (
            (lo[0] > 1.0, x),
            (lo[1] > 1.0, y),
            (hi[0] < photo.shape[1] - 2.0, last - x),
            (True, last - y),
        ):
            if meets:
                factor = factor * smoothstep(0.0, _BORDER_PX, distance)
        return factor

    def _expression_spread(self, outside: Float) -> Float:
        """(G, 36) weights that carry the displacement of the oval's points outwards."""
        oval = self.source[layout.FACE_OVAL, :2]
        squared = _squared_distances(self._grid, oval)
        nearness = 1.0 / (squared + (0.05 * self.face_width_px) ** 2) ** 2
        share = nearness / nearness.sum(1, keepdims=True)
        decay = np.exp(-((outside / (_CHIN_REACH * self.face_width_px)) ** 2)) * self._border()
        return np.asarray(share * decay[:, None], np.float32)


def _place(shape: Float, motion: Float, anchor: HeadAnchor) -> Float:
    return project(shape, motion[layout.ROTATION], motion[layout.TRANSLATION], anchor)


def _grid_points() -> Float:
    steps = np.arange(GRID_SIDE, dtype=np.float32) * GRID_STEP_PX
    x, y = np.meshgrid(steps, steps)
    return np.column_stack([x.ravel(), y.ravel()])


def _squared_distances(a: Float, b: Float) -> Float:
    """(n, m) of all points (n, 2) from all points (m, 2)."""
    x = a[:, 0, None] - b[None, :, 0]
    y = a[:, 1, None] - b[None, :, 1]
    return np.asarray(x * x + y * y, np.float32)


def _distance_outside(landmarks: Float, grid: Float) -> Float:
    """(G,) distance in px from the face oval, 0 inside."""
    oval = np.ascontiguousarray(landmarks[layout.FACE_OVAL, None, :2], np.float32)
    signed = [cv2.pointPolygonTest(oval, (float(x), float(y)), True) for x, y in grid]
    return np.maximum(0.0, -np.array(signed, np.float32))
