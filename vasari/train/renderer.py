"""Train the refiner: the networks that repaint mouth and eyes.

    run(data, out, config)

First the shards of `vasari.train.renderer_shards` are made, then one network per region is trained
on them and exported. Every part goes on where it was stopped. Writes refiner_{mouth,eyes}.onnx and
refiner_{mouth,eyes}_source.onnx.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from vasari.renderer import networks
from vasari.renderer.networks import FrameNet, SourceNet, Widths, near
from vasari.renderer.region import FLOW_UNIT_PX
from vasari.train.perceptual import Perceptual
from vasari.train.renderer_data import FIELDS, Channels
from vasari.train.renderer_export import export
from vasari.train.renderer_loss import Batch, Critic, Weights, loss
from vasari.train.renderer_shards import make_shards, read_shard

_LOG = logging.getLogger(__name__)
_AVERAGED = 0.998
_EXACT = {"faces": 1.0, "grid_hi": 0.5, "grid_s1": 0.0}
"""How sharp and how well aligned the truth of each kind of shard is."""
_SHARE = {"faces": 0.88, "grid_hi": 0.04, "grid_s1": 0.08}
"""Of the draws."""
_OPENINGS_PX = (5, 11, 18, 28)
"""Heights of the inner contour between which openings count as alike."""


@dataclass(frozen=True)
class Recipe:
    """Everything that is not data. warm: steps before the critic has a say."""

    widths: Widths
    steps: int
    batch: int = 8
    rate: float = 5e-4
    warm: int = 1500
    keep_every: int = 100
    seed: int = 0
    weights: Weights = field(default_factory=Weights)


CONFIGS: dict[str, dict[str, Recipe]] = {
    "tiny": {
        "mouth": Recipe(networks.TINY, 60, batch=4, warm=20, keep_every=20),
        "eyes": Recipe(networks.TINY, 60, batch=4, warm=20, keep_every=20),
    },
    "base": {
        "mouth": Recipe(networks.MOUTH, 15200),
        "eyes": Recipe(networks.EYES, 10800, batch=12),
    },
}


class Samples:
    """All samples of one region in memory, and how often each is drawn."""

    def __init__(self, shards: list[Path], group: str) -> None:
        parts: dict[str, list[Channels]] = {f: [] for f in FIELDS}
        exact: list[NDArray[np.float32]] = []
        kinds: list[str] = []
        for path in shards:
            arrays = read_shard(path, group)
            if not arrays:
                continue
            for name in FIELDS:
                parts[name].append(arrays[name])
            kind = path.stem.rpartition("-")[0]
            exact.append(np.full(len(arrays["frame"]), _EXACT[kind], np.float32))
            kinds += [kind] * len(arrays["frame"])
        self._parts = {k: torch.from_numpy(np.concatenate(v)) for k, v in parts.items()}
        self._exact = torch.from_numpy(np.concatenate(exact))
        self._chance = self._chances(np.array(kinds))
        self._device = device()

    def __len__(self) -> int:
        return len(self._exact)

    def _chances(self, kinds: NDArray[np.str_]) -> NDArray[np.float64]:
        """Within a kind of shard every opening, from shut to wide, has an equal share, and in it
        samples in which more is left to do are drawn more often. Single people on video stay rare:
        their teeth are not everybody's."""
        todo, height = np.empty(len(self)), np.empty(len(self))
        for k in range(0, len(self), 256):
            frame = self._parts["frame"][k : k + 256].float()
            target = self._parts["target"][k : k + 256].float()
            off = (frame[..., :3] - target).abs().mean(3) * frame[..., 3]
            todo[k : k + 256] = off.sum((1, 2)) / frame[..., 3].sum((1, 2)).clamp_min(255)
            height[k : k + 256] = (frame[..., 4] > 127).sum(1).amax(1)
        chance = 0.3 + np.minimum(todo / todo.mean(), 4.0)
        bins = np.searchsorted(_OPENINGS_PX, height)
        for kind, share in _SHARE.items():
            here = kinds == kind
            for step in np.unique(bins[here]):
                group = here & (bins == step)
                chance[group] *= share / (chance[group].sum() * len(np.unique(bins[here])))
        return np.asarray(chance / chance.sum(), np.float64)

    def batch(self, size: int, rng: np.random.Generator, flip: bool) -> Batch:
        """Drawn and augmented: light and colour of the whole sample, mirroring, a little noise."""
        rows = torch.from_numpy(rng.choice(len(self), size, p=self._chance))
        part = {k: v[rows].permute(0, 3, 1, 2).float() for k, v in self._parts.items()}
        light = _light(size, rng)
        flows = [part[k] / (4 * FLOW_UNIT_PX) for k in ("flow", "next_flow")]
        seen = [part[k] / 255 for k in ("frame", "next_frame", "source", "target")]
        lit = [torch.cat([light(v[:, :3]), v[:, 3:]], 1) for v in seen]
        frame, beside = (torch.cat(pair, 1) for pair in zip(lit[:2], flows, strict=True))
        noise = torch.from_numpy(rng.normal(0, 0.008, frame[:, :3].shape).astype(np.float32))
        frame[:, :3] += noise
        source, target = lit[2], lit[3]
        if flip and rng.random() < 0.5:
            frame, beside, source, target = (v.flip(3) for v in (frame, beside, source, target))
            frame[:, 5] *= -1
            beside[:, 5] *= -1
        ready = [
            v.contiguous(memory_format=torch.channels_last) for v in (frame, beside, source, target)
        ]
        return Batch(*[v.to(self._device) for v in (*ready, self._exact[rows])])


def _light(size: int, rng: np.random.Generator) -> Callable[[torch.Tensor], torch.Tensor]:
    gain = np.exp(rng.normal(0, 0.15, (size, 1, 1, 1)) + rng.normal(0, 0.05, (size, 3, 1, 1)))
    gamma = np.exp(rng.normal(0, 0.12, (size, 1, 1, 1)))
    grey = (rng.random((size, 1, 1, 1)) < 0.06).astype(np.float32)
    by, power = (
        torch.from_numpy(gain.astype(np.float32)),
        torch.from_numpy(gamma.astype(np.float32)),
    )
    plain = torch.from_numpy(grey)

    def light(picture: torch.Tensor) -> torch.Tensor:
        lit = (picture.clamp(1e-4, 1) ** power * by).clamp(0, 1)
        return torch.lerp(lit, lit.mean(1, keepdim=True).expand_as(lit), plain)

    return light


class Networks(nn.Module):
    """The two networks of one region, called as one."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.source, self.frame = SourceNet(widths), FrameNet(widths)


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def placed(module: nn.Module) -> None:
    """Move a module to the device, in the layout that is three times as fast on CPUs."""
    module.to(device())
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@dataclass
class _State:
    net: Networks
    average: Networks
    critic: Critic
    optimiser: torch.optim.Optimizer
    sceptic: torch.optim.Optimizer
    step: int = 0

    @staticmethod
    def fresh(recipe: Recipe) -> "_State":
        torch.manual_seed(recipe.seed)
        net, average, critic = Networks(recipe.widths), Networks(recipe.widths), Critic()
        average.load_state_dict(net.state_dict())
        for module in (net, average, critic):
            placed(module)
        optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, (0.9, 0.99), weight_decay=0.01)
        sceptic = torch.optim.Adam(critic.parameters(), 3e-4, (0.5, 0.99))
        return _State(net, average, critic, optimiser, sceptic)

    def keep(self, path: Path) -> None:
        """Write everything; a file that is there is replaced in one step."""
        tensors = {"step": torch.tensor(self.step)}
        for name in ("net", "average", "critic"):
            module: nn.Module = getattr(self, name)
            tensors |= {f"{name}.{k}": v for k, v in module.state_dict().items()}
        for name in ("optimiser", "sceptic"):
            adam: torch.optim.Optimizer = getattr(self, name)
            for index, state in adam.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{k}": v for k, v in state.items()}
        partial = path.with_suffix(".part")
        save_file({k: v.clone().contiguous() for k, v in tensors.items()}, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Take up a file of `keep`, where there is one."""
        if not path.exists():
            return
        tensors = load_file(path, device=str(device()))
        self.step = int(tensors["step"])
        for name in ("net", "average", "critic"):
            own = {
                k.removeprefix(f"{name}."): v
                for k, v in tensors.items()
                if k.startswith(f"{name}.")
            }
            getattr(self, name).load_state_dict(own)
        for name in ("optimiser", "sceptic"):
            adam: torch.optim.Optimizer = getattr(self, name)
            state = adam.state_dict()
            for key, value in tensors.items():
                if key.startswith(f"{name}."):
                    _, index, part = key.split(".")
                    state["state"].setdefault(int(index), {})[part] = value
            adam.load_state_dict(state)


def fit(
    samples: Samples,
    recipe: Recipe,
    checkpoint: Path,
    flip: bool,
    judge: Perceptual,
    until: float | None = None,
) -> Networks:
    """Train, from the checkpoint where there is one. until: `time.monotonic` at which to pause."""
    state = _State.fresh(recipe)
    state.resume(checkpoint)
    log: dict[str, list[float]] = {}
    while state.step < recipe.steps and (until is None or time.monotonic() < until):
        rng = np.random.default_rng([recipe.seed, state.step])
        parts = _step(state, samples.batch(recipe.batch, rng, flip), recipe, judge)
        for key, value in parts.items():
            log.setdefault(key, []).append(value)
        state.step += 1
        if state.step % recipe.keep_every == 0 or state.step == recipe.steps:
            state.keep(checkpoint)
            told = "  ".join(f"{k} {np.mean(v):.4f}" for k, v in log.items())
            _LOG.info("step %d of %d: %s", state.step, recipe.steps, told)
            log.clear()
    state.keep(checkpoint)
    return state.average.eval()


def _step(state: _State, batch: Batch, recipe: Recipe, judge: Perceptual) -> dict[str, float]:
    progress = state.step / recipe.steps
    pace = min(1.0, (state.step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress)))
    state.optimiser.param_groups[0]["lr"] = recipe.rate * float(pace)
    style, detail = state.net.source(batch.source)
    got = near(state.net.frame(batch.frame, style, detail), batch.frame)
    half = len(batch.frame) // 2 if state.step % 2 else 0
    beside = None
    if half:
        later = batch.beside[:half]
        beside = near(state.net.frame(later, style[:half], detail[:half]), later)
    parts = loss(got, beside, batch, judge, recipe.weights)
    sharp = batch.exact > 0.75
    critical = state.step >= recipe.warm and bool(sharp.any())
    if critical:
        score, place = state.critic.score(got.picture[sharp], batch.rasters[sharp])
        parts["realism"] = -recipe.weights.realism * (score * place).mean()
    total = torch.stack(list(parts.values())).sum()
    state.optimiser.zero_grad()
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 1.0)
    state.optimiser.step()
    _follow(state.average, state.net)
    told = {k: float(v.detach()) for k, v in parts.items()}
    if critical:
        told["doubt"] = _doubt(state, got.picture[sharp].detach(), batch, sharp)
    return told


def _doubt(state: _State, fake: torch.Tensor, batch: Batch, sharp: torch.Tensor) -> float:
    """One step of the critic, with the hinge loss."""
    rasters = batch.rasters[sharp]
    real, place = state.critic.score(batch.target[sharp], rasters)
    made, _ = state.critic.score(fake, rasters)
    doubt = (functional.relu(1 - real) * place + functional.relu(1 + made) * place).mean()
    state.sceptic.zero_grad()
    torch.autograd.backward(doubt)
    state.sceptic.step()
    return float(doubt.detach())


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module) -> None:
    for slow, fast in zip(average.parameters(), net.parameters(), strict=True):
        slow.lerp_(fast, 1 - _AVERAGED)


def run(
    data: Path,
    out: Path,
    config: str = "base",
    minutes: float | None = None,
    only: str | None = None,
) -> dict[str, float]:
    """The whole recipe. out: folder. minutes: pause after so long; the next call goes on. only:
    "mouth" or "eyes", so that both can be trained beside each other.

    Returns how many samples there are, and the parity of each exported network.
    """
    until = None if minutes is None else time.monotonic() + 60 * minutes
    shards = make_shards(data, out / "shards")
    judge = Perceptual.load()
    placed(judge)
    figures: dict[str, float] = {}
    for name, recipe in CONFIGS[config].items():
        if only not in (None, name):
            continue
        samples = Samples(shards, name)
        checkpoint = out / f"{name}.safetensors"
        net = fit(samples, recipe, checkpoint, name == "mouth", judge, until)
        figures[f"{name}_samples"] = float(len(samples))
        figures[f"{name}_parity"] = export(net.source.cpu(), net.frame.cpu(), name, out)
        del samples
    return figures
