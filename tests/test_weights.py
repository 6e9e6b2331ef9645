import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from vasari import weights
from vasari.errors import NotSupported
from vasari.runtime import Runtime

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
GOLDEN = Path(__file__).parent / "data"


def script(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def golden(file):
    return safetensors.numpy.load_file(GOLDEN / file)


def test_every_shipped_file_is_entered_whole_and_has_its_card():
    assert script("weights_manifest").problems() == []
    assert sum(entry.bytes for entry in weights.manifest().values()) <= 60_000_000


def test_face_networks_equal_the_originals():
    want, runtime, picture = (
        golden("golden_face.safetensors"),
        Runtime(1),
        script("golden").picture,
    )
    boxes = runtime.model("face_detector").run({"image": picture(128) * 2 - 1})
    np.testing.assert_allclose(boxes["boxes"][:, ::16], want["boxes"], atol=1e-3)
    np.testing.assert_allclose(boxes["scores"][:, ::16], want["scores"], atol=1e-3)
    found = runtime.model("face_landmarks").run({"image": picture(256)})
    np.testing.assert_allclose(found["landmarks"], want["landmarks"], atol=0.01)  # px of 256
    np.testing.assert_allclose(found["presence"], want["presence"], atol=1e-2)
    shapes = runtime.model("face_blendshapes").run({"points": want["points"]})
    np.testing.assert_allclose(shapes["blendshapes"], want["blendshapes"], atol=1e-3)


def test_person_matte_equals_the_original():
    photo = script("golden").photo(256)
    matte = Runtime(1).model("person_matte").run({"image": photo})["matte"]
    assert matte.shape == (1, 256, 256, 1)
    want = golden("golden_matte.safetensors")["matte"]
    assert np.ptp(want) > 0.5  # she stands out
    np.testing.assert_allclose(matte[:, ::8, ::8], want, atol=1e-3)


def test_voice_activity_hears_nothing_in_silence():
    model = Runtime(1).model("voice_activity")
    state = np.zeros((2, 1, 128), np.float32)
    feeds = {"input": np.zeros((1, 576), np.float32), "sr": np.array(16000, np.int64)}
    out = model.run({**feeds, "state": state})
    assert out["output"].shape == (1, 1) and out["output"][0, 0] < 0.1
    assert out["stateN"].shape == state.shape


def test_canonical_face_is_a_symmetric_head():
    face = weights.load_tensors("canonical_face")
    vertices, triangles = face["vertices"], face["triangles"]
    assert vertices.shape == (468, 3) and triangles.shape == (898, 3)
    assert triangles.min() == 0 and triangles.max() == 467
    assert vertices[234, 0] == pytest.approx(-vertices[454, 0], abs=1e-4)
    assert vertices[10, 1] > 8 and vertices[152, 1] < -9  # y up, centimetres
    assert vertices[1, 2] > vertices[[234, 454], 2].max() + 8  # the nose is nearer than the ears


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"weights")
    (tmp_path / "a.md").write_text("card")
    script("weights_manifest").register("a", "a.onnx", "MIT", "here", "a.md", tmp_path)
    return tmp_path


def refused(folder, name="a"):
    with pytest.raises(NotSupported) as caught:
        weights.load_bytes(name, folder)
    return caught.value.code


def change(folder, **fields):
    path = folder / "manifest.json"
    table = json.loads(path.read_text())
    table["a"] |= fields
    path.write_text(json.dumps(table))


def test_an_intact_file_is_read(folder):
    assert weights.load_bytes("a", folder) == b"weights"


def test_a_changed_file_is_refused(folder):
    (folder / "a.onnx").write_bytes(b"Weights")
    assert refused(folder) == "model_refused"


def test_a_longer_or_missing_file_is_refused(folder):
    (folder / "a.onnx").write_bytes(b"weights and more")
    assert refused(folder) == "model_refused"
    (folder / "a.onnx").unlink()
    assert refused(folder) == "model_refused"


def test_an_unknown_name_is_missing(folder):
    assert refused(folder, "b") == "model_missing"


@pytest.mark.parametrize(
    "fields",
    [
        {"file": "../a.onnx"},
        {"file": "a.pkl"},
        {"bytes": 10**12},
        {"bytes": "7"},
        {"more": 1},
    ],
)
def test_a_strange_entry_is_refused(folder, fields):
    change(folder, **fields)
    assert refused(folder) == "model_refused"


def test_a_broken_manifest_is_refused(folder):
    (folder / "manifest.json").write_text("[1")
    assert refused(folder) == "model_refused"
    (folder / "manifest.json").write_text("[1]")
    assert refused(folder) == "model_refused"
