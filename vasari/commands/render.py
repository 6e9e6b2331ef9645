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
    from vasari.types import Clip, Motion


class Size(StrEnum):
    CROP = "crop"
    PHOTO = "photo"


class Preset(StrEnum):
    CALM = "calm"
    PRESENTER = "presenter"
    LIVELY = "lively"
    STILL = "still"


class Lips(StrEnum):
    MOTION = "motion"
    AUDIO = "audio"


Scale = Annotated[float | None, typer.Option(help="0 to 2; 1 is natural.")]


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
    preset: Annotated[Preset | None, typer.Option(help="How much the face does at all.")] = None,
    emotion: Annotated[
        str | None, typer.Option(help="For example happy=0.6,surprised=0.2; amounts 0 to 1.")
    ] = None,
    gaze: Annotated[
        str | None, typer.Option(help="YAW,PITCH in degrees; + is image right and down.")
    ] = None,
    head_offset: Annotated[
        str | None, typer.Option(help="PITCH,YAW,ROLL in degrees, added to the photo's pose.")
    ] = None,
    head_scale: Scale = None,
    mouth_scale: Scale = None,
    expression_scale: Scale = None,
    gaze_scale: Scale = None,
    blink_rate: Annotated[float | None, typer.Option(help="Blinks per minute, 0 to 60.")] = None,
    distance: Annotated[
        float | None, typer.Option(help="0.7 (near) to 1.5 (far); 1 as in the photo.")
    ] = None,
    controls: Annotated[
        Path | None, typer.Option(help="JSON file with changes over time; see the README.")
    ] = None,
    motion: Annotated[
        Path | None, typer.Option(help="Play this .motion file or Live Link Face .csv instead.")
    ] = None,
    drive: Annotated[Path | None, typer.Option(help="Move like the face in this video.")] = None,
    lips: Annotated[
        Lips,
        typer.Option(help="With --motion or --drive: whose lips, the motion's or the sound's."),
    ] = Lips.MOTION,
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
    from vasari.commands.acting import controls_of, emotion_of, numbers_of, timeline_of
    from vasari.commands.ask import consent_for
    from vasari.config import load_settings

    settings = load_settings()
    given = {
        "emotion": None if emotion is None else emotion_of(emotion),
        "gaze_deg": None if gaze is None else numbers_of(gaze, 2, "--gaze 10,-5"),
        "head_offset_deg": None
        if head_offset is None
        else numbers_of(head_offset, 3, "--head-offset 0,10,0"),
        "head_amplitude": head_scale,
        "mouth_amplitude": mouth_scale,
        "expression_amplitude": expression_scale,
        "gaze_amplitude": gaze_scale,
        "blink_per_minute": blink_rate,
        "distance": distance,
    }
    acting = controls_of(None if preset is None else preset.value, given)
    timeline = () if controls is None else timeline_of(controls)
    ground = consent_for(photo, consent, consent_note, not as_json and console.interactive())
    from vasari.offline import render

    played = _played(motion, drive, threads or settings.threads)
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
            controls=acting,
            timeline=timeline,
            motion=played,
            lips=lips.value,
            overwrite=force,
            progress=report,
            threads=threads or settings.threads,
        )
    show(clip, as_json)


def _played(motion: Path | None, drive: Path | None, threads: int | None) -> "Motion | None":
    """The motion of a file or of a video; None when neither is given."""
    from vasari.commands.motion import load
    from vasari.errors import InvalidOption

    if motion is not None and drive is not None:
        raise InvalidOption(
            "Both --motion and --drive are given.", code="bad_motion", fix="Give one of them."
        )
    if drive is None:
        return None if motion is None else load(motion)
    from vasari.motion.basis import load_basis
    from vasari.motion.video import track_video
    from vasari.runtime import Runtime

    return track_video(drive, Runtime(threads), load_basis()).motion


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
