"""ARKit shapes: names, mirror rules, round trips, the CSV of Live Link Face."""

import os
from pathlib import Path

import numpy as np
import pytest

from vasari.errors import CannotWrite, InvalidInput
from vasari.motion import arkit, idle, layout
from vasari.motion.arkit_map import FITTED
from vasari.motion.arkit_names import ANGLES, HEADER, MEDIAPIPE, SHAPES
from vasari.types import Controls, Motion


def vector(**channels: float) -> np.ndarray:
    values = layout.rest()
    for name, value in channels.items():
        values[int(name[1:])] = value
    return values[None]


def shape(values: np.ndarray, name: str) -> float:
    return float(arkit.shapes_from_motion(values, arkit.load_map())[0, SHAPES.index(name)])


def motion(n: int = 100, fps: float = 25.0) -> Motion:
    values = idle.idle(idle.init_state(0), np.full(n, 0.5), np.ones(n), Controls())[1]
    # Coefficients of speech are smooth and mostly in the first few components.
    random = np.random.default_rng(0)
    phase = np.cumsum(random.uniform(0.2, 0.6, (n, 24)), axis=0)
    values[:, layout.MOUTH] = np.sin(phase) * 0.8 ** np.arange(24)
    return Motion(values, fps)


def test_names_are_those_of_arkit() -> None:
    assert len(SHAPES) == 52
    assert len(set(SHAPES)) == 52
    assert len(ANGLES) == 9
    assert len(HEADER) == 63
    ours = {name.lower() for name in SHAPES} - {"tongueout"}
    assert {name.lower() for name in MEDIAPIPE} - {"_neutral"} == ours
    assert len(FITTED) == 39
    scores = np.zeros((1, 52), np.float32)
    scores[0, MEDIAPIPE.index("jawOpen")] = 0.7
    assert arkit.shapes_from_mediapipe(scores)[0, SHAPES.index("JawOpen")] == np.float32(0.7)


def test_the_subjects_left_is_the_right_of_the_picture() -> None:
    right_of_picture_shut = vector(_41=0.0)
    assert shape(right_of_picture_shut, "EyeBlinkLeft") == 1.0
    assert shape(right_of_picture_shut, "EyeBlinkRight") == 0.0
    to_the_right_of_the_picture = vector(_42=0.3)
    assert shape(to_the_right_of_the_picture, "EyeLookOutLeft") == pytest.approx(0.49, abs=0.01)
    assert shape(to_the_right_of_the_picture, "EyeLookInRight") == pytest.approx(0.49, abs=0.01)
    assert shape(to_the_right_of_the_picture, "EyeLookInLeft") == 0.0
    down = vector(_43=0.26)
    assert shape(down, "EyeLookDownLeft") == shape(down, "EyeLookDownRight") == pytest.approx(0.5)
    assert shape(vector(_40=1.2), "EyeWideRight") > 0.5


def test_a_face_at_rest_is_nearly_shapeless() -> None:
    shapes = arkit.shapes_from_motion(layout.rest()[None], arkit.load_map())
    assert shapes.min() >= 0.0
    assert shapes[0, SHAPES.index("JawOpen")] < 0.1
    assert shapes.dtype == np.float32


def test_lids_and_gaze_round_trip_exactly_mouths_nearly() -> None:
    values, mapping = motion().values, arkit.load_map()
    back = arkit.motion_from_shapes(arkit.shapes_from_motion(values, mapping), mapping)
    assert np.abs(back - values)[:, 40:44].max() < 1e-5
    there, again = (arkit.shapes_from_motion(v, mapping) for v in (values, back))
    assert np.abs(there - again).mean() < 0.03
    first = layout.MOUTH.start
    assert np.corrcoef(values[:, first], back[:, first])[0, 1] > 0.9


def test_csv_is_what_live_link_face_records(tmp_path: Path) -> None:
    path = tmp_path / "face.csv"
    arkit.to_arkit_csv(motion(60), path)
    lines = path.read_text().splitlines()
    assert lines[0].startswith("Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,")
    assert lines[0].endswith(
        "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,"
        "LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
    )
    assert len(lines) == 61
    rows = [line.split(",") for line in lines[1:]]
    assert {len(row) for row in rows} == {63}
    assert {row[1] for row in rows} == {"61"}
    assert [rows[i][0] for i in (0, 24, 25, 59)] == [
        "00:00:00:00.000",
        "00:00:00:24.000",
        "00:00:01:00.000",
        "00:00:02:09.000",
    ]
    numbers = np.array([[float(cell) for cell in row[2:54]] for row in rows])
    assert numbers.min() >= 0.0
    assert numbers.max() <= 1.0
    with pytest.raises(CannotWrite):
        arkit.to_arkit_csv(motion(60), path)
    assert os.listdir(tmp_path) == ["face.csv"]


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_csv_comes_back(tmp_path: Path, fps: float) -> None:
    path, first = tmp_path / "face.csv", motion(150, fps)
    arkit.to_arkit_csv(first, path)
    back = arkit.from_arkit_csv(path)
    assert back.fps == fps
    assert np.abs(back.values - first.values)[:, layout.ROTATION].max() < 1e-6
    assert np.abs(back.values - first.values)[:, 40:44].max() < 1e-5


def text(*rows: str) -> bytes:
    return "\n".join([",".join(HEADER), *rows]).encode()


ROW = ",61," + ",".join(["0.1"] * 61)


def test_rows_without_a_face_hold_the_last_one() -> None:
    data = text("00:00:00:00" + ROW, "00:00:00:01.000,0", "00:00:01:00" + ROW)
    assert len(arkit.from_arkit_csv(data, fps=30).values) == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b't,yaw\n0,=WEBSERVICE("http://example.org")\n',
        text(),
        text("00:00:00:00" + ROW),  # frame rate unknown
        text("00:00:02:00" + ROW, "00:00:01:00" + ROW),
        text("00:00:00:00" + ROW.replace("0.1", "=1+1", 1), "00:00:02:00" + ROW),
        text("00:00:00:00" + ROW.replace("0.1", "nan", 1), "00:00:02:00" + ROW),
        text("00:00:00:00" + ROW + ",1", "00:00:02:00" + ROW),
        text("yesterday" + ROW, "00:00:02:00" + ROW),
        text("00:00:00:00,61," + ",".join(["9e99"] * 61), "00:00:02:00" + ROW),
        text("00:00:00:00" + ROW.replace("0.1", "9" * 5000, 1), "00:00:02:00" + ROW),
        text('00:00:00:00,"' + ROW),
    ],
)
def test_bad_tables_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        arkit.from_arkit_csv(data)
    assert caught.value.code == "bad_motion"
