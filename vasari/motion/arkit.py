"""Motion to and from the CSV files of the Live Link Face app; the shapes are in `arkit_map`."""

import csv
import io
import os
import re

import numpy as np
from numpy.typing import NDArray

from vasari.atomic import write_bytes
from vasari.motion import layout
from vasari.motion.arkit_map import (
    ArkitMap,
    load_map,
    motion_from_shapes,
    shapes_from_mediapipe,
    shapes_from_motion,
)
from vasari.motion.arkit_names import ANGLES, HEADER, SHAPES
from vasari.motion.file import FPS_RANGE, bad_motion, check, read_limited
from vasari.types import MOTION_FPS, Motion

__all__ = [
    "ArkitMap",
    "from_arkit_csv",
    "load_map",
    "motion_from_shapes",
    "shapes_from_mediapipe",
    "shapes_from_motion",
    "to_arkit_csv",
]

_RATES = (24, 25, 30, 48, 50, 60)
_TIMECODE = re.compile(r"(\d{1,3}):(\d\d):(\d\d)[:;](\d{1,3})(?:\.(\d{1,6}))?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def to_arkit_csv(
    motion: Motion,
    path: str | os.PathLike[str],
    mapping: ArkitMap | None = None,
    overwrite: bool = False,
) -> None:
    """Write motion as Live Link Face records it: shapes 0..1 and head and eye angles in radians.

    Head translation has no column and is lost. mapping: the shipped one unless given.

    Raises:
        CannotWrite: the file exists and overwrite is False, or writing failed.
        InvalidInput: values beyond what a face can do.
    """
    check(motion.values, motion.fps)
    shapes = shapes_from_motion(motion.values, mapping or load_map())
    pitch, yaw, roll = motion.values[:, layout.ROTATION].T
    eye_yaw, eye_pitch = motion.values[:, layout.GAZE].T
    none = np.zeros_like(yaw)
    angles = [yaw, pitch, -roll, eye_yaw, eye_pitch, none, eye_yaw, eye_pitch, none]
    table = np.concatenate([shapes, np.stack(angles, 1)], axis=1)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for frame, row in enumerate(table):
        numbers = [f"{value:.8f}" for value in row]
        writer.writerow([timecode(frame, motion.fps), len(SHAPES) + len(ANGLES), *numbers])
    write_bytes(path, text.getvalue().encode(), overwrite=overwrite)


def from_arkit_csv(
    source: str | os.PathLike[str] | bytes,
    mapping: ArkitMap | None = None,
    fps: float | None = None,
) -> Motion:
    """Read a Live Link Face CSV. Angles win over Look shapes where a row's file has them.

    Args:
        source: a path, or the bytes of the file.
        fps: frames a second; None takes them from the time codes, which needs one full second.

    Raises:
        NotFound: no such file. InvalidInput: code motion_too_large, or bad_motion, naming the row.
    """
    data = source if isinstance(source, bytes) else read_limited(source)
    times, table = _parse(data)
    rate = float(fps) if fps is not None else _rate(times)
    if not FPS_RANGE[0] <= rate <= FPS_RANGE[1]:
        raise bad_motion(f"{rate:g} frames a second are not within 1 to 240")
    values = motion_from_shapes(np.clip(table[:, : len(SHAPES)], 0.0, 1.0), mapping or load_map())
    angles = table[:, len(SHAPES) :]
    beyond = (np.abs(angles) > np.pi).any(1)
    if beyond.any():
        raise bad_motion(f"row {int(np.argmax(beyond))}: an angle is not within -pi to pi")
    values[:, layout.ROTATION] = angles[:, [1, 0, 2]] * np.array([1.0, 1.0, -1.0])
    if np.any(angles[:, [3, 4, 6, 7]]):
        values[:, layout.GAZE] = 0.5 * (angles[:, [3, 4]] + angles[:, [6, 7]])
    check(values, rate)
    return Motion(values, rate, "camera", "live-link-face")


def timecode(frame: int, fps: float) -> str:
    """HH:MM:SS:FF.mmm of a frame; FF counts whole frames of the rate, .mmm is always 000."""
    per_second = max(1, round(fps))
    seconds, rest = divmod(frame, per_second)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}.000"


def _parse(data: bytes) -> tuple[list[tuple[int, float]], NDArray[np.float64]]:
    """Time codes (second, frame in the second) and (T, 61) numbers; rows without a face repeat."""
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        header = [name.strip().lower() for name in next(rows, [])]
        if header != [name.lower() for name in HEADER]:
            raise bad_motion(f"its first row is not that of Live Link Face, {len(HEADER)} columns")
        times: list[tuple[int, float]] = []
        table: list[list[float]] = []
        for number, row in enumerate(rows):
            if not row:
                continue
            if len(row) >= 2 and row[1].strip() == "0":  # the app saw no face
                if not table:
                    continue
                numbers = table[-1]
            else:
                numbers = _numbers(row, number)
            time = _time(row[0], number)
            if times and time < times[-1]:
                raise bad_motion(f"row {number}: time goes back")
            times.append(time)
            table.append(numbers)
    except (UnicodeDecodeError, csv.Error):
        raise bad_motion("it is not a text table") from None
    if not table:
        raise bad_motion("it has no rows")
    return times, np.array(table)


def _numbers(row: list[str], number: int) -> list[float]:
    if len(row) != len(HEADER):
        raise bad_motion(f"row {number} has {len(row)} columns, expected {len(HEADER)}")
    cells = [cell.strip() for cell in row[2:]]
    if not all(len(cell) <= 40 and _NUMBER.fullmatch(cell) for cell in cells):
        raise bad_motion(f"row {number} holds something that is not a number")
    return [float(cell) for cell in cells]


def _time(text: str, number: int) -> tuple[int, float]:
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise bad_motion(f"row {number}: the time code is not HH:MM:SS:FF")
    hours, minutes, seconds, frame, part = match.groups()
    second = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return second, int(frame) + float(f"0.{part or 0}")


def _rate(times: list[tuple[int, float]]) -> float:
    """Frames a second from the largest frame number of a whole second; MOTION_FPS fits a clip that
    is too short to tell only if the caller says so."""
    if times[-1][0] - times[0][0] < 1:
        raise bad_motion(f"too short to tell its frame rate; give it (ours is {MOTION_FPS})")
    most = int(max(frame for _, frame in times)) + 1
    return float(min((rate for rate in _RATES if rate >= most), default=most))
