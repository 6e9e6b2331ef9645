"""Perceptual distance of two pictures. Needs the extra [train]."""

from dataclasses import dataclass

import torch

from vasari.train.perceptual import Perceptual
from vasari.types import Float, Image


@dataclass(frozen=True)
class Judge:
    """Perceptual distance of pictures (h, w, 3) of the same size; see `vasari.train.perceptual`."""

    net: Perceptual

    @staticmethod
    def load() -> "Judge":
        """Raises ModuleNotFoundError without the extra [train]."""
        return Judge(Perceptual.load())

    def distance(self, a: Image, b: Image, place: Float | None = None) -> float:
        """place: (h, w) how much each pixel counts, for a box within pictures that are seen whole;
        None for all the same."""
        with torch.no_grad():
            x, y = (torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in (a, b))
            weight = None if place is None else torch.from_numpy(place / place.mean())[None, None]
            return float(self.net(x, y, weight))
