"""The shipped weights: found through a manifest, checked by SHA-256, read as bytes and only so.

`weights/manifest.json` maps a name to {file, sha256, bytes, licence, source, card}. Nothing is
downloaded and no pickle is read. Files are entered by `scripts/weights_manifest.py`.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from vasari.errors import NotSupported

MAX_BYTES = 64 * 1024 * 1024
"""No single weight file is larger; the whole package stays under it."""

_SUFFIXES = (".onnx", ".safetensors")


@dataclass(frozen=True)
class Entry:
    """One shipped file. bytes: its size; card: the model card beside it; licence: SPDX name."""

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    source: str
    card: str


def _refused(name: str, why: str) -> NotSupported:
    return NotSupported(
        f"The model file '{name}' was refused: {why}.",
        code="model_refused",
        fix="Reinstall vasari; the installed model files are damaged or were exchanged.",
    )


def _entry(name: str, fields: object) -> Entry:
    try:
        entry = Entry(name=name, **fields)  # type: ignore[arg-type]
    except TypeError as error:
        raise _refused(name, f"its manifest entry is malformed ({error})") from None
    path = PurePosixPath(str(entry.file))
    if path.name != entry.file or path.suffix not in _SUFFIXES:
        raise _refused(name, "its manifest entry names no .onnx or .safetensors file")
    if not isinstance(entry.bytes, int) or not 0 < entry.bytes <= MAX_BYTES:
        raise _refused(name, f"its manifest entry gives no size of at most {MAX_BYTES} bytes")
    return entry


def manifest(folder: Traversable | None = None) -> dict[str, Entry]:
    """Every shipped file by name.

    folder: where manifest.json lies; the package's own weights unless given.
    Raises NotSupported (code model_refused) when the manifest is missing or malformed.
    """
    place = (folder or files("vasari") / "weights") / "manifest.json"
    try:
        table = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refused("manifest.json", f"it cannot be read ({error})") from None
    if not isinstance(table, dict):
        raise _refused("manifest.json", "it holds no table")
    return {name: _entry(name, fields) for name, fields in table.items()}


def load_bytes(name: str, folder: Traversable | None = None) -> bytes:
    """The bytes of the weight file called name, after its size and SHA-256 were checked.

    Raises NotSupported: model_missing for a name that is not shipped, model_refused for a file
    that is absent or differs from the manifest.
    """
    place = folder or files("vasari") / "weights"
    entry = manifest(place).get(name)
    if entry is None:
        raise NotSupported(
            f"No model named '{name}' is shipped.",
            code="model_missing",
            fix="Use one of the names in vasari/weights/manifest.json.",
        )
    try:
        with (place / entry.file).open("rb") as stream:
            data = stream.read(entry.bytes + 1)
    except OSError as error:
        raise _refused(entry.file, f"it cannot be read ({error.strerror})") from None
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise _refused(entry.file, "it differs from the one that was shipped (SHA-256)")
    return data


def load_tensors(name: str, folder: Traversable | None = None) -> dict[str, NDArray[np.generic]]:
    """The arrays of a shipped .safetensors file, by their names. Raises as `load_bytes` does."""
    data = load_bytes(name, folder)
    try:
        return dict(safetensors.numpy.load(data))
    except safetensors.SafetensorError as error:
        raise _refused(name, f"it holds no readable tensors ({error})") from None
