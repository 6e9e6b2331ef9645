"""A picture of what Vasari makes: one row per video, faces cut out, frames spread over its length.

python scripts/contact_sheet.py OUT.jpg VIDEO.mp4 [VIDEO.mp4 …] [--frames 6] [--side 220]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.motion.video import read_frames
from vasari.portrait.landmarks import FaceTracker
from vasari.runtime import Runtime


def row(video: Path, tracker: FaceTracker, count: int, side: int) -> NDArray[np.uint8]:
    """(side, count * side, 3) the face in frames that show different mouths."""
    frames = [image for image, _ in read_frames(video)]
    points = tracker.landmarks(frames[0], tracker.detect(frames[0])[0]).points[:468, :2]
    low, high = points.min(0), points.max(0)
    half = 0.78 * float((high - low).max())
    middle = (low + high) / 2 - [0, 0.12 * half]
    corner = np.clip(middle - half, 0, np.array(frames[0].shape[1::-1]) - 2 * half).clip(0)
    x, y = corner.astype(int)
    size = int(2 * half)
    # One frame of each stretch: the one that differs most from the frame before it was picked.
    picked = [frames[0]]
    for part in np.array_split(np.arange(10, len(frames)), count - 1):
        change = [float(np.abs(frames[k].astype(int) - picked[-1]).mean()) for k in part[::3]]
        picked.append(frames[part[::3][int(np.argmax(change))]])
    cut = [
        cv2.resize(f[y : y + size, x : x + size], (side, side), interpolation=cv2.INTER_AREA)
        for f in picked
    ]
    return np.asarray(np.hstack(cut), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=7)
    parser.add_argument("--side", type=int, default=200)
    given = parser.parse_args()
    tracker = FaceTracker(Runtime())
    sheet = np.vstack([row(v, tracker, given.frames, given.side) for v in given.videos])
    cv2.imwrite(str(given.out), sheet[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
