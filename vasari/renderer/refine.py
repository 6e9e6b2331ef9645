"""The refiner: small networks that paint what the photograph never showed of mouth and eyes.

They see the patch that geometry made, where lips, lids and irises are, how the skin moved, and the
features of the photo's own patch, which are computed once. They return the patch as a photograph of
this person would show it. Nothing is touched where lips, lids and gaze are as in the photo.
"""

from dataclasses import dataclass

import numpy as np

from vasari.renderer import region as regions
from vasari.renderer.geometry import Target, smoothstep
from vasari.renderer.region import Region
from vasari.renderer.warp import Affine
from vasari.runtime import Model, Runtime
from vasari.types import Float, Image, Portrait

_MOUTH_PX, _EYES_PX = (0.15, 1.2), (0.5, 1.8)
"""Movement of lips, of lids and irises up to which the photo's own pixels stay, and from which on
the network's replace them. The layers carry the small movements of a gaze, and time is saved."""

_WIDE, _WIDEST = 0.085, 0.13
"""Gap of the lips in face widths from which on the layers are trusted more than the network, which
has seen few mouths so wide, and where they are trusted alone."""


@dataclass(frozen=True)
class Network:
    """One region's two models: source is run once per portrait, frame for every frame."""

    source: Model
    frame: Model


@dataclass(frozen=True)
class Refiners:
    """The networks that all portraits share."""

    mouth: Network
    eyes: Network

    @staticmethod
    def load(runtime: Runtime) -> "Refiners":
        """The shipped networks, verified against the manifest."""
        mouth, eyes = (
            Network(runtime.model(f"refiner_{name}_source"), runtime.model(f"refiner_{name}"))
            for name in ("mouth", "eyes")
        )
        return Refiners(mouth, eyes)


@dataclass(frozen=True)
class _Patch:
    """One region of one portrait. home: place of the photo's own patch; face_px: face width."""

    region: Region
    home: Affine
    window: Float
    face_px: float

    def activity(self, target: Target) -> float:
        """0 where this region's landmarks move with the skull alone, 1 where they do not."""
        moving = self.region.contours.moving
        moved = np.abs(target.landmarks[moving, :2] - target.skull[moving, :2]).max()
        if self.region is not regions.MOUTH:
            return float(smoothstep(*_EYES_PX, np.array(moved)))
        amount = float(smoothstep(*_MOUTH_PX, np.array(moved)))
        gap = float(np.linalg.norm(target.landmarks[14, :2] - target.landmarks[13, :2]))
        return amount * (1.0 - float(smoothstep(_WIDE, _WIDEST, np.array(gap / self.face_px))))


class Refiner:
    """The networks at work on one portrait; holds nothing from frame to frame."""

    def __init__(self, portrait: Portrait, own: Target, networks: Refiners) -> None:
        """own: the geometry of the photo's own motion."""
        self._neutral = portrait.neutral
        self._parts = []
        for network, kinds in ((networks.mouth, (regions.MOUTH,)), (networks.eyes, regions.EYES)):
            patches = [self._patch(region, portrait, own) for region in kinds]
            seen = [
                regions.picture(p.region, portrait.image, p.home, portrait.landmarks)
                for p in patches
            ]
            features = network.source.run({"source": np.stack([*map(regions.source_stack, seen)])})
            self._parts.append((network.frame, patches, features))

    def _patch(self, region: Region, portrait: Portrait, own: Target) -> _Patch:
        home = regions.place(region, self._neutral, own.skull)
        return _Patch(region, home, regions.window(region), portrait.anchor.scale_px)

    def refine(self, frame: Image, target: Target, displacement: Float) -> None:
        """Repaint mouth and eyes of frame (512, 512, 3), in place.

        displacement: (512, 512, 2) px, target minus source, of the whole frame.
        """
        for model, patches, features in self._parts:
            active = [(k, p, p.activity(target)) for k, p in enumerate(patches)]
            active = [(k, p, amount) for k, p, amount in active if amount > 0]
            if not active:
                continue
            work = [_Work.of(p, self._neutral, frame, target, displacement) for _, p, _ in active]
            which = [k for k, _, _ in active]
            given = {name: value[which] for name, value in features.items()}
            painted = model.run({"frame": np.stack([w.inputs for w in work]), **given})["picture"]
            for (_, patch, amount), item, after in zip(active, work, painted, strict=True):
                change = (after - item.inputs[:3]).transpose(1, 2, 0)
                share = patch.window * (item.reach * np.float32(255 * amount))[..., None]
                regions.add(frame, change * share, item.place)


@dataclass(frozen=True)
class _Work:
    """One patch of one frame: its place, what the network gets, and how far paint reaches."""

    place: Affine
    inputs: Float
    reach: Float

    @staticmethod
    def of(
        patch: _Patch, neutral: Float, frame: Image, target: Target, displacement: Float
    ) -> "_Work":
        place = regions.place(patch.region, neutral, target.skull)
        seen = regions.picture(patch.region, frame, place, target.landmarks)
        moved = regions.flow(patch.region, displacement, place, patch.home)
        return _Work(place, regions.stack(seen, moved), regions.reach(seen))
