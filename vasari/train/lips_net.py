"""The lip network in torch, and its export to ONNX with the state as an input and an output."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from vasari.motion import layout
from vasari.speech.features import FEATURE_DIM
from vasari.types import Float

WIDTH, HIDDEN = 128, 192


class LipNet(nn.Module):
    """features (B, T, 2304), state (1, B, 192) -> mouth coefficients (B, T, 24), next state.

    Layer norm, a linear layer, one GRU (Cho et al. 2014) and a linear layer: causal by its form.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(FEATURE_DIM)
        self.narrow = nn.Linear(FEATURE_DIM, WIDTH)
        self.dropout = nn.Dropout(0.2)
        self.gru = nn.GRU(WIDTH, HIDDEN, batch_first=True)
        self.mouth = nn.Linear(HIDDEN, layout.N_MOUTH)

    def forward(
        self, features: torch.Tensor, state: torch.Tensor | None = None, noise: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """noise: standard deviation of what is added to the normalised features, in training."""
        normed = self.norm(features)
        if noise:
            normed = normed + noise * torch.randn_like(normed)
        hidden, state = self.gru(self.dropout(torch.tanh(self.narrow(normed))), state)
        return self.mouth(self.dropout(hidden)), state


def export(net: LipNet, path: Path, gain: float = 1.0, shift: Float | None = None) -> float:
    """Write the graph `features` (T, 2304), `h_in` (1, 1, 192) -> `mouth` (T, 24), `h_out`.

    The mouth is multiplied by gain, and shift (24,) added. Returns the largest difference between
    torch and ONNX Runtime on random input, the state carried over; RuntimeError above 1e-4.
    """
    net = net.eval()
    moved = np.zeros(layout.N_MOUTH, np.float32) if shift is None else shift
    weights = {k: v.detach().numpy().astype(np.float32) for k, v in net.state_dict().items()}
    path.write_bytes(_graph(weights, gain, moved).SerializeToString())
    difference = parity(net, path, gain, moved)
    if difference > 1e-4:
        raise RuntimeError(f"torch and ONNX Runtime differ by {difference:.1e}, over 1e-4")
    return difference


def _graph(weights: dict[str, np.ndarray], gain: float, shift: Float) -> onnx.ModelProto:
    def onnx_order(matrix: np.ndarray) -> np.ndarray:
        reset, update, new = np.split(matrix, 3)  # torch: r z n; ONNX: z r h
        return np.concatenate([update, reset, new])[None]

    biases = [onnx_order(weights[f"gru.bias_{k}_l0"]) for k in ("ih", "hh")]
    constants = {
        "norm_scale": weights["norm.weight"],
        "norm_shift": weights["norm.bias"],
        "narrow_w": weights["narrow.weight"],
        "narrow_b": weights["narrow.bias"],
        "gru_w": onnx_order(weights["gru.weight_ih_l0"]),
        "gru_r": onnx_order(weights["gru.weight_hh_l0"]),
        "gru_b": np.concatenate(biases, axis=1),
        "mouth_w": weights["mouth.weight"] * np.float32(gain),
        "mouth_b": weights["mouth.bias"] * np.float32(gain) + shift,
        "as_batch": np.array([-1, 1, WIDTH], np.int64),
        "as_rows": np.array([-1, HIDDEN], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("LayerNormalization", ["features", "norm_scale", "norm_shift"], ["normed"], axis=-1),
        node("Gemm", ["normed", "narrow_w", "narrow_b"], ["narrow"], transB=1),
        node("Tanh", ["narrow"], ["bounded"]),
        node("Reshape", ["bounded", "as_batch"], ["sequence"]),
        node(
            "GRU",
            ["sequence", "gru_w", "gru_r", "gru_b", "", "h_in"],
            ["states", "h_out"],
            hidden_size=HIDDEN,
            linear_before_reset=1,
        ),
        node("Reshape", ["states", "as_rows"], ["hidden"]),
        node("Gemm", ["hidden", "mouth_w", "mouth_b"], ["mouth"], transB=1),
    ]

    def port(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    proto = helper.make_graph(
        nodes,
        "lips",
        [port("features", ["frames", FEATURE_DIM]), port("h_in", [1, 1, HIDDEN])],
        [port("mouth", ["frames", layout.N_MOUTH]), port("h_out", [1, 1, HIDDEN])],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    version = {"format_version": "1", "layout_version": str(layout.LAYOUT_VERSION)}
    helper.set_model_props(model, version)
    onnx.checker.check_model(model, full_check=True)
    return model


def parity(net: LipNet, path: Path, gain: float, shift: Float) -> float:
    """Largest difference of mouth and state on 2 x 30 random frames."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    state = np.zeros((1, 1, HIDDEN), np.float32)
    worst = 0.0
    for _ in range(2):
        features = rng.normal(0, 3, (30, FEATURE_DIM)).astype(np.float32)
        with torch.no_grad():
            mouth, after = net(torch.from_numpy(features)[None], torch.from_numpy(state))
        got, state = session.run(None, {"features": features, "h_in": state})
        worst = max(
            worst,
            float(np.abs(mouth[0].numpy() * gain + shift - got).max()),
            float(np.abs(after.numpy() - state).max()),
        )
    return worst
