import numpy as np
import pytest

from vasari.generator.visemes import Phone, shape_table, visemes
from vasari.motion import layout
from vasari.motion.basis import load_basis

BASIS = load_basis()


def opening(symbols: str, step_s: float = 0.1) -> np.ndarray:
    """(T,) gap of the lips in face widths while these phones are said, half a second of silence
    before and after."""
    phones = [Phone(s, 0.5 + k * step_s) for k, s in enumerate(symbols.split())]
    motion = visemes(phones, round(25 * (1.0 + len(phones) * step_s)))
    shapes = np.tensordot(motion.values[:, layout.MOUTH], BASIS.mouth, 1)
    return shapes[:, 14, 1] - shapes[:, 13, 1]


def test_vowels_open_and_lips_shut_between_them() -> None:
    gap = opening("m ɑ p ɑ b ɑ m")
    at = [int(25 * (0.5 + 0.1 * k)) for k in range(7)]
    shut, wide = gap[[at[0], at[2], at[4], at[6]]], gap[[at[1], at[3], at[5]]]
    assert wide.min() > 0.02
    assert shut.max() < 0.3 * wide.min()


def test_silence_is_shut_and_still() -> None:
    gap = opening("h ɑ l o")
    assert np.abs(gap[:6]).max() < 1e-3 and np.abs(gap[-5:]).max() < 1e-3
    assert not visemes([], 20).values[:, layout.MOUTH].any()
    assert not visemes([Phone("?", 0.2)], 20).values[:, layout.MOUTH].any()


def test_rounded_vowels_are_narrow() -> None:
    def width(symbol: str) -> float:
        moved = np.tensordot(
            visemes([Phone(symbol, 0.5)], 25).values[12, layout.MOUTH], BASIS.mouth, 1
        )
        return float(moved[291, 0] - moved[61, 0])

    assert width("u") < -0.005 < 0.02 < width("i")
    assert width("i") > width("ɑ") - 0.02


def test_mouths_move_without_jumps_and_before_the_phone() -> None:
    gap = opening("ɑ", 0.2)
    middle = 12
    assert gap[middle] == pytest.approx(gap.max(), rel=0.1)
    assert gap[middle - 2] > 0.2 * gap[middle], "the mouth gets ready"
    assert np.abs(np.diff(gap)).max() < 0.4 * gap.max()


def test_every_phone_has_one_viseme() -> None:
    table = shape_table()
    assert {"p", "ɑ", "ʃ", "i", "u"} <= set(table)
    assert all(mouth.shape == (24,) and np.isfinite(mouth).all() for mouth, _ in table.values())
