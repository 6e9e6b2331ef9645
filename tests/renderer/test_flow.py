import numpy as np
import pytest

from vasari.renderer.flow import FLOW_STEP_PX, face_flow, invert, rasterise, triangle_maps
from vasari.renderer.topology import Topology, load_topology

NONE = np.zeros((0, 3), np.intp)
NO_RIMS = np.zeros(0, np.intp)


def square_mesh(n: int = 12, low: float = 140, high: float = 360) -> tuple[np.ndarray, Topology]:
    x, y = np.meshgrid(np.linspace(low, high, n), np.linspace(low, high, n))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)
    cells = [(j * n + i) for j in range(n - 1) for i in range(n - 1)]
    triangles = [t for a in cells for t in ((a, a + 1, a + n), (a + 1, a + n + 1, a + n))]
    return points, Topology(np.array(triangles, np.intp), NONE, NO_RIMS)


def test_triangle_maps_take_corners_to_corners() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.uniform(0, 500, (2, 30, 2)).astype(np.float32)
    triangles = rng.permutation(30).reshape(10, 3)
    maps = triangle_maps(source, target, triangles)
    corners = np.concatenate([target[triangles], np.ones((10, 3, 1))], 2)
    found = np.einsum("tij,tkj->tki", maps.astype(float), corners)
    assert np.abs(found - source[triangles]).max() < 0.1


def test_a_flat_triangle_keeps_its_place_instead_of_exploding() -> None:
    source = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    target = np.array([[5, 5], [5, 5], [5, 5]], np.float32)
    maps = triangle_maps(source, target, np.array([[0, 1, 2]]))
    assert np.isfinite(maps).all()
    assert maps[0] @ [5, 5, 1] == pytest.approx([0, 0])


def test_face_flow_is_exact_on_a_deformed_mesh() -> None:
    source, topology = square_mesh()
    target = source + np.random.default_rng(0).uniform(-4, 4, source.shape).astype(np.float32)
    positions, coverage, window = face_flow(source, target, np.zeros(len(source)), topology)
    centre = (FLOW_STEP_PX - 1) / 2
    errors = []
    for s, t in zip(source, target, strict=True):
        column = round((t[0] - centre) / FLOW_STEP_PX) - window[1].start
        row = round((t[1] - centre) / FLOW_STEP_PX) - window[0].start
        if coverage[row, column] == 1.0:
            near = np.array([column + window[1].start, row + window[0].start]) * FLOW_STEP_PX
            # Within a triangle the flow is affine: half a step away it differs by little.
            errors.append(np.abs(positions[row, column] - (s + near + centre - t)).max())
    assert len(errors) > 60
    assert np.median(errors) < 0.4


def test_nearer_triangles_cover_farther_ones() -> None:
    points = np.array([[100, 100], [300, 100], [100, 300]] * 2, np.float32)
    depth = np.array([0, 0, 0, -50, -50, -50], np.float32)
    ids = rasterise(points, depth, Topology(np.array([[0, 1, 2], [3, 4, 5]]), NONE, NO_RIMS))
    assert set(np.unique(ids)) == {-1, 1}


def test_shut_openings_vanish_under_the_skin() -> None:
    points = np.array([[100, 200], [300, 200], [200, 200.4], [200, 300]], np.float32)
    topology = Topology(
        skin=np.array([[0, 1, 3]]), openings=np.array([[0, 1, 2]]), rims=np.zeros(1, np.intp)
    )
    flat = points.copy()
    flat[2, 1] = 200.0
    ids = rasterise(flat, np.zeros(4), topology)
    assert set(np.unique(ids)) == {-1, 1}


def test_invert_undoes_a_smooth_displacement() -> None:
    y, x = np.mgrid[0:65, 0:65].astype(np.float32) * 8
    forward = np.stack([6 * np.sin(y / 90), 5 * np.cos(x / 110)], 2).astype(np.float32)
    backward = invert(forward, 8)
    source = np.stack([x, y], 2) - backward
    inside = np.s_[4:-4, 4:-4]
    again = source + np.stack(
        [6 * np.sin(source[..., 1] / 90), 5 * np.cos(source[..., 0] / 110)], 2
    )
    assert np.abs(again - np.stack([x, y], 2))[inside].max() < 0.06


def test_shipped_topology_has_openings_for_eyes_and_mouth() -> None:
    topology = load_topology()
    assert len(topology.triangles) == 898
    # A polygon of n points has n - 2 triangles: two eyes of 16, a mouth of 20.
    assert len(topology.openings) == 2 * 14 + 18
