"""The only place that makes ONNX Runtime sessions: provider, threads, checked bytes."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from vasari import weights
from vasari.errors import InvalidOption, NotSupported

MAX_THREADS = 256


def _cgroup_quota(root: Path) -> float | None:
    """CPUs granted by the control group (version 2, then 1); None when unlimited or unknown."""
    try:
        quota, period = (root / "cpu.max").read_text().split()[:2]
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        amount = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
        length = int((root / "cpu" / "cpu.cfs_period_us").read_text())
        return amount / length if amount > 0 and length > 0 else None
    except (OSError, ValueError):
        return None


def default_threads(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Threads that really run in parallel here: the lesser of CPU affinity and cgroup quota."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _cgroup_quota(cgroup)
    count = available or 1
    if quota is not None:
        count = min(count, max(1, round(quota)))
    return min(count, MAX_THREADS)


class Model:
    """One loaded network. Safe to call from several threads."""

    def __init__(self, name: str, session: ort.InferenceSession) -> None:
        self.name = name
        self._session = session
        self.inputs: tuple[str, ...] = tuple(item.name for item in session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(item.name for item in session.get_outputs())

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Every output by its name. Raises ValueError when the fed names are not the inputs."""
        if len(feeds) != len(self.inputs) or any(name not in feeds for name in self.inputs):
            raise ValueError(f"{self.name}: expected {self.inputs}, got {tuple(feeds)}")
        values = self._session.run(None, dict(feeds))
        return {name: np.asarray(value) for name, value in zip(self.outputs, values, strict=True)}


class Runtime:
    """Makes and keeps the models of one owner; a Runtime is passed, never global.

    threads: for each model, 1 to 256; None takes `default_threads`.
    """

    def __init__(self, threads: int | None = None) -> None:
        if threads is not None and not 1 <= threads <= MAX_THREADS:
            raise InvalidOption(
                f"threads is {threads}, and must be from 1 to {MAX_THREADS}.",
                code="bad_threads",
                fix="Give the number of CPU cores, or leave it out.",
            )
        self.threads = threads or default_threads()
        self._models: dict[tuple[str, int], Model] = {}
        self._lock = threading.Lock()

    def model(self, name: str, threads: int | None = None) -> Model:
        """The shipped model called name, loaded at its first use and kept after.

        threads: for this model alone. Raises NotSupported as `vasari.weights.load_bytes` does,
        and with code model_refused when ONNX Runtime cannot read the graph.
        """
        key = (name, threads or self.threads)
        with self._lock:
            if key not in self._models:
                self._models[key] = Model(name, _session(name, weights.load_bytes(name), key[1]))
            return self._models[key]


def _session(name: str, data: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle pools would spin on the very cores that the next stage needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises its own, unexported types
        raise NotSupported(
            f"The model '{name}' cannot be loaded: {str(error).splitlines()[0]}",
            code="model_refused",
            fix="Update onnxruntime, or reinstall vasari.",
        ) from error
