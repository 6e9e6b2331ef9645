"""The refiner's training samples on disk: tar files of .npy arrays.

Each is made from its own seed, so any shard can be made again alone, and a recipe that was stopped
goes on with those that are missing.
"""

import io
import logging
import os
import tarfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from vasari.errors import VasariError
from vasari.motion import layout
from vasari.motion.basis import load_basis
from vasari.portrait import make_portrait
from vasari.train.renderer_data import (
    FIELDS,
    Channels,
    Tools,
    clip_pairs,
    degraded,
    from_picture,
    held_out,
    motion_pool,
    read_picture,
    samples,
)
from vasari.train.tracks import track_folder
from vasari.types import Float

_LOG = logging.getLogger(__name__)
_OPEN = 0.03
"""Gap of the inner lips in face widths from which a picture shows the inside of its mouth."""
_OPEN_VARIANTS, _SHUT_VARIANTS = 12, 4
_PICTURES_PER_SHARD = 24
_CLIPS = (("grid_hi", 50, 36, 5), ("grid_s1", 140, 10, 20))
"""Folder of video/, clips taken, pairs of each, clips per shard."""


@dataclass(frozen=True)
class Shard:
    """One file to make: pictures of faces/ by name, or clips of video/ with pairs of each."""

    path: Path
    names: tuple[str, ...]
    pairs: int = 0

    def make(self, data: Path, tracks: Path, pool: Float, seed: int) -> None:
        """Make all samples and write the file. pool: (N, 44) motion of people who speak."""
        cv2.setNumThreads(1)
        tools = Tools.load(pool)
        found = []
        for name in self.names:
            key = Path(name).stem if self.pairs else name
            rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
            if self.pairs:
                clip = data / "video" / name
                track = tracks / Path(name).with_suffix(".npz")
                drawn = clip_pairs(clip, track, self.pairs, tools, rng)
                found += [samples(pair, rng) for pair in drawn]
            else:
                found += _of_picture(data / "faces" / name, tools, rng)
        _write(self.path, found)


def _of_picture(
    path: Path, tools: Tools, rng: np.random.Generator
) -> list[dict[str, dict[str, Channels]]]:
    try:
        portrait = make_portrait(read_picture(path), tools.runtime)
    except VasariError:
        return []
    gap = np.linalg.norm(portrait.landmarks[13, :2] - portrait.landmarks[14, :2])
    shows = gap > _OPEN * portrait.anchor.scale_px or portrait.motion[layout.LIDS].max() < 0.4
    found = []
    for _ in range(_OPEN_VARIANTS if shows else _SHUT_VARIANTS):
        worse = replace(portrait, image=degraded(portrait.image, rng))
        found.append(samples(from_picture(worse, tools, rng), rng))
    return found


def plan(data: Path, out: Path) -> list[Shard]:
    """All shards of the recipe, in order; held-out pictures are in none."""
    faces = data / "faces"
    names = [p.relative_to(faces).as_posix() for p in sorted(faces.glob("*/*.jpg"))]
    names = [name for name in names if not held_out(name)]
    step = _PICTURES_PER_SHARD
    shards = [
        Shard(out / f"faces-{k // step:03d}.tar", tuple(names[k : k + step]))
        for k in range(0, len(names), step)
    ]
    for folder, most, pairs, per in _CLIPS:
        clips = sorted((data / "video" / folder).glob("*.mp4"))
        clips = clips[:: max(1, len(clips) // most)][:most]
        for k in range(0, len(clips), per):
            chosen = tuple(f"{folder}/{clip.name}" for clip in clips[k : k + per])
            shards.append(Shard(out / f"{folder}-{k // per:03d}.tar", chosen, pairs))
    return shards


def make_shards(data: Path, out: Path, seed: int = 0, workers: int = 2) -> list[Path]:
    """Make all shards that are missing; returns every shard of the recipe, in order."""
    out.mkdir(parents=True, exist_ok=True)
    tracks = out / "tracks"
    for folder, *_ in _CLIPS:
        track_folder(data / "video" / folder, tracks / folder, workers)
    pool = motion_pool(tracks / "grid_s1", load_basis())
    shards = plan(data, out)
    missing = [shard for shard in shards if not shard.path.exists()]
    # A forked child would inherit locks of the network's threads, and wait for them for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        running = [processes.submit(s.make, data, tracks, pool, seed) for s in missing]
        for k, one in enumerate(running):
            one.result()
            _LOG.info("shard %d of %d", k + 1, len(running))
    return [shard.path for shard in shards]


def _write(out: Path, found: list[dict[str, dict[str, Channels]]]) -> None:
    """One tar of arrays (N, …): mouth.FIELD.npy and eyes.FIELD.npy; right eyes come mirrored."""
    groups = {
        "mouth": [sample["mouth"] for sample in found],
        "eyes": [sample[eye] for sample in found for eye in ("eye0", "eye1")],
    }
    temporary = out.with_suffix(".part")
    with tarfile.open(temporary, "w") as shard:
        for group, members in groups.items():
            for name in FIELDS if members else ():
                stream = io.BytesIO()
                np.save(stream, np.stack([m[name] for m in members]), allow_pickle=False)
                entry = tarfile.TarInfo(f"{group}.{name}.npy")
                entry.size = stream.tell()
                stream.seek(0)
                shard.addfile(entry, stream)
    os.replace(temporary, out)


def read_shard(path: Path, group: str) -> dict[str, Channels]:
    """The arrays of one group ("mouth" or "eyes") by field; empty when the shard has none."""
    with tarfile.open(path) as shard:
        found = {}
        for entry in shard:
            name, _, field = entry.name.removesuffix(".npy").partition(".")
            member = shard.extractfile(entry) if name == group else None
            if member is not None:
                found[field] = np.load(io.BytesIO(member.read()), allow_pickle=False)
    return found
