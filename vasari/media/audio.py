"""AudioSource: sound files of any length, read in blocks, trusting nothing in them."""

import os
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from vasari.errors import InvalidInput
from vasari.media.source import ByteView, bad_audio, open_bytes, sniff
from vasari.types import Float

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

MIN_DURATION_S = 0.1
MAX_DURATION_S = 3 * 3600
MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 384_000
MAX_CHANNELS = 32
MAX_LEVEL = 1e3
"""Floating-point samples beyond this are no sound; those beyond 1 are clipped, as players do."""

_DAMAGED = "audio_damaged: damaged parts of the sound were left out."
_MAX_DAMAGED = 10_000

_CODECS = ("flac", "alac", "mp3", "mp3float", "vorbis", "opus", "libopus", "aac", "adpcm_ms")
_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "s64": 9223372036854775808.0}


class AudioSource:
    """An opened sound file. Use `AudioSource.open`, best in a with statement.

    Attributes:
        sample_rate, channels: of the decoded sound; Hz.
        codec: FFmpeg's name, e.g. "aac"; container: one of wav, flac, mp3, ogg, mp4, matroska.
        duration_s: length by the header, or None where it does not say. A header can lie: what
            `blocks` gives is the truth.
        copyable: the packets can go into an MP4 as they are (AAC without holes).
        warnings: what was wrong with sound that is used all the same, complete after `blocks`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.warnings: list[str] = []
        self._copyable: bool | None = None
        self.container = sniff(self._view().read(64))
        self._read_header()
        self._read_start()

    @staticmethod
    def open(source: "str | os.PathLike[str] | bytes | AudioSource") -> "AudioSource":
        """Open a file by path, or from its bytes; the header and the first 0.1 s are checked.

        Raises:
            NotFound: no_input.
            InvalidInput: bad_audio, audio_too_short (under 0.1 s), audio_too_long (over 3 h).
        """
        if isinstance(source, AudioSource):
            return source
        file = open_bytes(source)
        try:
            return AudioSource(file)
        except BaseException:
            file.close()
            raise

    def blocks(self, block_ms: float = 200.0) -> Iterator[Float]:
        """The sound as (n, channels) float32 in -1..1; every block but the last has the same n.

        Memory does not grow with length. May be called again, and starts from the beginning.

        Raises:
            InvalidInput: bad_audio (NaN, absurd levels, nothing decodable), audio_too_long.
        """
        size = max(1, round(block_ms * self.sample_rate / 1000))
        limit = MAX_DURATION_S * self.sample_rate
        total, held, waiting = 0, 0, []
        for samples in self._decode():
            total += len(samples)
            if total > limit:
                raise _too_long(total / self.sample_rate)
            waiting.append(samples)
            held += len(samples)
            if held >= size:
                joined = np.concatenate(waiting)
                whole = held // size * size
                for start in range(0, whole, size):
                    yield joined[start : start + size]
                waiting, held = [joined[whole:]], held - whole
        if held:
            yield np.concatenate(waiting)
        self._note_length(total / self.sample_rate)

    @property
    def copyable(self) -> bool:
        """True for AAC in MP4 whose packets follow each other without gaps; found once, by scan."""
        if self._copyable is None:
            self._copyable = (
                self.codec == "aac" and self.container == "mp4" and self._is_continuous()
            )
        return self._copyable

    def packets(self) -> "Iterator[av.Packet[AudioStream]]":
        """The coded packets, shifted in time so that the first sound to be heard is at 0."""
        with self._open() as container:
            for packet in container.demux(container.streams.audio[0]):
                if packet.pts is not None and packet.size:
                    packet.pts -= self._first_pts
                    if packet.dts is not None:
                        packet.dts -= self._first_pts
                    yield packet

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "AudioSource":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _view(self) -> ByteView:
        return ByteView(self._file, self._lock)

    def _open(self) -> InputContainer:
        """A fresh demuxer of exactly the sniffed container, with one sound stream that decodes."""
        try:
            container = cast(
                InputContainer, av.open(cast(BinaryIO, self._view()), format=self.container)
            )
        except (av.FFmpegError, ValueError, OSError, MemoryError) as error:
            raise bad_audio(f"its header is damaged ({_reason(error)})") from error
        streams = container.streams.audio
        name = streams[0].codec_context.name if streams and streams[0].codec_context else ""
        if not streams or not (name in _CODECS or name.startswith("pcm_")):
            container.close()
            raise bad_audio(f"it has no sound track, or one of an unknown kind {name}".rstrip())
        return container

    def _read_header(self) -> None:
        with self._open() as container:
            stream = container.streams.audio[0]
            name = stream.codec_context.name
            self.codec = "mp3" if name == "mp3float" else name
            self._check_format(stream.codec_context.sample_rate, stream.codec_context.channels)
            seconds: float | None = None
            if stream.duration is not None and stream.time_base is not None:
                seconds = float(stream.duration * stream.time_base)
            elif container.duration is not None:
                seconds = container.duration / av.time_base
            if seconds is not None and self.codec.startswith("pcm_"):
                # The data size of a WAV is often a lie (streams, crashes); the file's is not.
                bits = int("".join(filter(str.isdigit, name)) or 8)
                per_second = stream.codec_context.sample_rate * stream.codec_context.channels
                seconds = min(seconds, self._view().seek(0, os.SEEK_END) * 8 / (bits * per_second))
        if seconds is not None and seconds > MAX_DURATION_S:
            raise _too_long(seconds)
        self.duration_s = seconds

    def _read_start(self) -> None:
        """Decode 0.1 s: the true format, the time of the first sound, and that there is any."""
        self._first_pts = 0
        self.sample_rate = self.channels = 0
        seen = 0
        for frame in self._frames():
            if not seen:
                self.sample_rate, self.channels = frame.sample_rate, frame.layout.nb_channels
                self._check_format(self.sample_rate, self.channels)
                self._first_pts = frame.pts or 0
            seen += frame.samples
            if seen >= MIN_DURATION_S * self.sample_rate:
                return
        if not seen and self.warnings:
            raise bad_audio("nothing in it can be decoded")
        raise InvalidInput(
            f"This recording is shorter than {MIN_DURATION_S} s.",
            code="audio_too_short",
            fix=f"Give a recording of at least {MIN_DURATION_S} s.",
        )

    def _check_format(self, rate: int, channels: int) -> None:
        if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
            raise bad_audio(f"{rate} Hz is not from {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz")
        if not 1 <= channels <= MAX_CHANNELS:
            raise bad_audio(f"{channels} channels are not from 1 to {MAX_CHANNELS}")

    def _frames(self) -> Iterator[AudioFrame]:
        """Decoded frames; damaged packets are skipped, and a warning says so."""
        with self._open() as container:
            stream = container.streams.audio[0]
            packets = container.demux(stream)
            damaged = 0
            while damaged <= _MAX_DAMAGED:
                try:
                    packet = next(packets, None)
                    frames = packet.decode() if packet is not None else []
                except av.EOFError:
                    return
                except (av.FFmpegError, ValueError, MemoryError):
                    damaged += 1
                    self._warn(_DAMAGED)
                    continue
                if packet is None:
                    return
                yield from frames

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _decode(self) -> Iterator[Float]:
        """Checked samples, frame by frame: (n, channels) float32."""
        for frame in self._frames():
            if (frame.sample_rate, frame.layout.nb_channels) != (self.sample_rate, self.channels):
                self._warn(_DAMAGED)
                continue
            yield _samples(frame, self.channels)

    def _note_length(self, seconds: float) -> None:
        """Compare what came out with what the header promised."""
        promised = self.duration_s
        if promised is not None and seconds < promised - max(0.2, 0.02 * promised):
            self._warn(
                f"audio_truncated: the header promises {promised:.1f} s, {seconds:.1f} s are there."
            )

    def _is_continuous(self) -> bool:
        """Whether the packets cover time without holes and none but the first are skipped."""
        expected = usual = longest = 0
        sounding = False
        try:
            for packet in self.packets():
                if packet.is_corrupt or (packet.is_discard and sounding):
                    return False
                sounding = sounding or not packet.is_discard
                # A hole shows as a packet that is stretched over it, or as a jump.
                start, length = packet.pts or 0, packet.duration or 0
                if usual and (abs(start - expected) > 1 or longest > usual + 1):
                    return False
                usual, longest = usual or length, max(longest, length)
                expected = start + length
        except (av.FFmpegError, InvalidInput, ValueError):
            return False
        return sounding


def _samples(frame: AudioFrame, channels: int) -> Float:
    """(n, channels) float32 in -1..1 of a decoded frame of any sample format."""
    kind = frame.format.name
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, channels)
    scale = _SCALE.get(kind.removesuffix("p"))
    if scale is not None:
        centred = values.astype(np.float32) - (128.0 if kind.startswith("u8") else 0.0)
        return np.ascontiguousarray(centred / np.float32(scale), np.float32)
    # NaN fails the comparison too.
    if values.size and not bool((np.abs(values) <= MAX_LEVEL).all()):
        raise bad_audio("it has samples that are infinite, not numbers, or far beyond full scale")
    return np.ascontiguousarray(np.clip(values, -1.0, 1.0), np.float32)


def _too_long(seconds: float) -> InvalidInput:
    return InvalidInput(
        f"This recording is longer ({seconds / 3600:.1f} h) than {MAX_DURATION_S // 3600} h.",
        code="audio_too_long",
        fix="Cut it into parts and render them one by one.",
    )


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
