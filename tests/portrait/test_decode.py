import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vasari.errors import InvalidInput, NotFound
from vasari.portrait import decode as module
from vasari.portrait.decode import decode


def scene(height=80, width=120):
    """Each corner has a colour of its own; smooth, so that JPEG keeps it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = [255 * x / width, 255 * y / height, 128 + 0 * x]
    return np.stack(channels, axis=-1).astype(np.uint8)


def encoded(pixels, kind="PNG", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def code_of(photo):
    with pytest.raises(InvalidInput) as caught:
        decode(photo)
    return caught.value.code


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(png, kind, body):
    return png[:33] + chunk(kind, body) + png[33:]


def test_png_comes_back_exactly_and_others_nearly():
    pixels = scene()
    np.testing.assert_array_equal(decode(encoded(pixels)), pixels)
    for kind in ("JPEG", "WEBP"):
        found = decode(encoded(pixels, kind, quality=95)).astype(int)
        assert np.abs(found - pixels).mean() < 3


def test_paths_and_pixels_are_taken_too(tmp_path):
    pixels = scene()
    path = tmp_path / "photo.whatever"
    path.write_bytes(encoded(pixels))
    np.testing.assert_array_equal(decode(path), pixels)
    np.testing.assert_array_equal(decode(str(path)), pixels)
    link = tmp_path / "link"
    link.symlink_to(path)
    np.testing.assert_array_equal(decode(link), pixels)
    found = decode(pixels)
    assert found is not pixels and not np.shares_memory(found, pixels)
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation):
    upright = Image.fromarray(scene())
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encoded(stored, exif=exif)), scene())


def test_grey_of_16_bits_keeps_its_tones():
    deep = np.linspace(0, 65535, 80 * 100).reshape(80, 100).astype(np.uint16)
    found = decode(encoded(Image.fromarray(deep)))
    np.testing.assert_allclose(found[..., 1], deep / 257, atol=0.51)
    assert (found[..., 0] == found[..., 2]).all()


def test_print_colours_come_out_right():
    pixels = np.zeros((80, 80, 3), np.uint8)
    pixels[:] = (200, 60, 30)
    found = decode(encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(found.astype(int) - (200, 60, 30)).max() < 12


def test_palette_and_see_through_lie_on_white():
    pixels = np.dstack([scene(), np.full((80, 120), 255, np.uint8)])
    pixels[:40, :, 3] = 0
    found = decode(encoded(pixels))
    assert (found[:40] == 255).all()
    np.testing.assert_array_equal(found[40:], pixels[40:, :, :3])
    palette = Image.fromarray(scene()).quantize(16)
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(decode(encoded(palette)), expected)


def test_wholly_transparent_shows_no_face():
    assert code_of(encoded(np.dstack([scene(), np.zeros((80, 120), np.uint8)]))) == "no_face"


def test_a_broken_colour_profile_is_ignored():
    found = decode(encoded(scene(), icc_profile=b"acsp" * 100))
    np.testing.assert_array_equal(found, scene())


def test_a_wide_colour_profile_is_converted():
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_allclose(decode(encoded(scene(), icc_profile=srgb)), scene(), atol=2)
    # exchange red and green primaries: a green pixel of that space is red
    tags = {srgb[i : i + 4]: i for i in range(132, 132 + 12 * srgb[131], 12)}
    data = bytearray(srgb)
    for mine, other in ((b"rXYZ", b"gXYZ"), (b"gXYZ", b"rXYZ")):
        data[tags[mine] + 4 : tags[mine] + 12] = srgb[tags[other] + 4 : tags[other] + 12]
    green = np.zeros((64, 64, 3), np.uint8)
    green[..., 1] = 255
    found = decode(encoded(green, icc_profile=bytes(data)))
    np.testing.assert_allclose(found, np.broadcast_to((255, 0, 0), found.shape), atol=4)


def test_of_an_animation_the_first_frame_counts():
    first, second = Image.fromarray(scene()), Image.fromarray(255 - scene())
    for kind in ("PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(first, kind, save_all=True, append_images=[second], **options)
        np.testing.assert_array_equal(decode(data), scene())


def test_what_hangs_behind_or_between_is_dropped():
    png = encoded(scene())
    noted = with_chunk(png, b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (64 << 20), 9))
    np.testing.assert_array_equal(decode(noted + b"PK\x03\x04 archive"), scene())


def test_sizes_are_checked_before_decoding():
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    assert code_of(bomb) == "image_too_large"
    assert code_of(encoded(scene(63, 200))) == "image_too_small"
    assert decode(encoded(scene(64, 64))).shape == (64, 64, 3)
    assert code_of(np.zeros((10, 10, 3), np.uint8)) == "image_too_small"


def test_large_files_are_refused(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(b"")
    os.truncate(path, module.MAX_FILE_BYTES + 1)
    assert code_of(path) == "image_too_large"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_what_is_cut_off_is_refused(kind, share):
    rng = np.random.default_rng(0)
    data = encoded(rng.integers(0, 255, (100, 100, 3), np.uint8), kind)
    assert code_of(data[: int(len(data) * share)]) == "bad_image"


def test_a_wrong_checksum_is_refused():
    data = bytearray(encoded(scene()))
    data[len(data) // 2] ^= 1
    assert code_of(bytes(data)) == "bad_image"


def test_other_kinds_are_refused():
    assert code_of(b"") == "bad_image"
    assert code_of(b"just text") == "bad_image"
    for kind in ("TIFF", "GIF", "BMP"):
        assert code_of(encoded(Image.fromarray(scene()), kind)) == "bad_image"
    assert code_of(np.zeros((100, 100), np.uint8)) == "bad_image"
    assert code_of(np.zeros((100, 100, 3), np.float32)) == "bad_image"
    assert code_of(42) == "bad_image"


def test_a_jpeg_of_endless_passes_is_refused():
    data = encoded(scene(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert decode(data).shape == (80, 120, 3)
    assert code_of(data[:-2] + data[last:-2] * 200 + data[-2:]) == "bad_image"


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    assert code_of(tmp_path) == "bad_image"
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert code_of(pipe) == "bad_image"
    assert code_of("name\0with zero") == "bad_image"
    with pytest.raises(NotFound) as caught:
        decode(tmp_path / "nothing.png")
    assert caught.value.code == "no_input" and caught.value.exit_code == 66
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    code_of(tmp_path)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert before == after


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=20),
    cut=st.floats(0.0, 1.0),
)
def test_damage_is_refused_or_decoded_but_never_crashes(kind, changes, cut):
    data = bytearray(encoded(scene(), kind))
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        found = decode(bytes(data[: int(len(data) * cut)]))
    except InvalidInput as error:
        assert error.code in ("bad_image", "image_too_small", "image_too_large")
    else:
        assert found.dtype == np.uint8 and found.shape[2] == 3
