"""Landmarks of all training clips and pictures, tracked once and kept: the start of every recipe.

out/grid_s1/CLIP.npz …   points (T, 478, 3) px, blendshapes (T, 52), fps
out/faces.npz            names (N,), points (N, 478, 3), blendshapes (N, 52)
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion.video import read_frames
from vasari.portrait.landmarks import FaceTracker
from vasari.runtime import Runtime
from vasari.types import Float

_SURE = 0.5


def track_clip(clip: Path, out: Path, tracker: FaceTracker) -> None:
    """Write the landmarks of one clip; frames without a face hold NaN."""
    points: list[Float] = []
    scores: list[Float] = []
    previous, fps = None, 25.0
    for image, rate in read_frames(clip):
        fps = rate
        previous = tracker.track(image, previous)
        found = previous is not None
        lost = np.full((478, 3), np.nan, np.float32), np.full(52, np.nan, np.float32)
        points.append(previous.points if found and previous else lost[0])
        scores.append(previous.blendshapes if found and previous else lost[1])
    _save(out, points=np.stack(points), blendshapes=np.stack(scores), fps=np.array(fps))


def track_folder(folder: Path, out: Path, workers: int = 2) -> list[Path]:
    """Track every .mp4 of a folder into out/NAME.npz, skipping what is there; returns the files."""
    out.mkdir(parents=True, exist_ok=True)
    clips = sorted(folder.glob("*.mp4"))
    missing = [c for c in clips if not (out / f"{c.stem}.npz").exists()]
    if missing:
        parts = [missing[k::workers] for k in range(workers)]
        # A forked child would inherit locks of the network's threads, and wait for them for ever.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_track_part, parts, [out] * workers))
    return [out / f"{c.stem}.npz" for c in clips]


def _track_part(clips: list[Path], out: Path) -> None:
    cv2.setNumThreads(1)
    tracker = FaceTracker(Runtime(1))
    for clip in clips:
        track_clip(clip, out / f"{clip.stem}.npz", tracker)


def track_pictures(faces: Path, out: Path) -> None:
    """Track faces/*/*.jpg into one file; pictures without a clear face are left out."""
    tracker = FaceTracker(Runtime())
    names: list[str] = []
    points: list[Float] = []
    scores: list[Float] = []
    for path in sorted(faces.glob("*/*.jpg")):
        read = cv2.imread(str(path))  # trusted training data, never a user's file
        if read is None:
            continue
        image = np.ascontiguousarray(read[:, :, ::-1], np.uint8)
        detections = tracker.detect(image)
        if not detections:
            continue
        found = tracker.landmarks(image, max(detections, key=lambda d: d.score))
        if found.presence >= _SURE:
            names.append(path.relative_to(faces).as_posix())
            points.append(found.points)
            scores.append(found.blendshapes)
    _save(out, names=np.array(names), points=np.stack(points), blendshapes=np.stack(scores))


def _save(out: Path, **arrays: NDArray[Any]) -> None:
    temporary = out.with_suffix(".part.npz")
    np.savez(temporary, allow_pickle=False, **arrays)
    os.replace(temporary, out)
