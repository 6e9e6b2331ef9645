"""`vasari render`: a photo and a recording to a talking video."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasari.commands import console
from vasari.commands.console import ProgressStyle
from vasari.commands.flags import Consent, ConsentNote, Force, Json, Progress, Threads

if TYPE_CHECKING:
    from vasari.errors import InvalidOption
    from vasari.types import Clip


class Size(StrEnum):
    CROP = "crop"
    PHOTO = "photo"


Scale = Annotated[float, typer.Option(help="0 to 2; 1 is natural.")]


def command(
    photo: Annotated[Path, typer.Argument(help="PNG, JPEG or WebP with a face.")],
    audio: Annotated[Path, typer.Argument(help="WAV, FLAC, MP3, Ogg or M4A with speech.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The MP4 to make.")],
    fps: Annotated[int, typer.Option(help="Frames per second: 25, 30, 40, 50 or 60.")] = 25,
    size: Annotated[
        Size, typer.Option(help="crop: 512x512 around the face; photo: the whole photo.")
    ] = Size.CROP,
    seed: Annotated[int, typer.Option(help="Same seed, same motion.", min=0)] = 0,
    face: Annotated[
        int | None, typer.Option(help="Which of several faces, from the left, from 1.", min=1)
    ] = None,
    gaze: Annotated[
        str, typer.Option(help="YAW,PITCH in degrees; + is image right and down.")
    ] = "0,0",
    head_scale: Scale = 1.0,
    mouth_scale: Scale = 1.0,
    expression_scale: Scale = 1.0,
    blink_rate: Annotated[float, typer.Option(help="Blinks per minute, 0 to 60.")] = 16.0,
    distance: Annotated[
        float, typer.Option(help="0.7 (near) to 1.5 (far); 1 as in the photo.")
    ] = 1.0,
    motion: Annotated[
        Path | None, typer.Option(help="Play this .motion file or Live Link Face .csv instead.")
    ] = None,
    consent: Consent = None,
    consent_note: ConsentNote = "",
    force: Force = False,
    threads: Threads = None,
    progress: Progress = None,
    as_json: Json = False,
) -> None:
    """Make the face in PHOTO speak AUDIO, and write an MP4.

    Example: vasari render portrait.jpg speech.wav -o talk.mp4 --consent self
    """
    from vasari.commands.ask import consent_for
    from vasari.commands.motion import load as load_motion
    from vasari.config import load_settings
    from vasari.errors import InvalidOption
    from vasari.motion.controls import validate
    from vasari.types import Controls

    settings = load_settings()
    yaw, pitch = _pair(gaze)
    controls = Controls(
        gaze_deg=(yaw, pitch),
        head_amplitude=head_scale,
        mouth_amplitude=mouth_scale,
        expression_amplitude=expression_scale,
        blink_per_minute=blink_rate,
        distance=distance,
    )
    try:
        validate(controls)
    except InvalidOption as error:
        raise _in_flags(error) from None
    ground = consent_for(photo, consent, consent_note, not as_json and console.interactive())
    from vasari.offline import render

    style = progress or ProgressStyle(settings.progress)
    with console.progress(style, "Rendering") as report:
        clip = render(
            photo,
            audio,
            output,
            consent=ground,
            fps=fps,
            size=size.value,
            seed=seed,
            face=face,
            controls=controls,
            motion=None if motion is None else load_motion(motion),
            overwrite=force,
            progress=report,
            threads=threads or settings.threads,
        )
    show(clip, as_json)


def show(clip: "Clip", as_json: bool) -> None:
    """Tell what was made."""
    if as_json:
        console.print_json(asdict(clip))
        return
    for text in clip.warnings:
        console.warn(text)
    console.say(
        f"{clip.output}: {clip.duration_s:.1f} s, {clip.width}x{clip.height} at {clip.fps} fps, in"
        f" {clip.wall_s:.1f} s ({clip.realtime_factor:.2f} x real time)"
    )


_FLAGS = {
    "head_amplitude": "--head-scale",
    "mouth_amplitude": "--mouth-scale",
    "expression_amplitude": "--expression-scale",
    "blink_per_minute": "--blink-rate",
    "gaze_deg": "--gaze",
    "distance": "--distance",
}


def _in_flags(error: "InvalidOption") -> "InvalidOption":
    """The error with the names that were typed."""
    message, fix = error.message, error.fix
    for name, flag in _FLAGS.items():
        message, fix = message.replace(name, flag), fix.replace(name, flag)
    return type(error)(message, code=error.code, fix=fix)


def _pair(text: str) -> tuple[float, float]:
    """YAW,PITCH. Raises InvalidOption (bad_control)."""
    from vasari.errors import InvalidOption

    try:
        yaw, pitch = (float(part) for part in text.split(","))
        return yaw, pitch
    except ValueError:
        raise InvalidOption(
            f"'{text}' is no gaze.",
            code="bad_control",
            fix="Give two numbers of degrees, for example --gaze 10,-5.",
        ) from None
