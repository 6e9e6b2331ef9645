"""Motion out of a video: track the face in every frame, then motion vectors."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from vasari.errors import InvalidInput, NotFound
from vasari.motion.basis import Basis
from vasari.motion.neutral import neutral_of_frames
from vasari.motion.tracking import estimate_neutral, head_frame, motion_from_landmarks
from vasari.portrait.landmarks import FaceTracker
from vasari.runtime import Runtime
from vasari.types import Float, Image, Motion

_FORMATS = {b"ftyp": "mov", b"\x1a\x45\xdf\xa3": "matroska"}
_MIN_SEEN = 0.5
"""Share of frames in which the face must be found."""
_QUIET_CLIP_FRAMES = 25
"""From this many frames on, the neutral comes from the clip's own quiet frames."""


@dataclass(frozen=True)
class TrackedVideo:
    """motion, the landmarks it was made of (T, 478, 3) px, and blendshape scores (T, 52)."""

    motion: Motion
    landmarks: Float
    blendshapes: Float


def read_frames(path: str | os.PathLike[str]) -> Iterator[tuple[Image, float]]:
    """Frames (H, W, 3) RGB of an MP4, MOV, MKV or WebM with the stream's rate in frames a second.

    Raises:
        NotFound: no_input. InvalidInput: bad_video.
    """
    file = Path(path)
    if not file.exists():
        raise NotFound(f"There is no file {file.name}.", code="no_input", fix="Check the path.")
    if not file.is_file():
        raise _bad_video(file)
    with file.open("rb") as handle:
        head = handle.read(12)
        name = _FORMATS.get(head[4:8]) or _FORMATS.get(head[:4])
        if name is None:
            raise _bad_video(file)
        handle.seek(0)
        try:
            with av.open(_Nameless(handle), "r", format=name) as container:
                if not container.streams.video:
                    raise _bad_video(file)
                stream = container.streams.video[0]
                rate = float(stream.average_rate or 25)
                for frame in container.decode(stream):
                    yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), rate
        except av.FFmpegError as error:
            raise _bad_video(file) from error


class _Nameless:
    """A file without a name, so that no demuxer looks for neighbours of it."""

    def __init__(self, handle: BinaryIO) -> None:
        self.read = handle.read
        self.seek = handle.seek
        self.tell = handle.tell


def _bad_video(file: Path) -> InvalidInput:
    return InvalidInput(
        f"{file.name} holds no video we can read.",
        code="bad_video",
        fix="Send a complete MP4, MOV, MKV or WebM file with one face.",
    )


def nearest_seen(seen: NDArray[np.integer], count: int) -> NDArray[np.intp]:
    """(count,) for each frame, which entry of `seen`, ascending frame numbers, is nearest to it.

    The earlier one on a tie. Memory grows with the length of the video, not with its square.
    """
    frames = np.arange(count)
    after = np.clip(np.searchsorted(seen, frames), 0, len(seen) - 1)
    before = np.maximum(after - 1, 0)
    earlier = np.abs(frames - seen[before]) <= np.abs(seen[after] - frames)
    return np.where(earlier, before, after)


def track_video(path: str | os.PathLike[str], runtime: Runtime, basis: Basis) -> TrackedVideo:
    """Track one face through a video; frames without it repeat the nearest one.

    Raises:
        NotFound: no_input. InvalidInput: bad_video, no_face.
    """
    tracker = FaceTracker(runtime)
    points: list[Float] = []
    scores: list[Float] = []
    seen: list[int] = []
    previous, count, rate = None, 0, 25.0
    for image, fps in read_frames(path):
        rate = fps
        previous = tracker.track(image, previous)
        if previous is not None:
            points.append(previous.points)
            scores.append(previous.blendshapes)
            seen.append(count)
        count += 1
    if len(seen) < max(1, _MIN_SEEN * count):
        raise InvalidInput(
            "No face could be followed through this video.",
            code="no_face",
            fix="Use a video in which one face looks towards the camera all the time.",
        )
    nearest = nearest_seen(np.array(seen), count)
    landmarks = np.stack(points)[nearest].astype(np.float32)
    blendshapes = np.stack(scores)[nearest].astype(np.float32)
    shapes = np.stack([head_frame(p, basis.canonical).shape for p in landmarks])
    neutral = (
        neutral_of_frames(shapes)
        if count >= _QUIET_CLIP_FRAMES
        else estimate_neutral(shapes[0], blendshapes[0], basis)
    )
    motion = motion_from_landmarks(landmarks, neutral, basis, fps=rate)
    return TrackedVideo(motion, landmarks, blendshapes)
