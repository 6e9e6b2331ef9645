"""`vasari train`: make the shipped weights again, from data. Needs the extra [train]."""

import dataclasses
import importlib
import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vasari.commands import console
from vasari.commands.flags import Json

app = typer.Typer(help="Train what Vasari ships, from your data.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder with the training data; see the README.")]


@app.command("basis")
def basis(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .safetensors to make.")],
    as_json: Json = False,
) -> None:
    """Fit the motion space: track faces in video, then find how they move."""
    _train("basis", data, output, as_json)


@app.command("lips")
def lips(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for all that is made.")],
    as_json: Json = False,
) -> None:
    """Train the network that turns speech into mouth motion. Goes on where it was stopped."""
    _train("lips", data, output, as_json)


@app.command("mouth")
def mouth(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .safetensors to make.")],
    as_json: Json = False,
) -> None:
    """Learn teeth from pictures of smiling and open mouths."""
    _train("mouth", data, output, as_json)


class Config(StrEnum):
    TINY = "tiny"
    BASE = "base"


class Part(StrEnum):
    MOUTH = "mouth"
    EYES = "eyes"


@app.command("renderer")
def renderer(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for all that is made.")],
    config: Annotated[Config, typer.Option(help="tiny is for trying out.")] = Config.BASE,
    minutes: Annotated[
        float | None, typer.Option(help="Pause after so long; the next call goes on.", min=0)
    ] = None,
    only: Annotated[
        Part | None, typer.Option(help="One of the networks, to train both beside each other.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train the networks that repaint mouth and eyes. Goes on where it was stopped."""
    part = None if only is None else only.value
    _train("renderer", data, output, as_json, config=config.value, minutes=minutes, only=part)


def _train(name: str, data: Path, output: Path, as_json: bool, **options: object) -> None:
    """Run the recipe `vasari.train.NAME.run(data, output)`, which returns its figures."""
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
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        report = module.run(data, output, **options)
    except FileNotFoundError as error:
        raise NotFound(str(error), code="no_input", fix="Check --data.") from error
    is_record = dataclasses.is_dataclass(report)
    figures: dict[str, Any] = dataclasses.asdict(report) if is_record else report
    if as_json:
        console.print_json(figures)
    else:
        for key, value in figures.items():
            console.say(f"{key}: {value}")
