"""Who may import whom: the table of the design, held against every import statement."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vasari"

VALUES = {"types", "errors"}
LAYER0 = VALUES | {"config", "weights", "atomic"}
STAGES = {"portrait", "speech", "generator", "renderer"}

# Part of the package: what of the package it may import, besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    "types": set(),
    "errors": set(),
    "config": VALUES,
    "weights": VALUES,
    "atomic": VALUES,
    "runtime": LAYER0,
    "motion": LAYER0,
    "media": LAYER0,
    "provenance": LAYER0,
    # Values between session and stages: no layer of their own.
    "soundtrack": VALUES,
    "portrait": LAYER0 | {"runtime", "motion"},
    "speech": LAYER0 | {"runtime", "motion"},
    "generator": LAYER0 | {"runtime", "motion"},
    "renderer": LAYER0 | {"runtime", "motion"},
    "session": LAYER0 | STAGES | {"runtime", "motion", "provenance", "soundtrack"},
    "offline": LAYER0 | {"session", "media", "provenance", "portrait", "runtime"},
}
MODULES = {"motion.tracking": {"portrait"}, "motion.video": {"portrait", "runtime"}}
"""More for single modules: tracking is motion made of pictures."""

ANYTHING = {"cli", "commands", "server", "train", "evaluate", "export", "__init__", "__main__"}
SIDE = {"train", "evaluate", "export"}
"""Import what they like; nothing below the command line imports them, and that only when run."""

TORCH = {"generator.model", "generator.diffusion", "renderer.networks"}


def imports(node: ast.AST, inside_function: bool = False) -> list[tuple[str, bool]]:
    """Every imported module with whether the import waits until a function runs.

    Imports for type checking alone are no imports.
    """
    found: list[tuple[str, bool]] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            found += [(alias.name, inside_function) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            names = [f"{child.module}.{alias.name}" for alias in child.names]
            found += [(name, inside_function) for name in names]
        else:
            lazy = inside_function or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            found += imports(child, lazy)
    return found


def modules() -> dict[str, Path]:
    """Every module by its name below the package, e.g. "motion.pose"."""
    table = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        table[".".join(parts)] = path
    return table


MODULE_TABLE = modules()


@pytest.mark.parametrize("name", MODULE_TABLE)
def test_imports_follow_the_table(name: str) -> None:
    part = name.split(".")[0]
    assert part in MAY_IMPORT or part in ANYTHING, f"{part} has no place in the table"
    for target, lazy in imports(ast.parse(MODULE_TABLE[name].read_text())):
        top, _, rest = target.partition(".")
        if top == "torch":
            assert part in SIDE or name in TORCH, f"{name} imports torch"
        if top == "onnxruntime":
            assert name == "runtime" or lazy or part in SIDE, f"{name} imports onnxruntime"
        if top in ("pickle", "socket", "urllib", "requests", "httpx"):
            raise AssertionError(f"{name} imports {target}")
        other = rest.split(".")[0]
        if top != "vasari" or not rest or other == part:
            continue
        if part in ANYTHING:
            assert other not in SIDE or part in SIDE or lazy, f"{name} imports {target} early"
            continue
        allowed = MAY_IMPORT[part] | MODULES.get(name, set())
        assert other in allowed, f"{name} may not import {target}"


@pytest.mark.parametrize("module", ["vasari", "vasari.cli"])
def test_starting_is_cheap(module: str) -> None:
    """Nothing heavy is loaded until a command or a function needs it."""
    script = f"import sys, {module}; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy = {"torch", "onnxruntime", "cv2", "av", "scipy", "matplotlib", "pydantic", "numpy"}
    assert not heavy & set(done.stdout.split())


def test_files_stay_readable() -> None:
    for name, path in MODULE_TABLE.items():
        assert len(path.read_text().splitlines()) <= 500, name
