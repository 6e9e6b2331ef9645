"""One frame: the person warped over a background that stands still, then eyes and mouth inside."""

import cv2
import numpy as np

from vasari.motion.basis import Basis
from vasari.renderer.eyes import EyeLayer
from vasari.renderer.flow import FLOW_STEP_PX, face_flow, invert
from vasari.renderer.geometry import GRID_STEP_PX, Geometry
from vasari.renderer.mouth import MouthLayer, MouthTextures
from vasari.renderer.topology import Topology
from vasari.types import CROP_PX, Float, Image, Portrait

_SOLID = 0.5
"""A matte that gives the face itself less than this is not usable; then there is one layer."""


def _pixel_grid() -> Float:
    x, y = np.meshgrid(np.arange(CROP_PX, dtype=np.float32), np.arange(CROP_PX, dtype=np.float32))
    return np.stack([x, y], 2)


def _upscale(field: Float, step_px: float, first_px: float, out_step_px: float) -> Float:
    """Resample a field known at first_px + k * step_px to the centres of out_step_px pixels."""
    side = int(CROP_PX / out_step_px)
    scale = out_step_px / step_px
    offset = ((out_step_px - 1) / 2 - first_px) / step_px
    matrix = np.array([[scale, 0, offset], [0, scale, offset]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(field, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


class Renderer:
    """Plays motion vectors on one portrait.

    Rendering holds no state between frames: the same vector gives the same picture, whatever came
    before. One instance serves one thread at a time.
    """

    def __init__(
        self, portrait: Portrait, basis: Basis, topology: Topology, textures: MouthTextures
    ) -> None:
        self._portrait = portrait
        self._geometry = Geometry(portrait, basis)
        self._topology = topology
        self._pixels = _pixel_grid()
        self._layered = _matte_is_usable(portrait)
        self._person = _solid_person(portrait) if self._layered else portrait.image
        self._eyes = EyeLayer.build(portrait.image, portrait.landmarks)
        self._mouth = MouthLayer.build(
            portrait.image, portrait.landmarks, portrait.neutral, portrait.anchor, textures
        )

    def render(self, motion: Float) -> Image:
        """(512, 512, 3) RGB frame of a motion vector (44,), camera reference.

        The photo's own vector gives back the photo.
        """
        target = self._geometry.target(motion)
        sampling = self._sampling(target.landmarks, target.displacement)
        frame = self._composite(sampling)
        self._eyes.paint(frame, target.landmarks, target.skull)
        self._mouth.paint(frame, target.landmarks, target.skull)
        return frame

    def _sampling(self, landmarks: Float, displacement: Float) -> Float:
        """(512, 512, 2) where in the crop each pixel of the frame comes from."""
        backward = _upscale(invert(displacement, GRID_STEP_PX), GRID_STEP_PX, 0.0, FLOW_STEP_PX)
        source = self._geometry.source
        positions, coverage, window = face_flow(
            source[:468, :2], landmarks[:468, :2], landmarks[:468, 2], self._topology
        )
        centre = (FLOW_STEP_PX - 1) / 2
        here = self._pixels[::FLOW_STEP_PX, ::FLOW_STEP_PX][window] + centre
        inner = here - positions
        backward[window] += coverage[..., None] * (inner - backward[window])
        full = _upscale(backward, FLOW_STEP_PX, centre, 1.0)
        return np.subtract(self._pixels, full, out=full)

    def _composite(self, sampling: Float) -> Image:
        person = cv2.remap(
            self._person, sampling, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if not self._layered:
            return np.asarray(person, np.uint8)
        matte = cv2.remap(
            self._portrait.matte, sampling, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(
            cv2.blendLinear(person, self._portrait.background, matte, 1.0 - matte), np.uint8
        )


def _matte_is_usable(portrait: Portrait) -> bool:
    oval = np.zeros((CROP_PX, CROP_PX), np.uint8)
    hull = cv2.convexHull(np.round(portrait.landmarks[:468, :2]).astype(np.int32))
    cv2.fillConvexPoly(oval, hull, 1)
    return bool(portrait.matte[oval > 0].mean() > _SOLID)


def _solid_person(portrait: Portrait) -> Image:
    """The person's own colour, also where the matte is soft.

    The photo is matte * person + (1 - matte) * background; solved for the person, so that the photo
    comes back where nothing moves. Where the matte is empty, the nearest colours of the person
    continue outwards, so that no background shows at a moving edge.
    """
    matte = portrait.matte[..., None]
    photo = portrait.image.astype(np.float32)
    background = portrait.background.astype(np.float32)
    known = np.clip((photo - (1 - matte) * background) / np.maximum(matte, 0.05), 0, 255)
    trust = (matte > 0.9).astype(np.float32)
    spread = _spread_colour(photo, trust[..., 0])
    own = np.clip((matte - 0.05) / 0.3, 0, 1)
    return np.asarray(np.round(own * known + (1 - own) * spread), np.uint8)


def _spread_colour(colour: Float, weight: Float) -> Float:
    """Fill from the weighted pixels outwards by normalised convolution at growing scales."""
    filled = colour * weight[..., None]
    known = weight.copy()
    out = filled.copy()
    done = known.copy()
    for radius in (3, 7, 15, 31, 63, 127):
        kernel = (radius, radius)
        near = cv2.blur(filled, kernel)
        mass = cv2.blur(known, kernel)
        guess = near / np.maximum(mass, 1e-4)[..., None]
        fresh = ((mass > 1e-3) & (done < 0.5)).astype(np.float32)
        out = out * (1 - fresh[..., None]) + guess * fresh[..., None]
        done = np.maximum(done, fresh)
    return np.asarray(out, np.float32)
