"""Flags and files that say how the face acts."""

import json
from pathlib import Path

import pytest

from vasari.commands.acting import controls_of, emotion_of, numbers_of, timeline_of
from vasari.errors import InvalidOption, NotFound
from vasari.motion.controls import PRESETS
from vasari.types import EMOTIONS, Controls


def test_what_is_given_replaces_what_the_preset_says() -> None:
    made = controls_of("calm", {"head_amplitude": 1.5, "gaze_deg": None})
    assert made.head_amplitude == 1.5
    assert made.blink_per_minute == PRESETS["calm"].blink_per_minute
    assert controls_of(None, {}) == Controls()


def test_errors_name_the_flags_that_were_typed() -> None:
    with pytest.raises(InvalidOption) as error:
        controls_of(None, {"blink_per_minute": 99.0})
    assert "--blink-rate" in error.value.message and "blink_per_minute" not in error.value.fix


def test_emotions_are_amounts_by_name() -> None:
    amounts = dict(zip(EMOTIONS, emotion_of("happy=0.6, Sad"), strict=True))
    assert amounts["happy"] == 0.6 and amounts["sad"] == 1.0 and amounts["angry"] == 0.0
    for wrong in ("happy=much", "bored=1", ""):
        with pytest.raises(InvalidOption):
            emotion_of(wrong)


def test_numbers_come_in_the_right_count() -> None:
    assert numbers_of("10,-5", 2, "") == (10.0, -5.0)
    for wrong in ("10", "1,2,3", "a,b", ""):
        with pytest.raises(InvalidOption) as error:
            numbers_of(wrong, 2, "--gaze 10,-5")
        assert "--gaze 10,-5" in error.value.fix


def test_a_timeline_is_read_in_full(tmp_path: Path) -> None:
    path = tmp_path / "acting.json"
    rows = [
        {"at_s": 0, "preset": "lively", "emotion": {"happy": 0.7}},
        {"at_s": 2.5, "gaze_deg": [8, 0], "distance": 0.9},
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    (first, lively), (second, near) = timeline_of(path)
    assert (first, second) == (0.0, 2.5)
    assert lively.head_amplitude == PRESETS["lively"].head_amplitude and lively.emotion[0] == 0.7
    assert near == Controls(gaze_deg=(8, 0), distance=0.9)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "{}",
        "[[]]",
        '[{"emotion": {"happy": 1}}]',
        '[{"at_s": 1, "smile": 3}]',
        '[{"at_s": 1, "preset": "wild"}]',
        '[{"at_s": 1, "emotion": 0.4}]',
        '[{"at_s": 1, "emotion": {"happy": "very"}}]',
        '[{"at_s": 1, "distance": "far"}]',
        '[{"at_s": 1, "gaze_deg": [1]}]',
        "[" * 100_000,
    ],
)
def test_a_wrong_timeline_is_refused_with_an_example(text: str, tmp_path: Path) -> None:
    path = tmp_path / "acting.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidOption) as error:
        timeline_of(path)
    assert error.value.code == "bad_control"


def test_a_timeline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        timeline_of(tmp_path / "absent.json")
