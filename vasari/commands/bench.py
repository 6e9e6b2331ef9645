"""`vasari bench`: how fast this machine renders, and where the time goes."""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vasari.commands import console, samples
from vasari.commands.flags import Json, Threads

if TYPE_CHECKING:
    from vasari.media.audio import AudioSource
    from vasari.session import Session

_BLOCK_MS = 400.0


class Stopwatch:
    """Seconds spent per named stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took


def command(
    seconds: Annotated[float, typer.Option(help="Length of the test.", min=1, max=3600)] = 10.0,
    fps: Annotated[int, typer.Option(help="Frames per second: 25, 30, 40, 50 or 60.")] = 40,
    photo: Annotated[
        Path | None, typer.Option(help="A photo, instead of the built-in one.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="A recording, instead of babble.")] = None,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Render a built-in test and say how fast. The video is thrown away."""
    from vasari.config import load_settings

    report = measure(
        photo if photo is not None else samples.portrait(),
        audio if audio is not None else samples.babble(seconds),
        fps,
        threads or load_settings().threads,
    )
    if as_json:
        console.print_json(report)
        return
    for stage, share in report["shares"].items():
        took = report["seconds"][stage]
        console.say(f"{stage:8} {took:7.2f} s  {100 * share:5.1f} %")
    console.say(
        f"{report['frames']} frames at {fps} fps: {report['realtime_factor']:.2f} x real time,"
        f" {report['steady_realtime_factor']:.2f} x without start-up;"
        f" {report['ms_per_frame']:.1f} ms per frame; {report['peak_rss_mb']:.0f} MB"
    )


def measure(
    photo: bytes | Path, audio: bytes | Path, fps: int, threads: int | None
) -> dict[str, Any]:
    """The figures of one whole render, stage by stage.

    load: models. portrait: the photo made ready. speech: samples to motion. frames: motion to
    pictures. encode: waiting for the encoder, which otherwise runs beside the other stages.
    """
    watch = Stopwatch()
    began = time.perf_counter()
    with watch.time("load"):
        from vasari.media.audio import AudioSource
        from vasari.portrait import make_portrait
        from vasari.provenance.consent import Consent, ConsentKind
        from vasari.session import Engine, Session

        engine = Engine.load(threads)
    with watch.time("portrait"):
        portrait = make_portrait(photo, engine.runtime)
    with AudioSource.open(audio) as source:
        session = Session(
            portrait,
            engine,
            consent=Consent(ConsentKind.LICENSED, "benchmark, thrown away"),
            sample_rate_hz=source.sample_rate,
            channels=source.channels,
            fps=fps,
        )
        frames = _render(session, source, watch, fps)
    wall_s = time.perf_counter() - began
    steady_s = sum(watch.seconds[name] for name in ("speech", "frames", "encode"))
    return {
        "frames": frames,
        "fps": fps,
        "duration_s": round(frames / fps, 3),
        "wall_s": round(wall_s, 3),
        "realtime_factor": round(frames / fps / wall_s, 3),
        "steady_realtime_factor": round(frames / fps / steady_s, 3),
        "ms_per_frame": round(1000 * steady_s / frames, 3),
        "seconds": {name: round(value, 3) for name, value in watch.seconds.items()},
        "shares": {name: round(value / wall_s, 4) for name, value in watch.seconds.items()},
        "peak_rss_mb": round(_peak_rss_mb(), 1),
        "threads": engine.runtime.threads,
    }


def _render(session: "Session", source: "AudioSource", watch: Stopwatch, fps: int) -> int:
    from vasari.media.video import AudioTrack, VideoWriter

    width, height = session.frame_size
    track = AudioTrack(source.sample_rate, source.channels)
    with tempfile.TemporaryDirectory() as folder:
        writer = VideoWriter(Path(folder) / "bench.mp4", width, height, fps, track)
        try:
            for block in source.blocks(_BLOCK_MS):
                with watch.time("speech"):
                    session.push_audio(block)
                _drain(session, writer, watch)
            with watch.time("speech"):
                session.end_segment()
            _drain(session, writer, watch)
            with watch.time("encode"):
                writer.close()
        finally:
            writer.abort()
    return writer.frames


def _drain(session: "Session", writer: Any, watch: Stopwatch) -> None:
    ready = session.frames()
    while True:
        with watch.time("frames"):
            frame = next(ready, None)
        if frame is None:
            return
        with watch.time("encode"):
            writer.write(frame.image, frame.audio)


def _peak_rss_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
