"""Consent on the command line: given by a flag, remembered, or asked for once per portrait."""

from pathlib import Path
from typing import TYPE_CHECKING

from vasari.commands import console

if TYPE_CHECKING:
    from vasari.provenance.consent import Consent, ConsentStore

_MAX_PHOTO_BYTES = 64 * 1024 * 1024


def consent_for(photo: Path, kind: str | None, note: str, can_ask: bool) -> "Consent":
    """The consent under which photo is used.

    Raises NotPermitted (consent_required) when none is declared and nobody can be asked, and
    InvalidOption for an unknown kind.
    """
    from vasari.config import load_settings
    from vasari.provenance.consent import (
        Consent,
        ConsentKind,
        ConsentStore,
        portrait_hash,
        required,
    )

    if kind is not None:
        return Consent(kind, note)  # type: ignore[arg-type]  # checked there
    if not can_ask:
        raise required()
    data = console.read_plain_file(photo, _MAX_PHOTO_BYTES)
    if data is None:  # the portrait stage says better what is wrong with it
        return Consent(ConsentKind.SELF)
    store = ConsentStore(load_settings().state_folder / "consent.json")
    digest = portrait_hash(data)
    known = store.get(digest)
    if known is None:
        return _ask(store, digest, note)
    console.errors().print(
        f"Consent as declared before: {known.kind.value}. To change it: --consent KIND."
    )
    return Consent(known.kind, note or known.note)


def _ask(store: "ConsentStore", digest: str, note: str) -> "Consent":
    import typer

    from vasari.errors import CannotWrite
    from vasari.provenance.consent import WORDING, Consent, ConsentKind, required

    out = console.errors()
    out.print("On what ground do you use this person's face? It is recorded in the video.")
    kinds = list(ConsentKind)
    for number, kind in enumerate(kinds, 1):
        out.print(f"  [bold]{number}[/] {kind.value:16} {WORDING[kind]}")
    answer = typer.prompt("Number or name, empty to stop", default="", show_default=False, err=True)
    names = {str(number): kind for number, kind in enumerate(kinds, 1)}
    names |= {kind.value: kind for kind in kinds}
    chosen = names.get(answer.strip().lower())
    if chosen is None:
        raise required()
    consent = Consent(chosen, note)
    try:
        store.put(digest, consent)
    except CannotWrite as error:
        console.warn(error.message)
    return consent
