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
    shift = np.linspace(-1, 1, layout.N_MOUTH, dtype=np.float32)
    assert export(LipNet(), tmp_path / "lips.onnx", 1.3, shift) < 1e-5


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


def test_sharpening_keeps_slopes_and_deepens_a_short_closure() -> None:
    features = example(0).features
    line = np.arange(12, dtype=np.float32)[:, None] * np.ones(layout.N_MOUTH, np.float32)
    slope = lips.sharpened(Example("line", features, line, line[:, 0]), 1.0)
    np.testing.assert_allclose(slope.mouth[1:-1], line[1:-1], atol=1e-6)
    dip = np.ones_like(line)
    dip[6] = 0.5
    deep = lips.sharpened(Example("dip", features, dip, dip[:, 0]), 1.0)
    np.testing.assert_allclose(deep.mouth[[5, 6, 7], 0], [1.25, 0.0, 1.25])


def test_the_finish_brings_the_lips_together() -> None:
    basis = load_basis()
    mouths = np.random.default_rng(0).normal(size=(500, layout.N_MOUTH)).astype(np.float32)
    to_gap = basis.mouth[:, 14, 1] - basis.mouth[:, 13, 1]
    shift = 0.01 * lips.shutting(mouths, basis)
    assert float(shift @ to_gap) == pytest.approx(-0.01, rel=1e-4)
    np.testing.assert_allclose(lips.Finish(2.0, shift)(mouths), 2 * mouths + shift, rtol=1e-6)


@pytest.mark.parametrize("lag", [-2, 0, 3])
def test_best_lag_says_how_late_the_mouth_is(lag: int) -> None:
    truth = np.random.default_rng(0).normal(size=60).astype(np.float32)
    found, r = lips.best_lag(np.roll(truth, lag), truth)
    assert (found, r > 0.99) == (lag, True)


def test_a_tenth_of_the_sentences_is_held_out() -> None:
    share = np.mean([held_out(f"clip{k}") for k in range(2000)])
    assert 0.08 < share < 0.12
