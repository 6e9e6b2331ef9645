from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.runtime import Runtime


@pytest.fixture(scope="session")
def grace_path():
    """The public-domain portrait of Grace Hopper that matplotlib carries: 512 x 600."""
    matplotlib = pytest.importorskip("matplotlib")
    return Path(matplotlib.__file__).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def grace(grace_path):
    with Image.open(grace_path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.fixture(scope="session")
def runtime():
    return Runtime(1)
