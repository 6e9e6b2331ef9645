"""Dense backward flow of one frame: for every pixel of the crop, where in the photo it comes from.

Inside the face the flow is exact at the landmarks and affine in every triangle of the mesh
(piecewise affine warp, as in active appearance models; Matthews & Baker 2004). Outside, the head
moves as a rigid body with depth whose influence fades over neck, shoulders and towards the crop's
border; that field is smooth, so it is evaluated forwards on a coarse grid and inverted by
fixed-point iteration. Both meet in a feathered band inside the face oval.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.renderer.topology import Topology
from vasari.renderer.warp import sample
from vasari.types import CROP_PX, Float

FLOW_STEP_PX = 2
"""The flow is computed at every second pixel and interpolated: it is piecewise linear anyway."""

FLOW_SIDE = CROP_PX // FLOW_STEP_PX
_SUBPIXEL_BITS = 4
_FEATHER = 5
_SLACK_PX = np.float32(1.0)
"""How far outside its own triangle in the photo a pixel may look."""
_FLAT_PX2 = 1.0
_SHUT_PX = 0.8
"""An opening whose mean height is less is shut: the skin around it covers the place, as it covers
triangles smaller than _FLAT_PX2."""


def triangle_maps(source: Float, target: Float, triangles: NDArray[np.intp]) -> Float:
    """(T, 2, 3) affine maps that take target positions to source positions, per triangle.

    source, target: (N, 2) px. A triangle without area in the target keeps its first corner.
    """
    s = source[triangles].astype(np.float64)
    t = target[triangles].astype(np.float64)
    e1, e2 = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    area = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    flat = np.abs(area) < 1e-3
    inverse_area = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, area))
    f1, f2 = s[:, 1] - s[:, 0], s[:, 2] - s[:, 0]
    # [f1 f2] @ inv([e1 e2])
    inverse = np.stack([e2[:, 1], -e2[:, 0], -e1[:, 1], e1[:, 0]], 1).reshape(-1, 2, 2)
    linear = np.stack([f1, f2], 2) @ (inverse * inverse_area[:, None, None])
    offset = s[:, 0] - np.einsum("tij,tj->ti", linear, t[:, 0])
    return np.concatenate([linear, offset[:, :, None]], 2).astype(np.float32)


def rasterise(target: Float, depth: Float, topology: Topology) -> NDArray[np.int32]:
    """(256, 256) index of the triangle that is in front at each flow pixel, -1 where there is none.

    target: (N, 2) crop px; depth: (N,) grows away from the camera. Indices are those of
    `topology.triangles`. Openings are drawn first, then the skin from far to near.
    """
    ids = np.full((FLOW_SIDE, FLOW_SIDE), -1, np.int32)
    scaled = (target - (FLOW_STEP_PX - 1) / 2) / FLOW_STEP_PX * (1 << _SUBPIXEL_BITS)
    fixed = np.round(scaled).astype(np.int32)
    first = len(topology.openings)
    openings = np.flatnonzero(_is_open(target, topology))
    corners = fixed[topology.openings]
    for k in openings.tolist():
        cv2.fillConvexPoly(ids, corners[k], k, lineType=cv2.LINE_8, shift=_SUBPIXEL_BITS)
    corners = fixed[topology.skin]
    order = np.argsort(-depth[topology.skin].sum(1), kind="stable")
    for k in order.tolist():
        cv2.fillConvexPoly(ids, corners[k], first + k, lineType=cv2.LINE_8, shift=_SUBPIXEL_BITS)
    return ids


def _is_open(target: Float, topology: Topology) -> NDArray[np.bool_]:
    """(T,) whether the opening that each of `topology.openings` belongs to is open at all."""
    area = np.abs(_twice_area(target[topology.openings]))
    wide = np.zeros(len(area), bool)
    for rim in np.unique(topology.rims):
        own = topology.rims == rim
        corners = target[topology.openings[own]].reshape(-1, 2)
        width = max(1.0, float(np.ptp(corners[:, 0])))
        wide[own] = 0.5 * float(area[own].sum()) / width > _SHUT_PX
    return wide & (area > _FLAT_PX2)


def _twice_area(corners: Float) -> Float:
    """(T,) signed, of triangles (T, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], np.float32)


def face_flow(
    source: Float, target: Float, depth: Float, topology: Topology
) -> tuple[Float, Float, tuple[slice, slice]]:
    """Flow inside the face.

    Returns the sampling positions (h, w, 2) in crop px, the coverage (h, w) 0..1 feathered inwards,
    and the window (rows, columns) of the 256x256 flow grid to which both belong.
    """
    ids = rasterise(target, depth, topology)
    lo = np.floor(target.min(0) / FLOW_STEP_PX).astype(int) - _FEATHER
    hi = np.ceil(target.max(0) / FLOW_STEP_PX).astype(int) + _FEATHER
    lo, hi = np.clip(lo, 0, FLOW_SIDE - 1), np.clip(hi, 1, FLOW_SIDE)
    window = (slice(int(lo[1]), int(hi[1])), slice(int(lo[0]), int(hi[0])))
    part = ids[window]
    maps = triangle_maps(source, target, topology.triangles)
    x, y = _places(lo[0], hi[0]), _places(lo[1], hi[1])
    a = maps[part]
    positions = a[..., 0] * x[None, :, None] + a[..., 1] * y[:, None, None] + a[..., 2]
    # A thin triangle covers pixels that are not quite inside it, and there its map runs far away.
    corners = source[topology.triangles]
    low, high = corners.min(1) - _SLACK_PX, corners.max(1) + _SLACK_PX
    positions = np.clip(positions, low[part], high[part]).astype(np.float32)
    positions = _without_specks(positions, x, y)
    inside = (part >= 0).astype(np.float32)
    kernel = 2 * _FEATHER + 1
    blurred = cv2.blur(inside, (kernel, kernel), borderType=cv2.BORDER_CONSTANT)
    coverage = np.clip(np.asarray(blurred, np.float32) * 2 - 1, 0, 1) * inside
    return positions.astype(np.float32, copy=False), coverage.astype(np.float32), window


def _places(first: int, end: int) -> Float:
    """(end - first,) crop px of rows or columns of the flow grid."""
    return np.arange(first, end, dtype=np.float32) * FLOW_STEP_PX + np.float32(
        (FLOW_STEP_PX - 1) / 2
    )


def _without_specks(positions: Float, x: Float, y: Float) -> Float:
    """Positions (h, w, 2) with single outliers taken out, where a tiny triangle turned over.

    A median keeps the edges of lips and lids sharp; a shift that is the same everywhere stays.
    """
    for axis, here in ((0, x[None, :]), (1, y[:, None])):
        shift = (positions[..., axis] - here).astype(np.float32)
        positions[..., axis] = cv2.medianBlur(shift, 3) + here
    return positions


def invert(displacement: Float, step_px: float, iterations: int = 4) -> Float:
    """Backward displacement of a smooth forward one on a regular grid, by fixed-point iteration.

    displacement: (h, w, 2) px at grid points step_px apart: source p goes to p + displacement(p).
    Returns b with: the source of target q is q - b(q). Converges where the displacement changes by
    less than its own step, which the range limits of the motion guarantee.
    """
    h, w = displacement.shape[:2]
    grid_x, grid_y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    backward = displacement
    for _ in range(iterations):
        x = grid_x - backward[..., 0] / np.float32(step_px)
        y = grid_y - backward[..., 1] / np.float32(step_px)
        backward = sample(displacement, np.stack([x, y], 2))
    return backward
