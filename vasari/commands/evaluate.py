"""`vasari evaluate`: figures of quality, measured on finished pictures and films."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasari.commands import console
from vasari.commands.flags import Json

if TYPE_CHECKING:
    from vasari.errors import NotSupported

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


@app.command("renderer")
def renderer(
    data: Data,
    work: Annotated[
        Path, typer.Option(help="Folder for landmarks that are tracked once and kept.")
    ] = Path("out/evaluate"),
    limit: Annotated[
        int | None, typer.Option(help="So many pictures, and a tenth as many clips.", min=1)
    ] = None,
    as_json: Json = False,
) -> None:
    """What is the refiner worth on people it has never seen? Needs the extra [train]."""
    try:
        from vasari.evaluate import renderer as recipe
    except ModuleNotFoundError as error:
        raise _missing(error, "train") from error
    try:
        figures = recipe.run(_folder(data), work, limit)
    except ModuleNotFoundError as error:
        raise _missing(error, "train") from error
    _tell(figures, as_json)


@app.command("identity")
def identity(
    photo: Annotated[Path, typer.Argument(help="The photo that was animated.")],
    film: Annotated[Path, typer.Argument(help="The MP4 that came out.")],
    model: Annotated[
        Path, typer.Option(help="dlib_face_recognition_resnet_model_v1.dat; see the README.")
    ],
    as_json: Json = False,
) -> None:
    """Does the face stay the person's? (cosine distance of face descriptors) Needs dlib."""
    try:
        from vasari.evaluate import identity as recipe
    except ModuleNotFoundError as error:
        raise _missing(error, "evaluate") from error
    _tell(recipe.run(photo, film, model), as_json)


@app.command("lipsync")
def lipsync(
    film: Annotated[Path, typer.Argument(help="An MP4 with one face that speaks.")],
    as_json: Json = False,
) -> None:
    """Do lips open on vowels and shut on p, b, m? Needs the package hama."""
    from vasari.evaluate import finished

    try:
        figures = finished.lipsync(film)
    except ImportError as error:
        raise _missing(error, "evaluate") from error
    _tell(figures, as_json)


def _missing(error: ImportError, extra: str) -> "NotSupported":
    from vasari.errors import NotSupported

    return NotSupported(
        f"This test needs the package {error.name}, and it is not installed.",
        code="missing_extra",
        fix=f"Run: pip install 'vasari[{extra}]'.",
    )


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
