"""What commands say and ask: errors, results, progress, consent. stdout holds results alone."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from vasari.errors import VasariError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class ProgressStyle(StrEnum):
    """auto: a bar on a terminal, else nothing. plain: lines. json: one object a line. To stderr."""

    AUTO = "auto"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


def errors() -> Console:
    """Where people are told things: stderr."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON object on stdout; NaN would be no JSON and is refused."""
    sys.stdout.write(json.dumps(value, allow_nan=False, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One line for people, on stdout."""
    Console(highlight=False, soft_wrap=True).print(escape(plain_text(text)))


def warn(text: str) -> None:
    """One line about something that went on all the same."""
    errors().print(f"[yellow]warning[/]: {escape(plain_text(text))}")


def fail(error: VasariError, as_json: bool) -> int:
    """Tell of an error, in a line and one of advice, or as JSON. Returns the exit code."""
    if as_json:
        print_json({"error": error.to_dict()})
    else:
        errors().print(
            f"[bold red]error[/]: {escape(plain_text(error.message))} [dim]\\[{error.code}][/]\n"
            f"  [bold]fix[/]: {escape(plain_text(error.fix))}"
        )
    return error.exit_code


def plain_text(text: str) -> str:
    """Text on one line without control characters, so that file names cannot steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@contextmanager
def progress(
    style: ProgressStyle, title: str
) -> Iterator[Callable[[int, int | None], None] | None]:
    """A function to be called with steps done and in all; None when nothing is to be shown."""
    terminal = sys.stderr.isatty()
    if style is ProgressStyle.NONE or (style is ProgressStyle.AUTO and not terminal):
        yield None
    elif style is ProgressStyle.AUTO:
        with _bar(title) as report:
            yield report
    else:
        yield _lines(style, title)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=errors(), transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(style: ProgressStyle, title: str) -> Callable[[int, int | None], None]:
    """Progress in lines, one a second (JSON) or one in five (plain), and the last."""
    began = time.monotonic()
    every_s = 1.0 if style is ProgressStyle.JSON else 5.0
    last = began

    def report(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < every_s and done != total:
            return
        last = now
        elapsed_s = now - began
        remaining_s = elapsed_s / done * (total - done) if total and done else None
        if style is ProgressStyle.JSON:
            record: dict[str, Any] = {"event": "progress", "done": done, "total": total}
            record["elapsed_s"] = round(elapsed_s, 2)
            record["remaining_s"] = None if remaining_s is None else round(remaining_s, 2)
            line = json.dumps(record)
        else:
            left = "" if remaining_s is None else f", {remaining_s:.0f} s left"
            line = f"{title}: {done}{f' of {total}' if total else ''}{left}"
        print(line, file=sys.stderr, flush=True)  # noqa: T201

    return report


def interactive() -> bool:
    """Whether a person can be asked: stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def read_plain_file(path: Path, limit: int) -> bytes | None:
    """The bytes of a plain file of at most limit bytes; None for anything else."""
    try:
        if not path.is_file() or path.stat().st_size > limit:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None
