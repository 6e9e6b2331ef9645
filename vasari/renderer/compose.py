"""One frame: the person moves before a background that stands still; then eyes and mouth inside."""

from dataclasses import dataclass

import cv2
import numpy as np

from vasari.motion import layout
from vasari.motion.basis import Basis
from vasari.renderer.eyes import EyeLayer
from vasari.renderer.flow import FLOW_STEP_PX, face_flow, invert
from vasari.renderer.geometry import GRID_STEP_PX, Geometry, Target, smoothstep
from vasari.renderer.mouth import MouthLayer
from vasari.renderer.paste import PasteBack
from vasari.renderer.refine import Refiner, Refiners
from vasari.renderer.teeth import MouthTextures, load_textures
from vasari.renderer.topology import Topology, load_topology
from vasari.renderer.warp import affine, sample
from vasari.runtime import Runtime
from vasari.types import CROP_PX, Float, Image, Portrait

_SOLID = 0.5
"""A matte that gives the face itself less than this is not usable; then all of the crop moves."""
_EDGE = 0.15
"""Matte from which a pixel belongs to the person: wisps of hair do."""
_SNUG_PX = 5.0
"""So far around the person everything moves with it: what the matte missed of the hair."""
_LEAST_BAND_PX = 22.0


@dataclass(frozen=True)
class RendererAssets:
    """What all portraits share: the triangles of the face, the learned inside of the mouth, and the
    networks that repaint mouth and eyes; without those, the layers are what is seen."""

    topology: Topology
    textures: MouthTextures
    refiners: Refiners | None = None


@dataclass(frozen=True)
class Drawing:
    """displacement: (512, 512, 2) px, target minus source. warped: (512, 512, 3) RGB, the photo
    moved along. frame: the same with eyes and mouth inside."""

    displacement: Float
    warped: Image
    frame: Image


def load_assets(runtime: Runtime | None = None) -> RendererAssets:
    """The shipped assets, verified against the manifest; without a runtime, without networks."""
    refiners = None if runtime is None else Refiners.load(runtime)
    return RendererAssets(load_topology(), load_textures(), refiners)


def _pixel_grid() -> Float:
    x, y = np.meshgrid(np.arange(CROP_PX, dtype=np.float32), np.arange(CROP_PX, dtype=np.float32))
    return np.stack([x, y], 2)


def _upscale(field: Float, step_px: float, first_px: float, out_step_px: float) -> Float:
    """Resample a field known at first_px + k * step_px to the centres of out_step_px pixels."""
    side = int(CROP_PX / out_step_px)
    scale = out_step_px / step_px
    offset = ((out_step_px - 1) / 2 - first_px) / step_px
    return affine(field, np.array([[scale, 0, offset], [0, scale, offset]]), (side, side))


class Renderer:
    """Plays motion vectors on one portrait.

    Rendering holds no state between frames: the same vector gives the same picture, whatever came
    before. One instance serves one thread at a time.
    """

    def __init__(self, portrait: Portrait, basis: Basis, assets: RendererAssets) -> None:
        self._portrait = portrait
        self._geometry = Geometry(portrait, basis)
        self._topology = assets.topology
        self._pixels = _pixel_grid()
        self._distance = distance_outside(portrait)
        self._paste: PasteBack | None = None
        self._eyes = EyeLayer.build(portrait.image, portrait.landmarks)
        self._mouth = MouthLayer.build(
            portrait.image, portrait.landmarks, portrait.neutral, portrait.anchor, assets.textures
        )
        self._refiner: Refiner | None = None
        if assets.refiners is not None:
            own = self._geometry.target(portrait.motion)
            self._refiner = Refiner(portrait, own, assets.refiners)

    def render(self, motion: Float) -> Image:
        """(512, 512, 3) RGB frame of a motion vector (44,), camera reference.

        The photo's own vector gives back the photo.
        """
        return self.draw(self.target(motion)).frame

    def target(self, motion: Float) -> Target:
        """The geometry of a motion vector (44,), camera reference."""
        return self._geometry.target(motion)

    def draw(self, target: Target) -> Drawing:
        """Everything that is known of a frame with this geometry."""
        displacement = self._displacement(target)
        warped = self._warp(displacement)
        frame = self._paint(warped.copy(), target)
        if self._refiner is not None:
            self._refiner.refine(frame, target, displacement)
        return Drawing(displacement, warped, frame)

    def render_photo(self, motion: Float) -> Image:
        """(H, W, 3) RGB: the whole photo at its own size, with the face moved."""
        if self._paste is None:
            self._paste = PasteBack(self._portrait)
        drawing = self.draw(self.target(motion))
        return self._paste.apply(drawing.displacement, drawing.warped, drawing.frame)

    def _paint(self, frame: Image, target: Target) -> Image:
        """Eyes and mouth inside, in place."""
        points = target.landmarks[:, :2]
        self._eyes.paint(frame, target.landmarks, target.skull)
        self._mouth.paint(
            frame,
            points[layout.LIPS_INNER_UPPER],
            points[layout.LIPS_INNER_LOWER],
            target.skull[:, :2],
            points,
        )
        return frame

    def _displacement(self, target: Target) -> Float:
        """(512, 512, 2) px: each pixel of the frame comes from its place minus this."""
        backward = _upscale(
            invert(target.displacement, GRID_STEP_PX), GRID_STEP_PX, 0.0, FLOW_STEP_PX
        )
        landmarks = target.landmarks
        source = self._geometry.source
        positions, coverage, window = face_flow(
            source[:468, :2], landmarks[:468, :2], landmarks[:468, 2], self._topology
        )
        centre = (FLOW_STEP_PX - 1) / 2
        here = self._pixels[::FLOW_STEP_PX, ::FLOW_STEP_PX][window] + centre
        inner = here - positions
        backward[window] += coverage[..., None] * (inner - backward[window])
        if self._distance is not None:
            backward = keep_background(backward, self._distance)
        return _upscale(backward, FLOW_STEP_PX, centre, 1.0)

    def _warp(self, displacement: Float) -> Image:
        return sample(self._portrait.image, self._pixels - displacement)


def distance_outside(portrait: Portrait) -> Float | None:
    """(256, 256) px of every flow pixel from the person, 0 inside; None without a usable matte."""
    face = np.zeros((CROP_PX, CROP_PX), np.uint8)
    hull = cv2.convexHull(np.round(portrait.landmarks[:468, :2]).astype(np.int32))
    cv2.fillConvexPoly(face, hull, 1)
    if float(portrait.matte[face > 0].mean()) < _SOLID:
        return None
    outside = (portrait.matte < _EDGE).astype(np.uint8)
    outside = np.asarray(cv2.morphologyEx(outside, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(cv2.blur(distance, (5, 5))[::FLOW_STEP_PX, ::FLOW_STEP_PX], np.float32)


def keep_background(displacement: Float, distance: Float) -> Float:
    """Let the displacement (256, 256, 2) px die out in a band around the person.

    The background stands still; a narrow band beside the head gives way, as wide as it must be so
    that nothing folds over. A hard edge there would cut every straight line behind the head.
    """
    reach = float(np.abs(displacement[distance < _SNUG_PX]).max(initial=0.0))
    width = np.float32(max(_LEAST_BAND_PX, 1.8 * reach))
    side = np.arange(distance.shape[0], dtype=np.float32)
    columns, rows = np.meshgrid(side, side)
    shift = displacement / np.float32(FLOW_STEP_PX)
    source = np.stack([columns - shift[..., 0], rows - shift[..., 1]], 2)
    share = 1.0 - smoothstep(_SNUG_PX, _SNUG_PX + float(width), sample(distance, source))
    return displacement * share[..., None]
