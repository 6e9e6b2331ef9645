"""The command line from outside: exit codes, one-line errors, JSON, consent, nothing left behind.

The stages behind it are replaced by fakes; the whole chain is tested where it is put together.
"""

import json
import os
import pty
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

from vasari import cli, errors
from vasari.commands import ask, console, samples
from vasari.types import Clip, Controls

KINDS = ["self", "written", "licensed", "synthetic", "deceased-estate", "satire"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VASARI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    return tmp_path / "home"


def replace_render(monkeypatch: pytest.MonkeyPatch, render: Any) -> None:
    """Put a fake in the place of `vasari.offline`, which then is not even loaded."""
    fake = types.ModuleType("vasari.offline")
    fake.render = render  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vasari.offline", fake)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `render` was called with; it makes nothing."""
    made: list[dict[str, Any]] = []

    def render(photo: Any, audio: Any, output: Any, **options: Any) -> Clip:
        made.append({"photo": photo, "audio": audio, "output": output, **options})
        if options["progress"] is not None:
            options["progress"](50, 50)
        consent = options["consent"].kind.value
        return Clip(
            str(output), 50, options["fps"], 512, 512, 2.0, 1.0, 2.0, 300.0, 0, consent, ("w: x",)
        )

    replace_render(monkeypatch, render)
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    out = capsys.readouterr()
    return code, out.out, out.err


RENDER = ("render", "p.jpg", "s.wav", "-o", "o.mp4")


def test_render_hands_on_what_was_asked_for(
    capsys: pytest.CaptureFixture[str], calls: list[dict[str, Any]]
) -> None:
    flags = "--fps 40 --size photo --seed 7 --face 2 --gaze 10,-5 --head-scale 0.5"
    more = "--mouth-scale 1.2 --expression-scale 0 --blink-rate 20 --distance 1.1 --threads 2"
    code, out, err = run(
        capsys, *RENDER, *flags.split(), *more.split(), "--consent", "written", "--force"
    )
    assert code == 0, err
    (call,) = calls
    assert (str(call["photo"]), str(call["audio"]), str(call["output"])) == RENDER[1:3] + RENDER[4:]
    assert call["controls"] == Controls(
        gaze_deg=(10, -5),
        head_amplitude=0.5,
        mouth_amplitude=1.2,
        expression_amplitude=0,
        blink_per_minute=20,
        distance=1.1,
    )
    got = {key: call[key] for key in ("fps", "size", "seed", "face", "overwrite", "threads")}
    assert got == {
        "fps": 40,
        "size": "photo",
        "seed": 7,
        "face": 2,
        "overwrite": True,
        "threads": 2,
    }
    assert call["motion"] is None and call["consent"].kind == "written"
    assert call["progress"] is None  # stderr is no terminal
    assert "o.mp4" in out and "2.00 x real time" in out and "w: x" in err


def test_json_is_one_object_with_the_promised_keys(
    capsys: pytest.CaptureFixture[str], calls: list[dict[str, Any]]
) -> None:
    code, out, _ = run(capsys, *RENDER, "--consent", "self", "--json")
    assert code == 0
    keys = {"output", "frames", "fps", "duration_s", "wall_s", "realtime_factor", "peak_rss_mb"}
    assert keys | {"seed", "consent", "warnings"} <= set(json.loads(out))


def test_progress_goes_to_stderr(
    capsys: pytest.CaptureFixture[str], calls: list[dict[str, Any]]
) -> None:
    _, out, err = run(capsys, *RENDER, "--consent", "self", "--json", "--progress", "json")
    json.loads(out)
    record = json.loads(err.splitlines()[0])
    assert (record["event"], record["done"], record["total"]) == ("progress", 50, 50)
    _, _, err = run(capsys, *RENDER, "--consent", "self", "--progress", "plain")
    assert "Rendering: 50 of 50" in err


@pytest.mark.parametrize(
    ("flags", "code", "exit_code"),
    [
        (["--gaze", "ten"], "bad_control", 64),
        (["--gaze", "1,2,3"], "bad_control", 64),
        (["--gaze", "nan,0"], None, 64),
        (["--head-scale", "9"], None, 64),
        (["--distance", "0"], None, 64),
        (["--consent", "celebrity"], "bad_consent", 64),
        (["--consent", "self", "--consent-note", "a\nb"], "bad_consent_note", 64),
        (["--fps", "many"], "usage", 2),
        (["--size", "huge"], "usage", 2),
        (["--no-such-flag"], "usage", 2),
        ([], "consent_required", 77),
        (["--consent", "self", "--motion", "absent.motion"], None, 66),
    ],
)
def test_mistakes_end_with_their_code(
    capsys: pytest.CaptureFixture[str],
    calls: list[dict[str, Any]],
    flags: list[str],
    code: str | None,
    exit_code: int,
) -> None:
    got, out, err = run(capsys, *RENDER, *flags, "--json")
    answer = json.loads(out)["error"]
    assert got == exit_code and answer["message"] and answer["fix"]
    assert code is None or answer["code"] == code
    assert calls == [] and err == ""
    got, out, err = run(capsys, *RENDER, *flags)
    assert got == exit_code and out == ""
    assert err.startswith("error: ") and "fix: " in err and "Traceback" not in err
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_consent_is_taken(
    capsys: pytest.CaptureFixture[str], calls: list[dict[str, Any]], kind: str
) -> None:
    assert run(capsys, *RENDER, "--consent", kind)[0] == 0
    assert calls[0]["consent"].kind.value == kind


def raising(error: BaseException) -> Any:
    def render(*_: Any, **__: Any) -> Clip:
        raise error

    return render


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.InvalidInput("No face.", code="no_face", fix="Another."), 65),
        (errors.NotFound("No file.", code="no_input", fix="Look."), 66),
        (errors.NotSupported("No model.", code="model_refused", fix="Reinstall."), 69),
        (errors.CannotWrite("Full.", code="cannot_write", fix="Make room."), 73),
        (errors.Failed("Broken.", code="encoder_failed", fix="Report."), 70),
        (ZeroDivisionError("secret\nmore"), 70),
        (MemoryError(), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_exit_code(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    exit_code: int,
) -> None:
    replace_render(monkeypatch, raising(error))
    code, out, err = run(capsys, *RENDER, "--consent", "self")
    assert code == exit_code and out == "" and "Traceback" not in err
    if isinstance(error, ZeroDivisionError):
        assert "VASARI_DEBUG" in err and "[internal]" in err


def test_debug_shows_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VASARI_DEBUG", "1")
    replace_render(monkeypatch, raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        run(capsys, *RENDER, "--consent", "self")


def test_names_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = errors.NotFound("No '\x1b]0;x\x07[red]a\nb[/]'.", code="no_input", fix="Look.")
    replace_render(monkeypatch, raising(evil))
    _, _, err = run(capsys, *RENDER, "--consent", "self")
    assert "\x1b" not in err and "\x07" not in err and "[red]a" in err
    assert len(err.splitlines()) == 2


def test_without_arguments_comes_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert code == 2 and "render" in out + err
    code, out, _ = run(capsys, "--version")
    assert code == 0 and out.startswith("vasari ")


@pytest.mark.parametrize(
    "command",
    [
        "render",
        "demo",
        "bench",
        "doctor",
        "avatar check",
        "motion track",
        "motion inspect",
        "motion export",
        "train basis",
        "train lips",
    ],
)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = run(capsys, *command.split(), "--help")
    assert code == 0 and "Usage:" in out


def test_doctor_finds_this_installation_well(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "doctor", "--json")
    report = json.loads(out)
    assert code == 0 and report["ok"], report
    assert {"weights", "encoder", "packages"} <= {item["name"] for item in report["checks"]}


def test_a_wrong_setting_is_named_before_anything_runs(
    capsys: pytest.CaptureFixture[str], home: Path, calls: list[dict[str, Any]]
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("thread = 2\n")
    code, out, _ = run(capsys, *RENDER, "--consent", "self", "--json")
    assert code == 64 and json.loads(out)["error"]["code"] == "bad_setting" and calls == []


def test_consent_is_asked_once_per_portrait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, other = tmp_path / "p.jpg", tmp_path / "q.jpg"
    photo.write_bytes(b"one")
    other.write_bytes(b"two")
    answers = iter(["2", "", "satire"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    assert ask.consent_for(photo, None, "", True).kind == "written"
    assert ask.consent_for(photo, None, "", True).kind == "written"  # remembered
    with pytest.raises(errors.NotPermitted):
        ask.consent_for(other, None, "", True)  # empty answer
    assert ask.consent_for(other, None, "", True).kind == "satire"


def test_a_terminal_is_asked(tmp_path: Path) -> None:
    photo = tmp_path / "p.jpg"
    photo.write_bytes(b"no picture")
    arguments = ["render", str(photo), str(tmp_path / "absent.wav"), "-o", str(tmp_path / "o.mp4")]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "vasari", *arguments])
    os.write(terminal, b"\n")  # an empty answer stops
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 77, said
    assert b"On what ground" in said and b"consent_required" in said


LONG = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import types
import numpy as np
from vasari import cli
from vasari.media.video import VideoWriter
def render(photo, audio, output, **options):
    with VideoWriter(output, 64, 64, 25) as writer:
        for k in range(1_000_000):
            writer.write(np.zeros((64, 64, 3), np.uint8))
            if k == 5:
                print("going", flush=True)
sys.modules["vasari.offline"] = types.ModuleType("vasari.offline")
sys.modules["vasari.offline"].render = render
sys.exit(cli.main(["render", "p", "a", "-o", sys.argv[1], "--consent", "self"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    command = [sys.executable, "-c", LONG, str(tmp_path / "o.mp4")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "going\n"
        time.sleep(0.1)
        child.send_signal(number)
        _, err = child.communicate(timeout=30)
    assert child.returncode == code, err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_python_m_vasari_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vasari", "render", "a", "b", "-o", "c", "--json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 77 and json.loads(done.stdout)["error"]["code"] == "consent_required"


def test_demo_material_is_made_on_the_spot() -> None:
    pytest.importorskip("matplotlib")
    assert samples.portrait()[:2] == b"\xff\xd8"
    assert samples.babble(2.0) == samples.babble(2.0)
    assert len(samples.babble(2.0)) == 44 + 2 * 32_000


def test_demo_says_which_extra_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    code, out, _ = run(capsys, "demo", "-o", str(tmp_path / "d.mp4"), "--json")
    answer = json.loads(out)["error"]
    assert code == 69 and answer["code"] == "missing_extra" and "vasari[demo]" in answer["fix"]


def test_demo_declares_what_covers_the_picture(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    calls: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(samples, "portrait", lambda: b"p")
    monkeypatch.setattr(samples, "speech", lambda text: b"s")
    code, out, _ = run(capsys, "demo", "-o", str(tmp_path / "out" / "d.mp4"))
    assert code == 0 and "d.mp4" in out
    assert calls[0]["consent"].kind == "licensed" and "public domain" in calls[0]["consent"].note


def test_json_refuses_what_is_no_json() -> None:
    with pytest.raises(ValueError):
        console.print_json({"x": float("nan")})


def test_training_says_what_it_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ("train", "lips", "--data", str(tmp_path / "absent"), "-o", str(tmp_path / "o"))
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 66 and json.loads(out)["error"]["code"] == "no_input"
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "vasari.train.lips", raising=False)
    arguments = ("train", "lips", "--data", str(tmp_path), "-o", str(tmp_path / "o"))
    code, out, _ = run(capsys, *arguments, "--json")
    answer = json.loads(out)["error"]
    assert code == 69 and answer["code"] == "missing_extra" and "torch" in answer["message"]


def test_wrong_usage_says_2_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    from vasari.cli import main

    assert main(["render", "--json", "--fps", "x"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2


def test_controls_are_named_as_typed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from vasari.cli import main

    given = ["render", "a.jpg", "a.wav", "-o", str(tmp_path / "a.mp4"), "--head-scale", "3"]
    assert main([*given, "--consent", "self", "--json"]) == 64
    error = json.loads(capsys.readouterr().out)["error"]
    assert "--head-scale" in error["message"]
    assert "head_amplitude" not in error["message"] + error["fix"]
