"""`vasari train lips`: the network that turns speech into mouth motion.

Data: `vasari.train.lips_data`. Loss: squared error of the mouth coefficients, of the lip vertices
that they move and of the gap between the lips, each on values and on velocities; shut lips weigh
more, since a p, b or m that stays open is seen at once. The weights are averaged over steps.
Regression shrinks towards the mean and smooths: lips that should touch come near. So the network
learns a truth whose quick movements are enlarged, and the finished mouth is pressed a little shut
and scaled until its opening varies on held-out sentences a tenth more than the tracked one.
"""

import json
import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from vasari.motion import layout
from vasari.motion.basis import Basis, load_basis
from vasari.motion.mesh import shape_from_motion
from vasari.runtime import Runtime
from vasari.train import lips_data
from vasari.train.lips_data import Example
from vasari.train.lips_net import LipNet, export
from vasari.types import Float

_SPREAD = 1.1
"""Standard deviation of the spoken opening over the tracked one's, on held-out sentences."""
_AVERAGED = 0.995
"""Share of the averaged weights that stays at every step."""
_REPEATED = {"grid_hi": 4}
"""50 sentences of one woman against 1000 of one man."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults made the shipped file.

    shut: extra weight of touching lips. sharpening: share of each frame's difference to the mean
    of its neighbours that is added to it. closing: face widths by which the lips are brought
    together.
    """

    epochs: int = 20
    copies: int = 3
    batch: int = 16
    rate: float = 1.5e-3
    noise: float = 0.3
    shut: float = 3.0
    sharpening: float = 1.0
    closing: float = 0.012
    people: tuple[str, ...] = field(default=lips_data.TRAINING_SETS)
    seed: int = 0
    threads: int = 2


def train(data: Path, output: Path) -> dict[str, float | str]:
    """The recipe of the shipped file; returns its figures. Writes output/lips.onnx."""
    return run(data, output)


def run(data: Path, out: Path, *, recipe: Recipe | None = None) -> dict[str, float | str]:
    """Prepare what is missing under out, train (or go on training), export, and measure.

    data: folder with video/grid_s1, video/grid_hi, video/grid_speakers. The same data and recipe
    give the same weights on the same machine. The figures are those of `measure`, in the sets
    "held_out" (sentences never trained on) and "unseen" (people never trained on).
    """
    recipe = recipe or Recipe()
    out.mkdir(parents=True, exist_ok=True)
    basis = load_basis()
    encoder = Runtime(recipe.threads).model("whisper_encoder")
    lips_data.prepare(
        data, out, basis, lambda mel: encoder.run({"mel": mel})["tokens"], recipe.copies
    )
    learned, tested, unseen = load(out, recipe)
    net = fit(learned, basis, recipe, out / "lips.training.safetensors")
    finish = calibrate(net, tested, basis, recipe.closing)
    figures: dict[str, float | str] = {
        "parity": export(net, out / "lips.onnx", finish.gain, finish.shift),
        "gain": finish.gain,
        "parameters": sum(p.numel() for p in net.parameters()),
    }
    for name, group in (("held_out", tested), ("unseen", unseen)):
        figures |= {f"{name}_{key}": value for key, value in measure(net, group, basis, finish)}
    (out / "lips.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return figures


def load(out: Path, recipe: Recipe) -> tuple[list[list[Example]], list[Example], list[Example]]:
    """Sentences to learn, each with its copies; held-out sentences; people never trained on."""
    groups: defaultdict[tuple[str, str], list[Example]] = defaultdict(list)
    alone = [[example] for example in lips_data.rests(out)]
    tested: list[Example] = []
    seen = lips_data.seen_people(lips_data.TRAINING_SETS)
    for name in recipe.people:
        for path in sorted((out / "features").glob(f"{name}*")):
            for example in lips_data.examples(out, path.name, name):
                if lips_data.held_out(example.name):
                    tested += [example] if path.name == name else []
                elif path.name.endswith("_pause"):
                    alone.append([example])
                elif example.name not in seen:
                    groups[name, example.name].append(example)
    learned = [
        group for (name, _), group in sorted(groups.items()) for _ in range(_REPEATED.get(name, 1))
    ]
    unseen = lips_data.examples(out, lips_data.TEST_SET, lips_data.TEST_SET)
    return (
        [[sharpened(example, recipe.sharpening) for example in group] for group in alone + learned],
        tested,
        [e for e in unseen if e.name not in seen],
    )


def sharpened(example: Example, share: float) -> Example:
    """The example with its quick movements enlarged."""
    mouth = np.pad(example.mouth, ((1, 1), (0, 0)), mode="edge")
    quick = example.mouth - 0.5 * (mouth[:-2] + mouth[2:])
    return replace(example, mouth=np.asarray(example.mouth + share * quick, np.float32))


@dataclass(frozen=True)
class Finish:
    """What is done to the network's mouth: gain * mouth + shift, shift (24,)."""

    gain: float
    shift: Float

    def __call__(self, mouth: Float) -> Float:
        return np.asarray(np.float32(self.gain) * mouth + self.shift, np.float32)


class _Loss:
    """Squared error in units in which every part has about the variance of speech."""

    def __init__(self, basis: Basis, mouths: Float, shut: float) -> None:
        lips = basis.mouth[:, layout.LIPS].reshape(layout.N_MOUTH, -1)
        gap = basis.mouth[:, 14, 1] - basis.mouth[:, 13, 1]
        self.to_lips = torch.from_numpy(lips / (mouths @ lips).std())
        self.to_gap = torch.from_numpy(gap / (mouths @ gap).std())
        self.shut_weight = shut
        self.shut = float(np.percentile(mouths @ gap, 25) / (mouths @ gap).std())

    def __call__(self, got: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """got, truth: (B, T, 24); valid: (B, T), 1 where the truth is known."""
        off = got - truth
        wanted = truth @ self.to_gap
        weight = valid * (1 + self.shut_weight * (wanted < self.shut))
        gap = ((off @ self.to_gap) ** 2 * weight).sum() / weight.sum()
        lips = ((off @ self.to_lips) ** 2).mean(-1)
        values = (lips + 0.1 * (off**2).mean(-1)) * valid
        speed = torch.diff(off, dim=1)
        moving = (speed @ self.to_lips).square().mean(-1) + (speed @ self.to_gap).square()
        both = valid[:, 1:] * valid[:, :-1]
        return gap + values.sum() / valid.sum() + 2.0 * (moving * both).sum() / both.sum()


def fit(learned: list[list[Example]], basis: Basis, recipe: Recipe, checkpoint: Path) -> LipNet:
    """Train, from the checkpoint where there is one; written after every epoch."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    net, average = LipNet(), LipNet()
    average.load_state_dict(net.state_dict())
    loss = _Loss(basis, np.concatenate([e.mouth for e, *_ in learned]), recipe.shut)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=0.02)
    steps = -(-len(learned) // recipe.batch)
    for epoch in range(_resume(checkpoint, net, average, optimiser), recipe.epochs):
        torch.manual_seed(recipe.seed * 1000 + epoch)
        rng = np.random.default_rng([recipe.seed, epoch])
        order = rng.permutation(len(learned))
        errors = []
        net.train()
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            chosen = [learned[i][rng.integers(len(learned[i]))] for i in rows]
            features, truth, valid = _batch(chosen)
            error = loss(net(features, noise=recipe.noise)[0], truth, valid)
            progress = (epoch + step / steps) / recipe.epochs
            warm = min(1.0, 20 * progress + 0.01) * 0.5 * (1 + np.cos(np.pi * progress))
            optimiser.param_groups[0]["lr"] = recipe.rate * float(warm)
            optimiser.zero_grad()
            error.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            _follow(average, net)
            errors.append(error.item())
        _keep(checkpoint, net, average, optimiser, epoch + 1)
        _log.info("epoch %d of %d: loss %.4f", epoch + 1, recipe.epochs, float(np.mean(errors)))
    return average.eval()


@torch.no_grad()
def _follow(average: LipNet, net: LipNet) -> None:
    for slow, fast in zip(average.parameters(), net.parameters(), strict=True):
        slow.lerp_(fast, 1 - _AVERAGED)


def _batch(chosen: list[Example]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features, mouths, and which frames are real: shorter examples are padded."""
    frames = max(len(e.mouth) for e in chosen)
    features = np.zeros((len(chosen), frames, chosen[0].features.shape[1]), np.float32)
    truth = np.zeros((len(chosen), frames, layout.N_MOUTH), np.float32)
    valid = np.zeros((len(chosen), frames), np.float32)
    for row, example in enumerate(chosen):
        count = len(example.mouth)
        features[row, :count] = example.features
        truth[row, :count] = example.mouth
        valid[row, :count] = 1
    return torch.from_numpy(features), torch.from_numpy(truth), torch.from_numpy(valid)


def _keep(
    path: Path, net: LipNet, average: LipNet, optimiser: torch.optim.Optimizer, epochs: int
) -> None:
    tensors = {f"net.{k}": v for k, v in net.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{k}": v for k, v in state.items()}
    tensors["epochs"] = torch.tensor(epochs)
    partial = path.with_suffix(".part")
    save_file({k: v.contiguous() for k, v in tensors.items()}, partial)
    partial.replace(path)


def _resume(path: Path, net: LipNet, average: LipNet, optimiser: torch.optim.Optimizer) -> int:
    """Load a checkpoint into all three; returns the number of epochs done."""
    if not path.exists():
        return 0
    tensors = load_file(path)
    for owner, module in (("net.", net), ("average.", average)):
        parts = {k.removeprefix(owner): v for k, v in tensors.items() if k.startswith(owner)}
        module.load_state_dict(parts)
    state = optimiser.state_dict()
    for key, value in tensors.items():
        if key.startswith("adam."):
            _, index, name = key.split(".")
            state["state"].setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(state)
    return int(tensors["epochs"])


def mouth_of(net: LipNet, example: Example) -> Float:
    """(T, 24) what the network makes of an example."""
    with torch.no_grad():
        features = torch.from_numpy(example.features.astype(np.float32))[None]
        return np.asarray(net(features)[0][0].numpy(), np.float32)


def opening_of_mouth(mouth: Float, basis: Basis) -> Float:
    """(T,) lip opening of mouth coefficients (T, 24) on the average face, over its height."""
    motion = layout.rest()
    meshes = []
    for row in mouth:
        motion[layout.MOUTH] = row
        meshes.append(shape_from_motion(basis.identity_mean, motion, basis))
    return lips_data.opening_of(np.stack(meshes))


def shutting(mouths: Float, basis: Basis) -> Float:
    """(24,) the coefficients that go with a gap one face width smaller, by regression on speech."""
    gap = mouths @ (basis.mouth[:, 14, 1] - basis.mouth[:, 13, 1])
    covariance = ((mouths - mouths.mean(0)) * (gap - gap.mean())[:, None]).mean(0)
    return np.asarray(-covariance / gap.var(), np.float32)


def calibrate(net: LipNet, tested: list[Example], basis: Basis, closing: float) -> Finish:
    """Lips brought together by closing, and scaled to the wanted spread on these examples."""
    shift = closing * shutting(np.concatenate([e.mouth for e in tested]), basis)
    mouths = [mouth_of(net, e) for e in tested]
    wanted = _SPREAD * float(np.mean([e.opening.std() for e in tested]))
    gain = 1.0
    for _ in range(4):
        finish = Finish(gain, shift)
        got = np.mean([opening_of_mouth(finish(m), basis).std() for m in mouths])
        gain *= wanted / float(got)
    return Finish(gain, shift)


def measure(
    net: LipNet, group: list[Example], basis: Basis, finish: Finish
) -> list[tuple[str, float]]:
    """Figures on examples with a tracked opening.

    r: correlation of the lip opening, mean over clips. lag: frames by which the generated mouth is
    best moved, mean. spread: standard deviation of the opening over the truth's, mean.
    """
    rows = []
    for example in group:
        got = opening_of_mouth(finish(mouth_of(net, example)), basis)
        best, _ = best_lag(got, example.opening)
        r = float(np.corrcoef(got, example.opening)[0, 1])
        rows.append((r, float(best), float(got.std() / example.opening.std())))
    means = np.mean(rows, axis=0) if rows else np.full(3, np.nan)
    return [(k, float(v)) for k, v in zip(("r", "lag", "spread"), means, strict=True)]


def best_lag(got: Float, truth: Float, most: int = 5) -> tuple[int, float]:
    """The shift in frames (> 0: the generated mouth is late) of highest correlation, and that."""
    scores = {}
    for lag in range(-most, most + 1):
        late, early = got[max(0, lag) :], truth[max(0, -lag) :]
        count = min(len(late), len(early))
        scores[lag] = float(np.corrcoef(late[:count], early[:count])[0, 1])
    best = max(scores, key=lambda lag: scores[lag])
    return best, scores[best]
