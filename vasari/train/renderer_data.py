"""Training pairs for the refiner: what the geometry makes of a photo, and what is really there.

A single picture is its own truth. The geometry stage first makes another photo of the same person
out of it: other lips, lids, gaze, brows and pose, the inside of mouth and eyes hidden or made up.
That photo is then driven back to the motion of the picture, and the picture says what should have
come out. Real pairs, two frames of one clip, teach what a geometric change cannot: how skin folds
and how light moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.errors import VasariError
from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.tracking import head_frame, motion_from_landmarks
from vasari.motion.video import read_frames
from vasari.portrait import crop, make_portrait
from vasari.renderer import region as regions
from vasari.renderer.compose import Renderer, RendererAssets, load_assets
from vasari.renderer.geometry import Target
from vasari.renderer.warp import Affine
from vasari.runtime import Runtime
from vasari.types import Float, Image, Portrait

_MOST_TURN = np.radians([14.0, 18.0, 14.0]).astype(np.float32)
Channels = NDArray[np.integer[Any]]
"""uint8, or int8 for flows."""
FIELDS = ("frame", "flow", "next_frame", "next_flow", "source", "target")


def held_out(name: str) -> bool:
    """Whether this picture of faces/ is kept for tests: one in ten of the people.

    Of the London set all pictures of a person go together; so do its composites.
    """
    stem = Path(name).stem
    if name.startswith("sfhq"):
        return int(stem) % 10 == 7
    digits = [part for part in stem.split("_") if part.isdigit()]
    return bool(digits) and int(digits[0]) % 10 == 2


@dataclass(frozen=True)
class Tools:
    """What every sample needs."""

    runtime: Runtime
    basis: Basis
    assets: RendererAssets
    pool: Float  # (N, 44) motion of people who speak

    @staticmethod
    def load(pool: Float) -> "Tools":
        return Tools(Runtime(1), load_basis(), load_assets(), pool)


def other_motion(own: Float, pool: Float, rng: np.random.Generator) -> Float:
    """(44,) another expression and pose that the same photo might have had."""
    motion = own.copy()
    spoken = pool[rng.integers(len(pool))]
    kind = rng.random()
    if kind < 0.45:
        motion[layout.MOUTH] *= rng.uniform(0.0, 0.15)
    elif kind < 0.8:
        motion[layout.MOUTH] = spoken[layout.MOUTH] * rng.uniform(0.5, 1.4)
    else:
        motion[layout.MOUTH] *= rng.uniform(0.2, 1.3)
    motion[layout.UPPER] = own[layout.UPPER] * rng.uniform(0.0, 1.2) + 0.5 * (
        spoken[layout.UPPER] * rng.uniform(0.0, 1.0)
    )
    if rng.random() < 0.6:
        motion[layout.LIDS] = rng.uniform(0.0, 1.25)
    motion[layout.GAZE] += rng.normal(0, np.radians([11.0, 6.0])).astype(np.float32)
    turn = rng.normal(0, np.radians([5.0, 7.0, 4.0])).astype(np.float32)
    motion[layout.ROTATION] += np.clip(turn, -_MOST_TURN, _MOST_TURN)
    return motion


def remade(portrait: Portrait, motion: Float, tools: Tools) -> Portrait:
    """The same person photographed with another motion, by geometry alone."""
    renderer = Renderer(portrait, tools.basis, tools.assets)
    target = renderer.target(motion)
    image = renderer.draw(target).frame
    return replace(portrait, image=image, landmarks=target.landmarks, motion=motion)


def _jitter(region: regions.Region, rng: np.random.Generator) -> Affine:
    """(2, 3) a small similarity around the middle of the patch."""
    angle, scale = np.radians(rng.normal(0, 3.0)), float(np.exp(rng.normal(0, 0.04)))
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    middle = (np.array(region.size) - 1) / 2
    shift = rng.normal(0, 2.0, 2)
    linear = np.array([[c, -s], [s, c]])
    return np.column_stack([linear, middle - linear @ middle + shift])


@dataclass(frozen=True)
class Pair:
    """A photo and its renderer, where it has to go, and the truth there (512, 512, 3)."""

    source: Portrait
    renderer: Renderer
    target: Target
    motion: Float
    truth: Image


def samples(
    pair: Pair, rng: np.random.Generator, jitter: bool = True
) -> dict[str, dict[str, Channels]]:
    """Patches of mouth and both eyes by the names of `FIELDS`; eyes are called eye0 and eye1."""
    renderer = pair.renderer
    drawing = renderer.draw(pair.target)
    near = _nearby(renderer, pair, rng)
    beside = renderer.draw(near)
    own = renderer.target(pair.source.motion)
    found = {}
    for name, region in (
        ("mouth", regions.MOUTH),
        ("eye0", regions.EYES[0]),
        ("eye1", regions.EYES[1]),
    ):
        shake = _jitter(region, rng) if jitter else None
        neutral = pair.source.neutral
        home = regions.place(region, neutral, own.skull, shake)
        where = regions.place(region, neutral, pair.target.skull, shake)
        there = regions.place(region, neutral, near.skull, shake)
        flow = regions.flow(region, drawing.displacement, where, home)
        next_flow = regions.flow(region, beside.displacement, there, home)
        found[name] = {
            "frame": regions.picture(region, drawing.frame, where, pair.target.landmarks),
            "flow": _pack(flow),
            "next_frame": regions.picture(region, beside.frame, there, near.landmarks),
            "next_flow": _pack(next_flow),
            "source": regions.picture(region, pair.source.image, home, pair.source.landmarks),
            "target": regions.picture(region, pair.truth, where, pair.target.landmarks)[..., :3],
        }
    return found


def _pack(flow: Float) -> NDArray[np.int8]:
    """Patch px in quarters."""
    return np.clip(np.round(flow * 4), -127, 127).astype(np.int8)


def _nearby(renderer: Renderer, pair: Pair, rng: np.random.Generator) -> Target:
    """The geometry one frame later: speech moves a mouth coefficient by a fifth in a frame."""
    motion = pair.motion.copy()
    motion[layout.MOUTH] += rng.normal(0, 0.12, layout.N_MOUTH).astype(np.float32)
    motion[layout.LIDS] = np.clip(motion[layout.LIDS] + rng.normal(0, 0.1), 0, 1.3)
    motion[layout.GAZE] += rng.normal(0, 0.02, 2).astype(np.float32)
    here, there = renderer.target(pair.motion), renderer.target(motion)
    moved = there.landmarks + (pair.target.landmarks - here.landmarks)
    return replace(there, landmarks=moved.astype(np.float32))


def from_picture(portrait: Portrait, tools: Tools, rng: np.random.Generator) -> Pair:
    """The picture as truth, a remade one as photo."""
    source = remade(portrait, other_motion(portrait.motion, tools.pool, rng), tools)
    renderer = Renderer(source, tools.basis, tools.assets)
    target = replace(renderer.target(portrait.motion), landmarks=portrait.landmarks)
    return Pair(source, renderer, target, portrait.motion, portrait.image)


def degraded(image: Image, rng: np.random.Generator) -> Image:
    """A picture as worse cameras and networks would have it: smaller, softer, noisier, packed."""
    if rng.random() < 0.4:
        factor = rng.uniform(0.4, 1.0)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 5), image.shape)
        image = np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(45, 95))
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.asarray(image, np.uint8)


def read_picture(path: Path) -> Image:
    """(H, W, 3) RGB of trusted training data."""
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path} is no picture")
    return np.ascontiguousarray(image[:, :, ::-1], np.uint8)


def clip_pairs(
    clip: Path, tracks: Path, count: int, tools: Tools, rng: np.random.Generator
) -> Iterator[Pair]:
    """Real pairs: a frame of a clip as photo, others as truth, rather open mouths and shut eyes."""
    with np.load(tracks, allow_pickle=False) as arrays:
        points = arrays["points"]
    frames = [image for image, _ in read_frames(clip)]
    good = np.flatnonzero(np.isfinite(points[: len(frames)]).all((1, 2)))
    if len(good) < 10:
        return
    gap = np.linalg.norm(points[good, 13, :2] - points[good, 14, :2], axis=1)
    lids = np.linalg.norm(points[good, 159, :2] - points[good, 145, :2], axis=1)
    interest = 0.4 + gap / max(gap.max(), 1e-3) + 1.5 * (lids < 0.5 * np.median(lids))
    for first in rng.choice(good, 2, replace=False):
        try:
            portrait = make_portrait(frames[first], tools.runtime)
        except VasariError:
            continue
        chosen = rng.choice(good, count // 2, replace=False, p=interest / interest.sum())
        moved = to_crop(points[chosen], portrait)
        motion = motion_from_landmarks(moved, portrait.neutral, tools.basis, portrait.anchor)
        renderer = Renderer(portrait, tools.basis, tools.assets)
        for k, vector, landmarks in zip(chosen, motion.values, moved, strict=True):
            target = replace(renderer.target(vector), landmarks=landmarks)
            truth = crop.cut(frames[k], crop.square_of(portrait.crop))
            yield Pair(portrait, renderer, target, vector, truth)


def to_crop(points: Float, portrait: Portrait) -> Float:
    """(T, 478, 3) landmarks of a video in the px of the portrait's crop."""
    flat = points.reshape(-1, 3)
    moved = crop.landmarks_in_crop(flat, portrait.crop)
    return np.asarray(moved, np.float32).reshape(points.shape)


def motion_pool(tracks: Path, basis: Basis, most: int = 60) -> Float:
    """(N, 44) motion of a speaker: what lips, lids and brows do together."""
    found = []
    for path in sorted(tracks.glob("*.npz"))[:most]:
        with np.load(path, allow_pickle=False) as arrays:
            points = arrays["points"]
        points = points[np.isfinite(points).all((1, 2))]
        if len(points) < 20:
            continue
        width = np.linalg.norm(points[:, 13] - points[:, 14], axis=1)
        found.append(_motion_of(points, int(width.argmin()), basis))
    return np.concatenate(found)


def _motion_of(points: Float, rest: int, basis: Basis) -> Float:
    frame = head_frame(points[rest], basis.canonical)
    return motion_from_landmarks(points, frame.shape, basis, frame.anchor).values
