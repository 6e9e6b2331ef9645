"""Judge a finished film: its frames are tracked again, its sound is listened to again."""

from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
import soxr

from vasari.errors import InvalidInput
from vasari.evaluate.lipsync import HAMA_LATE_MS, phone_score
from vasari.motion.video import read_frames
from vasari.portrait.landmarks import FaceTracker
from vasari.runtime import Runtime
from vasari.types import MOTION_FPS, SPEECH_RATE_HZ, Float


@dataclass(frozen=True)
class Film:
    """opening: (T,) lip opening over face height at 25 fps. sound: (n,) mono at 16 kHz."""

    opening: Float
    sound: Float


def read_film(path: Path, runtime: Runtime) -> Film:
    """Track the lips of a film and read its sound.

    Raises:
        InvalidInput: bad_video, or no_face where the face is lost.
    """
    tracker = FaceTracker(runtime)
    previous, values, rate = None, [], 25.0
    for image, fps in read_frames(path):
        rate = fps
        previous = tracker.track(image, previous)
        if previous is None:
            raise InvalidInput(
                "The face is lost in this film.", code="no_face", fix="Use one with one face."
            )
        p = previous.points[:, :2]
        values.append(np.linalg.norm(p[13] - p[14]) / np.linalg.norm(p[10] - p[152]))
    times = np.arange(round(len(values) * MOTION_FPS / rate)) / MOTION_FPS
    opening = np.interp(times, np.arange(len(values)) / rate, values)
    return Film(opening.astype(np.float32), _sound(path))


def _sound(path: Path) -> Float:
    with path.open("rb") as handle, av.open(handle, "r", format="mov") as container:
        if not container.streams.audio:
            raise InvalidInput("This film is silent.", code="bad_audio", fix="Use one with speech.")
        stream = container.streams.audio[0]
        blocks = [np.atleast_2d(f.to_ndarray()) for f in container.decode(stream)]
        rate = stream.rate
    mono = np.concatenate(blocks, 1).mean(0).astype(np.float32)
    return np.asarray(soxr.resample(mono, rate, SPEECH_RATE_HZ), np.float32)


def lipsync(path: Path) -> dict[str, float]:
    """The phone test on a finished film: with moments as the recogniser reports them, and with
    its own lateness taken out."""
    film = read_film(path, Runtime())
    try:
        raw = phone_score(film.opening, film.sound)
        fair = phone_score(film.opening, film.sound, heard_late_ms=HAMA_LATE_MS)
    except ValueError as error:
        raise InvalidInput(
            f"The lips of this film cannot be judged: {error}.",
            code="too_little_speech",
            fix="Use ten seconds of speech or more.",
        ) from error
    return asdict(raw) | {
        "score_at_0_unbiased": fair.score_at_0,
        "best_shift_ms_unbiased": fair.best_shift_ms,
    }
