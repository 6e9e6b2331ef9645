"""What a motion holds, in a few figures: `vasari motion inspect`."""

from typing import Any

import numpy as np

from vasari.motion import layout
from vasari.types import Float, Motion

_BLINK_S = (0.04, 0.5)  # shorter is noise, longer is a closed eye


def count_blinks(lids: Float, fps: float) -> int:
    """Times that the mean of both lids (T, 2) falls under half of the clip's median opening and
    comes back within half a second (the definition that blink rates of video are compared by)."""
    opening = np.asarray(lids, np.float64).mean(1)
    shut = np.concatenate([[False], opening < 0.5 * np.median(opening), [False]])
    starts = np.flatnonzero(shut[1:] & ~shut[:-1])
    ends = np.flatnonzero(~shut[1:] & shut[:-1])
    seconds = (ends - starts) / fps
    return int(((seconds >= min(_BLINK_S[0], 1.0 / fps)) & (seconds <= _BLINK_S[1])).sum())


def inspect(motion: Motion) -> dict[str, Any]:
    """Figures of a motion, ready for JSON: lengths in seconds, angles in degrees.

    Mean change is that of pitch, yaw and roll between neighbouring frames, averaged over the three
    and scaled to 25 frames a second, as heads in video are compared.
    """
    values = motion.values.astype(np.float64)
    frames = len(values)
    duration_s = frames / motion.fps
    rotation_deg = np.degrees(values[:, layout.ROTATION])
    gaze_deg = np.degrees(values[:, layout.GAZE])
    change = np.abs(np.diff(rotation_deg, axis=0)).mean() if frames > 1 else 0.0
    blinks = count_blinks(motion.values[:, layout.LIDS], motion.fps) if frames else 0
    return {
        "frames": frames,
        "fps": motion.fps,
        "duration_s": round(duration_s, 4),
        "pose_reference": motion.pose_reference,
        "source": motion.source,
        "layout_version": layout.LAYOUT_VERSION,
        "rotation_deg": _channels(rotation_deg, ("pitch", "yaw", "roll")),
        "mean_pose_change_deg": round(float(change) * motion.fps / 25.0, 4),
        "translation": _channels(values[:, layout.TRANSLATION], ("x", "y", "log_scale")),
        "lids": _channels(values[:, layout.LIDS], ("image_left", "image_right")),
        "gaze_deg": _channels(gaze_deg, ("yaw", "pitch")),
        "mouth_rms": _rms(values[:, layout.MOUTH]),
        "upper_rms": _rms(values[:, layout.UPPER]),
        "blinks": blinks,
        "blinks_per_minute": round(blinks * 60.0 / duration_s, 2) if frames else 0.0,
    }


def _channels(
    part: np.ndarray[Any, np.dtype[np.float64]], names: tuple[str, ...]
) -> dict[str, Any]:
    if len(part) == 0:
        return {}
    return {
        name: {
            "mean": round(float(column.mean()), 4),
            "sd": round(float(column.std()), 4),
            "min": round(float(column.min()), 4),
            "max": round(float(column.max()), 4),
        }
        for name, column in zip(names, part.T, strict=True)
    }


def _rms(part: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return round(float(np.sqrt((part**2).mean())), 4) if part.size else 0.0
