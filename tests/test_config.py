from pathlib import Path

import pytest

from vasari.config import config_file, load_settings
from vasari.errors import InvalidOption


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VASARI_HOME", str(tmp_path))
    return tmp_path


def test_defaults_need_no_file(home: Path) -> None:
    settings = load_settings()
    assert (settings.threads, settings.progress, settings.debug) == (None, "auto", False)
    assert settings.state_folder == home / "state"
    assert config_file() == home / "config.toml"


def test_the_environment_beats_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text('threads = 3\nprogress = "plain"\n')
    monkeypatch.setenv("VASARI_THREADS", "2")
    settings = load_settings()
    assert (settings.threads, settings.progress) == (2, "plain")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("thread = 2\n", "thread"),
        ("threads = 0\n", "threads"),
        ('threads = "many"\n', "threads"),
        ('progress = "loud"\n', "progress"),
        ("threads = \n", "config.toml"),
        ("\udcff", "config.toml"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(home: Path, text: str, named: str) -> None:
    (home / "config.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidOption) as caught:
        load_settings()
    assert caught.value.code == "bad_setting" and named in caught.value.message


@pytest.mark.parametrize(("name", "value"), [("VASARI_THREDS", "2"), ("VASARI_THREADS", "-1")])
def test_what_is_wrong_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidOption) as caught:
        load_settings()
    assert caught.value.code == "bad_setting"
    assert name.lower().removeprefix("vasari_") in caught.value.message.lower()
