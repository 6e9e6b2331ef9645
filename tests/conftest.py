"""Real input that installed packages carry: the public-domain portrait of Grace Hopper."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from vasari.portrait import make_portrait
from vasari.runtime import Runtime
from vasari.types import Portrait


@pytest.fixture(scope="session")
def hopper_path() -> Path:
    found = importlib.util.find_spec("matplotlib")
    assert found is not None and found.origin is not None, "matplotlib is a test dependency"
    return Path(found.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return Runtime(2)


@pytest.fixture(scope="session")
def hopper(hopper_path: Path, runtime: Runtime) -> Portrait:
    return make_portrait(hopper_path, runtime)


@pytest.fixture(scope="session")
def babble() -> np.ndarray:
    """(48000,) float32 at 16 kHz: syllable-like bursts of harmonics, not speech but as loud."""
    t = np.arange(48_000) / 16_000
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * t), 0, 1) ** 0.5
    return (0.2 * voice * syllables).astype(np.float32)
