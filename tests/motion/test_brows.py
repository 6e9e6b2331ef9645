"""The direction that raises the brows raises the brows."""

import numpy as np

from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.motion.brows import RAISE, brow_direction
from vasari.motion.controls import COEFFICIENT_LIMIT


def test_brows_rise_and_the_rest_stays() -> None:
    basis = load_basis()
    direction = brow_direction(basis.canonical, basis.upper)
    moved = np.tensordot(direction, basis.upper, 1)
    for brow in (layout.BROW_LEFT, layout.BROW_RIGHT):
        lift = -moved[brow, 1]
        assert 0.75 * RAISE < lift.mean() < 1.25 * RAISE
        assert lift.min() > 0.4 * RAISE
        assert np.abs(moved[brow, 0]).max() < 0.4 * RAISE
    nose = [1, 2, 4, 5, 98, 327]
    assert np.abs(moved[nose, :2]).max() < 0.25 * RAISE
    assert np.abs(direction).max() < 0.7 * COEFFICIENT_LIMIT
