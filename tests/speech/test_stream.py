"""The numbers do not depend on how the sound arrives, and look no further ahead than promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vasari.runtime import Runtime
from vasari.speech.features import FEATURE_DIM, FRAME, LOOKAHEAD, frames_in
from vasari.speech.rate import To16k
from vasari.speech.stream import SpeechStream
from vasari.types import Float, SpeechFeatures


def tiny_encoder(mel: Float) -> Float:
    """A fold of the mel picture into 6 x 384 numbers, all of which matter."""
    return np.resize(mel[0].T[::-1], (1, 6, 384)).astype(np.float32)


def tiny_voice(samples: Float, hidden: Float) -> tuple[float, Float]:
    """Loudness with a memory."""
    level = float(np.clip(np.abs(samples).mean() * 4, 0, 1))
    after = (0.5 * hidden + np.float32(level)).astype(np.float32)
    return 0.5 * level + 0.25 * float(hidden[0, 0, 0]), after


STREAM = SpeechStream(tiny_encoder, tiny_voice)


def in_chunks(stream: SpeechStream, pcm: Float, cuts: list[int]) -> SpeechFeatures:
    state = stream.init_state()
    parts = []
    for piece in np.split(pcm, sorted(cuts)):
        state, chunk = stream.push(state, piece)
        parts.append(chunk)
    parts.append(stream.flush(state)[1])
    return SpeechFeatures(
        np.concatenate([p.values for p in parts]), np.concatenate([p.voiced for p in parts])
    )


def noise(samples: int, seed: int = 0) -> Float:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(length=st.integers(0, 9000), data=st.data())
def test_any_chunking_gives_the_same_bits(length: int, data: st.DataObject) -> None:
    pcm = noise(length, length)
    cuts = data.draw(st.lists(st.integers(0, length), max_size=8))
    whole, cut = STREAM.features(pcm), in_chunks(STREAM, pcm, cuts)
    np.testing.assert_array_equal(whole.values, cut.values)
    np.testing.assert_array_equal(whole.voiced, cut.voiced)
    assert whole.values.shape == (frames_in(length), FEATURE_DIM)


def test_look_ahead_is_100_ms_from_the_start_of_a_frame() -> None:
    state = STREAM.init_state()
    state, chunk = STREAM.push(state, noise(FRAME * 3 + LOOKAHEAD - 1))
    assert len(chunk.voiced) == 3
    _, chunk = STREAM.push(state, noise(1))
    assert len(chunk.voiced) == 1


def test_what_comes_later_changes_nothing_before() -> None:
    pcm, other = noise(16000), noise(16000)
    other[8000:] = 0
    count = (8000 - LOOKAHEAD) // FRAME + 1
    a, b = STREAM.features(pcm), STREAM.features(other)
    np.testing.assert_array_equal(a.values[:count], b.values[:count])
    np.testing.assert_array_equal(a.voiced[:count], b.voiced[:count])
    assert not np.array_equal(a.values[count + 1], b.values[count + 1])


def test_states_are_values() -> None:
    before = STREAM.init_state()
    middle, _ = STREAM.push(before, noise(5000))
    first = STREAM.push(middle, noise(5000, 1))[1]
    STREAM.push(middle, noise(5000, 2))
    again = STREAM.push(middle, noise(5000, 1))[1]
    np.testing.assert_array_equal(first.values, again.values)
    assert before.received == 0
    assert not before.audio.any()


def test_the_state_stays_small() -> None:
    state = STREAM.init_state()
    for _ in range(30):
        state, _ = STREAM.push(state, noise(4000))
    assert len(state.audio) < 16000 + 2 * FRAME
    assert len(state.voices) < 10


def test_a_whisper_under_50_dbfs_is_no_voice() -> None:
    sure = SpeechStream(tiny_encoder, lambda samples, hidden: (0.9, hidden))
    tone = np.sin(np.arange(8000) * 0.3).astype(np.float32) * np.float32(2**0.5)
    assert sure.features(tone * np.float32(10 ** (-49 / 20))).voiced.max() == np.float32(0.9)
    assert sure.features(tone * np.float32(10 ** (-51 / 20))).voiced.max() == 0.0


def test_wrong_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        STREAM.push(STREAM.init_state(), np.zeros((4, 2), np.float32))
    with pytest.raises(ValueError, match="NaN"):
        STREAM.push(STREAM.init_state(), np.array([np.nan], np.float32))


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_resampling_keeps_time_and_does_not_know_chunks(rate: int) -> None:
    click = np.zeros(rate, np.float32)
    click[rate // 2] = 1.0
    whole = To16k(rate).push(click, last=True)
    stream = To16k(rate)
    parts = [stream.push(piece) for piece in np.array_split(click, 37)]
    parts.append(stream.push(np.zeros(0, np.float32), last=True))
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert len(whole) == 16000
    assert abs(int(whole.argmax()) - 8000) <= 1


def test_the_shipped_networks_stream_bit_for_bit() -> None:
    stream = SpeechStream.from_runtime(Runtime(1))
    time = np.arange(9600) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    pcm = (0.1 * voice * (1 + np.sin(2 * np.pi * 4 * time))).astype(np.float32)
    whole = stream.features(pcm)
    cut = in_chunks(stream, pcm, [1, 700, 701, 5000, 8191])
    np.testing.assert_array_equal(whole.values, cut.values)
    np.testing.assert_array_equal(whole.voiced, cut.voiced)
    assert whole.values.shape == (15, FEATURE_DIM)
    assert 0.3 < float(np.abs(whole.values).mean()) < 3.0
