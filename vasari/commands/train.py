"""`vasari train`: make the shipped weights again, from data. Needs the extra [train]."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from vasari.commands import console
from vasari.commands.flags import Json

app = typer.Typer(help="Train what Vasari ships, from your data.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder with the training data; see the README.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for what is made.")]


@app.command("basis")
def basis(data: Data, output: Output, as_json: Json = False) -> None:
    """Fit the motion space: track faces in video, then find how they move."""
    _train("basis", data, output, as_json)


@app.command("lips")
def lips(data: Data, output: Output, as_json: Json = False) -> None:
    """Train the network that turns speech into mouth motion."""
    _train("lips", data, output, as_json)


def _train(name: str, data: Path, output: Path, as_json: bool) -> None:
    """Run `vasari.train.NAME.train(data, output)`, which returns its figures."""
    from vasari.errors import NotFound, NotSupported

    if not data.is_dir():
        raise NotFound(f"There is no folder '{data}'.", code="no_input", fix="Check --data.")
    try:
        module: Any = importlib.import_module(f"vasari.train.{name}")
    except ModuleNotFoundError as error:
        raise NotSupported(
            f"Training needs the package {error.name}, and it is not installed.",
            code="missing_extra",
            fix="Run: pip install 'vasari[train]'.",
        ) from error
    figures = module.train(data, output)
    if as_json:
        console.print_json(figures)
    else:
        for key, value in figures.items():
            console.say(f"{key}: {value}")
