"""Session with tiny stand-in networks: its own logic, not theirs, is on trial."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vasari.errors import InvalidInput, InvalidOption
from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.motion.emotions import load_emotions
from vasari.provenance.consent import Consent
from vasari.renderer.compose import load_assets
from vasari.session import Engine, Session
from vasari.speech.stream import SpeechStream
from vasari.types import Controls, Float, Frame, Motion, Portrait, SpeechFeatures

RATE_HZ = 24_000
CONSENT = Consent("deceased-estate")


@dataclass(frozen=True)
class LoudnessLips:
    """A generator that opens the mouth with the first feature, smoothed over time."""

    def init_state(self) -> float:
        return 0.0

    def generate(self, state: float, features: SpeechFeatures) -> tuple[float, Motion]:
        values = np.tile(layout.rest(), (len(features.voiced), 1))
        for row, feature in zip(values, features.values, strict=True):
            state = 0.5 * state + 0.5 * float(feature[0])
            row[layout.MOUTH.start] = state
        return state, Motion(values, 25.0, "portrait")


def tiny_encoder(mel: Float) -> Float:
    level = mel[0, :, -6:].mean()
    return np.full((1, 6, 384), level, np.float32)


def tiny_voice(samples: Float, hidden: Float) -> tuple[float, Float]:
    return float(np.abs(samples).mean() > 1e-3), hidden


@pytest.fixture(scope="module")
def engine() -> Engine:
    speech = SpeechStream(tiny_encoder, tiny_voice)
    return Engine(None, load_basis(), LoudnessLips(), speech, load_assets(), load_emotions())  # type: ignore[arg-type]


def speech(seconds: float, channels: int = 1) -> Float:
    rng = np.random.default_rng(0)
    n = int(seconds * RATE_HZ)
    swell = np.sin(np.arange(n) / RATE_HZ * 9)[:, None]
    return (0.1 * swell * rng.standard_normal((n, channels))).astype(np.float32)


def collect(session: Session, sound: Float, cuts: list[int]) -> list[Frame]:
    frames: list[Frame] = []
    for part in np.split(sound, sorted(cuts)):
        session.push_audio(part)
        frames.extend(session.frames())
    session.end_segment()
    frames.extend(session.frames())
    return frames


def start(portrait: Portrait, engine: Engine, **more: object) -> Session:
    return Session(portrait, engine, consent=CONSENT, sample_rate_hz=RATE_HZ, **more)  # type: ignore[arg-type]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, int(1.2 * RATE_HZ)), max_size=12), st.sampled_from([25, 40]))
def test_stream_equals_offline(hopper: Portrait, engine: Engine, cuts: list[int], fps: int) -> None:
    sound = speech(1.2)
    whole = collect(start(hopper, engine, fps=fps), sound, [])
    parts = collect(start(hopper, engine, fps=fps), sound, cuts)
    assert len(whole) == len(parts) == -(-len(sound) * fps // RATE_HZ)
    for a, b in zip(whole, parts, strict=True):
        assert np.allclose(a.motion, b.motion, atol=1e-5)
        assert np.array_equal(a.audio, b.audio)


def test_frames_carry_all_of_the_sound_in_order(hopper: Portrait, engine: Engine) -> None:
    sound = speech(1.03, channels=2)
    frames = collect(start(hopper, engine, fps=30, channels=2), sound, [100, 9000])
    joined = np.concatenate([f.audio for f in frames])
    assert np.array_equal(joined[: len(sound)], sound)
    assert not joined[len(sound) :].any()
    assert [f.index for f in frames] == list(range(31))
    assert [len(f.audio) for f in frames] == [800] * 31
    assert [f.end_of_segment for f in frames] == [False] * 30 + [True]


def test_same_seed_same_motion_other_seed_other_motion(hopper: Portrait, engine: Engine) -> None:
    sound = speech(2.0)
    first, again, other = (
        np.stack([f.motion for f in collect(start(hopper, engine, seed=s), sound, [])])
        for s in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert np.abs(first - other)[:, layout.ROTATION].max() > np.radians(0.3)


def test_controls_act_from_the_next_frame_on(hopper: Portrait, engine: Engine) -> None:
    session = start(hopper, engine)
    session.set_controls(Controls(head_amplitude=0.0, head_offset_deg=(0.0, 10.0, 0.0)))
    frames = collect(session, speech(0.4), [])
    yaw = np.degrees([f.motion[1] - hopper.motion[1] for f in frames])
    assert yaw == pytest.approx(np.full(10, 10.0), abs=0.2)


def test_bad_values_are_refused_by_name(hopper: Portrait, engine: Engine) -> None:
    with pytest.raises(InvalidOption) as fps:
        start(hopper, engine, fps=24)
    assert fps.value.code == "bad_fps"
    session = start(hopper, engine)
    with pytest.raises(InvalidInput) as shape:
        session.push_audio(np.zeros((10, 3), np.float32))
    assert shape.value.code == "bad_audio"
    with pytest.raises(InvalidInput) as nan:
        session.push_audio(np.full(10, np.nan, np.float32))
    assert nan.value.code == "bad_audio"
    with pytest.raises(InvalidOption):
        session.set_controls(Controls(distance=9.0))


def test_interruption_drops_what_waits_and_ramps_the_mouth(
    hopper: Portrait, engine: Engine
) -> None:
    session = start(hopper, engine)
    session.push_audio(speech(1.0))
    ready = session.frames()
    taken = [next(ready) for _ in range(5)]
    shown = taken[-1].motion[layout.MOUTH.start]
    played = session.clear_buffer()
    assert played == 5 * RATE_HZ // 25
    assert list(ready) == []
    session.push_audio(np.zeros(RATE_HZ, np.float32))
    after = list(session.frames())
    assert [f.index for f in after[:2]] == [5, 6]
    assert not after[0].audio.any()
    mouth = np.array([f.motion[layout.MOUTH.start] for f in after])
    rest = mouth[-1]
    assert abs(mouth[0] - shown) < 0.6 * abs(rest - shown), "no jump"
    assert abs(mouth[4] - rest) < 0.15 * abs(rest - shown), "at rest within 200 ms"


def test_segments_follow_each_other_without_a_gap(hopper: Portrait, engine: Engine) -> None:
    session = start(hopper, engine)
    first = collect(session, speech(0.5), [])
    second = collect(session, speech(0.5), [])
    assert [f.index for f in first + second] == list(range(26))
    assert np.array_equal(second[0].audio, speech(0.5)[:960])


def test_a_given_motion_is_played(hopper: Portrait, engine: Engine) -> None:
    values = np.tile(hopper.motion, (10, 1))
    values[:, layout.ROTATION.start + 1] += np.radians(np.arange(10)).astype(np.float32)
    session = start(hopper, engine, motion=Motion(values, 25.0, "camera"))
    frames = collect(session, speech(0.4), [])
    yaw = np.degrees([f.motion[1] - hopper.motion[1] for f in frames])
    assert yaw == pytest.approx(np.arange(10.0), abs=0.05)


def test_a_change_of_controls_is_planned_and_does_not_jump(
    hopper: Portrait, engine: Engine
) -> None:
    session = start(hopper, engine)
    session.set_controls(Controls(head_amplitude=0.0))
    session.set_controls(Controls(head_amplitude=0.0, head_offset_deg=(0.0, 10.0, 0.0)), at_s=1.0)
    frames = collect(session, speech(2.0), [])
    yaw = np.degrees([f.motion[1] - hopper.motion[1] for f in frames])
    assert np.abs(yaw[:25]).max() < 0.2
    assert yaw[36:] == pytest.approx(np.full(len(yaw) - 36, 10.0), abs=0.3)
    assert np.abs(np.diff(yaw)).max() < 1.8


def test_an_emotion_is_felt_and_lips_still_shut(hopper: Portrait, engine: Engine) -> None:
    silence = np.zeros(RATE_HZ, np.float32)
    plain = collect(start(hopper, engine), silence, [])[-1].motion
    happy = Controls(emotion=(1.0,) + (0.0,) * 6)
    smiling = collect(start(hopper, engine, controls=happy), silence, [])[-1].motion
    assert np.abs(smiling - plain)[layout.MOUTH].max() > 2
    gap = engine.basis.mouth[:, 14, 1] - engine.basis.mouth[:, 13, 1]
    assert abs(float((smiling - plain)[layout.MOUTH] @ gap)) < 0.003


def test_lips_of_the_sound_on_top_of_recorded_motion(hopper: Portrait, engine: Engine) -> None:
    values = np.tile(hopper.motion, (100, 1))
    values[:, 1] += np.float32(np.radians(5))
    recorded = Motion(values.astype(np.float32), 25.0)
    sound = speech(1.0)
    played, spoken = (
        np.stack(
            [
                f.motion
                for f in collect(start(hopper, engine, motion=recorded, lips=whose), sound, [])
            ]
        )
        for whose in ("motion", "audio")
    )
    assert np.array_equal(played[:, layout.ROTATION], spoken[:, layout.ROTATION])
    assert played[:, layout.MOUTH].std(0).max() < 1e-3 < spoken[:, layout.MOUTH].std(0).max()
