"""The refiner's two networks, in torch, for training and export alone.

`SourceNet` looks once at the photo's own patch. `FrameNet` is a small U-Net without normalisation
layers (they cost as much as convolutions on a CPU) that works at half the patch's resolution; its
input is folded and its output unfolded, so that fine detail survives. It returns a small flow that
moves the picture it got, a mask, and colours that show through the mask.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from vasari.renderer.region import N_INPUTS, N_SOURCE, REACH_PX, SOFT_PX

MOST_FLOW_PX = 4.0


@dataclass(frozen=True)
class Widths:
    """Channels: of the three levels, of the photo's feature map, and of its style."""

    fine: int
    middle: int
    coarse: int
    detail: int
    style: int
    blocks: int = 3


MOUTH = Widths(fine=32, middle=48, coarse=80, detail=24, style=64)
EYES = Widths(fine=20, middle=32, coarse=56, detail=16, style=48, blocks=2)
TINY = Widths(fine=8, middle=12, coarse=16, detail=8, style=16, blocks=1)


def _conv(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2)


class _Block(nn.Module):
    """Two convolutions around which the signal passes; the photo's style scales and shifts them."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.first, self.second = _conv(channels, channels), _conv(channels, channels)
        self.style = nn.Linear(style, 2 * channels) if style else None
        # Starts as the identity: deep stacks without normalisation train when blocks start small.
        nn.init.normal_(self.second.weight, std=1e-3)
        if self.style is not None:
            nn.init.zeros_(self.style.weight)
            nn.init.zeros_(self.style.bias)

    def forward(self, x: torch.Tensor, style: torch.Tensor | None = None) -> torch.Tensor:
        y = self.first(x)
        if self.style is not None and style is not None:
            scale, shift = self.style(style)[:, :, None, None].chunk(2, 1)
            y = y * (1 + scale) + shift
        out: torch.Tensor = x + self.second(functional.relu(y))
        return out


class SourceNet(nn.Module):
    """(n, 5, h, w) the photo's patch -> style (n, S), detail (n, D, h / 8, w / 8)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.stem = _conv(4 * N_SOURCE, widths.fine)
        self.down1 = _conv(widths.fine, widths.middle, 2)
        self.down2 = _conv(widths.middle, widths.coarse, 2)
        self.block = _Block(widths.coarse, 0)
        self.detail = _conv(widths.coarse, widths.detail)
        self.style = nn.Linear(2 * widths.coarse, widths.style)

    def forward(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = functional.relu(self.stem(functional.pixel_unshuffle(source, 2)))
        x = functional.relu(self.down1(x))
        x = self.block(functional.relu(self.down2(x)))
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return self.style(pooled), self.detail(functional.relu(x))


@dataclass(frozen=True)
class Painted:
    """picture: (n, 3, h, w) 0..1; mask: (n, 1, h, w) how much of it are new colours; flow:
    (n, 2, h, w) px by which the rest was moved."""

    picture: torch.Tensor
    mask: torch.Tensor
    flow: torch.Tensor


class FrameNet(nn.Module):
    """Patch inputs (n, 7, h, w), style and detail of `SourceNet` -> `Painted`."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        fine, middle, coarse, style = widths.fine, widths.middle, widths.coarse, widths.style
        self.stem = _conv(4 * N_INPUTS, fine)
        self.fine = _Block(fine, 0)
        self.down1 = _conv(fine, middle, 2)
        self.middle = _Block(middle, 0)
        self.down2 = _conv(middle, coarse, 2)
        self.join = _conv(coarse + widths.detail, coarse)
        self.coarse = nn.ModuleList([_Block(coarse, style) for _ in range(widths.blocks)])
        self.up1, self.up2 = _conv(coarse, middle, size=1), _conv(middle, fine, size=1)
        self.middle_out, self.fine_out = _Block(middle, style), _Block(fine, style)
        self.head = _conv(fine, 4 * 6)
        nn.init.normal_(self.head.weight, std=1e-3)

    def forward(self, frame: torch.Tensor, style: torch.Tensor, detail: torch.Tensor) -> Painted:
        x = functional.relu(self.stem(functional.pixel_unshuffle(frame, 2)))
        fine = self.fine(x)
        middle = self.middle(functional.relu(self.down1(fine)))
        x = functional.relu(self.down2(middle))
        x = functional.relu(self.join(torch.cat([x, detail], 1)))
        for block in self.coarse:
            x = block(x, style)
        x = functional.interpolate(self.up1(x), scale_factor=2.0, mode="nearest") + middle
        x = self.middle_out(x, style)
        x = functional.interpolate(self.up2(x), scale_factor=2.0, mode="nearest") + fine
        x = self.fine_out(functional.relu(x), style)
        out = functional.pixel_shuffle(self.head(functional.relu(x)), 2)
        flow = torch.tanh(out[:, :2]) * MOST_FLOW_PX
        mask = torch.sigmoid(out[:, 2:3] - 2.5)
        moved = warp(frame[:, :3], flow)
        colours = out[:, 3:6] + 0.4
        return Painted(moved + mask * (colours - moved), mask, flow)


def near(painted: Painted, frame: torch.Tensor) -> Painted:
    """What of it is shown: the paint close to lips or lids, the frame's own picture elsewhere.

    At run time `vasari.renderer.region.reach` does the same.
    """
    share, picture = reach(frame[:, 3:4]), frame[:, :3]
    shown = picture + share * (painted.picture - picture)
    return Painted(shown, painted.mask * share, painted.flow * share)


def reach(outer: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) 1 on the outer contour's inside and close to it, falling to 0 around.

    Skin farther away is the photo's own; the smallest flow would only blur it.
    """
    wide = functional.max_pool2d(outer, 2 * REACH_PX + 1, 1, REACH_PX)
    return functional.avg_pool2d(wide, 2 * SOFT_PX + 1, 1, SOFT_PX, count_include_pad=False)


def warp(picture: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) the picture at each pixel's place plus flow (n, 2, h, w) px."""
    height, width = picture.shape[2:]
    on = flow.device
    y = torch.linspace(-1, 1, height, device=on).view(1, height, 1).expand(1, height, width)
    x = torch.linspace(-1, 1, width, device=on).view(1, 1, width).expand(1, height, width)
    grid = torch.stack([x + flow[:, 0] * (2 / (width - 1)), y + flow[:, 1] * (2 / (height - 1))], 3)
    return functional.grid_sample(
        picture, grid, mode="bilinear", padding_mode="border", align_corners=True
    )
