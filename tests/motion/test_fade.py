import numpy as np
import pytest

from vasari.motion.fade import FADE_FRAMES, Fade
from vasari.types import Controls

NEAR, FAR = Controls(distance=0.8), Controls(distance=1.4)


def distances(state: Fade, frames: int, cuts: tuple[int, ...] = ()) -> list[float]:
    """The distance at each frame, asked for in pieces."""
    found: list[float] = []
    for end in (*cuts, frames):
        while len(found) < end:
            state, now, count = state.at(len(found), end - len(found))
            assert count >= 1
            found += [now.distance] * count
    return found


def test_what_is_set_before_the_first_frame_holds_at_once() -> None:
    assert distances(Fade(NEAR).then(FAR, 0), 5) == [1.4] * 5


def test_a_change_begins_at_its_frame_and_takes_its_time() -> None:
    found = distances(Fade(NEAR).then(FAR, 20), 50)
    assert found[:20] == [0.8] * 20
    assert found[20 + FADE_FRAMES :] == [1.4] * (30 - FADE_FRAMES)
    steps = np.diff(found[19 : 21 + FADE_FRAMES])
    assert (steps > 0).all() and steps.max() < 0.15


def test_a_change_in_the_middle_of_a_change_does_not_jump() -> None:
    found = distances(Fade(NEAR).then(FAR, 10).then(NEAR, 15), 40)
    assert np.abs(np.diff(found)).max() < 0.12
    assert 0.85 < max(found) < 1.35 and found[-1] == 0.8


def test_planned_changes_come_in_order_however_they_were_said() -> None:
    state = Fade(NEAR).then(Controls(distance=1.0), 40).then(FAR, 10)
    found = distances(state, 70)
    assert found[30] == 1.4 and found[-1] == 1.0


@pytest.mark.parametrize("cuts", [(1,), (13, 17), tuple(range(1, 60))])
def test_pieces_change_nothing(cuts: tuple[int, ...]) -> None:
    state = Fade(NEAR).then(FAR, 15).then(NEAR, 33)
    assert distances(state, 60, cuts) == distances(state, 60)
