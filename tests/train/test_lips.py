"""The lip recipe: the graph is the network, training goes on where it stopped, lags are found."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vasari.motion import layout  # noqa: E402
from vasari.motion.basis import load_basis  # noqa: E402
from vasari.speech.features import FEATURE_DIM  # noqa: E402
from vasari.train import lips  # noqa: E402
from vasari.train.lips_data import Example, held_out  # noqa: E402
from vasari.train.lips_net import LipNet, export  # noqa: E402


def example(seed: int, frames: int = 12) -> Example:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(frames, FEATURE_DIM)).astype(np.float16)
    mouth = rng.normal(size=(frames, layout.N_MOUTH)).astype(np.float32)
    return Example(str(seed), features, mouth, np.abs(mouth[:, 0]) * np.float32(0.02))


def test_the_exported_graph_is_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert export(LipNet(), tmp_path / "lips.onnx", gain=1.3) < 1e-5


def test_training_learns_and_resumes_to_the_same_weights(tmp_path: Path) -> None:
    basis = load_basis()
    groups = [[example(k), example(k + 50)] for k in range(4)]
    whole = lips.Recipe(epochs=4, batch=2, threads=1)
    straight = lips.fit(groups, basis, whole, tmp_path / "a.safetensors")
    checkpoint = tmp_path / "b.safetensors"

    class Stopped(Exception):
        pass

    keep = lips._keep

    def stop(path: Path, *rest: object) -> None:
        keep(path, *rest)  # type: ignore[arg-type]
        if rest[-1] == 2:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(lips, "_keep", stop)
        lips.fit(groups, basis, whole, checkpoint)
    resumed = lips.fit(groups, basis, whole, checkpoint)
    for ours, theirs in zip(straight.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-7)


def test_a_delay_of_a_frame_moves_the_mouth_by_a_frame() -> None:
    original = example(0)
    late = lips.delayed(original, 40.0)
    np.testing.assert_allclose(late.mouth[1:], original.mouth[:-1], atol=1e-6)
    assert lips.delayed(original, 0.0) is original


def test_half_a_frame_is_interpolated_without_flattening_a_slope() -> None:
    original = example(0)
    line = np.arange(12, dtype=np.float32)[:, None] * np.ones(layout.N_MOUTH, np.float32)
    late = lips.delayed(Example("line", original.features, line, original.opening), 20.0)
    np.testing.assert_allclose(late.mouth[3:-1], line[3:-1] - 0.5, atol=1e-5)


@pytest.mark.parametrize("lag", [-2, 0, 3])
def test_best_lag_says_how_late_the_mouth_is(lag: int) -> None:
    truth = np.random.default_rng(0).normal(size=60).astype(np.float32)
    found, r = lips.best_lag(np.roll(truth, lag), truth)
    assert (found, r > 0.99) == (lag, True)


def test_a_tenth_of_the_sentences_is_held_out() -> None:
    share = np.mean([held_out(f"clip{k}") for k in range(2000)])
    assert 0.08 < share < 0.12
