import numpy as np
import pytest

from vasari.errors import InvalidOption
from vasari.motion import controls, emotions, layout
from vasari.motion.basis import load_basis
from vasari.motion.mesh import shape_from_motion
from vasari.types import EMOTIONS, Controls

BASIS = load_basis()
OFFSETS = emotions.load_emotions()
NEUTRAL = BASIS.identity_mean


def face(name: str, amount: float = 1.0, mouth: np.ndarray | None = None) -> np.ndarray:
    """(478, 3) the average face with an emotion, as the controls make it."""
    values = layout.rest()[None].copy()
    if mouth is not None:
        values[0, layout.MOUTH] = mouth
    wanted = Controls(emotion=emotions.mix({name: amount}))
    moved = controls.apply(values, wanted, layout.rest(), emotion_offsets=OFFSETS)
    return shape_from_motion(NEUTRAL, moved[0], BASIS)


def gap(shape: np.ndarray) -> float:
    return float((shape[layout.LIPS_INNER_LOWER, 1] - shape[layout.LIPS_INNER_UPPER, 1]).max())


REST = shape_from_motion(NEUTRAL, layout.rest(), BASIS)


def down(shape: np.ndarray, points: tuple[int, ...]) -> float:
    """Face widths that these points are lower than at rest."""
    return float((shape - REST)[list(points), 1].mean())


def test_happy_lifts_corners_and_cheeks_and_narrows_the_eyes() -> None:
    happy = face("happy")
    assert down(happy, (61, 291)) < -0.02
    assert down(happy, (50, 280)) < -0.004
    assert np.ptp(happy[[61, 291], 0]) > np.ptp(REST[[61, 291], 0]) + 0.02
    assert -0.3 < OFFSETS[0, layout.LIDS].mean() < -0.03


def test_brows_tell_the_others_apart() -> None:
    inner, outer = (55, 285), (46, 276)
    assert down(face("angry"), inner) > 0.02
    assert down(face("sad"), inner) < -0.015 < down(face("sad"), outer)
    assert down(face("surprised"), inner) < -0.03 and down(face("surprised"), outer) < -0.02
    assert down(face("afraid"), inner) < -0.02


def test_mouths_of_the_unhappy_turn_down() -> None:
    for name in ("sad", "angry", "afraid"):
        assert down(face(name), (61, 291)) > 0.003
    crooked = face("contempt") - REST
    assert crooked[291, 1] < crooked[61, 1] - 0.005, "one corner alone"


@pytest.mark.parametrize("name", EMOTIONS)
def test_no_emotion_opens_the_lips(name: str) -> None:
    assert gap(face(name)) < gap(REST) + 0.004
    pressed = np.zeros(layout.N_MOUTH, np.float32)
    pressed[0] = 0.5
    plain = face("neutral", mouth=pressed)
    assert gap(face(name, mouth=pressed)) < gap(plain) + 0.004


def test_mixtures_add_up_and_lids_stay_lids() -> None:
    both = emotions.offset(emotions.mix({"happy": 0.5, "surprised": 0.4}), OFFSETS)
    assert both[layout.UPPER] == pytest.approx(
        0.5 * OFFSETS[0, layout.UPPER] + 0.4 * OFFSETS[3, layout.UPPER], abs=1e-6
    )
    every = emotions.offset((1.0,) * 7, np.abs(OFFSETS) * 5)
    assert every[layout.LIDS].max() <= 0.3
    assert not emotions.offset(emotions.NONE, OFFSETS).any()


def test_a_blink_stays_a_blink_and_other_channels_are_left_alone() -> None:
    values = layout.rest()[None].copy()
    values[0, layout.LIDS] = 0.0
    for name in EMOTIONS:
        wanted = Controls(emotion=emotions.mix({name: 1.0}))
        moved = controls.apply(values, wanted, layout.rest(), emotion_offsets=OFFSETS)[0]
        assert not moved[layout.LIDS].any()
        for channel in (layout.ROTATION, layout.TRANSLATION, layout.GAZE):
            assert not moved[channel].any()


def test_unknown_and_impossible_emotions_are_refused() -> None:
    with pytest.raises(InvalidOption) as unknown:
        emotions.mix({"bored": 0.5})
    assert unknown.value.code == "bad_control" and "happy" in unknown.value.fix
    with pytest.raises(InvalidOption):
        controls.validate(Controls(emotion=emotions.mix({"happy": 1.5})))
    with pytest.raises(InvalidOption):
        controls.validate(Controls(emotion=(0.5,)))
    assert emotions.mix({"neutral": 1.0}) == emotions.NONE
