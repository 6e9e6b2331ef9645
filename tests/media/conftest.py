"""Small sound files of every container, with clicks at known times."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

CLICKS_S = (0.5, 1.0, 1.6)

CODECS = {"mp3": ("libmp3lame", "mp3"), "m4a": ("aac", "mp4"), "ogg": ("libopus", "ogg")}
CODECS["webm"] = ("libopus", "webm")


def clicks(rate: int, channels: int, seconds: float = 2.0) -> NDArray[np.float32]:
    """Silence with a click of 0.5 ms at each of CLICKS_S: (n, channels)."""
    sound = np.zeros((int(rate * seconds), channels), np.float32)
    for time_s in CLICKS_S:
        start = int(time_s * rate)
        sound[start : start + max(1, rate // 2000)] = 0.9
    return sound


def coded(
    sound: NDArray[np.float32], rate: int, kind: str, shift: int = 0, dropped: int | None = None
) -> bytes:
    """The bytes of a file of this kind: wav, flac, or one of CODECS.

    shift: ticks added to the time of each packet. dropped: the number of a packet left out.
    """
    out = io.BytesIO()
    if kind in ("wav", "flac"):
        soundfile.write(out, sound, rate, format=kind.upper())
        return out.getvalue()
    codec, container_format = CODECS[kind]
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    with av.open(out, "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sound.T), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts = rate, 0
        pieces = [*resampler.resample(frame), *resampler.resample(None), None]
        packets = [packet for piece in pieces for packet in stream.encode(piece)]
        for number, packet in enumerate(packets):
            if number != dropped:
                packet.pts += shift
                packet.dts += shift
                container.mux(packet)
    return out.getvalue()


def click_errors_ms(sound: NDArray[np.float32], rate: int) -> list[float]:
    """How late each click of a decoded mono sound begins."""
    errors = []
    for time_s in CLICKS_S:
        at, around = int(time_s * rate), rate // 10
        part = np.abs(sound[at - around : at + around])
        onset = int(np.argmax(part > 0.4 * part.max())) - around
        errors.append(1000 * onset / rate)
    return errors


@pytest.fixture
def sound_file(tmp_path: Path) -> Callable[[str, int, int], Path]:
    """Makes a file: (kind, rate, channels) to its path."""

    def make(kind: str, rate: int, channels: int) -> Path:
        path = tmp_path / f"clicks_{rate}_{channels}.{kind}"
        path.write_bytes(coded(clicks(rate, channels), rate, kind))
        return path

    return make
