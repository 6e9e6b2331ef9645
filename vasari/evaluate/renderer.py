"""What the refiner is worth: mouth and eyes with and without it, on people it has never seen.

Pictures: held-out pictures are remade by geometry and driven back, as in training
(`vasari.train.renderer_data`), and compared with the picture itself. Clips: people of
video/grid_speakers drive their own first frame, and are compared with the real video.

A box is the bounding box of the lips, or of an eye, in the true picture with a margin of 8 px at
the scale of `vasari.renderer.region`; networks see the patch around it, and distances in the box
count.
"""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vasari.errors import VasariError
from vasari.evaluate.judge import Judge
from vasari.evaluate.pictures import psnr_db, sharpness, ssim
from vasari.evaluate.reenactment import SEEN, cut, track
from vasari.motion.tracking import motion_from_landmarks
from vasari.motion.video import read_frames
from vasari.portrait import make_portrait
from vasari.portrait.landmarks import FaceTracker
from vasari.renderer import region as regions
from vasari.renderer.compose import Renderer
from vasari.renderer.geometry import Target
from vasari.renderer.region import Region
from vasari.renderer.warp import affine
from vasari.session import Engine
from vasari.train.renderer_data import Tools, from_picture, held_out, motion_pool, read_picture
from vasari.train.tracks import track_folder
from vasari.types import Float, Image, Portrait

_BOXES = {"mouth": (regions.MOUTH,), "eye": regions.EYES}
_SMOOTH_FRAMES = 1.5
_MARGIN_PX = 8


def run(data: Path, work: Path, limit: int | None = None) -> dict[str, float]:
    """Every figure, as NAME_without and NAME_with. work: folder for landmarks of training clips.

    limit: so many pictures, and a tenth as many clips.
    """
    engine = Engine.load()
    plain = replace(engine, assets=replace(engine.assets, refiners=None))
    judge = Judge.load()
    figures = pictures(data, work, (plain, engine), judge, limit)
    few = None if limit is None else max(1, limit // 10)
    return figures | clips(data, (plain, engine), judge, few)


def pictures(
    data: Path, work: Path, engines: tuple[Engine, Engine], judge: Judge, limit: int | None
) -> dict[str, float]:
    """PSNR, SSIM and perceptual distance of mouth and eye boxes on held-out pictures."""
    track_folder(data / "video" / "grid_s1", work / "tracks" / "grid_s1")
    pool = motion_pool(work / "tracks" / "grid_s1", engines[0].basis)
    tools = Tools(engines[0].runtime, engines[0].basis, engines[0].assets, pool)
    faces = data / "faces"
    names = [p.relative_to(faces).as_posix() for p in sorted(faces.glob("*/*.jpg"))]
    names = [name for name in names if held_out(name)]
    found: dict[str, list[float]] = defaultdict(list)
    for number, name in enumerate(names[:: max(1, len(names) // (limit or len(names)))]):
        try:
            portrait = make_portrait(read_picture(faces / name), engines[0].runtime)
        except VasariError:
            continue
        pair = from_picture(portrait, tools, np.random.default_rng([7, number]))
        for engine, label in zip(engines, ("without", "with"), strict=True):
            renderer = Renderer(pair.source, engine.basis, engine.assets)
            frame = renderer.draw(pair.target).frame
            for key, value in _compare(frame, pair.truth, portrait, pair.target, judge).items():
                found[f"{key}_{label}"].append(value)
    means = {key: float(np.mean(values)) for key, values in found.items()}
    return means | {"pictures": float(len(found["mouth_psnr_db_with"]))}


def _compare(
    frame: Image, truth: Image, portrait: Portrait, target: Target, judge: Judge
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, kinds in _BOXES.items():
        rows = []
        for kind in kinds:
            got, real = (_patch(kind, image, portrait, target) for image in (frame, truth))
            box, place = _box(kind, portrait, target)
            a, b = got[box], real[box]
            rows.append((psnr_db(a, b), ssim(a, b), judge.distance(got, real, place)))
        figures = zip(("psnr_db", "ssim", "distance"), np.mean(rows, 0).tolist(), strict=True)
        found |= {f"{name}_{key}": value for key, value in figures}
    return found


def _patch(region: Region, image: Image, portrait: Portrait, target: Target) -> Image:
    where = regions.place(region, portrait.neutral, target.skull)
    return np.asarray(affine(image, where, region.size), np.uint8)


def _box(region: Region, portrait: Portrait, target: Target) -> tuple[tuple[slice, slice], Float]:
    """Rows and columns of the box in its patch, and (h, w) 1 inside it."""
    inside = regions.invert(regions.place(region, portrait.neutral, target.skull))
    points = target.landmarks[region.contours.outer, :2] @ inside[:, :2].T + inside[:, 2]
    lo = np.floor(points.min(0) - _MARGIN_PX).astype(int).clip(0)
    hi = np.ceil(points.max(0) + _MARGIN_PX).astype(int).clip(None, region.size)
    box = (slice(int(lo[1]), int(hi[1])), slice(int(lo[0]), int(hi[0])))
    place = np.zeros((region.height_px, region.width_px), np.float32)
    place[box] = 1.0
    return box, place


def clips(
    data: Path, engines: tuple[Engine, Engine], judge: Judge, limit: int | None
) -> dict[str, float]:
    """Self-reenactment of unseen people: perceptual distance of the mouth box, its sharpness over
    that of the eye box relative to the real video's, and its high-frequency energy in time."""
    found: dict[str, list[float]] = defaultdict(list)
    paths = sorted((data / "video" / "grid_speakers").glob("*.mp4"))
    for clip in [path for path in paths if path.stem not in SEEN][:limit]:
        for key, value in _clip(clip, engines, judge).items():
            found[key].append(value)
    figures = {key: float(np.mean(values)) for key, values in found.items()}
    return figures | {"clips": float(len(found["clip_mouth_distance_with"]))}


def _clip(clip: Path, engines: tuple[Engine, Engine], judge: Judge) -> dict[str, float]:
    frames = [image for image, _ in read_frames(clip)]
    engine = engines[0]
    portrait = make_portrait(frames[0], engine.runtime)
    real = [cut(frame, portrait.crop) for frame in frames]
    points = track(FaceTracker(engine.runtime), real)
    motion = motion_from_landmarks(points, portrait.neutral, engine.basis, portrait.anchor).values
    calm = _smooth(motion)
    found: dict[str, float] = {}
    for engine, label in zip(engines, ("without", "with"), strict=True):
        renderer = Renderer(portrait, engine.basis, engine.assets)
        distances, ratios = [], []
        for vector, landmarks, image in zip(motion[::3], points[::3], real[::3], strict=True):
            target = replace(renderer.target(vector), landmarks=landmarks)
            frame = renderer.render(vector)
            got, true = (_patch(regions.MOUTH, i, portrait, target) for i in (frame, image))
            box, place = _box(regions.MOUTH, portrait, target)
            distances.append(judge.distance(got, true, place))
            eyes = [_eyes_sharpness(i, portrait, target) for i in (frame, image)]
            ratios.append((sharpness(got[box]) / eyes[0], sharpness(true[box]) / eyes[1]))
        ours, theirs = np.mean(ratios, 0)
        found[f"clip_mouth_distance_{label}"] = float(np.mean(distances))
        found[f"clip_mouth_sharpness_{label}"] = float(ours / theirs)
        found[f"clip_mouth_shimmer_{label}"] = _shimmer(renderer, portrait, calm, real)
    return found


def _eyes_sharpness(image: Image, portrait: Portrait, target: Target) -> float:
    parts = []
    for eye in regions.EYES:
        box, _ = _box(eye, portrait, target)
        parts.append(sharpness(_patch(eye, image, portrait, target)[box]))
    return float(np.mean(parts))


def _smooth(motion: Float) -> Float:
    """(T, 44) the same motion without what is faster than a mouth is."""
    reach = np.arange(-4, 5)
    kernel = np.exp(-0.5 * (reach / _SMOOTH_FRAMES) ** 2)
    padded = np.pad(motion, ((4, 4), (0, 0)), mode="edge")
    columns = [np.convolve(c, kernel / kernel.sum(), "valid") for c in padded.T]
    return np.stack(columns, 1).astype(np.float32)


def _shimmer(renderer: Renderer, portrait: Portrait, motion: Float, real: list[Image]) -> float:
    """Energy of the second difference in time of the mouth box, relative to the real video's."""
    targets = [renderer.target(vector) for vector in motion]
    got = [_patch(regions.MOUTH, renderer.draw(t).frame, portrait, t) for t in targets]
    true = [_patch(regions.MOUTH, i, portrait, t) for i, t in zip(real, targets, strict=True)]
    return _fast(got) / _fast(true)


def _fast(boxes: list[Image]) -> float:
    stacked: NDArray[np.float32] = np.stack(boxes).astype(np.float32)
    return float(np.mean(np.diff(stacked, 2, axis=0) ** 2))
