"""The sound track of an output file: the original AAC packets copied, or AAC made of samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import OutputContainer

from vasari.types import Float

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

    from vasari.media.audio import AudioSource

_AAC_FRAME = 1024
_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
_BITS_PER_CHANNEL = {1: 128_000, 2: 96_000}
"""Bits per second and channel: 128k mono, 192k stereo, 80k per channel beyond."""


@dataclass(frozen=True)
class AudioTrack:
    """The sound of an output.

    sample_rate_hz, channels: of the samples that are handed to the writer with each frame.
    source: when given and `source.copyable`, its packets are copied bit for bit, and the samples
    are only there to be seen. Everything else becomes AAC.
    """

    sample_rate_hz: int
    channels: int
    source: "AudioSource | None" = None


class EncodedTrack:
    """AAC made of samples as they come; sample 0 plays exactly at time 0 (encoder delay is cut)."""

    def __init__(self, container: OutputContainer, track: AudioTrack) -> None:
        self._container = container
        rate = track.sample_rate_hz
        target = next((hz for hz in _AAC_RATES_HZ if hz >= rate), _AAC_RATES_HZ[-1])
        self._channels = track.channels if track.channels in _AAC_LAYOUTS else 1
        self._resampler = None
        if target != rate:
            import soxr

            self._resampler = soxr.ResampleStream(rate, target, self._channels, dtype="float32")
        # FFmpeg refuses more than 6144 bits per channel in a packet of 1024 samples.
        per_channel = min(_BITS_PER_CHANNEL.get(self._channels, 80_000), 6 * target)
        self._layout = _AAC_LAYOUTS[self._channels]
        self._rate_hz = target
        self._stream: AudioStream = container.add_stream("aac", rate=target, layout=self._layout)
        self._stream.codec_context.bit_rate = per_channel * self._channels
        self._waiting: list[Float] = []
        self._n_waiting = 0
        self._pts = 0

    def push(self, samples: Float, until_s: float) -> None:
        """Append samples (n, channels). until_s is not needed: samples are their own clock."""
        del until_s
        if self._channels != samples.shape[1]:
            samples = samples.mean(1, keepdims=True)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        self._append(samples)

    def finish(self) -> None:
        """Encode what is left."""
        if self._resampler is not None:
            nothing = np.zeros((0, self._channels), np.float32)
            self._append(self._resampler.resample_chunk(nothing, last=True))
        if self._n_waiting:
            self._encode(np.concatenate(self._waiting))
        self._container.mux(self._stream.encode(None))

    def _append(self, samples: Float) -> None:
        self._waiting.append(samples)
        self._n_waiting += len(samples)
        if self._n_waiting >= _AAC_FRAME:
            block = np.concatenate(self._waiting)
            whole = len(block) // _AAC_FRAME * _AAC_FRAME
            for start in range(0, whole, _AAC_FRAME):
                self._encode(block[start : start + _AAC_FRAME])
            self._waiting = [block[whole:]]
            self._n_waiting = len(block) - whole

    def _encode(self, samples: Float) -> None:
        planar = np.ascontiguousarray(np.clip(samples, -1.0, 1.0).T)
        frame = av.AudioFrame.from_ndarray(planar, format="fltp", layout=self._layout)
        frame.sample_rate = self._rate_hz
        frame.pts = self._pts
        self._pts += len(samples)
        self._container.mux(self._stream.encode(frame))


class CopiedTrack:
    """The packets of the source, unchanged, shifted so that its first sound plays at time 0."""

    def __init__(self, container: OutputContainer, source: "AudioSource") -> None:
        self._container = container
        self._packets: Iterator[av.Packet[AudioStream]] = source.packets()
        self._next: av.Packet[AudioStream] | None = next(self._packets, None)
        if self._next is None:
            raise ValueError("the source holds no packets")
        template = self._next.stream
        self._stream = container.add_stream_from_template(template)

    def push(self, samples: Float, until_s: float) -> None:
        """Copy the packets that begin before until_s; the samples are not used."""
        del samples
        while self._next is not None and _begin_s(self._next) < until_s:
            self._copy()

    def finish(self) -> None:
        """Copy what is left."""
        while self._next is not None:
            self._copy()

    def _copy(self) -> None:
        packet = self._next
        assert packet is not None
        self._next = next(self._packets, None)
        packet.stream = self._stream
        self._container.mux(packet)


def _begin_s(packet: "av.Packet[AudioStream]") -> float:
    base = packet.time_base
    return float(packet.pts * base) if packet.pts is not None and base is not None else 0.0


def open_track(container: OutputContainer, track: AudioTrack) -> EncodedTrack | CopiedTrack:
    """The track in this container: a copy when that is possible, else AAC."""
    if track.source is not None and track.source.copyable:
        return CopiedTrack(container, track.source)
    return EncodedTrack(container, track)
