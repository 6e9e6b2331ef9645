"""What a user can set, applied to motion: amplitudes, gaze target, head offset, distance, limits.

Every function here treats each frame by itself with plain arithmetic, so any cut into chunks gives
the same numbers, bit for bit.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from numbers import Real
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vasari.errors import InvalidOption
from vasari.motion import emotions, eyes, layout
from vasari.types import EMOTIONS, MOTION_DIM, Controls, Float

RANGES: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "gaze_deg": ((-30.0, 30.0), (-20.0, 20.0)),
        "head_amplitude": ((0.0, 2.0),),
        "mouth_amplitude": ((0.0, 2.0),),
        "expression_amplitude": ((0.0, 2.0),),
        "blink_per_minute": ((0.0, 60.0),),
        "gaze_amplitude": ((0.0, 2.0),),
        "head_offset_deg": ((-20.0, 20.0), (-25.0, 25.0), (-25.0, 25.0)),
        "distance": ((0.7, 1.5),),
        "emotion": ((0.0, 1.0),) * len(EMOTIONS),
    }
)
"""Lowest and highest value of every control, one pair per component."""

PRESETS: Mapping[str, Controls] = MappingProxyType(
    {
        "presenter": Controls(),
        "calm": Controls(
            head_amplitude=0.6,
            expression_amplitude=0.7,
            gaze_amplitude=0.6,
            blink_per_minute=13.0,
        ),
        "lively": Controls(
            head_amplitude=1.4,
            mouth_amplitude=1.1,
            expression_amplitude=1.4,
            gaze_amplitude=1.2,
            blink_per_minute=19.0,
        ),
        "still": Controls(
            head_amplitude=0.0,
            expression_amplitude=0.0,
            gaze_amplitude=0.0,
            blink_per_minute=10.0,
        ),
    }
)
"""Named starting points. "presenter" is the default."""

ROTATION_LIMIT_DEG = (20.0, 25.0, 25.0)
"""Pitch, yaw, roll away from the photo that the renderer can show."""

GAZE_LIMIT_DEG = (30.0, 20.0)
"""Yaw, pitch of the eyes in the head."""

TRANSLATION_LIMIT = (0.25, 0.25, 0.6)
"""x, y in face widths, log scale."""

COEFFICIENT_LIMIT = 6.0
"""Standard deviations of the mouth and upper bases; identity up to 4.2. Tracked speech reaches 4.9,
and 0.02 % of its coefficients are above 3.5: the opening of a jaw is skewed."""

LID_LIMIT = 1.35

_KNEE = 0.7  # share of a limit up to which values pass unchanged


def validate(controls: Controls) -> None:
    """Raise InvalidOption (code bad_control), naming the field and its range, on any bad value."""
    for f in fields(controls):
        value = getattr(controls, f.name)
        ranges = RANGES[f.name]
        values = value if isinstance(value, tuple | list) else (value,)
        if len(values) != len(ranges):
            raise _bad(f.name, value, ranges)
        for number, (low, high) in zip(values, ranges, strict=True):
            fits = isinstance(number, Real) and not isinstance(number, bool | np.bool_)
            if not fits or not low <= float(number) <= high:  # NaN fails the comparison
                raise _bad(f.name, value, ranges)


def _bad(name: str, value: object, ranges: tuple[tuple[float, float], ...]) -> InvalidOption:
    spans = ", ".join(f"{low:g} to {high:g}" for low, high in ranges)
    what = "a number" if len(ranges) == 1 else f"{len(ranges)} numbers"
    return InvalidOption(
        f"{name} is {str(value)[:80]}; expected {what} within {spans}.",
        code="bad_control",
        fix=f"Set {name} within {spans}.",
    )


def blend(first: Controls, second: Controls, share: float) -> Controls:
    """Controls between two, share 0..1 of the second: for changes without a jump while live."""
    share = min(1.0, max(0.0, share))
    mixed: dict[str, Any] = {}
    for f in fields(first):
        a, b = getattr(first, f.name), getattr(second, f.name)
        if isinstance(a, tuple):
            mixed[f.name] = tuple(x + share * (y - x) for x, y in zip(a, b, strict=True))
        else:
            mixed[f.name] = a + share * (b - a)
    return Controls(**mixed)


def soft_limit(
    values: NDArray[Any], limit: NDArray[Any] | float, knee: float = _KNEE
) -> NDArray[np.float64]:
    """Identity up to knee * limit, then monotone towards +-limit with a continuous slope.

    Rational instead of tanh: exact arithmetic, the same bits for every chunking. Above the knee
    y = k + (L - k) u / (1 + u) with u = (|x| - k) / (L - k).
    """
    x = np.asarray(values, np.float64)
    bound = np.asarray(limit, np.float64)
    corner = knee * bound
    size = np.abs(x)
    u = np.maximum(size - corner, 0.0) / (bound - corner)
    return np.copysign(np.minimum(size, corner) + (bound - corner) * (u / (1.0 + u)), x)


def apply(
    values: NDArray[Any],
    controls: Controls,
    photo_motion: NDArray[Any],
    reference: Literal["portrait", "camera"] = "portrait",
    emotion_offsets: NDArray[Any] | None = None,
) -> Float:
    """Motion as the controls want it, ready for the renderer.

    Args:
        values: (n, 44). With reference "portrait" (generated motion) ROTATION, GAZE and UPPER are
            offsets from the photo's own values and LIDS are shares of the photo's own opening;
            with "camera" (tracked motion of this very head) all are absolute.
        controls: checked ones, see `validate`. blink_per_minute acts in `vasari.motion.idle`.
        photo_motion: (44,) the photo's own motion vector.
        emotion_offsets: (7, 44) what each emotion adds at full strength, see
            `vasari.motion.emotions`; None leaves emotions out.

    Returns:
        (n, 44) absolute motion within the limits of this module. Neutral controls change nothing
        within 70 % of the limits. Gaze zero is where the photo looks; a gaze target or a head
        offset leaves the other unchanged: the eyes turn against the head as `eyes.VOR_GAIN` says.

    Raises:
        ValueError: a shape is wrong.
    """
    moves = np.asarray(values, np.float64)
    photo = np.asarray(photo_motion, np.float64)
    if moves.ndim != 2 or moves.shape[1] != MOTION_DIM or photo.shape != (MOTION_DIM,):
        raise ValueError(
            f"expected values (n, {MOTION_DIM}) and photo_motion ({MOTION_DIM},), got "
            f"{moves.shape} and {photo.shape}"
        )
    absolute = reference == "camera"
    base = photo if absolute else np.zeros(MOTION_DIM)
    out = np.empty_like(moves)

    turn_in = moves[:, layout.ROTATION] - base[layout.ROTATION]
    wanted = controls.head_amplitude * turn_in + np.radians(controls.head_offset_deg)
    turn = soft_limit(wanted, np.radians(ROTATION_LIMIT_DEG))
    out[:, layout.ROTATION] = photo[layout.ROTATION] + turn

    shift = controls.head_amplitude * moves[:, layout.TRANSLATION]
    shift[:, 2] -= math.log(controls.distance)
    out[:, layout.TRANSLATION] = soft_limit(shift, np.array(TRANSLATION_LIMIT))

    feeling = np.zeros(MOTION_DIM)
    if emotion_offsets is not None and any(controls.emotion):
        feeling = emotions.offset(controls.emotion, emotion_offsets).astype(np.float64)
    mouth = controls.mouth_amplitude * moves[:, layout.MOUTH] + feeling[layout.MOUTH]
    out[:, layout.MOUTH] = soft_limit(mouth, COEFFICIENT_LIMIT)
    upper = controls.expression_amplitude * (moves[:, layout.UPPER] - base[layout.UPPER])
    upper = upper + feeling[layout.UPPER]
    out[:, layout.UPPER] = photo[layout.UPPER] + soft_limit(upper, COEFFICIENT_LIMIT)

    # Amplitude and target act on where the eyes look in the camera's frame.
    eyes_in = moves[:, layout.GAZE] - base[layout.GAZE]
    look_in = eyes_in + eyes.VOR_GAIN * turn_in[:, [1, 0]]
    look = controls.gaze_amplitude * look_in + np.radians(controls.gaze_deg)
    gaze = photo[layout.GAZE] + look - eyes.VOR_GAIN * turn[:, [1, 0]]
    out[:, layout.GAZE] = soft_limit(gaze, np.radians(GAZE_LIMIT_DEG))

    follow = eyes.lid_follow(out[:, 43] - photo[43]) / eyes.lid_follow(eyes_in[:, 1])
    own = np.ones(2) if absolute else np.clip(photo[layout.LIDS], 0.0, LID_LIMIT)
    # A share of the opening, so that a blink stays a blink.
    own = own * (1.0 + feeling[layout.LIDS])
    lids = np.maximum(moves[:, layout.LIDS] * own * follow[:, None], 0.0)
    out[:, layout.LIDS] = soft_limit(lids, LID_LIMIT, knee=0.85)
    return out.astype(np.float32)
