"""Speech features of a folder of clips, and of changed copies of them, for training.

The features are those of `vasari.speech`, made by the same functions; only the encoder runs on
batches. Every clip becomes one `.npz`: values (T, 2304) float16, audio_rms (T,) float32, factor.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from vasari.speech.features import FEATURE_DIM, FRAME, WINDOW, frames_in, window_of
from vasari.speech.mel import log_mel
from vasari.types import SPEECH_RATE_HZ, Float

BatchEncoder = Callable[[Float], Float]
"""(n, 80, 100) log-mel to (n, 6, 384)."""


def read_audio(path: Path) -> Float:
    """Mono speech of any file at 16 kHz, -1..1."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        blocks = [frame.to_ndarray() for frame in container.decode(stream)]
        planar, channels = stream.format.is_planar, stream.channels
        rate = int(stream.rate)
    joined = np.concatenate([b if planar else b.reshape(-1, channels).T for b in blocks], axis=1)
    if np.issubdtype(joined.dtype, np.integer):
        joined = joined / -float(np.iinfo(joined.dtype).min)
    mono = joined.mean(0).astype(np.float32)
    return np.asarray(soxr.resample(mono, rate, SPEECH_RATE_HZ, quality="HQ"), np.float32)


def window_batch(audio: Float, frames: int) -> Float:
    """(frames, 80, 100) log-mel of the windows of the first frames of a recording."""
    before = WINDOW
    padded = np.concatenate([np.zeros(before, np.float32), audio, np.zeros(before, np.float32)])
    first, last = window_of(0)[0] + before, window_of(frames - 1)[1] + before
    if last > len(padded):
        padded = np.concatenate([padded, np.zeros(last - len(padded), np.float32)])
    starts = first + FRAME * np.arange(frames)
    return np.stack([log_mel(padded[s : s + WINDOW]) for s in starts])


def features_of(audio: Float, encoder: BatchEncoder, batch: int = 25) -> Float:
    """(T, 2304) features of a recording."""
    frames = frames_in(len(audio))
    mels = window_batch(audio, frames)
    parts = [encoder(mels[i : i + batch]) for i in range(0, frames, batch)]
    return np.concatenate(parts).reshape(frames, FEATURE_DIM)


@dataclass(frozen=True)
class Change:
    """How a copy differs from its clip. speed also shifts the pitch: 1.1 is faster and higher."""

    speed: float = 1.0
    gain_db: float = 0.0
    noise_db: float | None = None  # noise level under the speech, e.g. -20
    tilt_db: float = 0.0  # of the spectrum at 8 kHz against 0
    echo: float = 0.0  # share of an echoing room, 0..0.5


def random_change(rng: np.random.Generator) -> Change:
    """Speeds from 0.8 to 1.35 (a man's voice becomes a woman's), rooms, noise, loudness."""
    speed = float(np.exp(rng.uniform(np.log(0.82), np.log(1.35))))
    noise = float(rng.uniform(-40, -10)) if rng.random() < 0.5 else None
    tilt = float(rng.normal(0, 5))
    echo = float(rng.uniform(0, 0.4)) if rng.random() < 0.4 else 0.0
    return Change(speed, float(rng.uniform(-18, 9)), noise, tilt, echo)


def apply_change(audio: Float, change: Change, rng: np.random.Generator) -> Float:
    """The changed recording; its length is that of the original divided by the speed."""
    rate = SPEECH_RATE_HZ
    if change.speed != 1.0:
        audio = np.asarray(soxr.resample(audio, rate * change.speed, rate), np.float32)
    spectrum = np.fft.rfft(audio)
    ramp = np.linspace(-0.5, 0.5, len(spectrum)) * change.tilt_db
    ripple = np.interp(np.linspace(0, 1, len(spectrum)), np.linspace(0, 1, 8), rng.normal(0, 2, 8))
    shaped = np.fft.irfft(spectrum * 10 ** ((ramp + ripple) / 20), len(audio))
    if change.echo:
        decay = np.exp(-np.arange(int(0.25 * rate)) / (rng.uniform(0.03, 0.1) * rate))
        tail = decay * rng.normal(size=len(decay))
        wet = np.convolve(shaped, tail / np.linalg.norm(tail))[: len(shaped)]
        shaped = (1 - change.echo) * shaped + change.echo * wet
    if change.noise_db is not None:
        level = float(np.sqrt((shaped**2).mean())) * 10 ** (change.noise_db / 20)
        colour = np.fft.rfft(rng.normal(size=len(shaped)))
        colour *= (1 + np.arange(len(colour))) ** -rng.uniform(0, 0.5)
        noise = np.fft.irfft(colour, len(shaped))
        shaped = shaped + noise * level / (np.sqrt((noise**2).mean()) + 1e-12)
    return np.clip(shaped * 10 ** (change.gain_db / 20), -1, 1).astype(np.float32)


def loudness(audio: Float, frames: int) -> Float:
    """(frames,) root mean square of the samples of each frame."""
    padded = np.zeros(frames * FRAME, np.float32)
    padded[: min(len(audio), len(padded))] = audio[: len(padded)]
    return np.asarray(np.sqrt((padded.reshape(frames, FRAME) ** 2).mean(1)), np.float32)


def seed_of(name: str, copy: int) -> int:
    """The same random numbers for the same clip in every run."""
    return zlib.crc32(f"{name}:{copy}".encode())


def write_features(
    clips: Path, out: Path, encoder: BatchEncoder, copy: int = 0, every: int = 1
) -> Iterator[Path]:
    """Write the features of each clip of a folder (copy > 0: changed), skipping what is there.

    Clips are taken in a scattered but fixed order, so that an interrupted run is a fair sample.
    """
    paths = sorted(clips.glob("*.mp4"), key=lambda p: zlib.crc32(p.name.encode()))[::every]
    out.mkdir(parents=True, exist_ok=True)
    for path in paths:
        target = out / f"{path.stem}.npz"
        if target.exists():
            continue
        rng = np.random.default_rng(seed_of(path.stem, copy))
        change = random_change(rng) if copy else Change()
        audio = read_audio(path)
        if copy:
            audio = apply_change(audio, change, rng)
        save(target, features_of(audio, encoder), loudness(audio, frames_in(len(audio))), change)
        yield target


def save(path: Path, values: Float, rms: Float, change: Change) -> None:
    """Write one clip; the file appears whole or not at all."""
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(
            file,
            values=values.astype(np.float16),
            rms=rms,
            speed=np.float32(change.speed),
        )
    partial.replace(path)


def resample_motion(motion: NDArray[np.float32], speed: float, frames: int) -> Float:
    """Motion of the original clip (T, d) at the moments of the frames of a changed copy."""
    moments = (np.arange(frames) + 0.5) * speed - 0.5
    moments = np.clip(moments, 0, len(motion) - 1)
    low = np.floor(moments).astype(int)
    high = np.minimum(low + 1, len(motion) - 1)
    share = (moments - low)[:, None].astype(np.float32)
    return np.asarray(motion[low] * (1 - share) + motion[high] * share, np.float32)
