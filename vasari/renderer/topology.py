"""Triangles of the face mesh, and the rows of points around lips and eyes."""

import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout

Index = NDArray[np.intp]


def face_triangles(canonical: Index, landmarks: NDArray[np.float32]) -> Index:
    """(T, 3) triangles of the face with the same turning sense in the photo.

    canonical: (898, 3) triangles of the canonical face mesh. The triangles that span the openings
    of mouth and eyes stay: they carry the flow smoothly over the openings, which are painted later.
    """
    a, b, c = (landmarks[canonical[:, k], :2] for k in range(3))
    area = np.cross(b - a, c - a)
    typical = np.sign(np.median(area))
    turned = np.where((np.sign(area) == typical)[:, None], canonical, canonical[:, ::-1])
    return np.ascontiguousarray(turned)


OVAL: Index = layout.FACE_OVAL
