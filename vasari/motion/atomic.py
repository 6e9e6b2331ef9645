"""Small files that appear whole or not at all."""

import os
import secrets
from pathlib import Path

from vasari.errors import CannotWrite


def write_atomic(path: Path, data: bytes, overwrite: bool) -> None:
    """Write data beside path, flush it to the disk, then put it in place.

    Raises:
        CannotWrite: path exists and overwrite is False (code exists), or the system refused
            (code cannot_write). Nothing was changed then, and no temporary file is left.
    """
    exists = CannotWrite(
        f"{path.name} exists already.",
        code="exists",
        fix="Choose another name or allow to overwrite.",
    )
    if not overwrite and os.path.lexists(path):
        raise exists
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            _put(temporary, path, overwrite)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise exists from None
    except (OSError, ValueError) as error:
        raise CannotWrite(
            f"{path.name} cannot be written: {getattr(error, 'strerror', None) or error}.",
            code="cannot_write",
            fix="Choose a folder that exists, may be written and has room.",
        ) from None


def _put(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # fails if path has come into being meanwhile, rename would not
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.replace(temporary, path)
