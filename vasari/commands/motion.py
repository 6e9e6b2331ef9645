"""`vasari motion`: face motion out of videos, and in and out of files."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasari.commands import console
from vasari.commands.flags import Force, Json

if TYPE_CHECKING:
    from vasari.types import Motion

app = typer.Typer(help="Face motion: track, look at, export.", no_args_is_help=True)


class Format(StrEnum):
    ARKIT_CSV = "arkit-csv"


MotionFile = Annotated[Path, typer.Argument(help="A .motion file, or a Live Link Face .csv.")]


@app.command("track")
def track(
    video: Annotated[Path, typer.Argument(help="MP4, MOV, MKV or WebM with one face.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .motion file to make.")],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Follow the face in VIDEO and write its motion."""
    from vasari.config import load_settings
    from vasari.motion import file
    from vasari.motion.basis import load_basis
    from vasari.motion.video import track_video
    from vasari.runtime import Runtime

    motion = track_video(video, Runtime(load_settings().threads), load_basis()).motion
    file.save(motion, output, overwrite=force, created_by="vasari motion track")
    _tell(motion, as_json, str(output))


@app.command("inspect")
def inspect(path: MotionFile, as_json: Json = False) -> None:
    """Say in figures what a motion file holds."""
    _tell(load(path), as_json, str(path))


@app.command("export")
def export(
    path: MotionFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to make.")],
    form: Annotated[
        Format, typer.Option("--format", help="arkit-csv: Live Link Face, 61 values a row.")
    ] = Format.ARKIT_CSV,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a motion file in a form that other programs read."""
    from vasari.motion.arkit import to_arkit_csv

    motion = load(path)
    to_arkit_csv(motion, output, overwrite=force)
    made = {"output": str(output), "format": form.value, "frames": len(motion.values)}
    if as_json:
        console.print_json(made)
    else:
        console.say(f"{output}: {len(motion.values)} frames as {form.value}")


def load(path: Path) -> "Motion":
    """A motion file of either kind, told apart by its suffix."""
    if path.suffix.lower() == ".csv":
        from vasari.motion.arkit import from_arkit_csv

        return from_arkit_csv(path)
    from vasari.motion import file

    return file.load(path)


def _tell(motion: "Motion", as_json: bool, name: str) -> None:
    from vasari.motion.summary import inspect as figures

    table = figures(motion)
    if as_json:
        console.print_json({"file": name, **table})
        return
    for key, value in {"file": name, **table}.items():
        console.say(f"{key}: {value}")
