"""The public door: few names, each there, none by surprise."""

import importlib.resources
import inspect
import subprocess
import sys

import pytest

import vasari

MOST_NAMES = 15


def names() -> list[str]:
    return list(getattr(vasari, "__all__", []))


def test_the_door_is_small() -> None:
    assert len(names()) == len(set(names())) <= MOST_NAMES


@pytest.mark.parametrize("name", names())
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(vasari, name)
    assert value.__module__.startswith("vasari.")
    assert inspect.getdoc(value)
    assert name in dir(vasari)


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError):
        vasari.no_such_name  # noqa: B018


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files("vasari").joinpath("py.typed").is_file()


def test_import_is_quick() -> None:
    script = "import time; t = time.perf_counter(); import vasari; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert float(done.stdout) < 0.5
