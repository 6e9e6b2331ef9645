"""VideoWriter: frames and their sound into an MP4 that is there complete, or not at all."""

import errno
import functools
import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from vasari.atomic import AtomicFile
from vasari.errors import CannotWrite, Failed, InvalidOption, NotSupported, VasariError
from vasari.media.audio_track import AudioTrack, open_track
from vasari.media.colour import i420_from_rgb
from vasari.types import Float, Image

__all__ = ["AudioTrack", "VideoWriter", "h264_encoder"]

MAX_SIDE_PX = 8192
_QUEUE_BYTES = 64 * 1024 * 1024
_BT709 = 1  # ITU-T H.273: the same number for primaries, transfer and matrix
_NARROW_RANGE = 1

# Tried in this order; the system encoders of macOS and Windows serve a build without x264.
_ENCODERS: dict[str, dict[str, str]] = {
    # chromaloc 1: chroma at the centre of its four pixels, as `i420_from_rgb` makes it.
    "libx264": {"preset": "veryfast", "crf": "18", "x264-params": "chromaloc=1"},
    "h264_videotoolbox": {"q": "65", "realtime": "0"},
    "h264_mf": {"rate_control": "quality", "quality": "85"},
}


@dataclass(frozen=True)
class _Item:
    """One frame on its way to the encoder."""

    image: Image
    audio: Float | None


class VideoWriter:
    """Writes H.264 and AAC into MP4: constant frame rate, BT.709, index first, atomically.

    Encoding runs in a thread of its own, so that it overlaps rendering; memory does not grow with
    length. Use it as a context manager: leaving normally finishes the file, leaving by an
    exception (KeyboardInterrupt too) leaves nothing.

    Args:
        path: of the MP4.
        width, height: of the frames in pixels, 16 to 8192. An odd last row or column is left out,
            since 4:2:0 video has even sizes; `size` says what is written.
        fps: frames per second, 1 to 240.
        audio: the sound track, or None for a silent film.
        metadata: tags of the file, e.g. {"comment": …}; keys that MP4 knows are kept.
        overwrite: whether a file of that name is replaced.

    Raises:
        CannotWrite: output_exists, cannot_write (folder missing, read-only, disk full).
        InvalidOption: bad_size, bad_fps.
        NotSupported: no_encoder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        height: int,
        fps: int,
        audio: AudioTrack | None = None,
        metadata: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> None:
        _check_numbers(width, height, fps)
        encoder = h264_encoder()
        self.size = (width - width % 2, height - height % 2)
        self.frames = 0
        self._shape = (height, width, 3)
        self._audio = audio
        self._fps = fps
        self._error: BaseException | None = None
        self._file = AtomicFile(path, overwrite=overwrite)
        try:
            # "file:" keeps a name from ever being read as an address.
            self._container: OutputContainer = av.open(
                f"file:{self._file.temporary}",
                "w",
                format="mp4",
                options={"movflags": "+faststart", "video_track_timescale": str(fps * 512)},
            )
            self._container.metadata.update(metadata or {})
            self._video = _add_video(self._container, encoder, self.size, fps)
            self._sound = open_track(self._container, audio) if audio else None
        except BaseException as error:
            self._file.discard()
            if isinstance(error, (av.FFmpegError, OSError)):
                raise _explained(error) from error
            raise
        depth = max(2, min(8, _QUEUE_BYTES // (width * height * 3)))
        self._queue: queue.Queue[_Item | None] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="vasari-encode", daemon=True)
        self._thread.start()

    def write(self, frame: Image, audio: Float | None = None) -> None:
        """Append one frame (height, width, 3) RGB uint8, and the sound that plays during it.

        audio: (n, channels) float32, -1..1; needed with every frame where the writer has a sound
        track. Neither array may be changed afterwards. Waits while the encoder is far behind.

        Raises what the encoder ran into: CannotWrite (disk full), Failed.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(
                f"frame: expected {self._shape} uint8, got {frame.shape} {frame.dtype}"
            )
        if self._audio is not None:
            channels = self._audio.channels
            if audio is None or audio.ndim != 2 or audio.shape[1] != channels:
                got = None if audio is None else audio.shape
                raise ValueError(f"audio: expected (n, {channels}), got {got}")
        self._put(_Item(frame, audio))
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name. Raises as `write` does, and then leaves nothing."""
        if self._stopped.is_set():
            return
        try:
            if self.frames == 0:
                raise Failed(
                    "No frame was written.", code="no_frames", fix="Write at least one frame."
                )
            self._put(None)
            self._thread.join()
            self._raise_error()
        except BaseException:
            self.abort()
            raise
        self._stopped.set()
        self._file.commit()

    def abort(self) -> None:
        """Stop at once and leave nothing; an older file of that name stays as it was."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._thread.join()
        self._file.discard()

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _put(self, item: _Item | None) -> None:
        while True:
            self._raise_error()
            if self._stopped.is_set():
                raise ValueError("this VideoWriter is closed")
            try:
                return self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue

    def _raise_error(self) -> None:
        if self._error is not None:
            raise _explained(self._error) from self._error

    def _work(self) -> None:
        try:
            try:
                self._encode_all()
            finally:
                self._container.close()
        except BaseException as error:  # handed to the thread that writes
            self._error = error

    def _encode_all(self) -> None:
        index = 0
        while not self._stopped.is_set():
            try:
                item = self._queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if item is None:
                self._container.mux(self._video.encode(None))
                if self._sound is not None:
                    self._sound.finish()
                return
            width, height = self.size
            planes = i420_from_rgb(item.image[:height, :width])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = index
            index += 1
            self._container.mux(self._video.encode(frame))
            if self._sound is not None and item.audio is not None:
                self._sound.push(item.audio, index / self._fps)


def _check_numbers(width: int, height: int, fps: int) -> None:
    if not (16 <= width <= MAX_SIDE_PX and 16 <= height <= MAX_SIDE_PX):
        raise InvalidOption(
            f"A video of {width} x {height} pixels cannot be made.",
            code="bad_size",
            fix=f"Use a picture whose sides are from 16 to {MAX_SIDE_PX} pixels, or --size crop.",
        )
    if not 1 <= fps <= 240:
        raise InvalidOption(
            f"fps is {fps}, and must be from 1 to 240.", code="bad_fps", fix="Use 25, 30 or 60."
        )


def _add_video(
    container: OutputContainer, encoder: str, size: tuple[int, int], fps: int
) -> VideoStream:
    stream = container.add_stream(encoder, rate=fps, options=dict(_ENCODERS[encoder]))
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.profile = "High"
    context.gop_size = 2 * fps  # seeking lands within two seconds
    # Up to about a megapixel one thread keeps far ahead of the renderer, which needs the others.
    context.thread_count = 1 if size[0] * size[1] <= 1 << 20 else 0
    context.color_primaries = _BT709
    context.color_trc = _BT709
    context.colorspace = _BT709
    context.color_range = _NARROW_RANGE
    return stream


@functools.cache
def h264_encoder() -> str:
    """Name of the first H.264 encoder that really encodes here, found by trying.

    Raises NotSupported (no_encoder).
    """
    for name, options in _ENCODERS.items():
        try:
            context = av.CodecContext.create(name, "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
            context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
            context.options = dict(options)
            frame = av.VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), format="yuv420p")
            frame.pts = 0
            if context.encode(frame) or context.encode(None):
                return name
        except (av.FFmpegError, ValueError, OSError):
            continue
    raise NotSupported(
        "No H.264 encoder works here.",
        code="no_encoder",
        fix="Install PyAV from its wheel: pip install --force-reinstall av.",
    )


def _explained(error: BaseException) -> VasariError:
    if isinstance(error, VasariError):
        return error
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EROFS):
        return CannotWrite(
            f"The video cannot be written: {os.strerror(number)}.",
            code="cannot_write",
            fix="Make room on the disk, or write to another one; nothing was left behind.",
        )
    return Failed(
        f"The encoder failed: {error}.",
        code="encoder_failed",
        fix="Try again; if it happens again, report it with the command you ran.",
    )
