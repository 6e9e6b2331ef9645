"""Idle motion: rates, ranges, spectra over ten simulated minutes; determinism; chunking."""

import numpy as np
import pytest

from vasari.motion import eyes, idle, layout
from vasari.types import Controls

MINUTES = 10
N = MINUTES * 60 * 25


def speech(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Energy and voice of made-up speech: syllables of 4-6 frames in phrases of 1.5-4 s."""
    random = np.random.default_rng(seed)
    energy, voiced = np.zeros(n), np.zeros(n)
    at = 0
    while at < n:
        end = min(n, at + int(random.uniform(1.5, 4) * 25))
        while at < end:
            length = int(random.integers(4, 7))
            wave = random.uniform(0.45, 0.9) * np.sin(np.linspace(0.15, np.pi - 0.15, length))
            part = np.maximum(wave, 0.25)[: n - at]
            energy[at : at + len(part)] = part
            voiced[at : at + len(part)] = 1.0
            at += length
        at += int(random.uniform(0.25, 0.9) * 25)
    return energy, voiced


@pytest.fixture(scope="module")
def talking() -> np.ndarray:
    return idle.idle(idle.init_state(1), *speech(N), Controls())[1]


@pytest.fixture(scope="module")
def silent() -> np.ndarray:
    return idle.idle(idle.init_state(1), np.zeros(N), np.zeros(N), Controls())[1]


def blink_starts(values: np.ndarray) -> np.ndarray:
    shut = values[:, layout.LIDS].mean(1) < 0.5
    return np.flatnonzero(shut[1:] & ~shut[:-1])


def test_starts_from_rest_without_speed(talking: np.ndarray) -> None:
    assert np.array_equal(talking[0], layout.rest())
    first = np.degrees(np.abs(talking[1:3, layout.ROTATION])).max()
    assert first < 0.05
    assert talking.dtype == np.float32
    assert not talking[:, layout.MOUTH].any()


def test_head_moves_as_heads_do_in_speech(talking: np.ndarray) -> None:
    rotation = np.degrees(talking[:, layout.ROTATION])
    pitch, yaw, roll = rotation.std(0)
    assert 2.0 < pitch < 3.0
    assert 2.5 < yaw < 3.7
    assert 1.4 < roll < 2.3
    assert 0.25 < np.abs(np.diff(rotation, axis=0)).mean() < 0.35
    assert np.abs(rotation).max() < 8.0
    assert np.abs(np.diff(rotation, axis=0)).max() < 2.5
    assert np.abs(talking[:, layout.TRANSLATION]).max() < 0.15


def test_head_is_calmer_in_silence_but_not_frozen(talking: np.ndarray, silent: np.ndarray) -> None:
    change = [np.abs(np.diff(v[:, layout.ROTATION], axis=0)).mean() for v in (talking, silent)]
    assert 0.1 < change[1] / change[0] < 0.4
    assert np.degrees(silent[:, layout.ROTATION]).std(0).min() > 0.4


@pytest.mark.parametrize("axis", range(3))
def test_head_does_not_jitter(talking: np.ndarray, axis: int) -> None:
    signal = talking[:, axis].astype(np.float64)
    power = np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(N))) ** 2
    hz = np.fft.rfftfreq(N, 1 / 25)
    assert power[hz > 6].sum() / power.sum() < 1e-3
    assert power[hz < 1].sum() / power.sum() > 0.85
    assert power[(hz > 0.1) & (hz < 3)].sum() / power.sum() > 0.4


def test_head_nods_after_accents() -> None:
    energy, voiced = np.zeros(60 * 25), np.zeros(60 * 25)
    onsets = np.arange(50, 1450, 50)
    for onset in onsets:
        energy[onset : onset + 12], voiced[onset : onset + 12] = 0.8, 1.0
    runs = []
    for seed in range(20):
        pitch = idle.idle(idle.init_state(seed), energy, voiced, Controls())[1][:, 0]
        runs.append(np.mean([pitch[o : o + 30] - pitch[o] for o in onsets], axis=0))
    mean = np.degrees(np.mean(runs, axis=0))
    assert 0.8 < mean.max() < 3.0
    assert 5 <= int(np.argmax(mean)) <= 10


@pytest.mark.parametrize("rate", [6.0, 16.0, 30.0])
def test_blink_rate_is_the_one_asked_for(rate: float) -> None:
    controls = Controls(blink_per_minute=rate)
    values = idle.idle(idle.init_state(3), *speech(N), controls)[1]
    assert len(blink_starts(values)) / MINUTES == pytest.approx(rate, abs=1.8)  # three sd


def test_blinks_are_irregular_and_fully_shut(talking: np.ndarray) -> None:
    starts = blink_starts(talking)
    intervals = np.diff(starts) / 25
    assert 12 <= len(starts) / MINUTES <= 20
    assert intervals.std() / intervals.mean() > 0.3
    assert intervals.min() >= 0.68  # starts are 0.72 s apart; the half-way mark varies
    complete = [s for s in starts if talking[s + 1 : s + 4, layout.LIDS].max(1).min() == 0.0]
    assert len(complete) > 0.8 * len(starts)
    lids = talking[:, layout.LIDS]
    assert lids.min() == 0.0
    assert lids.max() < 1.2


def test_a_blink_closes_fast_holds_and_opens_slowly(silent: np.ndarray) -> None:
    lids = silent[:, layout.LIDS.start]
    for start in blink_starts(silent)[:40]:
        shut = np.flatnonzero(lids[start : start + 5] == 0.0) + start
        if len(shut) == 0:
            continue  # an incomplete one
        assert 2 <= len(shut) <= 3  # 40-80 ms between the first and the last
        before, after = lids[shut[0] - 3], lids[shut[-1] + 5]
        assert before > 0.85
        assert after > 0.85
        assert lids[shut[-1] + 2] < 0.8
    difference = np.abs(np.diff(silent[:, layout.LIDS], axis=1))
    assert 0.0 < difference.max() < 0.2


def test_no_blinks_when_none_are_wanted() -> None:
    values = idle.idle(
        idle.init_state(0), np.zeros(5000), np.zeros(5000), Controls(blink_per_minute=0.0)
    )[1]
    assert values[:, layout.LIDS].min() > 0.5


def test_eyes_stay_on_the_camera(talking: np.ndarray) -> None:
    head = talking[:, layout.ROTATION][:, [1, 0]]
    look = np.degrees(talking[:, layout.GAZE] + head)
    away = np.hypot(*look.T)
    assert (away < 3.0).mean() > 0.8
    assert (away > 4.0).mean() > 0.02
    assert away.max() < 11.0
    correlation = np.corrcoef(talking[:, 43], head[:, 1])[0, 1]
    assert correlation < -0.6


def test_saccades_take_one_or_two_frames(talking: np.ndarray) -> None:
    head = talking[:, layout.ROTATION][:, [1, 0]]
    look = np.degrees(talking[:, layout.GAZE] + eyes.VOR_GAIN * head)
    moving = np.abs(np.diff(look, axis=0)).max(1) > 1e-3
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[False], moving, [False]]).astype(int))))
    assert runs[::2].max() <= 3
    assert np.abs(np.diff(look, axis=0)).max() > 3.0


def test_lids_follow_the_eyes_down() -> None:
    assert eyes.lid_follow(np.radians(20.0)) < 0.7
    assert 1.0 < eyes.lid_follow(np.radians(-15.0)) < 1.2
    assert eyes.lid_follow(0.0) == 1.0


def test_brows_go_up_on_some_accents_only_if_asked() -> None:
    energy, voiced = speech(3000)
    direction = np.zeros(10)
    direction[2] = 1.0
    still = idle.idle(idle.init_state(5), energy, voiced, Controls())[1]
    moved = idle.idle(idle.init_state(5), energy, voiced, Controls(), direction)[1]
    brow = moved[:, layout.UPPER.start + 2]
    assert not still[:, layout.UPPER].any()
    assert 0.3 < brow.max() < 2.0
    assert (brow == 0.0).mean() > 0.3
    others = np.delete(moved, layout.UPPER.start + 2, axis=1)
    assert np.array_equal(others, np.delete(still, layout.UPPER.start + 2, axis=1))


def test_same_seed_same_motion_and_another_seed_another() -> None:
    energy, voiced = speech(500)
    runs = [idle.idle(idle.init_state(s), energy, voiced, Controls())[1] for s in (7, 7, 8)]
    assert np.array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 0.01


def test_chunks_give_the_same_bits() -> None:
    energy, voiced = speech(700, seed=2)
    whole = idle.idle(idle.init_state(11), energy, voiced, Controls())[1]
    random = np.random.default_rng(0)
    for longest in (1, 7, 90):
        state, parts, at = idle.init_state(11), [], 0
        while at < 700:
            n = int(random.integers(0, longest + 1))
            state, part = idle.idle(state, energy[at : at + n], voiced[at : at + n], Controls())
            parts.append(part)
            at += n
        assert np.array_equal(np.concatenate(parts), whole)


def test_state_is_a_value() -> None:
    energy, voiced = speech(200)
    state, _ = idle.idle(idle.init_state(1), energy[:100], voiced[:100], Controls())
    first = idle.idle(state, energy[100:], voiced[100:], Controls())[1]
    again = idle.idle(state, energy[100:], voiced[100:], Controls())[1]
    assert np.array_equal(first, again)


def test_bad_energy_is_refused() -> None:
    state = idle.init_state(0)
    with pytest.raises(ValueError, match="one shape"):
        idle.idle(state, np.zeros(3), np.zeros(4), Controls())
    with pytest.raises(ValueError, match="NaN"):
        idle.idle(state, np.array([np.nan]), np.zeros(1), Controls())


def test_speech_energy_is_linear_in_decibels() -> None:
    rms = 10.0 ** (np.array([-90.0, -50.0, -30.0, -10.0, 0.0]) / 20.0)
    assert idle.speech_energy(rms) == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0], abs=1e-6)
