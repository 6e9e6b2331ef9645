import os

import numpy as np
import pytest

from vasari.errors import InvalidOption, NotSupported
from vasari.runtime import Runtime, default_threads


def test_threads_follow_the_control_group(tmp_path):
    everything = default_threads(tmp_path)
    assert 1 <= everything <= len(os.sched_getaffinity(0))
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert default_threads(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert default_threads(tmp_path) == everything
    (tmp_path / "cpu.max").write_text("20000 100000\n")
    assert default_threads(tmp_path) == 1


def test_threads_out_of_range_are_refused():
    with pytest.raises(InvalidOption) as caught:
        Runtime(threads=0)
    assert caught.value.code == "bad_threads"


def test_a_model_is_loaded_once():
    runtime = Runtime(1)
    assert runtime.model("face_blendshapes") is runtime.model("face_blendshapes")
    assert Runtime(1).model("face_blendshapes") is not runtime.model("face_blendshapes")


def test_wrong_names_are_told():
    model = Runtime(1).model("face_blendshapes")
    with pytest.raises(ValueError, match="expected \\('points',\\)"):
        model.run({"point": np.zeros((1, 146, 2), np.float32)})


def test_an_unknown_model_is_not_supported():
    with pytest.raises(NotSupported) as caught:
        Runtime(1).model("../../etc/passwd")
    assert caught.value.code == "model_missing"


def test_tensors_are_not_a_graph():
    with pytest.raises(NotSupported) as caught:
        Runtime(1).model("canonical_face")
    assert caught.value.code == "model_refused"
