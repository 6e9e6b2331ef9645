"""`vasari demo`: a public-domain portrait says a few words."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from vasari.commands import console, samples
from vasari.commands.console import ProgressStyle
from vasari.commands.flags import Force, Json, Progress, Threads


def command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The MP4 to make.")] = Path(
        "demo.mp4"
    ),
    text: Annotated[str, typer.Option(help="What is said, in English.")] = samples.DEMO_TEXT,
    fps: Annotated[int, typer.Option(help="Frames per second: 25, 30, 40, 50 or 60.")] = 25,
    seed: Annotated[int, typer.Option(help="Same seed, same motion.", min=0)] = 0,
    force: Force = False,
    threads: Threads = None,
    progress: Progress = None,
    as_json: Json = False,
) -> None:
    """Make the public-domain portrait of Grace Hopper speak.

    Needs the extra: pip install 'vasari[demo]'. The speech is made on the spot by hibari-tts.
    """
    from vasari.commands.render import show
    from vasari.config import load_settings

    settings = load_settings()
    photo, audio = samples.portrait(), samples.speech(text)
    from vasari.offline import render
    from vasari.provenance.consent import Consent, ConsentKind

    with contextlib.suppress(OSError):  # the writer says better what is wrong with the folder
        output.parent.mkdir(parents=True, exist_ok=True)
    with console.progress(progress or ProgressStyle(settings.progress), "Rendering") as report:
        clip = render(
            photo,
            audio,
            output,
            consent=Consent(ConsentKind.LICENSED, samples.PORTRAIT_NOTE),
            fps=fps,
            seed=seed,
            overwrite=force,
            progress=report,
            threads=threads or settings.threads,
        )
    show(clip, as_json)
