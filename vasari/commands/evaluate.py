"""`vasari evaluate`: figures of quality, measured on finished pictures and films."""

from pathlib import Path
from typing import Annotated

import typer

from vasari.commands import console
from vasari.commands.flags import Json

app = typer.Typer(help="Measure quality, on your data or your films.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder with the test data; see the README.")]


@app.command("exactness")
def exactness(data: Data, as_json: Json = False) -> None:
    """Does a photo rendered with its own motion come back? (PSNR)"""
    from vasari.evaluate import exactness as recipe

    _tell(recipe.run(_folder(data)), as_json)


@app.command("reenactment")
def reenactment(data: Data, as_json: Json = False) -> None:
    """How far from the truth are landmarks when a clip drives its own first frame?"""
    from vasari.evaluate import reenactment as recipe

    _tell(recipe.run(_folder(data)), as_json)


@app.command("lipsync")
def lipsync(
    film: Annotated[Path, typer.Argument(help="An MP4 with one face that speaks.")],
    as_json: Json = False,
) -> None:
    """Do lips open on vowels and shut on p, b, m? Needs the package hama."""
    from vasari.errors import NotSupported
    from vasari.evaluate import finished

    try:
        figures = finished.lipsync(film)
    except ImportError as error:
        raise NotSupported(
            f"This test needs the package {error.name}, and it is not installed.",
            code="missing_extra",
            fix="Run: pip install 'vasari[evaluate]'.",
        ) from error
    _tell(figures, as_json)


def _folder(data: Path) -> Path:
    from vasari.errors import NotFound

    if not data.is_dir():
        raise NotFound(f"There is no folder '{data}'.", code="no_input", fix="Check --data.")
    return data


def _tell(figures: dict[str, float], as_json: bool) -> None:
    if as_json:
        console.print_json(figures)
        return
    for name, value in figures.items():
        console.say(f"{name:>28}  {value:.4g}")
