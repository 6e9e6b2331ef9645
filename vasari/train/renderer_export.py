"""The refiner's networks as ONNX, with the parity check built in."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from vasari.renderer.networks import FrameNet, SourceNet
from vasari.renderer.region import EYES, MOUTH, N_INPUTS, N_SOURCE

_OPSET = 17
_SIZES = {"mouth": MOUTH.size, "eyes": EYES[0].size}


class _Picture(nn.Module):
    """The picture alone: nobody needs mask and flow at run time."""

    def __init__(self, net: FrameNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, frame: torch.Tensor, style: torch.Tensor, detail: torch.Tensor
    ) -> torch.Tensor:
        out: torch.Tensor = self.net(frame, style, detail).picture.clamp(0, 1)
        return out


def export(source: SourceNet, frame: FrameNet, name: str, out: Path) -> float:
    """Write refiner_NAME_source.onnx and refiner_NAME.onnx; returns the largest difference from
    torch on random input, 0..1 being the range of the picture."""
    import onnxruntime

    width, height = _SIZES[name]
    torch.manual_seed(0)
    photo = torch.rand(2, N_SOURCE, height, width)
    seen = torch.rand(2, N_INPUTS, height, width)
    out.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        style, detail = source(photo)
        wanted = _Picture(frame)(seen, style, detail).numpy()
    first, second = out / f"refiner_{name}_source.onnx", out / f"refiner_{name}.onnx"
    _write(source, (photo,), first, ["source"], ["style", "detail"])
    _write(
        _Picture(frame), (seen, style, detail), second, ["frame", "style", "detail"], ["picture"]
    )
    run = [
        onnxruntime.InferenceSession(str(p), providers=["CPUExecutionProvider"])
        for p in (first, second)
    ]
    features = run[0].run(None, {"source": photo.numpy()})
    given = {"frame": seen.numpy(), "style": features[0], "detail": features[1]}
    return float(np.abs(run[1].run(None, given)[0] - wanted).max())


def _write(
    net: nn.Module,
    given: tuple[torch.Tensor, ...],
    path: Path,
    inputs: list[str],
    outputs: list[str],
) -> None:
    axes = {name: {0: "n"} for name in (*inputs, *outputs)}
    torch.onnx.export(
        net.eval(), given, str(path), input_names=inputs, output_names=outputs,
        opset_version=_OPSET, dynamic_axes=axes, dynamo=False,
    )  # fmt: skip
