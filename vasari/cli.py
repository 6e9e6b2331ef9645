"""The command line: what commands there are, and how every run ends (exit codes: `errors`)."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from vasari.commands import (
    avatar,
    bench,
    console,
    demo,
    doctor,
    evaluate,
    motion,
    render,
    train,
)
from vasari.errors import Failed, InvalidOption, VasariError

# Of whichever click this typer uses, its own or the public one.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="vasari",
    help="A photograph talks: one face photo and speech in, a video of that face speaking out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("render")(render.command)
app.command("demo")(demo.command)
app.add_typer(avatar.app, name="avatar")
app.add_typer(motion.app, name="motion")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.command("bench")(bench.command)
app.command("doctor")(doctor.command)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import PackageNotFoundError, version

        try:
            console.say(f"vasari {version('vasari')}")
        except PackageNotFoundError:
            console.say("vasari (not installed)")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    del version


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; arguments default to those of the process. Returns the exit code.

    0 ok, 2 usage, 64 option out of range, 65 bad input, 66 no input, 69 not available, 70 internal
    fault, 73 cannot write, 77 consent missing, 130 interrupted, 143 terminated.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    _clean_up_when_terminated()
    try:
        result = app(args=given, prog_name="vasari", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        return _interrupted(as_json) if code == console.EXIT_INTERRUPTED else code
    except VasariError as error:
        return console.fail(error, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(as_json)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except _UsageError as error:
        return _usage(error, as_json)
    except Exception as error:
        return _unexpected(error, as_json)


class _Interrupted(VasariError):
    exit_code = console.EXIT_INTERRUPTED


class _Usage(InvalidOption):
    exit_code = console.EXIT_USAGE


def _interrupted(as_json: bool) -> int:
    return console.fail(
        _Interrupted(
            "Interrupted; nothing was left behind.", code="interrupted", fix="Run it again."
        ),
        as_json,
    )


def _usage(error: Exception, as_json: bool) -> int:
    message = getattr(error, "format_message", lambda: str(error))()
    if type(error).__name__ == "NoArgsIsHelpError":  # the help was shown already
        return console.EXIT_USAGE
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "vasari"
    return console.fail(_Usage(message, code="usage", fix=f"See {path} --help."), as_json)


def _unexpected(error: Exception, as_json: bool) -> int:
    if os.environ.get("VASARI_DEBUG", "").lower() in ("1", "true", "yes", "on"):
        raise error
    text = str(error).splitlines()
    return console.fail(
        Failed(
            f"Something unexpected happened: {type(error).__name__}: {text[0] if text else ''}",
            code="internal",
            fix="Set VASARI_DEBUG=1 to see where, and report it.",
        ),
        as_json,
    )


def _clean_up_when_terminated() -> None:
    """Let SIGTERM end a run as an exception does, so that temporary files are removed."""

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    try:
        signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread: the caller's business
        return
