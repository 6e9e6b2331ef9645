import importlib.util
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vasari.errors import InvalidInput, NotFound, VasariError
from vasari.media.audio import AudioSource
from vasari.media.source import sniff

from .conftest import click_errors_ms, clicks, coded

SoundFile = Callable[[str, int, int], Path]


@pytest.mark.parametrize(
    ("kind", "rate", "channels"),
    [
        ("wav", 8000, 1),
        ("wav", 44100, 2),
        ("wav", 96000, 6),
        ("wav", 384000, 1),
        ("flac", 22050, 1),
        ("mp3", 44100, 2),
        ("m4a", 48000, 1),
        ("ogg", 48000, 2),
        ("webm", 48000, 1),
    ],
)
def test_every_container_gives_its_sound_at_the_right_time(
    sound_file: SoundFile, kind: str, rate: int, channels: int
) -> None:
    with AudioSource.open(sound_file(kind, rate, channels)) as source:
        blocks = list(source.blocks(100))
    assert (source.sample_rate, source.channels) == (rate, channels)
    assert {len(block) for block in blocks[:-1]} == {rate // 10}
    sound = np.concatenate(blocks)
    assert sound.dtype == np.float32
    assert abs(len(sound) / rate - 2.0) < 0.03
    assert source.duration_s == pytest.approx(2.0, abs=0.03)
    assert max(map(abs, click_errors_ms(sound[:, 0], rate))) < 1.0
    assert source.warnings == []


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"]
)
def test_every_sample_format_has_the_same_scale(subtype: str) -> None:
    tone = 0.5 * np.sin(np.arange(16000) * 0.05).astype(np.float32)
    out = io.BytesIO()
    soundfile.write(out, tone, 16000, format="WAV", subtype=subtype)
    with AudioSource.open(out.getvalue()) as source:
        got = np.concatenate(list(source.blocks()))[:, 0]
    tolerance = {"PCM_U8": 0.009, "ULAW": 0.02}.get(subtype, 1e-4)
    assert np.abs(got - tone).max() < tolerance


def test_blocks_can_be_read_again_and_two_at_a_time(sound_file: SoundFile) -> None:
    with AudioSource.open(sound_file("flac", 16000, 1)) as source:
        pairs = list(zip(source.blocks(), source.blocks(), strict=True))
    assert len(pairs) == 10
    assert all(np.array_equal(one, two) for one, two in pairs)


def test_memory_does_not_grow_with_length() -> None:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 8000, 1, "PCM_16", format="FLAC") as file:
        for _ in range(20):
            file.write(np.zeros(60 * 8000, np.int16))
    with AudioSource.open(out.getvalue()) as source:
        tracemalloc.start()
        total = sum(len(block) for block in source.blocks())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert total == 20 * 60 * 8000
    assert peak < 2_000_000


def code_of(data: bytes | Path) -> str:
    try:
        with AudioSource.open(data) as source:
            for block in source.blocks():
                assert np.isfinite(block).all() and np.abs(block).max(initial=0) <= 1
    except VasariError as error:
        return error.code
    return "ok"


def float_wav(values: list[float]) -> bytes:
    out = io.BytesIO()
    samples = np.tile(np.array(values, np.float32), 8000)
    soundfile.write(out, samples, 16000, format="WAV", subtype="FLOAT")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_audio"),
        (b"hello, this is text and nothing else", "bad_audio"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n", "bad_audio"),
        (b"ffconcat version 1.0\nfile 'x.wav'\n", "bad_audio"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n", "bad_audio"),
        (b"RIFF\x10\0\0\0WAVE", "bad_audio"),
        (coded(clicks(16000, 1, 0.05), 16000, "wav"), "audio_too_short"),
        (coded(clicks(16000, 1, 0.11), 16000, "wav"), "ok"),
        (coded(clicks(2000, 1, 1.0), 2000, "wav"), "bad_audio"),
        (coded(clicks(16000, 33, 0.2), 16000, "wav"), "bad_audio"),
        (coded(clicks(16000, 32, 0.2), 16000, "wav"), "ok"),
        (float_wav([0.0, float("nan")]), "bad_audio"),
        (float_wav([0.0, float("inf")]), "bad_audio"),
        (float_wav([0.0, 1e30]), "bad_audio"),
        (float_wav([0.0, 1.5]), "ok"),
    ],
    ids=range(15),
)
def test_bad_sound_is_refused_by_code(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_length_in_the_header_is_checked_before_decoding() -> None:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 8000, 1, "PCM_16", format="FLAC") as file:
        for _ in range(4):
            file.write(np.zeros(3600 * 8000 // 1, np.int16))
    with pytest.raises(InvalidInput) as caught:
        AudioSource.open(out.getvalue())
    assert caught.value.code == "audio_too_long"


def test_a_cut_mp3_is_used_as_far_as_it_goes() -> None:
    whole = coded(clicks(16000, 1), 16000, "mp3")
    with AudioSource.open(whole[: len(whole) * 6 // 10]) as source:
        seconds = sum(len(block) for block in source.blocks()) / 16000
    assert 0.8 < seconds < 1.5
    assert [text.split(":")[0] for text in source.warnings] == ["audio_truncated"]


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    real = tmp_path / "real.wav"
    real.write_bytes(coded(clicks(16000, 1), 16000, "wav"))
    (tmp_path / "link.wav").symlink_to(real)
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    for name in ("link.wav", "pipe.wav", "folder.wav"):
        assert code_of(tmp_path / name) == "bad_audio"
    for name in ("absent.wav", "real.wav/x", "nul\0.wav"):
        with pytest.raises(NotFound) as caught:
            AudioSource.open(tmp_path / name)
        assert caught.value.code == "no_input"
    assert code_of(real) == "ok"


def test_a_name_never_becomes_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("http://127.0.0.1:9/x.wav", "concat:a.wav|b.wav", "subfile,,start,0,end,0,,:x"):
        with pytest.raises(NotFound):
            AudioSource.open(name)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "m4a", "ogg"])
@settings(
    max_examples=25,
    deadline=2000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), changes=st.integers(1, 60), keep=st.floats(0.1, 1))
def test_damaged_files_always_get_an_answer(
    kind: str, seed: int, changes: int, keep: float
) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(coded(clicks(16000, 1, 0.4), 16000, kind))
    for at in rng.integers(0, len(data), changes):
        data[at] = rng.integers(0, 256)
    code = code_of(bytes(data[: max(1, int(len(data) * keep))]))
    assert code in ("ok", "bad_audio", "audio_too_short", "audio_too_long")


def test_sniffing_reads_content_not_names() -> None:
    assert sniff(b"RIFF\0\0\0\0WAVEfmt ") == "wav"
    assert sniff(b"\xff\xfb\x90\x64" + bytes(12)) == "mp3"
    with pytest.raises(InvalidInput):
        sniff(b"\xff\xf1\x50\x80" + bytes(12))  # AAC in ADTS: another layer


def corpus_tool() -> Path | None:
    named = os.environ.get("VASARI_BAD_INPUTS")
    beside = Path(__file__).parents[2].parent / "shared" / "tools" / "bad_inputs.py"
    path = Path(named) if named else beside
    return path if path.is_file() else None


@pytest.mark.skipif(corpus_tool() is None, reason="the corpus generator is not here")
def test_the_bad_input_corpus_ends_as_its_manifest_says(tmp_path: Path) -> None:
    tool = corpus_tool()
    assert tool is not None
    spec = importlib.util.spec_from_file_location("bad_inputs", tool)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bad_inputs"] = module
    spec.loader.exec_module(module)
    cases = [c for c in module.build(tmp_path)["cases"] if c["group"] == "audio"]
    assert len(cases) >= 10
    script = (
        "import json, resource, sys, time\n"
        "import numpy\n"
        "from vasari.errors import VasariError\n"
        "from vasari.media.audio import AudioSource\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "base, start, code = peak(), time.monotonic(), 'ok'\n"
        "try:\n"
        "    with AudioSource.open(sys.argv[1]) as source:\n"
        "        for block in source.blocks(): assert numpy.isfinite(block).all()\n"
        "except VasariError as error: code = error.code\n"
        "print(json.dumps([code, time.monotonic() - start, peak() - base]))\n"
    )
    for case in cases:
        path = str(tmp_path / case["file"])
        done = subprocess.run(
            [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, (case["id"], done.stderr)
        code, seconds, rss_mb = json.loads(done.stdout)
        assert code in case["codes"], (case["id"], code)
        assert seconds < case["seconds"] and rss_mb < case["rss_mb"], (case["id"], seconds, rss_mb)
        assert "MARKER" not in done.stdout + done.stderr
    assert list((tmp_path / "canary").iterdir()) == []
