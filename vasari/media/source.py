"""Untrusted sound files as byte streams: only plain files, named by their content alone.

FFmpeg given a file *name*, or a file object that has one, guesses formats and follows playlists to
other files and addresses. So it never gets a name here: it reads through `ByteView`, and is told
which one container to expect, found from the first bytes.
"""

import io
import os
import stat
import threading
from pathlib import Path
from typing import BinaryIO

from vasari.errors import InvalidInput, NotFound

CONTAINERS = ("wav", "flac", "mp3", "ogg", "mp4", "matroska")

BAD_AUDIO_FIX = "Give a complete WAV, FLAC, MP3, Ogg or M4A file."


def bad_audio(why: str) -> InvalidInput:
    """The error for a file that holds no sound Vasari reads."""
    return InvalidInput(
        f"This file holds no sound that can be read: {why}.", code="bad_audio", fix=BAD_AUDIO_FIX
    )


def open_bytes(source: str | os.PathLike[str] | bytes) -> BinaryIO:
    """The file or bytes, seekable. Pipes, folders, devices and links are refused without waiting.

    Raises NotFound (no_input), InvalidInput (bad_audio).
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    path = Path(source)
    # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        if path.is_symlink():
            raise bad_audio("it is a link, and only plain files are read")
        handle = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"There is no sound file '{path}'.", code="no_input", fix="Check the name and folder."
        ) from error
    except ValueError as error:  # a NUL in the name
        raise NotFound(
            "That is no file name.", code="no_input", fix="Check the name and folder."
        ) from error
    except OSError as error:
        raise bad_audio(f"it cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise bad_audio("it is not a plain file")
    return os.fdopen(handle, "rb")


class ByteView(io.RawIOBase):
    """An own reading position over a shared file; it has no name. Views may be used at once."""

    def __init__(self, file: BinaryIO, lock: threading.Lock) -> None:
        self._file = file
        self._lock = lock
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with self._lock:
            self._file.seek(self._at)
            data = self._file.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with self._lock:
            if whence == os.SEEK_CUR:
                offset, whence = self._at + offset, os.SEEK_SET
            self._at = self._file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at


def sniff(head: bytes) -> str:
    """Which of CONTAINERS these first 16 or more bytes begin. Raises InvalidInput (bad_audio)."""
    if not head:
        raise bad_audio("it is empty")
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:3] == b"ID3" or _is_mp3_sync(head):
        return "mp3"
    raise bad_audio("its content is of no known kind")


def _is_mp3_sync(head: bytes) -> bool:
    """An MPEG audio frame header whose version, layer, bit rate and sample rate are all valid."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bit_rate != 15 and sample_rate != 3
