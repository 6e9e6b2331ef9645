"""The refiner: small networks that paint what the photograph never showed of mouth and eyes.

They see the patch that geometry made, where lips, lids and irises are, how the skin moved, and the
features of the photo's own patch, which are computed once. They return the patch as a photograph of
this person would show it. Nothing is touched where lips, lids and gaze are as in the photo.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vasari.renderer import region as regions
from vasari.renderer.geometry import Target, smoothstep
from vasari.renderer.region import Region
from vasari.renderer.warp import Affine
from vasari.runtime import Model, Runtime
from vasari.types import Float, Image, Portrait

_STILL_PX, _MOVED_PX = 0.15, 1.2
"""Movement of lips or lids up to which the photo's own pixels stay, and from which on the network's
replace them."""


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
    """One region of one portrait. home: place of the photo's own patch; points: its landmarks."""

    region: Region
    home: Affine
    points: Float
    window: Float

    def activity(self, target: Target) -> float:
        """0 where this region's landmarks move with the skull alone, 1 where they do not."""
        moving = self.region.contours.moving
        moved = np.abs(target.landmarks[moving, :2] - target.skull[moving, :2]).max()
        return float(smoothstep(_STILL_PX, _MOVED_PX, np.array(moved)))


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
        return _Patch(region, home, portrait.landmarks, regions.window(region))

    def refine(self, frame: Image, target: Target, displacement: Float) -> None:
        """Repaint mouth and eyes of frame (512, 512, 3), in place.

        displacement: (512, 512, 2) px, target minus source, of the whole frame.
        """
        for model, patches, features in self._parts:
            active = [(k, p, p.activity(target)) for k, p in enumerate(patches)]
            active = [(k, p, amount) for k, p, amount in active if amount > 0]
            if not active:
                continue
            places = [regions.place(p.region, self._neutral, target.skull) for _, p, _ in active]
            stacked = [
                _inputs(p, frame, place, target, displacement)
                for (_, p, _), place in zip(active, places, strict=True)
            ]
            which = [k for k, _, _ in active]
            given = {name: value[which] for name, value in features.items()}
            painted = model.run({"frame": np.stack(stacked), **given})["picture"]
            for (_, patch, amount), place, before, after in zip(
                active, places, stacked, painted, strict=True
            ):
                change = (after - before[:3]).transpose(1, 2, 0) * (patch.window * (255 * amount))
                regions.add(frame, np.ascontiguousarray(change), place)


def _inputs(
    patch: _Patch, frame: Image, place: Affine, target: Target, displacement: Float
) -> NDArray[np.float32]:
    seen = regions.picture(patch.region, frame, place, target.landmarks)
    return regions.stack(seen, regions.flow(patch.region, displacement, place, patch.home))
