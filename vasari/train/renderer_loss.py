"""What the refiner is trained for: truth in pixels, edges and features, realism, and calm."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from vasari.renderer.networks import Painted
from vasari.train.perceptual import Perceptual


@dataclass(frozen=True)
class Batch:
    """Float tensors (n, c, h, w), pictures 0..1.

    frame, beside: the inputs of `FrameNet`, and those of one frame later; source: of `SourceNet`;
    target: (n, 3, h, w) the truth; exact: (n,) 1 where truth and input are aligned to the pixel
    and sharp, as in remade pictures, less for pairs of video frames.
    """

    frame: torch.Tensor
    beside: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor
    exact: torch.Tensor

    @property
    def rasters(self) -> torch.Tensor:
        """(n, 2, h, w) outer and inner contour."""
        return self.frame[:, 3:5]


@dataclass(frozen=True)
class Weights:
    """How much each part of the loss counts."""

    pixels: float = 2.0
    edges: float = 2.0
    features: float = 3.0
    realism: float = 0.1
    mask: float = 0.02
    flow: float = 0.003
    calm: float = 2.0


class Critic(nn.Module):
    """Scores (n, 1, h / 8, w / 8) of how real places of a picture with its contours look."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 5
        for wider in (32, 64, 128):
            layers += [nn.Conv2d(channels, wider, 4, 2, 1), nn.LeakyReLU(0.2)]
            channels = wider
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, 1, 1))

    def forward(self, picture: torch.Tensor, rasters: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(torch.cat([picture * 2 - 1, rasters], 1))
        return out

    def score(
        self, picture: torch.Tensor, rasters: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The scores, and how much each place counts: 1 on average over the batch, most where
        something was made up, so that pictures with little of it do not drown the others."""
        scores = self(picture, rasters)
        made_up = functional.max_pool2d(rasters[:, 1:], 5, 1, 2) + 0.15 * rasters[:, :1] + 0.02
        place = functional.adaptive_avg_pool2d(made_up, (scores.shape[2], scores.shape[3]))
        return scores, place / place.mean()


def importance(rasters: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) weight of a place: lips and lids count more than skin, what is inside most."""
    outer, inner = rasters[:, :1], rasters[:, 1:]
    near = functional.max_pool2d(outer, 9, 1, 4)
    return 0.4 + near + outer + 3.0 * inner


def loss(
    got: Painted, beside: Painted | None, batch: Batch, judge: Perceptual, weights: Weights
) -> dict[str, torch.Tensor]:
    """The weighted parts, without realism."""
    look = importance(batch.rasters)
    look = look / look.mean((1, 2, 3), keepdim=True)
    place = look * (0.4 + 0.6 * batch.exact.view(-1, 1, 1, 1))
    off = got.picture - batch.target
    parts = {
        "pixels": weights.pixels * (place * off.abs()).mean(),
        "edges": weights.edges * _edges(off, place),
        "features": weights.features * judge(got.picture, batch.target, look).mean(),
        "mask": weights.mask * (got.mask * (1 - batch.rasters[:, :1])).mean(),
        "flow": weights.flow * got.flow.abs().mean(),
    }
    if beside is not None:
        # What is painted on top must move less than it takes to see: geometry moves, paint stays.
        n = len(beside.picture)
        here = got.picture[:n] - batch.frame[:n, :3]
        there = beside.picture - batch.beside[:n, :3]
        parts["calm"] = weights.calm * (here - there).abs().mean()
    return parts


def _edges(off: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    across = (off[..., 1:] - off[..., :-1]).abs() * place[..., 1:]
    down = (off[..., 1:, :] - off[..., :-1, :]).abs() * place[..., 1:, :]
    return across.mean() + down.mean()
