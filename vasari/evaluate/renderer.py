"""What the refiner is worth: mouth and eyes with and without it, on people it has never seen.

Pictures: held-out pictures are remade by geometry and driven back, as in training
(`vasari.train.renderer_data`), and compared with the picture itself. Clips: people of
video/grid_speakers drive their own first frame, and are compared with the real video.
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
    for box, kinds in _BOXES.items():
        got = [_box(kind, frame, portrait, target) for kind in kinds]
        real = [_box(kind, truth, portrait, target) for kind in kinds]
        both = list(zip(got, real, strict=True))
        found[f"{box}_psnr_db"] = float(np.mean([psnr_db(a, b) for a, b in both]))
        found[f"{box}_ssim"] = float(np.mean([ssim(a, b) for a, b in both]))
        found[f"{box}_distance"] = float(np.mean([judge.distance(a, b) for a, b in both]))
    return found


def _box(region: Region, image: Image, portrait: Portrait, target: Target) -> Image:
    where = regions.place(region, portrait.neutral, target.skull)
    return np.asarray(affine(image, where, region.size), np.uint8)


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
        boxes, ratios = [], []
        for vector, image in zip(motion[::3], real[::3], strict=True):
            target = renderer.target(vector)
            frame = renderer.draw(target).frame
            got, true = (_box(regions.MOUTH, i, portrait, target) for i in (frame, image))
            eyes = [
                np.hstack([_box(e, i, portrait, target) for e in regions.EYES])
                for i in (frame, image)
            ]
            boxes.append(judge.distance(got, true))
            ratios.append(
                (sharpness(got) / sharpness(eyes[0]), sharpness(true) / sharpness(eyes[1]))
            )
        ours, theirs = np.mean(ratios, 0)
        found[f"clip_mouth_distance_{label}"] = float(np.mean(boxes))
        found[f"clip_mouth_sharpness_{label}"] = float(ours / theirs)
        found[f"clip_mouth_shimmer_{label}"] = _shimmer(renderer, portrait, calm, real)
    return found


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
    got = [_box(regions.MOUTH, renderer.draw(t).frame, portrait, t) for t in targets]
    true = [_box(regions.MOUTH, i, portrait, t) for i, t in zip(real, targets, strict=True)]
    return _fast(got) / _fast(true)


def _fast(boxes: list[Image]) -> float:
    stacked: NDArray[np.float32] = np.stack(boxes).astype(np.float32)
    return float(np.mean(np.diff(stacked, 2, axis=0) ** 2))
