"""The whole chain with the shipped weights, on a real portrait and real speech sounds."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import vasari
from vasari.commands import samples
from vasari.evaluate.finished import read_film
from vasari.evaluate.pictures import psnr_db
from vasari.motion import layout
from vasari.session import Engine, Session
from vasari.types import Portrait

CONSENT = vasari.Consent("licensed", "public domain")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load()


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """(n,) 24 kHz: a sentence, 1.5 s of silence, a sentence."""
    wave, _ = soundfile.read(io.BytesIO(samples.speech("Papa may buy a big map.")), dtype="float32")
    return np.concatenate([wave, np.zeros(36_000, np.float32), wave])


def as_wav(wave: np.ndarray, rate: int = 24_000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, wave, rate, format="WAV")
    return out.getvalue()


def motions(portrait: Portrait, engine: Engine, wave: np.ndarray, **more: object) -> np.ndarray:
    session = Session(portrait, engine, consent=CONSENT, sample_rate_hz=24_000, **more)  # type: ignore[arg-type]
    session.push_audio(wave)
    session.end_segment()
    return np.stack([vector for vector, _ in session._pending])


def test_a_film_has_every_frame_and_the_sound(
    hopper: Portrait, engine: Engine, spoken: np.ndarray, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None]] = []
    clip = vasari.render(
        hopper,
        as_wav(spoken),
        tmp_path / "talk.mp4",
        consent=CONSENT,
        engine=engine,
        progress=lambda done, total: seen.append((done, total)),
    )
    frames = -(-len(spoken) * 25 // 24_000)
    assert (clip.frames, clip.width, clip.height, clip.consent) == (frames, 512, 512, "licensed")
    assert seen[-1] == (frames, frames)
    with av.open(str(tmp_path / "talk.mp4")) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert video.frames == frames
        assert film.duration == pytest.approx(len(spoken) / 24_000 * 1e6, abs=60_000)
        comment = film.metadata["comment"]
        first = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert "AI-generated" in comment
    assert "declared by the operator, not verified" in comment
    wall = np.s_[20:200, 440:505]
    assert psnr_db(first[wall], hopper.image[wall]) > 34, "the background is the photo's"
    opening = read_film(tmp_path / "talk.mp4", engine.runtime).opening
    pause = slice(frames // 2 - 10, frames // 2 + 10)
    assert opening[pause].std() < 0.05 * opening.std(), "a pause is still"
    assert opening[pause].mean() < 0.15 * np.quantile(opening, 0.95), "and shut"
    assert np.quantile(opening, 0.95) > 0.025, "speech opens the mouth"


def test_same_seed_same_motion_bit_for_bit(
    hopper: Portrait, engine: Engine, spoken: np.ndarray
) -> None:
    first, again = (motions(hopper, engine, spoken[:48_000], seed=5) for _ in range(2))
    assert np.array_equal(first, again)


def test_silence_is_an_idle_face(hopper: Portrait, engine: Engine) -> None:
    found = motions(hopper, engine, np.zeros(24_000 * 8, np.float32))
    assert np.abs(found[:, layout.MOUTH]).max() == 0
    assert found[:, layout.LIDS].min() < 0.1, "it blinks"
    assert np.degrees(found[:, layout.ROTATION]).std(0).max() > 0.2, "it moves its head a little"


def test_every_rate_shows_the_same_motion(
    hopper: Portrait, engine: Engine, spoken: np.ndarray
) -> None:
    slow = motions(hopper, engine, spoken, fps=25)
    fast = motions(hopper, engine, spoken, fps=50)
    assert abs(len(fast) - 2 * len(slow)) <= 1
    assert np.allclose(fast[::2][: len(slow)], slow[: len(fast[::2])], atol=1e-5)


def test_the_whole_photo_keeps_what_is_not_the_face(
    hopper: Portrait, engine: Engine, spoken: np.ndarray, tmp_path: Path
) -> None:
    clip = vasari.render(
        hopper,
        as_wav(spoken[:9600]),
        tmp_path / "photo.mp4",
        consent=CONSENT,
        engine=engine,
        size="photo",
    )
    assert (clip.width, clip.height) == (512, 600)
    with av.open(str(tmp_path / "photo.mp4")) as film:
        last = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)][-1]
    assert psnr_db(last[540:], hopper.photo[540:]) > 32


def test_nothing_is_left_when_something_fails(
    hopper: Portrait, engine: Engine, tmp_path: Path
) -> None:
    bad = np.zeros(24_000, np.float32)
    bad[20_000] = np.nan
    out = io.BytesIO()
    soundfile.write(out, bad, 24_000, format="WAV", subtype="FLOAT")
    with pytest.raises(vasari.VasariError) as caught:
        vasari.render(hopper, out.getvalue(), tmp_path / "x.mp4", consent=CONSENT, engine=engine)
    assert caught.value.code == "bad_audio"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("which", ["photo", "audio"])
def test_an_input_is_never_overwritten(
    hopper_path: Path, engine: Engine, tmp_path: Path, which: str
) -> None:
    photo, audio = tmp_path / "photo.mp4", tmp_path / "sound.mp4"
    photo.write_bytes(hopper_path.read_bytes())
    audio.write_bytes(as_wav(np.zeros(24_000, np.float32)))
    output = photo if which == "photo" else audio
    before = output.read_bytes()
    with pytest.raises(vasari.VasariError) as caught:
        vasari.render(photo, audio, output, consent=CONSENT, engine=engine, overwrite=True)
    assert caught.value.code == "output_is_input"
    assert output.read_bytes() == before


def test_names_and_rates_are_judged_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(vasari.VasariError) as name:
        vasari.render("no.jpg", "no.wav", tmp_path / "x.avi", consent=CONSENT)
    assert name.value.code == "bad_output"
    with pytest.raises(vasari.VasariError) as rate:
        vasari.render("no.jpg", "no.wav", tmp_path / "x.mp4", consent=CONSENT, fps=24)
    assert rate.value.code == "bad_fps"


def test_a_motion_that_ends_early_is_told(hopper: Portrait, engine: Engine, tmp_path: Path) -> None:
    motion = vasari.Motion(np.tile(hopper.motion, (5, 1)), 25.0)
    clip = vasari.render(
        hopper,
        as_wav(np.zeros(24_000, np.float32)),
        tmp_path / "x.mp4",
        consent=CONSENT,
        engine=engine,
        motion=motion,
    )
    assert any(text.startswith("motion_short") for text in clip.warnings)
