import numpy as np

from vasari.speech.mel import log_mel, mel_filters


def test_filters_are_slaneys() -> None:
    filters = mel_filters()
    assert filters.shape == (80, 201)
    # 45.2 mels over 80 filters: the first peaks at 37.2 Hz, next to the bin at 40 Hz; its area,
    # over bins of 40 Hz, and that of every wide filter, is 1.
    assert filters[0].argmax() == 1
    np.testing.assert_allclose(filters[40:].sum(1) * 40, 1.0, atol=0.1)
    np.testing.assert_allclose(filters[0, 1], 0.02486259, atol=1e-6)  # the published filter file


def test_a_tone_lights_its_filter() -> None:
    time = np.arange(16000) / 16000
    mel = log_mel((0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32))
    assert mel.shape == (80, 100)
    assert mel.dtype == np.float32
    peak = int(mel.mean(1).argmax())
    assert abs(peak * (45.245 / 81) + 45.245 / 81 - 15.0) < 1.0  # 1 kHz is 15 mels


def test_the_range_is_eight_decades_of_the_loudest() -> None:
    rng = np.random.default_rng(0)
    sound = np.zeros(16000, np.float32)
    sound[8000:] = rng.normal(0, 0.3, 8000)
    mel = log_mel(sound)
    np.testing.assert_allclose(mel.max() - mel.min(), 2.0, atol=1e-5)


def test_silence_is_flat() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(16000, np.float32)), -1.5, atol=1e-6)
