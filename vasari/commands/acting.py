"""How the face is to act: the flags and files of `vasari render` as controls."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vasari.errors import InvalidOption
    from vasari.types import Controls

_FLAGS = {
    "head_amplitude": "--head-scale",
    "mouth_amplitude": "--mouth-scale",
    "expression_amplitude": "--expression-scale",
    "gaze_amplitude": "--gaze-scale",
    "blink_per_minute": "--blink-rate",
    "gaze_deg": "--gaze",
    "head_offset_deg": "--head-offset",
    "distance": "--distance",
    "emotion": "--emotion",
}
_MOST_BYTES, _MOST_CHANGES = 1_000_000, 10_000


def controls_of(preset: str | None, given: Mapping[str, Any]) -> "Controls":
    """A preset with what was given in its place; None stands for not given.

    Raises InvalidOption (bad_control), naming the flags that were typed.
    """
    from vasari.errors import InvalidOption
    from vasari.motion.controls import PRESETS, validate

    changes = {name: value for name, value in given.items() if value is not None}
    controls = replace(PRESETS[preset or "presenter"], **changes)
    try:
        validate(controls)
    except InvalidOption as error:
        raise _in_flags(error) from None
    return controls


def emotion_of(text: str) -> tuple[float, ...]:
    """ "happy=0.6,sad=0.2" as amounts; a name alone means all of it."""
    from vasari.motion.emotions import mix

    amounts = {}
    for part in text.split(","):
        name, equals, amount = part.strip().partition("=")
        try:
            amounts[name.strip().lower()] = float(amount) if equals else 1.0
        except ValueError:
            raise _bad(f"'{part.strip()[:40]}' is no emotion", "--emotion happy=0.6") from None
    return mix(amounts)


def numbers_of(text: str, count: int, example: str) -> tuple[float, ...]:
    """Comma-separated numbers."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count:
        raise _bad(f"'{text[:40]}' is not {count} numbers of degrees", example)
    return found


def timeline_of(path: Path) -> list[tuple[float, "Controls"]]:
    """Changes over time from a JSON file: a list of objects with at_s, and preset, emotion (an
    object of amounts) or any field of `vasari.Controls`. What is not named goes back to default.

    Raises NotFound (no_input) and InvalidOption (bad_control).
    """
    from vasari.errors import NotFound
    from vasari.motion.controls import PRESETS
    from vasari.motion.emotions import mix
    from vasari.types import Controls

    if not path.is_file():
        raise NotFound(f"There is no file '{path}'.", code="no_input", fix="Check the name.")
    example = '[{"at_s": 2.5, "emotion": {"happy": 0.7}}]'
    try:
        with path.open("rb") as file:
            rows = json.loads(file.read(_MOST_BYTES + 1)[:_MOST_BYTES])
    except (ValueError, RecursionError):
        raise _bad(f"'{path.name}' is no JSON", example) from None
    if not isinstance(rows, list) or len(rows) > _MOST_CHANGES:
        raise _bad(f"'{path.name}' is no list of changes", example)
    known = {field.name for field in fields(Controls)}
    found = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("at_s"), int | float):
            raise _bad(f"'{path.name}' has a change without at_s", example)
        wanted = {k: v for k, v in row.items() if k not in ("at_s", "preset")}
        preset = row.get("preset", "presenter")
        if preset not in PRESETS or not set(wanted) <= known:
            odd = next((k for k in wanted if k not in known), preset)
            raise _bad(f"'{path.name}' names '{str(odd)[:40]}', which is no control", example)
        if "emotion" in wanted:
            if not isinstance(wanted["emotion"], dict):
                raise _bad(f"'{path.name}' has an emotion without names", example)
            wanted["emotion"] = mix({k: _number(v) for k, v in wanted["emotion"].items()})
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in wanted.items()}
        found.append((float(row["at_s"]), controls_of(str(preset), given)))
    return found


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _bad(message: str, example: str) -> "InvalidOption":
    from vasari.errors import InvalidOption

    return InvalidOption(f"{message}.", code="bad_control", fix=f"For example: {example}")


def _in_flags(error: "InvalidOption") -> "InvalidOption":
    """The error with the names that were typed."""
    message, fix = error.message, error.fix
    for name, flag in _FLAGS.items():
        message, fix = message.replace(name, flag), fix.replace(name, flag)
    return type(error)(message, code=error.code, fix=fix)
