"""Every portrait of the corpus of bad inputs, where its tool lies beside the checkout."""

import importlib.util
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from vasari.errors import InvalidInput, VasariError
from vasari.portrait import make_portrait
from vasari.runtime import Runtime

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("BAD_INPUTS", ROOT.parent / "shared" / "tools" / "bad_inputs.py"))

pytestmark = pytest.mark.skipif(not TOOL.is_file(), reason="the corpus tool is not here")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, grace_path):
    spec = importlib.util.spec_from_file_location("bad_inputs", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bad_inputs"] = module
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("bad")
    manifest = module.build(folder, grace_path, makers=[module.portraits])
    return folder, [case for case in manifest["cases"] if case["group"] == "portrait"]


class PeakMemory:
    """Largest growth of this process's resident memory, in MB, while inside."""

    def __enter__(self):
        self._start, self.grown_mb, self._inside = self._now(), 0.0, True
        self._watch = threading.Thread(target=self._sample)
        self._watch.start()
        return self

    def __exit__(self, *_):
        self._inside = False
        self._watch.join()

    def _sample(self):
        while self._inside:
            self.grown_mb = max(self.grown_mb, self._now() - self._start)
            time.sleep(0.002)

    @staticmethod
    def _now():
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def answer(path, runtime):
    try:
        make_portrait(path, runtime)
    except VasariError as error:
        assert isinstance(error, InvalidInput)
        assert "PLANTED" not in error.message + error.fix
        return error.code
    return "ok"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_every_bad_photo_gets_its_answer_in_time_and_memory(corpus, grace_path):
    folder, cases = corpus
    assert len(cases) > 20
    runtime = Runtime(1)
    assert answer(grace_path, runtime) == "ok"
    wrong = []
    for case in cases:
        with PeakMemory() as memory:
            start = time.monotonic()
            code = answer(folder / case["file"], runtime)
            seconds = time.monotonic() - start
        if code not in case["codes"]:
            wrong.append(f"{case['id']} {case['file']}: {code}, expected {case['codes']}")
        if seconds > case["seconds"]:
            wrong.append(f"{case['id']}: {seconds:.1f} s, allowed {case['seconds']}")
        if memory.grown_mb > case["rss_mb"]:
            wrong.append(f"{case['id']}: {memory.grown_mb:.0f} MB, allowed {case['rss_mb']}")
    assert wrong == []
    assert list((folder / "canary").iterdir()) == []
    assert answer(grace_path, runtime) == "ok"  # the next good photo works
