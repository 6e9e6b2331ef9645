"""Motion files: round trip, atomic writing, refusal of everything else."""

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from vasari.errors import CannotWrite, InvalidInput, NotFound
from vasari.motion import file as motion_file
from vasari.motion import idle
from vasari.types import Controls, Motion


def motion(n: int = 50) -> Motion:
    values = idle.idle(idle.init_state(0), np.full(n, 0.5), np.ones(n), Controls())[1]
    return Motion(values, 25.0, "portrait", "/home/someone/clip.mp4")


def packed(
    values: np.ndarray | None = None,
    metadata: dict[str, object] | None = None,
    **tensor: object,
) -> bytes:
    """A motion file made by hand, with anything in it replaced."""
    data = (motion().values if values is None else values).tobytes()
    words: dict[str, object] = {
        "format": "vasari-motion",
        "layout_version": "1",
        "fps": "25.0",
        "pose_reference": "camera",
    }
    words.update(metadata or {})
    entry = {
        "dtype": "F32",
        "shape": [len(data) // 176, 44],
        "data_offsets": [0, len(data)],
        **tensor,
    }
    return with_header(json.dumps({"__metadata__": words, "values": entry}), data)


def with_header(header: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header.encode())) + header.encode() + data


def refused(data: bytes, code: str = "bad_motion") -> str:
    with pytest.raises(InvalidInput) as caught:
        motion_file.load(data)
    assert caught.value.code == code
    return caught.value.message


def test_round_trip_is_exact_and_names_no_user(tmp_path: Path) -> None:
    path = tmp_path / "a.motion"
    motion_file.save(motion(), path)
    back = motion_file.load(path)
    assert np.array_equal(back.values, motion().values)
    assert (back.fps, back.pose_reference, back.source) == (25.0, "portrait", "clip.mp4")
    assert b"someone" not in path.read_bytes()
    assert os.listdir(tmp_path) == ["a.motion"]
    assert motion_file.load(path.read_bytes()).values.shape == (50, 44)
    assert motion_file.load(packed()).pose_reference == "camera"


def test_nothing_is_overwritten_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.motion"
    path.write_bytes(b"precious")
    with pytest.raises(CannotWrite) as caught:
        motion_file.save(motion(), path)
    assert caught.value.code == "output_exists"
    assert path.read_bytes() == b"precious"
    motion_file.save(motion(), path, overwrite=True)
    assert len(motion_file.load(path).values) == 50
    with pytest.raises(CannotWrite):
        motion_file.save(motion(), tmp_path / "no" / "a.motion")
    assert os.listdir(tmp_path) == ["a.motion"]


def test_values_that_cannot_be_read_back_are_not_written(tmp_path: Path) -> None:
    values = motion().values.copy()
    values[7, 0] = 3.0
    with pytest.raises(InvalidInput, match="frame 7"):
        motion_file.save(Motion(values, 25.0), tmp_path / "a.motion")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("channel", "value", "words"),
    [
        (0, np.nan, "NaN"),
        (20, np.inf, "NaN"),
        (1, 1.6, "rotation"),
        (4, 1e9, "translation"),
        (10, -20.5, "mouth"),
        (33, 21.0, "upper"),
        (41, -0.01, "lid"),
        (43, -2.0, "gaze"),
    ],
)
def test_impossible_values_are_refused_with_their_frame(
    channel: int, value: float, words: str
) -> None:
    values = motion().values.copy()
    values[9, channel] = value
    message = refused(packed(values))
    assert "frame 9" in message
    assert words in message


@pytest.mark.parametrize("fps", ["0", "-25", "1e9", "nan", "inf", "", "25;", "9" * 5000])
def test_impossible_rates_are_refused(fps: str) -> None:
    refused(packed(metadata={"fps": fps}))


def test_a_newer_layout_is_refused_in_plain_words() -> None:
    assert "newer than 1" in refused(packed(metadata={"layout_version": "2"}))
    refused(packed(metadata={"layout_version": "0"}))


def test_damaged_headers_are_refused() -> None:
    good = packed()
    for cut in (0, 3, 8, 40, 300, len(good) - 1):
        refused(good[:cut])
    refused(good + b"\0")
    refused(struct.pack("<Q", 1 << 60) + good[8:])
    refused(with_header("[" * 8000))
    refused(with_header("[" * 8000 + "]" * 8000))
    refused(with_header('{"a": 1, "a": 2}'))
    refused(with_header('{"a": NaN}'))
    refused(with_header("{}"))
    refused(with_header('{"__metadata__": 3}'))
    refused(with_header('{"__metadata__": {"format": "vasari-motion", "fps": 25}}'))
    refused(with_header('{"a": ' + "9" * 5000 + "}"))
    refused(b"\x08\0\0\0\0\0\0\0\xff\xfe\xff\xfe\xff\xfe\xff\xfe")


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "F64"},
        {"shape": [50, 43]},
        {"shape": [10**9, 44]},
        {"shape": [-50, 44]},
        {"shape": "50"},
        {"data_offsets": [8, 8800]},
        {"data_offsets": [0, 10**15]},
        {"data_offsets": None},
    ],
)
def test_a_header_that_lies_is_refused(tensor: dict[str, object]) -> None:
    refused(packed(**tensor))


def test_an_empty_motion_is_refused() -> None:
    refused(packed(np.zeros((0, 44), np.float32)))


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.motion"
    with path.open("wb") as stream:
        stream.truncate(motion_file.MAX_BYTES + 1)
    with pytest.raises(InvalidInput) as caught:
        motion_file.load(path)
    assert caught.value.code == "motion_too_large"


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        motion_file.load(tmp_path / "nothing.motion")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path):
        with pytest.raises(InvalidInput) as caught:
            motion_file.load(path)
        assert caught.value.code == "bad_motion"


def corpus() -> list[tuple[str, Path, list[str]]]:
    place = os.environ.get("VASARI_BAD_INPUTS", "")
    manifest = Path(place) / "manifest.json"
    if not place or not manifest.is_file():
        return []
    cases = json.loads(manifest.read_text())["cases"]
    return [(c["id"], Path(place) / c["file"], c["codes"]) for c in cases if c["group"] == "motion"]


@pytest.mark.skipif(not corpus(), reason="set VASARI_BAD_INPUTS to the corpus's folder")
@pytest.mark.parametrize(("name", "path", "codes"), corpus())
def test_the_corpus_of_bad_files_is_refused(name: str, path: Path, codes: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        motion_file.load(path)
    assert caught.value.code in codes, name


def test_inspect_counts_blinks_and_angles() -> None:
    n = 3000
    values = idle.idle(idle.init_state(2), np.zeros(n), np.zeros(n), Controls())[1]
    values[:, 1] = np.radians(np.linspace(-5, 5, n))
    summary = motion_file.inspect(Motion(values, 25.0))
    assert summary["frames"] == n
    assert summary["duration_s"] == 120.0
    assert 10 <= summary["blinks_per_minute"] <= 22
    assert summary["rotation_deg"]["yaw"]["min"] == pytest.approx(-5.0, abs=1e-3)
    assert summary["rotation_deg"]["yaw"]["sd"] == pytest.approx(10 / 12**0.5, rel=0.01)
    assert json.dumps(summary)
    assert motion_file.inspect(Motion(values[:0], 25.0))["frames"] == 0
