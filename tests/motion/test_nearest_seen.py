import numpy as np

from vasari.motion.video import nearest_seen


def test_lost_frames_take_the_nearest_seen_one() -> None:
    assert nearest_seen(np.array([2, 3, 7]), 10).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]


def test_equals_the_full_comparison() -> None:
    rng = np.random.default_rng(3)
    for count in (1, 2, 50, 400):
        seen = np.flatnonzero(rng.random(count) < 0.6)
        seen = seen if len(seen) else np.array([count - 1])
        distance = np.abs(np.arange(count)[:, None] - seen[None])
        assert nearest_seen(seen, count).tolist() == distance.argmin(1).tolist()


def test_ten_minutes_cost_no_square_of_memory() -> None:
    count = 200_000  # a full comparison would hold 320 GB
    assert nearest_seen(np.arange(0, count, 2), count).shape == (count,)
