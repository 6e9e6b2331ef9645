"""render(): a whole recording through a Session, collected into a file."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from vasari.errors import CannotWrite, InvalidOption
from vasari.media.audio import AudioSource
from vasari.media.audio_track import AudioTrack
from vasari.media.video import VideoWriter
from vasari.portrait import make_portrait
from vasari.provenance.consent import Consent
from vasari.session import Engine, Session, check_fps
from vasari.types import Clip, Controls, Frame, Motion, Portrait

Progress = Callable[[int, int | None], None]
"""Called with frames done and frames in all (None where the file does not say its length)."""

_BLOCK_MS = 400.0
_SUFFIXES = (".mp4", ".m4v")
_SYNTHETIC = "AI-generated with Vasari from one photo and a recording."


def render(
    photo: Portrait | bytes | str | os.PathLike[str],
    audio: AudioSource | bytes | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    consent: Consent,
    fps: int = 25,
    size: Literal["crop", "photo"] = "crop",
    seed: int = 0,
    face: int | None = None,
    controls: Controls | None = None,
    timeline: Sequence[tuple[float, Controls]] = (),
    motion: Motion | None = None,
    lips: Literal["motion", "audio"] = "motion",
    overwrite: bool = False,
    progress: Progress | None = None,
    threads: int | None = None,
    engine: Engine | None = None,
) -> Clip:
    """Make the face in photo speak the recording, and write an MP4.

    Args:
        photo: a picture file, its bytes, or a ready `Portrait`.
        audio: wav, flac, mp3, ogg or m4a, a path or bytes; its sound goes into the output as it is.
        output: path of the MP4; appears only when it is complete.
        consent: on what ground the face is used.
        fps: 25, 30, 40, 50 or 60. size: "crop" is 512x512, "photo" the whole photo.
        seed: same seed, same motion. face: which of several faces, from the left, starting at 1.
        controls: how the face acts; timeline: changes, with the seconds at which they begin.
        motion: play this motion instead of one generated from the sound. lips: "audio" puts lips
            that follow the sound on top of it.
        overwrite: whether an existing output is replaced.
        progress: called after every frame. threads: default all this process may use.
        engine: models loaded before, to be used again.

    Raises:
        VasariError: any of its kinds, see `vasari.errors`; then nothing is left at output.
    """
    began = time.monotonic()
    check_fps(fps)
    _check_output(Path(output), (photo, audio))
    engine = engine or Engine.load(threads)
    with AudioSource.open(audio) as source:
        portrait = _portrait(photo, engine, face)
        session = Session(
            portrait,
            engine,
            consent=consent,
            sample_rate_hz=source.sample_rate,
            channels=source.channels,
            fps=fps,
            size=size,
            controls=controls,
            seed=seed,
            motion=motion,
            lips=lips,
        )
        for at_s, change in timeline:
            session.set_controls(change, at_s)
        writer = _write(session, source, output, overwrite, progress)
    duration_s = writer.frames / fps
    warnings = _warnings(source, portrait, motion, duration_s)
    wall_s = time.monotonic() - began
    return Clip(
        output=str(Path(output)),
        frames=writer.frames,
        fps=fps,
        width=writer.size[0],
        height=writer.size[1],
        duration_s=duration_s,
        wall_s=wall_s,
        realtime_factor=duration_s / wall_s,
        peak_rss_mb=peak_rss_mb(),
        seed=seed,
        consent=consent.kind.value,
        warnings=warnings,
    )


def _check_output(output: Path, inputs: tuple[object, ...]) -> None:
    """Refuse, before any work, a name that is no MP4's or that of an input."""
    if output.suffix.lower() not in _SUFFIXES:
        raise InvalidOption(
            f"'{output.name}' is not the name of an MP4.",
            code="bad_output",
            fix="Give a name that ends in .mp4.",
        )
    for given in inputs:
        if isinstance(given, str | os.PathLike) and _same_file(output, Path(given)):
            raise CannotWrite(
                f"'{output}' is one of the inputs.",
                code="output_is_input",
                fix="Choose another name for the output.",
            )


def _same_file(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return False


def _write(
    session: Session,
    source: AudioSource,
    output: str | os.PathLike[str],
    overwrite: bool,
    progress: Progress | None,
) -> VideoWriter:
    """Drive the session with the whole source into a file; returns the closed writer."""
    width, height = session.frame_size
    seconds = source.duration_s
    total = None if seconds is None else math.ceil(seconds * session.fps - 1e-6)
    track = AudioTrack(source.sample_rate, source.channels, source)
    tags = {"comment": f"{_SYNTHETIC} {session.consent.statement}"}
    with VideoWriter(output, width, height, session.fps, track, tags, overwrite) as writer:
        for frame in collect(session, source):
            writer.write(frame.image, frame.audio)
            if progress is not None:
                progress(writer.frames, total)
    return writer


def collect(session: Session, source: AudioSource) -> Iterator[Frame]:
    """Every frame of a recording, in order; memory does not grow with its length."""
    for block in source.blocks(_BLOCK_MS):
        session.push_audio(block)
        yield from session.frames()
    session.end_segment()
    yield from session.frames()


def _portrait(
    photo: Portrait | bytes | str | os.PathLike[str], engine: Engine, face: int | None
) -> Portrait:
    if isinstance(photo, Portrait):
        return photo
    source = photo if isinstance(photo, bytes) else Path(photo)
    return make_portrait(source, engine.runtime, face=face)


def _warnings(
    source: AudioSource, portrait: Portrait, motion: Motion | None, duration_s: float
) -> tuple[str, ...]:
    """What the user should know of a film that was made all the same."""
    found = [*source.warnings, *(f"{check.code}: {check.message}" for check in portrait.checks)]
    if motion is not None and motion.duration_s < duration_s - 0.1:
        found.append(
            f"motion_short: The motion lasts {motion.duration_s:.1f} s, the sound"
            f" {duration_s:.1f} s; the face stands still at the end."
        )
    return tuple(found)


def peak_rss_mb() -> float:
    """The most memory this process has held so far, in MB; NaN on systems that do not say."""
    try:
        import resource
    except ImportError:
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
