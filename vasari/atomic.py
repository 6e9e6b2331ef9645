"""Files that appear complete or not at all.

The work goes into a hidden temporary file beside the target; only a finished, flushed file takes
the target's name. What a killed process left behind is removed by the next one that writes there.
"""

import contextlib
import os
import secrets
from pathlib import Path
from types import TracebackType

from vasari.errors import CannotWrite


def _lock(handle: int) -> bool:
    """Take the file's lock without waiting; True where the platform has none."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class AtomicFile:
    """A file in the making.

    Args:
        path: where it shall appear.
        overwrite: whether a file of that name may be replaced.

    Raises:
        CannotWrite: output_exists when the target is there and may not be replaced, cannot_write
            when the folder is missing, is read-only, or the target is no plain file.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.path = Path(os.path.abspath(path))  # keeps a final link as it is named
        self._overwrite = overwrite
        self._check_target()
        _remove_stale(self.path)
        self.temporary = self.path.with_name(f"{_prefix(self.path)}{secrets.token_hex(6)}.part")
        try:
            self._handle = os.open(self.temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except OSError as error:
            raise self.refused(error) from error
        _lock(self._handle)
        # The mode that the umask left is the one to end with; until then the file is private.
        self._mode = os.fstat(self._handle).st_mode & 0o777
        self._chmod(0o600)
        self._open = True

    def commit(self) -> None:
        """Give the finished file its name. Raises CannotWrite, after which nothing is left."""
        try:
            os.fsync(self._handle)
            self._chmod(self._mode)
            if os.name == "nt":  # which renames no open file
                os.close(self._handle)
                self._handle = -1
            if self._overwrite:
                os.replace(self.temporary, self.path)
            else:
                self._take_free_name()
        except OSError as error:
            self.discard()
            raise self.refused(error) from error
        self._close()
        _sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove the temporary file; the target is as it was. May be called at any time."""
        if self._open:
            self._close()
            with contextlib.suppress(OSError):
                self.temporary.unlink()

    def __enter__(self) -> "AtomicFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def _check_target(self) -> None:
        if self.path.is_dir() or (self.path.exists() and not self.path.is_file()):
            raise CannotWrite(
                f"'{self.path}' is not a plain file.",
                code="cannot_write",
                fix="Give the name of a file to make.",
            )
        if not self._overwrite and os.path.lexists(self.path):
            raise self._exists()

    def _take_free_name(self) -> None:
        try:
            os.link(self.temporary, self.path)  # atomic, and fails when the name is taken
        except FileExistsError:
            raise
        except (OSError, NotImplementedError, AttributeError):
            # A file system without hard links: the best that is left has a moment's gap.
            if os.path.lexists(self.path):
                raise FileExistsError(self.path) from None
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink()

    def _chmod(self, mode: int) -> None:
        if hasattr(os, "fchmod"):
            os.fchmod(self._handle, mode)

    def _close(self) -> None:
        self._open = False
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _exists(self) -> CannotWrite:
        return CannotWrite(
            f"'{self.path}' exists already.",
            code="output_exists",
            fix="Give another name, or --force (overwrite=True) to replace it.",
        )

    def refused(self, error: OSError) -> CannotWrite:
        """What an operating system's refusal means to the user."""
        if isinstance(error, FileExistsError):
            return self._exists()
        return CannotWrite(
            f"'{self.path}' cannot be written: {error.strerror or error}.",
            code="cannot_write",
            fix="Choose a folder that exists, that you may write to, and that has space left.",
        )


def _prefix(path: Path) -> str:
    return f".{path.name[:180]}."


def _remove_stale(path: Path) -> None:
    """Remove what a killed process left of this very target: temporary files nobody has locked."""
    try:
        import fcntl  # noqa: F401  (without locks a live file cannot be told from a dead one)

        leftovers = [
            item
            for item in path.parent.iterdir()
            if item.name.startswith(_prefix(path)) and item.suffix == ".part"
        ]
    except (ImportError, OSError):
        return
    for item in leftovers:
        with contextlib.suppress(OSError):
            handle = os.open(item, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                if _lock(handle):
                    item.unlink()
            finally:
                os.close(handle)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False) -> None:
    """Write a whole file at once. Raises CannotWrite like `AtomicFile`; then nothing changed."""
    with AtomicFile(path, overwrite=overwrite) as file:
        try:
            file.temporary.write_bytes(data)
        except OSError as error:
            raise file.refused(error) from error
        file.commit()
