import numpy as np

from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.motion.mesh import EYES
from vasari.train.basis import principal, region_weights


def test_basis_belongs_to_its_regions() -> None:
    basis = load_basis()
    lids = np.concatenate([np.concatenate([e.upper, e.lower]) for e in EYES])
    for part in (basis.mouth, basis.upper):
        assert np.abs(part[:, lids]).max() == 0
        assert np.abs(part[:, 468:]).max() == 0
    lips = np.linalg.norm(basis.mouth[:, layout.LIPS], axis=2).mean()
    brows = np.linalg.norm(basis.mouth[:, layout.BROW_LEFT], axis=2).mean()
    assert lips > 20 * brows


def test_first_mouth_directions_move_lips_by_millimetres() -> None:
    """One unit is one standard deviation in speech: 0.5 to 6 mm on a face 140 mm wide."""
    basis = load_basis()
    reach_mm = 140 * np.linalg.norm(basis.mouth[:3, layout.LIPS], axis=2).max(1)
    assert (reach_mm > 0.5).all()
    assert (reach_mm < 6).all()


def test_identity_mean_looks_like_a_face_at_rest() -> None:
    mean = load_basis().identity_mean
    assert abs(mean[14, 1] - mean[13, 1]) < 0.01, "lips shut"
    assert np.abs(mean[33, 0] + mean[263, 0]) < 0.02, "symmetric"


def test_principal_finds_planted_directions() -> None:
    rng = np.random.default_rng(0)
    planted = np.zeros((2, 478, 3), np.float32)
    planted[0, 14, 1] = planted[1, 61, 0] = 1.0
    scores = rng.normal(0, [1.0, 0.5], (500, 2))
    offsets = np.tensordot(scores, planted, 1)
    ones = np.ones(478, np.float32)
    found = principal(offsets, ones, 2, ones)
    back = offsets.reshape(500, -1) @ np.linalg.pinv(found.reshape(2, -1)) @ found.reshape(2, -1)
    assert np.abs(back - offsets.reshape(500, -1)).max() < 1e-4


def test_region_weights_share_the_skin() -> None:
    mouth, upper = region_weights(load_basis().canonical)
    assert mouth[14] == 1.0
    assert upper[10] == 1.0
    assert (mouth + upper <= 1.0 + 1e-6).all()
