"""Resampling: exact clock, identity at 25 fps, streaming, shut lids stay shut."""

import numpy as np
import pytest

from vasari.motion import idle, layout, resample
from vasari.types import Controls

RATES = (25, 30, 40, 50, 60)


def motion(n: int = 150, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (n, 44)).astype(np.float32)
    values[:, layout.LIDS] = random.uniform(0, 1, (n, 2))
    return values


def test_25_to_25_is_exact_and_waits_for_nothing() -> None:
    values = motion()
    state, out = resample.push(resample.init_state(25), values)
    assert np.array_equal(out, values)
    assert state.index == 150


@pytest.mark.parametrize("fps", RATES)
def test_frames_on_the_motion_clock_are_exact(fps: int) -> None:
    values = motion()
    out = resample.offline(values, fps, 150 * fps // 25)
    for frame in range(0, 150, 5):
        if frame * fps % 25 == 0:
            assert np.array_equal(out[frame * fps // 25], values[frame])


@pytest.mark.parametrize("fps", RATES)
def test_look_ahead_is_at_most_one_motion_frame(fps: int) -> None:
    state = resample.init_state(fps)
    for count in range(1, 60):
        state, _ = resample.push(state, motion(60)[count - 1 : count])
        # every output up to the last motion frame in hand is out
        assert state.index == (count - 1) * fps // 25 + 1


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("longest", [1, 4, 40])
def test_chunks_give_the_same_bits(fps: int, longest: int) -> None:
    values, total = motion(), 150 * fps // 25 + 3
    whole = resample.offline(values, fps, total)
    random = np.random.default_rng(longest)
    state, parts, at = resample.init_state(fps), [], 0
    while at < len(values):
        n = int(random.integers(0, longest + 1))
        state, out = resample.push(state, values[at : at + n])
        parts.append(out)
        at += n
    state, out = resample.flush(state, total)
    streamed = np.concatenate([*parts, out])
    assert len(streamed) == total
    assert np.array_equal(streamed, whole)


def test_smooth_motion_is_followed_closely() -> None:
    time = np.arange(250) / 25
    values = np.zeros((250, 44), np.float32)
    for hz, allowed in ((1.0, 0.002), (3.0, 0.03), (5.0, 0.10)):
        values[:, 6] = np.sin(2 * np.pi * hz * time)
        out = resample.offline(values, 60, 600)[60:540, 6]
        truth = np.sin(2 * np.pi * hz * np.arange(60, 540) / 60)
        linear = np.interp(np.arange(60, 540) / 60, time, values[:, 6])
        error = np.sqrt(((out - truth) ** 2).mean()) / np.sqrt(0.5)
        assert error < allowed
        assert error < 0.65 * np.sqrt(((linear - truth) ** 2).mean()) / np.sqrt(0.5)


def test_a_step_hardly_overshoots_and_a_still_face_stays_still() -> None:
    values = np.zeros((40, 44), np.float32)
    values[20:] = 1.0
    out = resample.offline(values, 60, 96)
    assert out.min() >= 0.0
    assert out.max() <= 1.0 + 1e-6
    assert (out[:45] == 0.0).all()
    assert (out[49:] == 1.0).all()


@pytest.mark.parametrize("fps", RATES)
def test_every_complete_blink_shuts_at_every_rate(fps: int) -> None:
    n = 3000
    values = idle.idle(idle.init_state(4), np.zeros(n), np.zeros(n), Controls())[1]
    out = resample.offline(values, fps, n * fps // 25)
    lids = out[:, layout.LIDS]
    assert lids.min() == 0.0
    shut = (values[:, layout.LIDS] == 0.0).all(1)
    starts = np.flatnonzero(shut[1:] & ~shut[:-1]) + 1
    assert len(starts) > 20
    for start in starts:
        first, last = start * fps // 25, (start + 2) * fps // 25 + 1
        assert (lids[first:last] == 0.0).all(1).any()


def test_lids_and_gaze_stay_between_their_frames() -> None:
    values = motion(seed=3)
    out = resample.offline(values, 60, 357)
    for j in range(357):
        k = j * 25 // 60
        pair = values[[k, min(k + 1, 149)], 40:44]
        assert (out[j, 40:44] >= pair.min(0)).all()
        assert (out[j, 40:44] <= pair.max(0)).all()


def test_no_drift_after_ten_hours() -> None:
    seconds = 36_000
    state = resample.ResampleState(
        60, 25, seconds * 25, seconds * 60, np.tile(layout.rest(), (3, 1))
    )
    values = motion(26)
    state, out = resample.push(state, values)
    assert np.array_equal(out[0], values[0])
    assert np.array_equal(out[60], values[25])


def test_flush_holds_the_last_frame_and_counts_exactly() -> None:
    values = motion(3)
    out = resample.offline(values, 40, 20)
    assert len(out) == 20
    assert np.array_equal(out[8:], np.tile(values[2], (12, 1)))
    assert np.array_equal(
        resample.flush(resample.init_state(30), 4)[1], np.tile(layout.rest(), (4, 1))
    )
    state, _ = resample.push(resample.init_state(25), values)
    assert len(resample.flush(state, 2)[1]) == 0


def test_bad_rates_and_shapes_are_refused() -> None:
    for bad in (0, 241, 29.97, True):
        with pytest.raises(ValueError, match="fps"):
            resample.init_state(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="44"):
        resample.push(resample.init_state(25), np.zeros((2, 43)))
