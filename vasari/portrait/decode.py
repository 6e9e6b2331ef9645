"""A photo, from wherever it comes, to upright RGB pixels without any metadata; safely.

Pictures are hostile until decoded: only PNG, JPEG and WebP are accepted, by content and not by
name; the size is read from the header first; the decoder sees nothing but what draws the picture.
"""

import io
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageCms

from vasari.errors import InvalidInput, NotFound
from vasari.portrait import container
from vasari.types import Image

MAX_PIXELS = 40_000_000
MAX_FILE_BYTES = 64 * 1024 * 1024
MIN_SIDE_PX = 64
MAX_SCANS = 100
MAX_SCANNED_PIXELS = 800_000_000
"""A progressive JPEG passes over its picture many times; passes times pixels is its cost."""

_PROFILE_BYTES = 2 * 1024 * 1024
_PROFILE_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}
_ORIENTATION = 0x0112
_INVISIBLE_ALPHA = 8
_PAPER = 255


def bad_image(why: str) -> InvalidInput:
    return InvalidInput(
        f"The photo cannot be used: {why}.",
        code="bad_image",
        fix="Give a PNG, JPEG or WebP picture; exporting it anew from an image program helps.",
    )


def decode(photo: bytes | str | os.PathLike[str] | NDArray[Any]) -> Image:
    """(H, W, 3) RGB uint8, upright.

    Args:
        photo: the bytes of a PNG, JPEG or WebP file, the path of one, or pixels (H, W, 3) uint8.

    Raises:
        NotFound: no_input, when the path does not exist.
        InvalidInput: bad_image, image_too_large (over 40 megapixels or 64 MiB), image_too_small
            (a side under 64 pixels), no_face (wholly transparent).
    """
    if isinstance(photo, np.ndarray):
        return _pixels(photo)
    if isinstance(photo, (bytes, bytearray, memoryview)):
        data = bytes(photo)
    elif isinstance(photo, (str, os.PathLike)):
        data = _read(Path(photo))
    else:
        raise bad_image(f"a {type(photo).__name__} is neither bytes, a path nor an array")
    if len(data) > MAX_FILE_BYTES:
        raise _too_large("its file is larger than 64 MiB")
    if not data:
        raise bad_image("the file is empty")
    try:
        claimed = container.read(data)
        _check_size(claimed.width, claimed.height)
        checked = container.checked(claimed)
    except container.Malformed as error:
        raise bad_image(str(error)) from None
    cost = checked.scans * checked.width * checked.height
    if checked.scans > MAX_SCANS or cost > MAX_SCANNED_PIXELS:
        raise bad_image(f"it is a progressive JPEG of {checked.scans} passes")
    return _decode(checked)


def _pixels(photo: NDArray[Any]) -> Image:
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise bad_image(f"pixels must be (H, W, 3) uint8, got {photo.shape} {photo.dtype}")
    _check_size(photo.shape[1], photo.shape[0])
    return np.array(photo, np.uint8, order="C")


def _read(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than allowed. Never waits on a pipe."""
    flags = os.O_RDONLY
    for extra in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, extra, 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no photo at {str(path)!r}.", code="no_input", fix="Check the path."
        ) from None
    except (OSError, ValueError):
        raise bad_image("its file cannot be opened") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise bad_image("it is no regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise _too_large("its file is larger than 64 MiB")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)


def _too_large(why: str) -> InvalidInput:
    return InvalidInput(
        f"The photo is too large: {why}.",
        code="image_too_large",
        fix="Scale it down; 2000 pixels on the longer side are plenty.",
    )


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(f"{width} x {height} pixels, and at most 40 megapixels are accepted")
    if min(width, height) < MIN_SIDE_PX:
        raise InvalidInput(
            f"The photo is too small: {width} x {height} pixels.",
            code="image_too_small",
            fix=f"Give a photo of at least {MIN_SIDE_PX} pixels a side; 512 and more look good.",
        )


def _decode(checked: container.Container) -> Image:
    try:
        with PillowImage.open(io.BytesIO(checked.data), formats=(checked.kind,)) as opened:
            if opened.size != (checked.width, checked.height):
                raise bad_image("its size is given twice, and differently")
            opened.load()
            turned = _upright(_opaque(opened), _orientation(opened))
    except InvalidInput:
        raise
    except Exception:  # decoders raise anything on broken data; their words may quote the file
        raise bad_image(f"its {checked.kind} data is damaged or cut off") from None
    return np.ascontiguousarray(turned)


def _opaque(opened: PillowImage.Image) -> Image:
    """RGB pixels: deep grey brought to 8 bits, colours to sRGB, see-through laid on white."""
    if opened.mode.startswith("I"):  # grey of 16 bits
        deep = np.asarray(opened).astype(np.float64)
        grey = np.clip(np.round(deep / 257), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if opened.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in opened.info:
        return _on_paper(opened.convert("RGBA"))
    return np.asarray(_to_srgb(opened).convert("RGB"))


def _on_paper(image: PillowImage.Image) -> Image:
    pixels = np.asarray(image)
    alpha = pixels[..., 3]
    if int(alpha.max()) < _INVISIBLE_ALPHA:
        raise InvalidInput(
            "No face can be seen: the photo is wholly transparent.",
            code="no_face",
            fix="Save it without transparency.",
        )
    if int(alpha.min()) == 255:
        return pixels[..., :3]
    weight = alpha[..., None].astype(np.float32) / 255
    return np.round(pixels[..., :3] * weight + _PAPER * (1 - weight)).astype(np.uint8)


def _to_srgb(opened: PillowImage.Image) -> PillowImage.Image:
    """The colours by the picture's own profile; as they are when it has none or a broken one."""
    profile = opened.info.get("icc_profile")
    space = _PROFILE_SPACES.get(opened.mode)
    if not isinstance(profile, bytes) or not 128 < len(profile) <= _PROFILE_BYTES or not space:
        return opened
    if profile[16:20] != space or profile[36:40] != b"acsp":
        return opened
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(opened, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return opened
    return converted or opened


def _orientation(opened: PillowImage.Image) -> int:
    try:
        value = opened.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken metadata is no reason to refuse a picture
        return 1
    return value if isinstance(value, int) else 1


def _upright(pixels: Image, orientation: int) -> Image:
    """Undo the EXIF orientation: 2-4 mirror or turn round, 5-8 also swap the axes."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
