"""The public exceptions: each carries a stable code, a fix, and the exit code of the command line.

VasariError
├── InvalidInput    bad data: a picture without a face, unreadable sound       (65)
│   └── NotFound    the input file is not there                                (66)
├── InvalidOption   an option's value is out of its range                      (64)
├── NotPermitted    consent or permission is missing                           (77)
├── NotSupported    a backend, model or format is not available                (69)
├── CannotWrite     the output cannot be created; nothing was changed          (73)
└── Failed          an internal fault, reported                                (70)
"""


class VasariError(Exception):
    """Base of every error that Vasari raises on purpose.

    Args:
        message: what is wrong, in one sentence, for the user.
        code: stable machine-readable reason, e.g. ``"no_face"``.
        fix: what the user can do about it, in one sentence.
    """

    exit_code = 1

    def __init__(self, message: str, *, code: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.fix = fix

    def to_dict(self) -> dict[str, str | int]:
        """The error as a JSON-ready mapping: code, message, fix, exit_code."""
        return {
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "exit_code": self.exit_code,
        }


class InvalidInput(VasariError):
    exit_code = 65


class NotFound(InvalidInput):
    exit_code = 66


class InvalidOption(VasariError):
    exit_code = 64


class NotPermitted(VasariError):
    exit_code = 77


class NotSupported(VasariError):
    exit_code = 69


class CannotWrite(VasariError):
    exit_code = 73


class Failed(VasariError):
    exit_code = 70
