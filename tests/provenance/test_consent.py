import os
import stat
from pathlib import Path

import pytest

from vasari.errors import InvalidOption
from vasari.provenance.consent import (
    WORDING,
    Consent,
    ConsentKind,
    ConsentStore,
    portrait_hash,
    required,
)


def test_every_kind_has_words_and_a_statement_that_claims_no_proof() -> None:
    for kind in ConsentKind:
        statement = Consent(kind).statement
        assert WORDING[kind] in statement
        assert "declared by the operator, not verified" in statement


def test_text_is_taken_as_a_kind() -> None:
    assert Consent("self").kind is ConsentKind.SELF  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "note", "code"),
    [
        ("celebrity", "", "bad_consent"),
        ("", "", "bad_consent"),
        ("self", "x" * 501, "bad_consent_note"),
        ("self", "two\nlines", "bad_consent_note"),
        ("self", "\x1b[31mred", "bad_consent_note"),
    ],
)
def test_bad_values_are_refused_by_code(kind: str, note: str, code: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Consent(kind, note)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_the_store_remembers_per_portrait(tmp_path: Path) -> None:
    path = tmp_path / "state" / "consent.json"
    store = ConsentStore(path)
    one, other = portrait_hash(b"one"), portrait_hash(b"other")
    assert store.get(one) is None
    store.put(one, Consent(ConsentKind.WRITTEN, "contract of 3 May"))
    store.put(other, Consent(ConsentKind.SYNTHETIC))
    again = ConsentStore(path)
    assert again.get(one) == Consent(ConsentKind.WRITTEN, "contract of 3 May")
    assert again.get(other) == Consent(ConsentKind.SYNTHETIC)
    assert os.listdir(path.parent) == ["consent.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"k": 3}', '{"k": {"kind": "x", "note": ""}}'])
def test_a_damaged_store_asks_again(tmp_path: Path, text: str) -> None:
    path = tmp_path / "consent.json"
    path.write_text(text)
    assert ConsentStore(path).get("k") is None


def test_the_missing_consent_error_names_the_way_out() -> None:
    error = required()
    assert (error.code, error.exit_code) == ("consent_required", 77)
    assert all(kind in error.fix for kind in ConsentKind)
