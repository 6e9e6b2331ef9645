"""The phone test finds lips in time, late lips, and lips that never shut."""

import numpy as np
import pytest

from vasari.evaluate.lipsync import Phone, PhoneScore, closure_share, phone_score

SOUND = np.zeros(16000, np.float32)
PHONES = [Phone("bɑ"[k % 2], 0.5 + 0.4 * k) for k in range(20)]


def opening(late_frames: int = 0, shut: float = 0.0) -> np.ndarray:
    """(250,) lips that are wide at every vowel and shut at every b."""
    t = (np.arange(250) - late_frames + 0.5) / 25
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * (t - 0.5) / 0.8)
    return (0.05 * np.maximum(wave, shut)).astype(np.float32)


def score(curve: np.ndarray, heard_late_ms: float = 0.0) -> PhoneScore:
    return phone_score(curve, SOUND, lambda _: PHONES, heard_late_ms)


def test_lips_in_time_score_at_zero() -> None:
    got = score(opening())
    assert got.best_shift_ms == 0
    assert got.score_at_0 == got.best_score > 2.5
    assert got.closure == 1.0
    assert (got.open_phones, got.shut_phones) == (10, 10)


@pytest.mark.parametrize("late", [-3, -1, 2, 5])
def test_the_shift_of_the_best_score_is_the_delay_of_the_lips(late: int) -> None:
    got = score(opening(late))
    assert got.best_shift_ms == 40 * late
    assert got.score_at_0 < got.best_score


def test_a_recogniser_that_hears_late_is_corrected() -> None:
    assert score(opening(), heard_late_ms=80).best_shift_ms == 80


def test_lips_that_stay_open_have_no_closure() -> None:
    assert score(opening(shut=0.4)).closure == 0.0


def test_closure_counts_one_frame_around() -> None:
    curve = np.full(20, 1.0, np.float32)
    curve[5] = 0.1
    assert closure_share(curve, np.array([4, 6, 7])) == pytest.approx(2 / 3)
    assert np.isnan(closure_share(curve, np.array([], int)))


def test_too_few_phones_and_still_lips_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 4 of each"):
        phone_score(opening(), SOUND, lambda _: PHONES[:6])
    with pytest.raises(ValueError, match="do not move"):
        score(np.zeros(250, np.float32))
