"""What the lip network learns from: speech features with the mouth that was tracked beside them.

    out/tracks/SET/CLIP.npz           landmarks, from `vasari.train.tracks`
    out/motion/SET/CLIP.npz           motion vectors (T, 44) and the lip opening (T,)
    out/features/SET[_augN]/CLIP.npz  speech features of the clip and of changed copies
    out/features/SET_pause/CLIP.npz   of every tenth clip followed by silence, then again the clip
    out/features/rest/N.npz           of silence, noise and breath, in which a mouth is at rest

Everything that lies there already is kept, so an interrupted run goes on where it stopped.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vasari.motion import layout
from vasari.motion.basis import Basis
from vasari.motion.neutral import neutral_of_frames
from vasari.motion.tracking import head_frame, motion_from_landmarks
from vasari.speech.features import frames_in
from vasari.train.speech_data import (
    BatchEncoder,
    Change,
    features_of,
    loudness,
    read_audio,
    resample_motion,
    save,
    seed_of,
    write_features,
)
from vasari.train.tracks import track_folder
from vasari.types import SPEECH_RATE_HZ, Float

TRAINING_SETS = ("grid_s1", "grid_hi")
TEST_SET = "grid_speakers"
_ALSO_TRAINED = {"grid_s1": ("bbaf2n",), "grid_hi": ("lwbsza",)}
"""Speaker 1 and the woman of grid_hi are in the test set too (faces and clothes compared)."""
HELD_OUT = 10
"""One sentence in this many is never trained on."""
_PAUSE_FRAMES = 30
_CLOSING = np.linspace(0.8, 0.0, 5)
"""How a mouth settles after the last tracked frame."""


@dataclass(frozen=True)
class Example:
    """features (T, 2304) float16 with the mouth (T, 24); opening (T,) as tracked, or NaN."""

    name: str
    features: np.ndarray
    mouth: Float
    opening: Float


def held_out(stem: str) -> bool:
    """A fixed tenth of all sentences, by a hash of the name."""
    return zlib.crc32(stem.encode()) % HELD_OUT == 0


def prepare(data: Path, out: Path, basis: Basis, encoder: BatchEncoder, copies: int) -> None:
    """Track, solve motion and make features for all sets, where they are missing."""
    for name in (*TRAINING_SETS, TEST_SET):
        clips = data / "video" / name
        tracks = track_folder(clips, out / "tracks" / name)
        write_motion(tracks, out / "motion" / name, basis, one_person=name != TEST_SET)
        for copy in range(copies + 1 if name in TRAINING_SETS else 1):
            folder = f"{name}_aug{copy}" if copy else name
            for _ in write_features(clips, out / "features" / folder, encoder, copy):
                pass
        if name in TRAINING_SETS:
            write_pauses(clips, out / "features" / f"{name}_pause", encoder)
    write_rests(out / "features" / "rest", encoder)


def write_motion(tracks: list[Path], out: Path, basis: Basis, one_person: bool) -> None:
    """Motion of tracked clips, measured from one neutral for all clips of one person."""
    out.mkdir(parents=True, exist_ok=True)
    missing = [t for t in tracks if not (out / t.name).exists()]
    if not missing:
        return
    common = None
    if one_person:
        sample = [_seen(track)[::3] for track in tracks[:: max(1, len(tracks) // 100)]]
        common = neutral_of_frames(_shapes(np.concatenate(sample), basis))
    for track in missing:
        points = _seen(track)
        neutral = common if common is not None else neutral_of_frames(_shapes(points, basis))
        values = motion_from_landmarks(points, neutral, basis).values
        partial = out / f"{track.stem}.part"
        with partial.open("wb") as file:
            np.savez(file, values=values, opening=opening_of(points), neutral=neutral)
        partial.replace(out / track.name)


def opening_of(points: Float) -> Float:
    """(T,) distance of the inner lips over the height of the face, of meshes (T, 478, 3)."""
    gap = np.linalg.norm(points[:, 13, :2] - points[:, 14, :2], axis=-1)
    height = np.linalg.norm(points[:, 10, :2] - points[:, 152, :2], axis=-1)
    return np.asarray(gap / height, np.float32)


def write_pauses(clips: Path, out: Path, encoder: BatchEncoder) -> None:
    """Features of sentence, silence of 1.2 s (digital or noise of -60 to -40 dB), sentence."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(clips.glob("*.mp4"), key=lambda p: zlib.crc32(p.name.encode()))[::10]:
        target = out / f"{path.stem}.npz"
        if target.exists():
            continue
        rng = np.random.default_rng(seed_of(path.stem, -1))
        audio = read_audio(path)
        count = frames_in(len(audio)) * 640
        audio = np.pad(audio, (0, count - len(audio)))
        rest = np.zeros(_PAUSE_FRAMES * 640, np.float32)
        if rng.random() < 0.6:
            rest = rng.normal(0, 10 ** (rng.uniform(-60, -40) / 20), len(rest)).astype(np.float32)
        joined = np.concatenate([audio, rest, audio])
        frames = frames_in(len(joined))
        save(target, features_of(joined, encoder), loudness(joined, frames), Change())


def write_rests(out: Path, encoder: BatchEncoder, count: int = 60) -> None:
    """Features of 3 s of coloured noise, -75 to -25 dBFS, some of it swelling as breath does."""
    out.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        target = out / f"{number:03}.npz"
        if target.exists():
            continue
        rng = np.random.default_rng([1, number])
        length = 3 * SPEECH_RATE_HZ
        spectrum = np.fft.rfft(rng.normal(size=length))
        spectrum *= (1 + np.arange(len(spectrum))) ** -rng.uniform(0, 1)
        noise = np.fft.irfft(spectrum, length)
        if number % 3 == 0:
            beats = np.sin(np.arange(length) * 2 * np.pi * rng.uniform(0.2, 0.6) / SPEECH_RATE_HZ)
            noise *= beats.clip(0) ** 2
        noise *= 10 ** (rng.uniform(-75, -25) / 20) / np.sqrt((noise**2).mean())
        audio = noise.clip(-1, 1).astype(np.float32)
        frames = frames_in(length)
        save(target, features_of(audio, encoder), loudness(audio, frames), Change())


def rests(out: Path) -> Iterator[Example]:
    """The examples of `write_rests`: the mouth is at rest throughout."""
    for path in sorted((out / "features" / "rest").glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            features = arrays["values"]
        zeros = np.zeros((len(features), layout.N_MOUTH), np.float32)
        yield Example(path.stem, features, zeros, np.zeros(len(features), np.float32))


def seen_people(sets: tuple[str, ...]) -> frozenset[str]:
    """Clips of the test set that show a person of these training sets."""
    return frozenset().union(*(_ALSO_TRAINED.get(name, ()) for name in sets))


def examples(out: Path, folder: str, name: str, stems: set[str] | None = None) -> Iterator[Example]:
    """The clips of features/folder with the motion of the set `name`; stems: only these."""
    for path in sorted((out / "features" / folder).glob("*.npz")):
        truth = out / "motion" / name / path.name
        if not truth.exists() or (stems is not None and path.stem not in stems):
            continue
        with np.load(path, allow_pickle=False) as arrays:
            features, speed = arrays["values"], float(arrays["speed"])
        with np.load(truth, allow_pickle=False) as arrays:
            mouth = arrays["values"][:, layout.MOUTH]
            opening = arrays["opening"]
        if folder.endswith("_pause"):
            mouth, opening = _with_pause(mouth, opening, len(features))
        elif speed != 1.0:
            both = np.column_stack([mouth, opening])
            both = resample_motion(both, speed, len(features))
            mouth, opening = both[:, :-1], both[:, -1]
        count = min(len(features), len(mouth))
        yield Example(path.stem, features[:count], mouth[:count], opening[:count])


def _with_pause(mouth: Float, opening: Float, frames: int) -> tuple[Float, Float]:
    """The truth of sentence, pause, sentence: the mouth closes, waits and opens again."""
    spoken = (frames - _PAUSE_FRAMES) // 2
    both = np.column_stack([mouth, opening])
    both = np.pad(both, ((0, max(0, spoken - len(both))), (0, 0)), mode="edge")[:spoken]
    pause = np.zeros((_PAUSE_FRAMES, both.shape[1]))
    pause[: len(_CLOSING)] = _CLOSING[:, None] * both[-1]
    pause[-len(_CLOSING) :] = _CLOSING[::-1, None] * both[0]
    joined = np.concatenate([both, pause, both]).astype(np.float32)
    return joined[:, :-1], joined[:, -1]


def _seen(track: Path) -> Float:
    with np.load(track, allow_pickle=False) as arrays:
        points = arrays["points"]
    found = np.isfinite(points).all((1, 2))
    nearest = np.flatnonzero(found)
    index = np.abs(np.arange(len(points))[:, None] - nearest[None]).argmin(1)
    return np.asarray(points[nearest[index]], np.float32)


def _shapes(points: Float, basis: Basis) -> Float:
    return np.stack([head_frame(p, basis.canonical).shape for p in points])
