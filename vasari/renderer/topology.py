"""Triangles of the face mesh: skin, and the pieces that span the openings of eyes and mouth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from vasari.motion import layout
from vasari.weights import load_bytes

Index = NDArray[np.intp]

_RIMS = (
    np.union1d(layout.EYE_LEFT_UPPER, layout.EYE_LEFT_LOWER),
    np.union1d(layout.EYE_RIGHT_UPPER, layout.EYE_RIGHT_LOWER),
    np.union1d(layout.LIPS_INNER_UPPER, layout.LIPS_INNER_LOWER),
)


@dataclass(frozen=True)
class Topology:
    """Triangles (T, 3) of landmark indices, consistently oriented.

    openings span eyes and mouth: they carry the flow over them, under what is painted there, and
    give way to the skin where lids or lips are shut.
    """

    skin: Index
    openings: Index
    rims: Index  # which opening each of `openings` belongs to

    @property
    def triangles(self) -> Index:
        """(T, 3) openings first, then skin: the order in which they are drawn at equal depth."""
        return np.concatenate([self.openings, self.skin])


def load_topology() -> Topology:
    """The triangles of the canonical face mesh (898, without irises), from the shipped weights."""
    triangles = load(load_bytes("canonical_face"))["triangles"].astype(np.intp)
    spans = np.stack([np.isin(triangles, rim).all(1) for rim in _RIMS])
    inside = spans.any(0)
    rims = spans.argmax(0)[inside]
    return Topology(skin=triangles[~inside], openings=triangles[inside], rims=rims)
