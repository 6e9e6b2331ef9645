"""`vasari doctor`: whether everything that a render needs is here and whole."""

import platform
from collections.abc import Callable
from importlib import metadata
from typing import Any

import typer

from vasari.commands import console
from vasari.commands.flags import Json
from vasari.errors import VasariError

_EXIT_UNAVAILABLE = 69
_PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "av", "soundfile", "soxr")
_EXTRAS = {"tts": "hibari-tts", "demo": "matplotlib", "train": "torch"}


def command(as_json: Json = False) -> None:
    """Check the installation. Exit code 0 when a render can run, 69 when not."""
    checks = [_run(name, test) for name, test in _CHECKS.items()]
    well = all(item["ok"] for item in checks)
    if as_json:
        console.print_json({"ok": well, "checks": checks})
    else:
        for item in checks:
            console.say(f"{'ok ' if item['ok'] else 'BAD'} {item['name']:10} {item['detail']}")
    if not well:
        raise typer.Exit(_EXIT_UNAVAILABLE)


def _run(name: str, test: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": test()}
    except VasariError as error:
        return {"name": name, "ok": False, "detail": f"{error.message} {error.fix}"}
    except Exception as error:  # a broken package may raise anything at import
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> str:
    import av
    import cv2
    import onnxruntime
    import soundfile
    import soxr

    del av, cv2, onnxruntime, soundfile, soxr  # that they load is what is tested
    return ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)


def _extras() -> str:
    return ", ".join(f"[{name}] {pkg} {_version(pkg)}" for name, pkg in _EXTRAS.items())


def _settings() -> str:
    from vasari.config import config_file, load_settings

    load_settings()
    file = config_file()
    return f"{file}{'' if file.exists() else ' (absent, defaults)'}"


def _weights() -> str:
    from vasari import weights

    entries = weights.manifest()
    size = sum(len(weights.load_bytes(name)) for name in entries)
    return f"{len(entries)} files, {size / 1e6:.1f} MB, all as shipped (SHA-256)"


def _encoder() -> str:
    from vasari.media.video import h264_encoder

    return h264_encoder()


def _threads() -> str:
    from vasari.runtime import default_threads

    return f"{default_threads()} threads"


_CHECKS: dict[str, Callable[[], str]] = {
    "python": _python,
    "packages": _packages,
    "extras": _extras,
    "settings": _settings,
    "weights": _weights,
    "encoder": _encoder,
    "cpu": _threads,
}
