import itertools
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from vasari.errors import CannotWrite, Failed, InvalidOption
from vasari.media.audio import AudioSource
from vasari.media.colour import i420_from_rgb
from vasari.media.video import AudioTrack, VideoWriter, h264_encoder

from .conftest import click_errors_ms, clicks, coded

SIZE = 64
GREY = np.full((SIZE, SIZE, 3), 128, np.uint8)
WHITE = np.full((SIZE, SIZE, 3), 255, np.uint8)


def write_clicks(path: Path, data: bytes, fps: int) -> AudioSource:
    """A film that flashes white with each click of the sound."""
    with AudioSource.open(data) as source:
        sound = np.concatenate(list(source.blocks()))
        rate = source.sample_rate
        track = AudioTrack(rate, source.channels, source)
        frames = -(-len(sound) * fps // rate)
        lit = {int(time_s * fps) for time_s in (0.5, 1.0, 1.6)}
        with VideoWriter(path, SIZE, SIZE, fps, track, {"comment": "made up"}) as writer:
            for k in range(frames):
                part = sound[k * rate // fps : (k + 1) * rate // fps]
                writer.write(WHITE if k in lit else GREY, part)
    return source


def decoded_sound(path: Path) -> tuple[NDArray[np.float32], int]:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        assert frames[0].pts == 0
        return np.concatenate([f.to_ndarray() for f in frames], 1)[0], frames[0].sample_rate


@pytest.mark.parametrize(
    ("kind", "rate", "channels", "fps", "copied"),
    [
        ("wav", 16000, 1, 25, False),
        ("wav", 44100, 2, 40, False),
        ("wav", 37800, 1, 30, False),  # no AAC rate: resampled upwards
        ("wav", 4000, 1, 50, False),
        ("wav", 192000, 1, 25, False),
        ("wav", 8000, 7, 60, False),  # no AAC layout: mixed to mono
        ("mp3", 44100, 2, 25, False),
        ("m4a", 48000, 1, 25, True),
        ("m4a", 44100, 2, 60, True),
    ],
)
def test_sound_and_picture_meet(
    tmp_path: Path, kind: str, rate: int, channels: int, fps: int, copied: bool
) -> None:
    path = tmp_path / "out.mp4"
    source = write_clicks(path, coded(clicks(rate, channels), rate, kind), fps)
    assert source.copyable is copied
    sound, out_rate = decoded_sound(path)
    assert max(map(abs, click_errors_ms(sound, out_rate))) < 1.0
    assert abs(len(sound) / out_rate - 2.0) < 0.15  # the last AAC frame is padded
    with av.open(str(path)) as container:
        bright = [float(f.time) for f in container.decode(video=0) if f.to_ndarray().max() > 220]
    assert bright == pytest.approx([int(t * fps) / fps for t in (0.5, 1.0, 1.6)], abs=1e-4)


def test_copied_packets_are_the_same_bytes(tmp_path: Path) -> None:
    data = coded(clicks(48000, 2), 48000, "m4a")
    path = tmp_path / "out.mp4"
    write_clicks(path, data, 25)
    (tmp_path / "in.m4a").write_bytes(data)
    payloads = []
    for name in ("in.m4a", "out.mp4"):
        with av.open(str(tmp_path / name)) as container:
            payloads.append([bytes(p) for p in container.demux(audio=0) if p.size])
    assert payloads[0] == payloads[1]


@pytest.mark.parametrize(
    ("shift", "dropped", "copied"),
    [(0, None, True), (-1088, None, True), (4800, None, True), (0, 30, False)],
    ids=["plain", "longer encoder delay", "starts late", "hole"],
)
def test_what_is_heard_is_what_was_seen(
    tmp_path: Path, shift: int, dropped: int | None, copied: bool
) -> None:
    """Copied or encoded, the sound of the film lies where the samples lay that moved the face."""
    sound = clicks(48000, 1)
    data = coded(sound, 48000, "m4a", shift, dropped)
    with AudioSource.open(data) as source:
        seen = np.concatenate(list(source.blocks()))[:, 0]
    source = write_clicks(tmp_path / "o.mp4", data, 25)
    assert source.copyable is copied
    heard, _ = decoded_sound(tmp_path / "o.mp4")
    around = slice(np.argmax(np.abs(seen)) - 2000, np.argmax(np.abs(seen)) + 2000)
    tolerance = 0.0 if copied else 0.25
    assert np.abs(seen[around] - heard[around]).max() <= tolerance


def test_the_stream_is_what_players_expect(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write_clicks(path, coded(clicks(16000, 1), 16000, "wav"), 30)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        context = video.codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        tags = (context.colorspace, context.color_primaries, context.color_trc)
        assert tags == (1, 1, 1) and context.color_range == 1
        assert video.average_rate == 30 and video.frames == 60
        assert audio.codec_context.name == "aac"
        assert container.metadata["comment"] == "made up"
        times = [f.pts * f.time_base for f in container.decode(video)]
    assert times[0] == 0
    assert {round(float(b - a), 6) for a, b in itertools.pairwise(times)} == {0.033333}


def test_colours_come_back_within_two_levels(tmp_path: Path) -> None:
    colours = [(200, 120, 60), (30, 60, 200), (255, 255, 255), (0, 0, 0), (224, 172, 105)]
    with VideoWriter(tmp_path / "c.mp4", SIZE, SIZE, 25) as writer:
        for colour in colours:
            for _ in range(3):
                writer.write(np.full((SIZE, SIZE, 3), colour, np.uint8))
    with av.open(str(tmp_path / "c.mp4")) as container:
        shown = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    for k, colour in enumerate(colours):
        assert np.abs(shown[3 * k + 2].mean((0, 1)) - colour).max() < 2.5


def test_conversion_is_the_bt709_formula() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    planes = i420_from_rgb(image)
    luma = 16 + image @ np.array([0.2126, 0.7152, 0.0722]) * 219 / 255
    assert np.abs(planes[:32] - luma).max() <= 1
    mean = image.reshape(16, 2, 24, 2, 3).mean((1, 3))
    y = mean @ np.array([0.2126, 0.7152, 0.0722])
    cb = 128 + (mean[..., 2] - y) / 1.8556 * 224 / 255
    cr = 128 + (mean[..., 0] - y) / 1.5748 * 224 / 255
    got = planes[32:].reshape(2, 16, 24)
    assert np.abs(got[0] - cb).max() <= 1.1 and np.abs(got[1] - cr).max() <= 1.1


def test_odd_sizes_lose_the_odd_line(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "odd.mp4", 65, 33, 25) as writer:
        writer.write(np.zeros((33, 65, 3), np.uint8))
    with av.open(str(tmp_path / "odd.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) == writer.size == (64, 32)


def test_nothing_is_left_when_it_goes_wrong(tmp_path: Path) -> None:
    for error in (RuntimeError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), VideoWriter(tmp_path / "out.mp4", SIZE, SIZE, 25) as writer:
            for _ in range(20):
                writer.write(GREY)
            raise error
    with pytest.raises(Failed), VideoWriter(tmp_path / "out.mp4", SIZE, SIZE, 25):
        pass
    assert list(tmp_path.iterdir()) == []
    assert not [t for t in threading.enumerate() if t.name == "vasari-encode"]


def test_an_older_file_is_replaced_only_when_asked_and_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    with pytest.raises(CannotWrite) as caught:
        VideoWriter(path, SIZE, SIZE, 25)
    assert (caught.value.code, caught.value.exit_code) == ("output_exists", 73)
    with pytest.raises(RuntimeError), VideoWriter(path, SIZE, SIZE, 25, overwrite=True) as writer:
        writer.write(GREY)
        raise RuntimeError
    assert path.read_bytes() == b"old"
    with VideoWriter(path, SIZE, SIZE, 25, overwrite=True) as writer:
        writer.write(GREY)
        assert path.read_bytes() == b"old"
    assert path.stat().st_size > 500
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_a_file_that_appears_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    writer = VideoWriter(path, SIZE, SIZE, 25)
    writer.write(GREY)
    path.write_bytes(b"theirs")
    with pytest.raises(CannotWrite) as caught:
        writer.close()
    assert caught.value.code == "output_exists"
    assert path.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["out.mp4"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with VideoWriter(tmp_path / "out.mp4", SIZE, SIZE, 25) as writer:
            writer.write(GREY)
            (part,) = tmp_path.glob(".out.mp4.*.part")
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out.mp4").stat().st_mode) == 0o640


def test_folders_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    for path in (tmp_path / "absent" / "o.mp4", tmp_path / "plain" / "o.mp4", tmp_path):
        with pytest.raises(CannotWrite) as caught:
            VideoWriter(path, SIZE, SIZE, 25)
        assert caught.value.code == "cannot_write"
    with pytest.raises(CannotWrite):
        VideoWriter("/dev/null", SIZE, SIZE, 25, overwrite=True)


@pytest.mark.parametrize(
    ("width", "height", "fps", "code"),
    [(8, 64, 25, "bad_size"), (64, 9000, 25, "bad_size"), (64, 64, 0, "bad_fps")],
)
def test_bad_numbers_are_named(
    tmp_path: Path, width: int, height: int, fps: int, code: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        VideoWriter(tmp_path / "o.mp4", width, height, fps)
    assert caught.value.code == code


def test_wrong_shapes_are_named(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "o.mp4", SIZE, SIZE, 25, AudioTrack(16000, 2)) as writer:
        writer.write(GREY, np.zeros((640, 2), np.float32))
        with pytest.raises(ValueError, match="frame"):
            writer.write(GREY[:10], np.zeros((640, 2), np.float32))
        with pytest.raises(ValueError, match="audio"):
            writer.write(GREY, np.zeros((640, 1), np.float32))
        with pytest.raises(ValueError, match="audio"):
            writer.write(GREY)


def test_hostile_names_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-x.mp4", "concat:a|b.mp4", "a\nb.mp4", "%d.mp4", "ü ☃.mp4", "x" * 200 + ".mp4"):
        with VideoWriter(name, SIZE, SIZE, 25) as writer:
            writer.write(GREY)
        assert (tmp_path / name).stat().st_size > 500


DISK = """
import resource, signal, sys
import numpy as np
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from vasari.errors import CannotWrite
from vasari.media.video import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
rng = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], 256, 256, 25) as writer:
        for _ in range(60):
            writer.write(rng.integers(0, 256, (256, 256, 3), dtype=np.uint8))
except CannotWrite as error:
    print(error.code)
"""


@pytest.mark.parametrize("limit", [1, 100_000, 1_000_000])
def test_a_full_disk_is_reported_and_leaves_nothing(
    tmp_path: Path, limit: int, run_script: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    done = run_script(DISK, str(tmp_path / "o.mp4"), str(limit))
    assert done.stdout.strip() == "cannot_write", done.stderr
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
import numpy as np
from vasari.media.video import VideoWriter
writer = VideoWriter(sys.argv[1], 64, 64, 25)
for _ in range(30):
    writer.write(np.zeros((64, 64, 3), np.uint8))
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_goes_with_the_next_one(
    tmp_path: Path, run_script: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    path = tmp_path / "o.mp4"
    assert run_script(KILLED, str(path)).returncode == -9
    assert [item.suffix for item in tmp_path.iterdir()] == [".part"]
    other = VideoWriter(path, SIZE, SIZE, 25)  # removes the dead one, and lives on
    with VideoWriter(path, SIZE, SIZE, 25) as writer:
        writer.write(GREY)
    other.abort()
    assert os.listdir(tmp_path) == ["o.mp4"]


@pytest.fixture
def run_script() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60
        )

    return run


def test_an_encoder_is_found() -> None:
    assert h264_encoder() in ("libx264", "h264_videotoolbox", "h264_mf")
