"""Who is person and who is not, softly; and the background with the person painted out."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vasari.runtime import Model, Runtime
from vasari.types import CROP_PX, Float, Image

INPUT_PX = 256
_EDGE_RADIUS_PX = 9
_EDGE_EPS = 2e-4
_SURE = 0.5
_FULL, _EMPTY = 0.92, 0.08
_MARGIN_PX = 5
_MIRROR_PX = 70.0
_LEAST_BACKGROUND = 0.02


def person_matte(image: Image, points: Float, runtime: Runtime) -> Float:
    """(512, 512) 0..1, 1 where the picture shows the person with these landmarks.

    Selfie segmentation at 256 pixels, brought to the photo's own edges by a guided filter (He et
    al. 2013) with the colours as guide; parts that do not hang together with the face are dropped.

    Args:
        image: (512, 512, 3) RGB crop. points: (478, 3) landmarks in crop pixels.
    """
    coarse = _segment(image, runtime.model("person_matte"))
    large = cv2.resize(coarse, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC)
    rough = np.asarray(np.clip(large, 0, 1), np.float32)
    rough *= _of_face(rough, points)
    guide = np.asarray(image / np.float32(255), np.float32)
    fine = guided_filter(guide, rough, _EDGE_RADIUS_PX, _EDGE_EPS)
    fine = np.clip((fine - _EMPTY) / (_FULL - _EMPTY), 0, 1)
    return np.asarray(_fill_holes(fine), np.float32)


def _segment(image: Image, model: Model) -> Float:
    """(256, 256) 0..1 from three looks: as it is, mirrored, and a little farther away.

    The network overlooks brims and earrings in one look that it sees in another; the mean of the
    two that see most counts, for what is taken along too much does less harm than what is left.
    """
    room = CROP_PX // 8
    far = cv2.copyMakeBorder(image, room, 0, room // 2, room // 2, cv2.BORDER_REPLICATE)

    def look(picture: Image) -> Float:
        small = cv2.resize(picture, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
        feeds = {"image": small[None].astype(np.float32) / np.float32(255)}
        return np.asarray(model.run(feeds)["matte"][0, :, :, 0], np.float32)

    edge = INPUT_PX * room // (CROP_PX + room)
    near = look(np.asarray(far, np.uint8))[edge:, edge // 2 : INPUT_PX - edge // 2]
    near = np.asarray(cv2.resize(near, (INPUT_PX, INPUT_PX)), np.float32)
    mirrored = look(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
    looks = np.sort(np.stack([look(image), mirrored, near]), axis=0)
    return np.asarray(looks[1:].mean(axis=0), np.float32)


def _of_face(rough: Float, points: Float) -> Float:
    """(512, 512) 1 on the parts that hang together with the face, falling off around them."""
    solid = (rough > _SURE).astype(np.uint8)
    hull = cv2.convexHull(np.round(points[:468, :2]).astype(np.int32))
    face = cv2.fillConvexPoly(np.zeros_like(solid), hull, 1)
    _, labels = cv2.connectedComponents(solid)
    here = labels[(face > 0) & (solid > 0)]
    if not len(here):
        return np.zeros(rough.shape, np.float32)
    own = (labels == np.bincount(here).argmax()).astype(np.uint8)
    near = cv2.dilate(own, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41)))
    others = ((solid > 0) & (own == 0)).astype(np.uint8)
    others = cv2.dilate(others, np.ones((9, 9), np.uint8)) & (1 - own)
    return np.asarray(cv2.blur((near & (1 - others)).astype(np.float32), (5, 5)), np.float32)


def _fill_holes(matte: Float) -> Float:
    """Small gaps inside the person (a bright forehead, a glint on glasses) are person too."""
    empty = (matte < _SURE).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(empty)
    inside = np.zeros_like(empty)
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        touches = x == 0 or y == 0 or x + width == CROP_PX or y + height == CROP_PX
        if not touches and area < 0.01 * CROP_PX * CROP_PX:
            inside[labels == label] = 1
    if not inside.any():
        return matte
    filled = cv2.blur(cv2.dilate(inside, np.ones((7, 7), np.uint8)).astype(np.float32), (5, 5))
    return np.maximum(matte, np.asarray(filled, np.float32))


def guided_filter(guide: Float, value: Float, radius_px: int, eps: float) -> Float:
    """(H, W) value smoothed along the edges of a colour picture (He, Sun, Tang 2013, eq. 19-21).

    guide: (H, W, 3) 0..1. value: (H, W). eps: variance of colour that still counts as flat.
    """
    window = (2 * radius_px + 1, 2 * radius_px + 1)

    def mean(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(x, window, borderType=cv2.BORDER_REFLECT), np.float32)

    centre, level = mean(guide), mean(value)
    covariance = np.empty((*value.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            pair = mean(guide[..., i] * guide[..., j]) - centre[..., i] * centre[..., j]
            covariance[..., i, j] = covariance[..., j, i] = pair
    covariance += np.asarray(eps * np.eye(3), np.float32)
    cross = mean(guide * value[..., None]) - centre * level[..., None]
    slope = np.asarray(np.linalg.solve(covariance, cross[..., None])[..., 0], np.float32)
    offset = level - (slope * centre).sum(axis=-1)
    slope = mean(np.ascontiguousarray(slope))
    return np.asarray((slope * guide).sum(axis=-1) + mean(offset), np.float32)


def paint_out(image: Image, matte: Float) -> Image:
    """(512, 512, 3) the picture with the person replaced by a plausible background.

    Near the outline the background is mirrored into the person, which keeps its texture; farther
    in it fades into a smooth fill (push-pull of Gortler et al. 1996). Only a narrow band of it can
    ever be seen, where the head moves away. Outside the person and a margin of 9 pixels it is the
    picture itself, exactly: the renderer relies on that.
    """
    size = 2 * _MARGIN_PX + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    person = np.asarray(cv2.dilate((matte > 0.02).astype(np.uint8), kernel), np.uint8)
    if float((1 - person).mean()) < _LEAST_BACKGROUND:
        return np.array(image, np.uint8)
    colours = image.astype(np.float32)
    known = (1 - person).astype(np.float32)
    fill = _push_pull(colours, known)
    distance, mirrored, usable = _mirror(colours, person)
    weight = np.clip(1 - distance / _MIRROR_PX, 0, 1) * usable
    weight = cv2.blur(weight.astype(np.float32), (9, 9)) * person
    inside = weight[..., None] * mirrored + (1 - weight[..., None]) * fill
    inside += _grain(colours, fill, known)
    painted = np.where(person[..., None] > 0, inside, colours)
    return np.asarray(np.clip(np.round(painted), 0, 255), np.uint8)


def _push_pull(colours: Float, known: Float) -> Float:
    """Fill what is not known with ever coarser averages of what is."""
    if min(known.shape) <= 2 or bool((known > 0.99).all()):
        total = float(known.sum())
        mean = (colours * known[..., None]).sum(axis=(0, 1)) / max(total, 1e-6)
        flat = colours * known[..., None] + mean * (1 - known[..., None])
        return np.asarray(flat, np.float32)
    weighted = cv2.pyrDown(colours * known[..., None])
    less = cv2.pyrDown(known)
    coarse = weighted / np.maximum(less, 1e-6)[..., None]
    surer = np.asarray(np.clip(less * 2, 0, 1), np.float32)
    below = _push_pull(np.asarray(coarse, np.float32), surer)
    up = cv2.pyrUp(below, dstsize=known.shape[::-1])
    weight = known[..., None]
    return np.asarray(colours * weight + up * (1 - weight), np.float32)


def _mirror(colours: Float, person: NDArray[np.uint8]) -> tuple[Float, Float, Float]:
    """Distance to the outline in pixels, the colours mirrored at it, and where that is possible."""
    distance, labels = cv2.distanceTransformWithLabels(
        person, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = np.mgrid[0 : person.shape[0], 0 : person.shape[1]].astype(np.float32)
    free = person == 0
    nearest = np.zeros((int(labels.max()) + 1, 2), np.float32)
    nearest[labels[free]] = np.stack([x[free], y[free]], axis=-1)
    edge = cv2.GaussianBlur(nearest[labels], (0, 0), 4)
    source_x, source_y = 2 * edge[..., 0] - x, 2 * edge[..., 1] - y
    mirrored = cv2.remap(
        colours, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    usable = cv2.remap(
        (1 - person).astype(np.float32),
        source_x,
        source_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.0,
    )
    return (
        np.asarray(distance, np.float32),
        np.asarray(mirrored, np.float32),
        np.asarray(usable > 0.99, np.float32),
    )


def _grain(colours: Float, fill: Float, known: Float) -> Float:
    """(512, 512, 1) noise as strong as the finest detail of the visible background."""
    detail = (colours - cv2.GaussianBlur(colours, (0, 0), 1.0)).mean(axis=-1)[known > 0]
    sigma = min(1.4826 * float(np.median(np.abs(detail))), 6.0)
    noise = np.random.default_rng(0).normal(0, sigma, fill.shape[:2])
    return np.asarray(noise[..., None], np.float32)
