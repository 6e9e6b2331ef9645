"""Lips follow the network where there is voice, and are shut and still where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vasari.generator.lips import HIDDEN, LipGenerator
from vasari.motion import layout
from vasari.types import Float, SpeechFeatures


def tiny_network(features: Float, hidden: Float) -> tuple[Float, Float]:
    """A leaky sum of the features: remembers, and never lets a mouth rest by itself."""
    after = (0.8 * hidden + features[:, :1, None] * 0.1).astype(np.float32)
    mouth = np.tile(after[0, :, :1] + 1, (1, layout.N_MOUTH))
    return mouth.astype(np.float32), after


GENERATOR = LipGenerator(network=tiny_network)


def speech(voiced: list[float], seed: int = 0) -> SpeechFeatures:
    values = np.random.default_rng(seed).normal(size=(len(voiced), 2304)).astype(np.float32)
    return SpeechFeatures(values, np.array(voiced, np.float32))


def moved(features: SpeechFeatures) -> Float:
    return GENERATOR.generate(GENERATOR.init_state(), features)[1].values


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40), st.data())
def test_any_chunking_gives_the_same_bits(voiced: list[float], data: st.DataObject) -> None:
    features = speech(voiced)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(voiced)), max_size=5)))
    state, parts = GENERATOR.init_state(), []
    for first, last in zip([0, *cuts], [*cuts, len(voiced)], strict=True):
        part = SpeechFeatures(features.values[first:last], features.voiced[first:last])
        state, motion = GENERATOR.generate(state, part)
        parts.append(motion.values)
    np.testing.assert_array_equal(moved(features), np.concatenate(parts))


def test_only_the_mouth_moves() -> None:
    values = moved(speech([1.0] * 10))
    others = np.delete(values, np.arange(layout.DIM)[layout.MOUTH], axis=1)
    expected = np.delete(layout.rest(), np.arange(layout.DIM)[layout.MOUTH])
    np.testing.assert_array_equal(others, np.tile(expected, (10, 1)))
    assert (np.abs(values[5:, layout.MOUTH]) > 0.1).all()


def test_a_pause_is_shut_and_still() -> None:
    mouth = moved(speech([1.0] * 25 + [0.0] * 50 + [1.0] * 25))[:, layout.MOUTH]
    np.testing.assert_array_equal(mouth[25 + 8 : 75], 0)
    assert (mouth[80:] != 0).all()


def test_the_ramps_are_smooth_and_short() -> None:
    size = np.abs(moved(speech([0.0] * 5 + [1.0] * 20 + [0.0] * 20))[:, layout.MOUTH]).mean(1)
    assert size[4] == 0
    assert size[8] > 0.5  # open within 160 ms
    assert np.abs(np.diff(size)).max() < 0.75 * size.max()
    assert size[25 + 8] == 0  # shut within 320 ms


def test_a_short_dip_of_the_voice_does_not_shut_the_mouth() -> None:
    size = np.abs(moved(speech([1.0] * 10 + [0.0] * 2 + [1.0] * 10))[:, layout.MOUTH]).mean(1)
    assert size[8:].min() > 0.5


def test_it_needs_a_network() -> None:
    with pytest.raises(ValueError, match="runtime"):
        LipGenerator()
    with pytest.raises(ValueError, match="hidden"):
        type(GENERATOR.init_state())(np.zeros((1, 1, HIDDEN + 1), np.float32))
