"""Controls: validation, neutrality, limits, leakage between channels."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.errors import InvalidOption
from vasari.motion import controls, eyes, layout
from vasari.types import Controls

NAN = float("nan")
GROUPS = {
    "rotation": layout.ROTATION,
    "translation": layout.TRANSLATION,
    "mouth": layout.MOUTH,
    "upper": layout.UPPER,
    "lids": layout.LIDS,
    "gaze": layout.GAZE,
}


def photo() -> np.ndarray:
    vector = layout.rest()
    vector[layout.ROTATION] = [0.05, -0.2, 0.03]
    vector[layout.UPPER] = 0.3
    vector[layout.LIDS] = [0.95, 0.9]
    vector[layout.GAZE] = [0.18, -0.04]
    return vector


def motion(n: int = 200, seed: int = 0) -> np.ndarray:
    """Offsets well within 70 % of every limit."""
    random = np.random.default_rng(seed)
    values = np.tile(layout.rest(), (n, 1))
    values[:, layout.ROTATION] = random.normal(0, 0.03, (n, 3)).clip(-0.1, 0.1)
    values[:, layout.TRANSLATION] = random.normal(0, 0.01, (n, 3)).clip(-0.03, 0.03)
    values[:, layout.MOUTH] = random.normal(0, 1, (n, 24)).clip(-3.4, 3.4)
    values[:, layout.UPPER] = random.normal(0, 0.3, (n, 10)).clip(-1, 1)
    values[:, layout.LIDS] = random.uniform(0, 1.05, (n, 2))
    values[:, layout.GAZE] = random.normal(0, 0.04, (n, 2)).clip(-0.09, 0.09)
    return values


def test_defaults_and_presets_are_valid() -> None:
    assert controls.PRESETS["presenter"] == Controls()
    assert set(controls.PRESETS) == {"calm", "presenter", "lively", "still"}
    for preset in controls.PRESETS.values():
        controls.validate(preset)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gaze_deg", (31.0, 0.0)),
        ("gaze_deg", (0.0, -20.5)),
        ("gaze_deg", (NAN, 0.0)),
        ("gaze_deg", (0.0,)),
        ("gaze_deg", 3.0),
        ("head_amplitude", -0.1),
        ("head_amplitude", NAN),
        ("head_amplitude", True),
        ("head_amplitude", "1"),
        ("mouth_amplitude", 2.01),
        ("expression_amplitude", float("inf")),
        ("blink_per_minute", 61.0),
        ("gaze_amplitude", None),
        ("head_offset_deg", (0.0, 26.0, 0.0)),
        ("head_offset_deg", (0.0, 0.0)),
        ("distance", 0.69),
        ("distance", 1e308),
    ],
)
def test_bad_values_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidOption, match=field) as caught:
        controls.validate(replace(Controls(), **{field: value}))
    assert caught.value.code == "bad_control"
    low, high = controls.RANGES[field][0]
    assert f"{low:g} to {high:g}" in caught.value.fix


def test_rest_gives_the_photos_own_pose_and_eyes() -> None:
    out = controls.apply(layout.rest()[None], Controls(), photo())[0]
    assert np.array_equal(out, photo())


def test_neutral_controls_change_nothing_within_the_range() -> None:
    values = motion()
    out = controls.apply(values, Controls(), layout.rest())
    assert np.abs(out - values).max() < 1e-6
    tracked = controls.apply(values, Controls(), photo() * 0.5, reference="camera")
    assert np.abs(tracked - values).max() < 1e-6


def test_offsets_are_added_to_the_photo() -> None:
    values, own = motion(), photo()
    out = controls.apply(values, Controls(), own)
    for group in (layout.ROTATION, layout.UPPER, layout.GAZE):
        assert np.allclose(out[:, group], own[group] + values[:, group], atol=1e-6)
    assert np.allclose(out[:, layout.LIDS], own[layout.LIDS] * values[:, layout.LIDS], atol=1e-6)
    assert np.array_equal(out[:, layout.MOUTH], values[:, layout.MOUTH])


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"gaze_deg": (10.0, 0.0)}, {"gaze"}),
        ({"gaze_deg": (0.0, 10.0)}, {"gaze", "lids"}),
        ({"mouth_amplitude": 0.5}, {"mouth"}),
        ({"expression_amplitude": 0.5}, {"upper"}),
        ({"head_amplitude": 0.5}, {"rotation", "translation", "gaze", "lids"}),
        ({"gaze_amplitude": 0.5}, {"gaze", "lids"}),
        ({"head_offset_deg": (0.0, 8.0, 0.0)}, {"rotation", "gaze"}),
        ({"distance": 1.2}, {"translation"}),
        ({"blink_per_minute": 5.0}, set()),
    ],
)
def test_a_control_moves_its_own_channels_only(change: dict, moved: set[str]) -> None:
    values = motion()
    before = controls.apply(values, Controls(), photo())
    after = controls.apply(values, Controls(**change), photo())
    changed = {
        name for name, part in GROUPS.items() if np.abs(after - before)[:, part].max() > 1e-6
    }
    assert changed == moved


def test_gaze_target_is_met_in_the_cameras_frame() -> None:
    rest, target = layout.rest(), (8.0, 5.0)
    out = controls.apply(rest[None], Controls(gaze_deg=target), rest)[0]
    assert np.degrees(out[layout.GAZE]) == pytest.approx(target, abs=1e-4)
    turned = controls.apply(
        rest[None], Controls(gaze_deg=target, head_offset_deg=(4.0, 10.0, 0.0)), rest
    )[0]
    seen = np.degrees(turned[layout.GAZE] + turned[[1, 0]])
    assert np.abs(seen - target).max() <= (1 - eyes.VOR_GAIN) * 10.0 + 1e-4


def test_distance_is_head_size() -> None:
    out = controls.apply(layout.rest()[None], Controls(distance=1.25), layout.rest())[0]
    assert np.exp(out[5]) == pytest.approx(1 / 1.25, rel=1e-6)


def test_limits_hold_and_stay_monotone() -> None:
    own = photo()
    ramp = np.linspace(-3.0, 3.0, 601)
    values = np.tile(layout.rest(), (601, 1))
    values[:, layout.ROTATION] = ramp[:, None]
    values[:, layout.MOUTH] = 10.0 * ramp[:, None]
    values[:, layout.LIDS] = ramp[:, None]
    out = controls.apply(values, Controls(), own)
    turn = np.degrees(out[:, layout.ROTATION] - own[layout.ROTATION])
    assert (np.abs(turn).max(0) < np.array(controls.ROTATION_LIMIT_DEG)).all()
    assert (np.diff(turn, axis=0) >= -1e-5).all()
    assert np.abs(out[:, layout.MOUTH]).max() < controls.COEFFICIENT_LIMIT
    assert out[:, layout.LIDS].min() == 0.0
    assert out[:, layout.LIDS].max() <= controls.LID_LIMIT
    gaze = np.degrees(out[:, layout.GAZE])
    assert (np.abs(gaze).max(0) <= np.array(controls.GAZE_LIMIT_DEG)).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e-1))
def test_soft_limit_is_monotone_bounded_and_smooth(x: float, step: float) -> None:
    low, high = controls.soft_limit(np.array([x, x + step]), 1.0)
    assert abs(low) <= 1.0
    assert 0.0 <= high - low <= step + 1e-12
    if abs(x) <= 0.7:
        assert low == x


def test_shut_eyes_stay_shut_whatever_the_controls() -> None:
    values = np.tile(layout.rest(), (3, 1))
    values[:, layout.LIDS] = 0.0
    for preset in controls.PRESETS.values():
        out = controls.apply(values, replace(preset, gaze_deg=(5.0, -15.0)), photo())
        assert not out[:, layout.LIDS].any()


def test_chunks_give_the_same_bits() -> None:
    values, wild = motion(101), controls.PRESETS["lively"]
    whole = controls.apply(values, wild, photo())
    parts = [controls.apply(values[i : i + 7], wild, photo()) for i in range(0, 101, 7)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert controls.apply(values[:0], wild, photo()).shape == (0, 44)


def test_blend_goes_from_one_to_the_other() -> None:
    calm, lively = controls.PRESETS["calm"], Controls(gaze_deg=(10.0, -4.0), distance=1.5)
    assert controls.blend(calm, lively, 0.0) == calm
    assert controls.blend(calm, lively, 1.0) == lively
    half = controls.blend(calm, lively, 0.5)
    assert half.gaze_deg == (5.0, -2.0)
    assert half.distance == pytest.approx(1.25)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="44"):
        controls.apply(np.zeros((3, 43)), Controls(), photo())
