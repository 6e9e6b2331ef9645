"""On what ground a person's face is animated: declared by whoever runs Vasari, never verified.

A program cannot know whether somebody agreed. It can ask, record the answer with the work, and say
plainly that it is a declaration. That is all this module does.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vasari.errors import CannotWrite, InvalidOption, NotPermitted

MAX_NOTE_CHARS = 500


class ConsentKind(StrEnum):
    """The grounds that can be declared."""

    SELF = "self"
    WRITTEN = "written"
    LICENSED = "licensed"
    SYNTHETIC = "synthetic"
    DECEASED_ESTATE = "deceased-estate"
    SATIRE = "satire"


WORDING: dict[ConsentKind, str] = {
    ConsentKind.SELF: "the picture shows the operator",
    ConsentKind.WRITTEN: "the person shown agreed in writing",
    ConsentKind.LICENSED: "a licence or the public domain covers this use of the picture",
    ConsentKind.SYNTHETIC: "the person shown does not exist",
    ConsentKind.DECEASED_ESTATE: "the person shown has died, and the estate agreed",
    ConsentKind.SATIRE: "recognisable satire or art",
}
"""Each kind in words, to complete "Declared: …"."""


@dataclass(frozen=True)
class Consent:
    """A declared ground, with the operator's own words.

    kind: a `ConsentKind` or its text. note: free text, at most 500 characters, no control
    characters.

    Raises:
        InvalidOption: unknown kind (bad_consent) or unusable note (bad_consent_note).
    """

    kind: ConsentKind
    note: str = ""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", ConsentKind(self.kind))
        except ValueError:
            raise InvalidOption(
                f"'{self.kind}' is no kind of consent.",
                code="bad_consent",
                fix=f"Choose one of: {', '.join(ConsentKind)}.",
            ) from None
        if len(self.note) > MAX_NOTE_CHARS or not self.note.isprintable():
            raise InvalidOption(
                f"The consent note is longer than {MAX_NOTE_CHARS} characters or not one plain"
                " line.",
                code="bad_consent_note",
                fix="Shorten it to one line of printable text.",
            )

    @property
    def statement(self) -> str:
        """The sentence that is written into the output; it claims a declaration, not a fact."""
        note = f" Note: {self.note}" if self.note else ""
        return (
            f"Consent: {self.kind.value} ({WORDING[self.kind]}), declared by the operator, not"
            f" verified.{note}"
        )


def required() -> NotPermitted:
    """The error for a run that nobody can be asked about, and that declares no consent."""
    return NotPermitted(
        "Nothing was said about the consent of the person in the picture.",
        code="consent_required",
        fix=f"Add --consent KIND, one of: {', '.join(ConsentKind)}.",
    )


def portrait_hash(photo: bytes) -> str:
    """SHA-256 of the photo file, hexadecimal: the key under which an answer is remembered."""
    return hashlib.sha256(photo).hexdigest()


class ConsentStore:
    """Answers given before, by portrait hash: a small JSON file that only its owner can read.

    It holds hashes, kinds and notes; no picture, no name. A damaged file counts as empty, so the
    question is asked again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            table = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return table if isinstance(table, dict) else {}

    def get(self, photo_sha256: str) -> Consent | None:
        """The consent declared for this portrait before, or None."""
        entry = self._read().get(photo_sha256)
        try:
            return Consent(ConsentKind(entry["kind"]), str(entry["note"])) if entry else None
        except (InvalidOption, ValueError, KeyError, TypeError):
            return None

    def put(self, photo_sha256: str, consent: Consent) -> None:
        """Remember an answer. Raises CannotWrite (cannot_write) when the file cannot be made."""
        table = self._read()
        table[photo_sha256] = {"kind": consent.kind.value, "note": consent.note}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent)  # made with mode 0600
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(table, stream, indent=1, sort_keys=True)
                os.replace(name, self._path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError as error:
            raise CannotWrite(
                f"The consent could not be remembered in '{self._path}': {error.strerror}.",
                code="cannot_write",
                fix="Make that folder writable, or state the consent with --consent each time.",
            ) from error
