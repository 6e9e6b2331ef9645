"""Head pose: the one place where its convention is written.

Axes: x to the image's right, y down, z away from the camera. The head frame has its origin between
the ears, so that a turn of the head moves the face as a neck does, and the face width as unit.

    rotation = Rz(roll) @ Ry(-yaw) @ Rx(pitch)

yaw > 0 turns the nose to the image's right, pitch > 0 lowers it, roll > 0 tilts the head clockwise
in the image. Projection is weak perspective: px = scale * exp(log_scale) * (R @ p) + offset.
"""

import numpy as np
from numpy.typing import NDArray

from vasari.motion import layout
from vasari.types import Float, HeadAnchor

_DEPTH_TRUST = 0.25
"""Weight of the landmark network's depth against its x and y when a pose is fitted."""
_REFINEMENTS = 4


def rotation_matrix(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """(3, 3) rotation of the head frame into the image frame; angles in radians."""
    cp, sp = np.cos(pitch), np.sin(pitch)
    cy, sy = np.cos(yaw), np.sin(yaw)
    cr, sr = np.cos(roll), np.sin(roll)
    rx = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    ry = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    rz = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx, np.float64)


def euler_from_matrix(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,) pitch, yaw, roll in radians of a rotation matrix; inverse of `rotation_matrix`."""
    yaw = np.arcsin(np.clip(matrix[2, 0], -1.0, 1.0))
    pitch = np.arctan2(matrix[2, 1], matrix[2, 2])
    roll = np.arctan2(matrix[1, 0], matrix[0, 0])
    return np.array([pitch, yaw, roll])


def project(
    shape: NDArray[np.floating],
    rotation: NDArray[np.floating],
    translation: NDArray[np.floating],
    anchor: HeadAnchor,
) -> Float:
    """(N, 3) px of a shape (N, 3) in the head frame.

    rotation: (3,) pitch, yaw, roll in radians. translation: (3,) x, y in face widths, log of scale.
    z of the result has the scale of x and y and is 0 at the head's origin.
    """
    turned = shape @ rotation_matrix(*np.asarray(rotation, np.float64).tolist()).T
    placed = turned * (anchor.scale_px * np.exp(float(translation[2])))
    placed[:, 0] += anchor.x_px + anchor.scale_px * float(translation[0])
    placed[:, 1] += anchor.y_px + anchor.scale_px * float(translation[1])
    return np.asarray(placed, np.float32)


def fit_pose(
    points: NDArray[np.floating], canonical: NDArray[np.floating]
) -> tuple[Float, HeadAnchor]:
    """Pose of a face from its landmarks.

    Similarity fit on the points that expression does not move (Umeyama 1991), then Gauss-Newton
    steps that trust the image coordinates more than the network's depth.

    Args:
        points: (478, 3) px. canonical: (478, 3) head frame.

    Returns:
        rotation (3,) radians, and the anchor that a translation of zero belongs to.
    """
    target = np.asarray(points, np.float64)[layout.RIGID]
    model = np.asarray(canonical, np.float64)[layout.RIGID]
    rotation, scale, offset = _umeyama(model, target)
    angles = euler_from_matrix(rotation)
    state = np.array([*angles, np.log(scale), *offset])
    weight = np.tile([1.0, 1.0, _DEPTH_TRUST], len(model))
    for _ in range(_REFINEMENTS):
        base = _apply(state, model)
        jacobian = np.stack(
            [(_apply(state + _STEP[k], model) - base) / _EPSILON for k in range(7)], 1
        )
        residual = (target.ravel() - base) * weight
        state = state + np.linalg.lstsq(jacobian * weight[:, None], residual, rcond=None)[0]
    anchor = HeadAnchor(float(np.exp(state[3])), float(state[4]), float(state[5]))
    return state[:3].astype(np.float32), anchor


_EPSILON = 1e-5
_STEP = np.eye(7) * _EPSILON


def _apply(state: NDArray[np.float64], model: NDArray[np.float64]) -> NDArray[np.float64]:
    placed = model @ rotation_matrix(*state[:3].tolist()).T * np.exp(state[3]) + state[4:]
    return np.asarray(placed.ravel(), np.float64)


def _umeyama(
    model: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Rotation, scale and offset that take model onto target in the least squares sense."""
    mean_m, mean_t = model.mean(0), target.mean(0)
    m, t = model - mean_m, target - mean_t
    u, s, vt = np.linalg.svd(t.T @ m)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = float((s * sign).sum() / (m**2).sum())
    return rotation, scale, mean_t - scale * rotation @ mean_m
