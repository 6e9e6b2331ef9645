"""PNG, JPEG and WebP files as bytes: what they claim to be, before anything is decoded.

Reading the size first keeps picture bombs from being unpacked; taking a PNG apart drops comments,
further frames and whatever hangs behind its end.
"""

import struct
import zlib
from dataclasses import dataclass, replace
from typing import Literal

_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"IDAT"}
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_JPEG_ALONE = {0x01, *range(0xD0, 0xD9)}


class Malformed(ValueError):
    """The bytes are no picture of an accepted kind, or a damaged one."""


@dataclass(frozen=True)
class Container:
    """A picture file. data: the bytes to decode; scans: passes over the picture (JPEG)."""

    kind: Literal["PNG", "JPEG", "WEBP"]
    width: int
    height: int
    data: bytes
    scans: int = 1


def read(data: bytes) -> Container:
    """What a file claims to be. Raises Malformed unless it is a PNG, JPEG or WebP."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError) as error:
        raise Malformed("the file is cut off") from error
    raise Malformed("it is no PNG, JPEG or WebP picture")


def checked(container: Container) -> Container:
    """The same picture with its structure checked, so that a decoder may see it.

    A PNG keeps only the chunks that draw its first frame, and their checksums are verified. The
    scans of a JPEG are counted. Raises Malformed.
    """
    if container.kind == "PNG":
        return replace(container, data=_png_essence(container.data))
    if container.kind == "JPEG":
        return replace(container, scans=container.data.count(b"\xff\xda"))
    return container


def _png(data: bytes) -> Container:
    if data[12:16] != b"IHDR":
        raise Malformed("the PNG does not begin with its header")
    width, height = struct.unpack(">II", data[16:24])
    return Container("PNG", width, height, data)


def _png_essence(data: bytes) -> bytes:
    parts = [data[:8]]
    place = 8
    while True:
        if place + 12 > len(data):
            raise Malformed("the PNG is cut off")
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        end = place + 12 + length
        if end > len(data):
            raise Malformed("the PNG is cut off")
        if kind in _PNG_KEPT or kind == b"IEND":
            (checksum,) = struct.unpack(">I", data[end - 4 : end])
            if zlib.crc32(memoryview(data)[place + 4 : end - 4]) != checksum:
                raise Malformed("the PNG is damaged: a checksum is wrong")
            parts.append(data[place:end])
        if kind == b"IEND":
            return b"".join(parts)
        place = end


def _jpeg(data: bytes) -> Container:
    place = 2
    while True:
        if data[place] != 0xFF:
            raise Malformed("the JPEG is damaged before its picture begins")
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _JPEG_ALONE:
            place += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return Container("JPEG", width, height, data)
        elif marker in (0xD9, 0xDA):
            raise Malformed("the JPEG holds no picture")
        else:
            (length,) = struct.unpack(">H", data[place + 2 : place + 4])
            place += 2 + max(length, 2)


def _webp(data: bytes) -> Container:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise Malformed("the WebP is damaged: it holds no key frame")
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    elif kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    else:
        raise Malformed("the WebP holds no picture")
    return Container("WEBP", width, height, data)
