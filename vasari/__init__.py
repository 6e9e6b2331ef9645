"""Vasari makes a photograph talk: one face photo and speech in, a video of that face out.

    import vasari

    clip = vasari.render("portrait.jpg", "speech.wav", "talk.mp4", consent=vasari.Consent("self"))

Live, piece by piece: `Engine.load`, `make_portrait`, `Session`. Names load when they are used, so
that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vasari.errors import VasariError
    from vasari.offline import render
    from vasari.portrait import check_photo, make_portrait
    from vasari.provenance.consent import Consent
    from vasari.runtime import Runtime
    from vasari.session import Engine, Session
    from vasari.types import Clip, Controls, Frame, Motion, Portrait

__all__ = [
    "Clip",
    "Consent",
    "Controls",
    "Engine",
    "Frame",
    "Motion",
    "Portrait",
    "Runtime",
    "Session",
    "VasariError",
    "check_photo",
    "make_portrait",
    "render",
]

_HOMES = {
    "Clip": "types",
    "Consent": "provenance.consent",
    "Controls": "types",
    "Engine": "session",
    "Frame": "types",
    "Motion": "types",
    "Portrait": "types",
    "Runtime": "runtime",
    "Session": "session",
    "VasariError": "errors",
    "check_photo": "portrait",
    "make_portrait": "portrait",
    "render": "offline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vasari' has no attribute '{name}'")
    return getattr(import_module(f"vasari.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
