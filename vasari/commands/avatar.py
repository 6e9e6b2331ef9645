"""`vasari avatar check`: whether a photo can be used, and what is wrong with it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vasari.commands import console
from vasari.commands.flags import Json

app = typer.Typer(help="Look at a photo before using it.", no_args_is_help=True)

_EXIT_UNUSABLE = 65


@app.command("check")
def check(
    photo: Annotated[Path, typer.Argument(help="PNG, JPEG or WebP with a face.")],
    face: Annotated[
        int | None, typer.Option(help="Which of several faces, from the left, from 1.", min=1)
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether PHOTO can be animated. Exit code 0 when it can, 65 when not."""
    from vasari.config import load_settings
    from vasari.portrait import check_photo
    from vasari.runtime import Runtime

    checks = list(check_photo(photo, Runtime(load_settings().threads), face=face))
    usable = all(item.level != "error" for item in checks)
    if as_json:
        console.print_json({"ok": usable, "checks": [asdict(item) for item in checks]})
    else:
        for item in checks:
            console.say(f"{item.level} [{item.code}]: {item.message} {item.fix}")
        console.say("This photo can be used." if usable else "This photo cannot be used.")
    if not usable:
        raise typer.Exit(_EXIT_UNUSABLE)
