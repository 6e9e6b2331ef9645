"""The values that the stages hand to each other: frozen, validated records with numpy inside.

Conventions
    Pictures are RGB uint8, rows first. Pixel coordinates are (x right, y down); the centre of the
    top-left pixel is (0, 0). Landmark z has the scale of x and y and grows away from the camera.
    The *head frame* has the same axes, its origin at the centre of the canonical face mesh and the
    width of that mesh (landmarks 234 to 454) as its unit: one *face width*.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Image = NDArray[np.uint8]

CROP_PX = 512
"""Side of the square face crop in which everything is rendered."""

N_LANDMARKS = 478
"""468 points of the face mesh, then 5 of each iris (468-472 image left, 473-477 image right)."""

MOTION_FPS = 25
"""Motion is generated at this rate and resampled to the rate of the output."""

MOTION_DIM = 44
"""Length of a motion vector; its slices are in `vasari.motion.layout`."""

EMOTIONS: tuple[str, ...] = (
    "happy",
    "sad",
    "angry",
    "surprised",
    "afraid",
    "disgusted",
    "contempt",
)
"""What a face can feel; without any it is neutral."""

SPEECH_RATE_HZ = 16_000
"""Sample rate of all speech processing. The user's own audio is never resampled into the output."""


def check_array(
    name: str, value: NDArray[Any], shape: tuple[int | None, ...], dtype: type[np.generic]
) -> None:
    """Raise ValueError, naming expected and got, unless value has this shape and dtype.

    None in shape stands for any length. Floating arrays must be finite.
    """
    fits = len(value.shape) == len(shape) and all(
        want is None or want == got for want, got in zip(shape, value.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: expected shape {shape}, got {value.shape}")
    if value.dtype != np.dtype(dtype):
        raise ValueError(f"{name}: expected dtype {np.dtype(dtype)}, got {value.dtype}")
    if np.issubdtype(dtype, np.floating) and not bool(np.isfinite(value).all()):
        raise ValueError(f"{name}: holds NaN or infinity")


@dataclass(frozen=True)
class HeadAnchor:
    """Where a head with motion (0 translation, 0 log scale) sits in a picture.

    scale_px: pixels per face width, > 0. x_px, y_px: where the origin of the head frame projects.
    """

    scale_px: float
    x_px: float
    y_px: float


@dataclass(frozen=True)
class CropTransform:
    """Similarity between the photo and the 512x512 crop; axis-aligned, so no rotation.

    photo = origin + crop * photo_px_per_crop_px, both in pixel coordinates (pixel centres at
    integers, scaling about pixel corners is already in the origin).
    The square lies inside the photo whenever the photo is large enough.
    """

    x0_px: float
    y0_px: float
    photo_px_per_crop_px: float

    def photo_from_crop(self, points: NDArray[Any]) -> NDArray[Any]:
        """(…, 2) crop pixels to (…, 2) photo pixels."""
        origin = np.array([self.x0_px, self.y0_px])
        return np.asarray(np.asarray(points) * self.photo_px_per_crop_px + origin)

    def crop_from_photo(self, points: NDArray[Any]) -> NDArray[Any]:
        """(…, 2) photo pixels to (…, 2) crop pixels."""
        origin = np.array([self.x0_px, self.y0_px])
        return np.asarray((np.asarray(points) - origin) / self.photo_px_per_crop_px)


@dataclass(frozen=True)
class Check:
    """One finding about a photo. level "error" means it cannot be used; "warning" that it can."""

    code: str
    level: Literal["error", "warning"]
    message: str
    fix: str


@dataclass(frozen=True)
class Portrait:
    """A photo made ready to be animated; everything that does not change from frame to frame."""

    photo: Image  # (H, W, 3) RGB, upright
    image: Image  # (512, 512, 3) RGB, the crop
    crop: CropTransform
    landmarks: Float  # (478, 3) crop pixels
    blendshapes: Float  # (52,) 0..1, MediaPipe's ARKit-like order
    anchor: HeadAnchor  # crop pixels
    motion: Float  # (44,) the photo's own motion vector; translation and log scale are 0
    neutral: Float  # (478, 3) head frame, face widths: the face at rest, lips shut, eyes open
    matte: Float  # (512, 512) 0..1, 1 = person
    background: Image  # (512, 512, 3) RGB, the person painted out
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        check_array("photo", self.photo, (None, None, 3), np.uint8)
        check_array("image", self.image, (CROP_PX, CROP_PX, 3), np.uint8)
        check_array("landmarks", self.landmarks, (N_LANDMARKS, 3), np.float32)
        check_array("blendshapes", self.blendshapes, (52,), np.float32)
        check_array("motion", self.motion, (MOTION_DIM,), np.float32)
        check_array("neutral", self.neutral, (N_LANDMARKS, 3), np.float32)
        check_array("matte", self.matte, (CROP_PX, CROP_PX), np.float32)
        check_array("background", self.background, (CROP_PX, CROP_PX, 3), np.uint8)


@dataclass(frozen=True)
class SpeechFeatures:
    """Speech at 25 frames a second. values: (T, D); voiced: (T,) probability of voice, 0..1."""

    values: Float
    voiced: Float

    def __post_init__(self) -> None:
        check_array("values", self.values, (None, None), np.float32)
        check_array("voiced", self.voiced, (self.values.shape[0],), np.float32)


@dataclass(frozen=True)
class Motion:
    """Motion of a face in time. values: (T, 44), layout in `vasari.motion.layout`; fps > 0.

    pose_reference says what head rotation is measured from: "camera" (tracked motion: zero looks
    straight into the camera) or "portrait" (generated motion: zero is the photo's own pose).
    """

    values: Float
    fps: float
    pose_reference: Literal["camera", "portrait"] = "camera"
    source: str = ""

    def __post_init__(self) -> None:
        check_array("values", self.values, (None, MOTION_DIM), np.float32)
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"fps: expected a positive number, got {self.fps}")

    @property
    def duration_s(self) -> float:
        """How long the motion lasts, in seconds."""
        return len(self.values) / self.fps


@dataclass(frozen=True)
class Controls:
    """What a user can set, live. Every field has a neutral default."""

    gaze_deg: tuple[float, float] = (0.0, 0.0)  # yaw (+ = image right), pitch (+ = down); +-30
    head_amplitude: float = 1.0  # 0..2, head motion
    mouth_amplitude: float = 1.0  # 0..2, mouth and jaw
    expression_amplitude: float = 1.0  # 0..2, brows, cheeks, nose
    blink_per_minute: float = 16.0  # 0..60
    gaze_amplitude: float = 1.0  # 0..2, saccades
    head_offset_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)  # pitch, yaw, roll
    distance: float = 1.0  # head size 1/distance; 0.7..1.5
    emotion: tuple[float, ...] = (0.0,) * len(EMOTIONS)  # 0..1 each, in the order of EMOTIONS

    # Ranges are enforced by `vasari.motion.controls.validate`, which names the field and its range.


@dataclass(frozen=True)
class Frame:
    """One frame of output with exactly the audio that plays while it is shown.

    index: number of the frame since the session began; its pts is index / fps seconds.
    image: (H, W, 3) RGB. audio: (n, channels) float32 at the session's sample rate: the samples
    [index * rate / fps, (index + 1) * rate / fps). end_of_segment: last frame before silence.
    """

    index: int
    image: Image
    audio: Float
    motion: Float  # (44,) the motion vector that was rendered
    end_of_segment: bool = False


@dataclass(frozen=True)
class Clip:
    """What `render` made. Sizes in pixels, times in seconds."""

    output: str
    frames: int
    fps: int
    width: int
    height: int
    duration_s: float
    wall_s: float
    realtime_factor: float
    peak_rss_mb: float
    seed: int
    consent: str
    warnings: tuple[str, ...] = field(default_factory=tuple)
