"""Flags that several commands share."""

from typing import Annotated

import typer

from vasari.commands.console import ProgressStyle

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
Threads = Annotated[
    int | None, typer.Option(help="Threads for each model.  [default: all there are]", min=1)
]
Progress = Annotated[
    ProgressStyle | None, typer.Option(help="How to show progress, on stderr.  [default: auto]")
]
Consent = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="On what ground the face is used: self, written, licensed, synthetic,"
        " deceased-estate or satire. Needed where nobody can be asked.",
    ),
]
ConsentNote = Annotated[str, typer.Option(help="Your own words on it; recorded.")]
