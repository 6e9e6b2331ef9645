"""Motion files: safetensors (one float32 tensor, no code) with a few words in the header.

The header's metadata is {format, layout_version, fps, pose_reference, source, created_by}. Reading
trusts nothing: the size is checked before anything is read, the header before any number, and every
number against what a face can do. Writing is atomic. No pickle, no archive is ever unpacked.
"""

import io
import json
import math
import os
import stat
import zipfile
from typing import Any, NoReturn

import numpy as np
from safetensors.numpy import save as save_tensors

from vasari.atomic import write_bytes
from vasari.errors import InvalidInput, NotFound
from vasari.motion import layout
from vasari.motion.summary import inspect
from vasari.types import MOTION_DIM, Float, Motion

__all__ = ["MAX_BYTES", "check", "inspect", "load", "save"]

MAX_BYTES = 64 * 1024 * 1024
"""About four hours at 25 frames a second."""

FORMAT = "vasari-motion"
FPS_RANGE = (1.0, 240.0)
_MAX_HEADER = 16 * 1024
_MAX_TEXT = 200

LIMITS: tuple[tuple[str, slice, float, float], ...] = (
    ("rotation (radians)", layout.ROTATION, -math.pi / 2, math.pi / 2),
    ("translation (face widths, log scale)", layout.TRANSLATION, -4.0, 4.0),
    ("mouth coefficient", layout.MOUTH, -20.0, 20.0),
    ("upper coefficient", layout.UPPER, -20.0, 20.0),
    ("lid opening", layout.LIDS, 0.0, 2.0),
    ("gaze (radians)", layout.GAZE, -math.pi / 2, math.pi / 2),
)
"""What a face can do: name, channels, lowest, highest."""


def bad_motion(why: str) -> InvalidInput:
    """The error for any file that holds no usable motion."""
    return InvalidInput(
        f"This motion file cannot be used: {why}.",
        code="bad_motion",
        fix="Make it again, with `vasari motion track`.",
    )


def too_large(size: int) -> InvalidInput:
    """The error for a motion file of `size` bytes, as it lies there or unpacked."""
    return InvalidInput(
        f"This motion file holds {size / 2**20:.0f} MB; it may hold at most {MAX_BYTES >> 20} MB.",
        code="motion_too_large",
        fix="Cut it into shorter pieces.",
    )


def save(
    motion: Motion, path: str | os.PathLike[str], overwrite: bool = False, created_by: str = ""
) -> None:
    """Write a motion file; it appears whole or not at all.

    Of `motion.source` only the last part of a path is kept, so that no user's name gets out.

    Raises:
        InvalidInput: the motion is empty or holds values that `load` would refuse.
        CannotWrite: the file exists and overwrite is False (code exists), or writing failed.
    """
    check(motion.values, motion.fps)
    values = np.ascontiguousarray(motion.values, np.float32)
    if values.nbytes + _MAX_HEADER > MAX_BYTES:
        raise too_large(values.nbytes)
    source = motion.source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    metadata = {
        "format": FORMAT,
        "layout_version": str(layout.LAYOUT_VERSION),
        "fps": repr(float(motion.fps)),
        "pose_reference": motion.pose_reference,
        "source": _plain(source),
        "created_by": _plain(created_by or "vasari"),
    }
    write_bytes(path, save_tensors({"values": values}, metadata), overwrite=overwrite)


def load(source: str | os.PathLike[str] | bytes) -> Motion:
    """Read a motion file from a path or from its bytes.

    Raises:
        NotFound: no such file.
        InvalidInput: code motion_too_large above 64 MB; code bad_motion for anything else that is
            not a complete motion file of this layout with values a face can take.
    """
    data = source if isinstance(source, bytes) else read_limited(source)
    if len(data) > MAX_BYTES:
        raise too_large(len(data))
    _refuse_archives(data)
    header, body = _split(data)
    metadata, frames = _check_header(header, len(data) - body)
    values = np.frombuffer(data, "<f4", offset=body).reshape(frames, MOTION_DIM)
    values = values.astype(np.float32)
    fps = _number(metadata, "fps")
    check(values, fps)
    source_name = _plain(metadata.get("source", ""))
    match metadata.get("pose_reference"):
        case "camera":
            return Motion(values, fps, "camera", source_name)
        case "portrait":
            return Motion(values, fps, "portrait", source_name)
    raise bad_motion("pose_reference is neither camera nor portrait")


def read_limited(path: str | os.PathLike[str]) -> bytes:
    """Bytes of a regular file of at most MAX_BYTES. Never waits on a pipe or a device."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise NotFound(
            "The motion file is not there.", code="no_input", fix="Check the path."
        ) from None
    except (OSError, ValueError):
        raise bad_motion("it cannot be opened") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise bad_motion("it is not a regular file")
        if status.st_size > MAX_BYTES:
            raise too_large(status.st_size)
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(MAX_BYTES + 1)
    finally:
        os.close(handle)
    if len(data) > MAX_BYTES:
        raise too_large(len(data))
    return data


def check(values: Float, fps: float) -> None:
    """Raise InvalidInput (bad_motion), naming frame, channel and range, unless a face can do it."""
    low, high = FPS_RANGE
    if not low <= fps <= high:
        raise bad_motion(f"{fps:g} frames a second are not within {low:g} to {high:g}")
    if values.ndim != 2 or values.shape[1] != MOTION_DIM or len(values) == 0:
        raise bad_motion(f"expected (frames, {MOTION_DIM}) numbers, got {values.shape}")
    finite = np.isfinite(values).all(1)
    if not finite.all():
        raise bad_motion(f"frame {int(np.argmin(finite))} holds NaN or infinity")
    for name, channels, lowest, highest in LIMITS:
        part = values[:, channels]
        beyond = ((part < np.float32(lowest)) | (part > np.float32(highest))).any(1)
        if beyond.any():
            frame = int(np.argmax(beyond))
            raise bad_motion(f"frame {frame}: {name} is not within {lowest:.4g} to {highest:.4g}")


def _refuse_archives(data: bytes) -> None:
    """Files of other formats are refused; a packed one by the size it says it unpacks to."""
    if data[:2] != b"PK":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        size = 0
    if size > MAX_BYTES:
        raise too_large(size)
    raise bad_motion("it is an archive, not a .motion file")


def _split(data: bytes) -> tuple[dict[str, Any], int]:
    """Header of a safetensors file and the offset of its data."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= _MAX_HEADER or 8 + length > len(data):
        raise bad_motion("it is not a .motion file")
    try:
        header = json.loads(
            data[8 : 8 + length].decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise bad_motion("its header is damaged") from None
    if not isinstance(header, dict):
        raise bad_motion("its header is damaged")
    return header, 8 + length


def _check_header(header: dict[str, Any], size: int) -> tuple[dict[str, str], int]:
    """Metadata and number of frames, once the header fits the `size` bytes of data behind it."""
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise bad_motion("its header has no metadata")
    if metadata.get("format") != FORMAT:
        raise bad_motion("its header does not say that it is motion")
    version = _number(metadata, "layout_version")
    if version > layout.LAYOUT_VERSION:
        raise bad_motion(
            f"it has motion layout {version:g}, newer than {layout.LAYOUT_VERSION}, the newest "
            "that this version of vasari reads"
        )
    if version != layout.LAYOUT_VERSION:
        raise bad_motion(f"motion layout {version:g} is unknown")
    tensor = header.get("values")
    if set(header) != {"__metadata__", "values"} or not isinstance(tensor, dict):
        raise bad_motion("it must hold one tensor called values and nothing else")
    shape = tensor.get("shape")
    frames = size // (4 * MOTION_DIM)
    if tensor.get("dtype") != "F32" or shape != [frames, MOTION_DIM]:
        raise bad_motion(
            f"expected F32 values of shape (frames, {MOTION_DIM}) that fill the file, got "
            f"{str(tensor.get('dtype'))[:20]} {str(shape)[:60]}"
        )
    if tensor.get("data_offsets") != [0, size] or size != frames * 4 * MOTION_DIM:
        raise bad_motion("its length does not fit its header")
    return metadata, frames


def _number(metadata: dict[str, str], key: str) -> float:
    text = metadata.get(key, "")
    try:
        number = float(text) if len(text) <= 32 and text.isascii() else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise bad_motion(f"{key} in its header is not a number")
    return number


def _plain(text: str) -> str:
    """Printable text of limited length: it may end up in a terminal."""
    return "".join(c for c in text if c.isprintable())[:_MAX_TEXT]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key comes twice")
    return table


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
