"""Settings: environment variables VASARI_*, then config.toml; flags of a command beat both.

Strict: an unknown key is an error, so that no misspelt setting is silently ignored.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from vasari.errors import InvalidOption

_PREFIX = "VASARI_"
_NOT_SETTINGS = {"VASARI_BAD_INPUTS"}
"""Read by the tests alone."""


class Settings(BaseSettings):
    """What can be set once for all commands.

    home: folder for configuration and state, instead of the system's usual places.
    threads: for each model, 1 to 256; None takes all this process may use.
    progress: how commands show it. debug: unexpected errors show their traceback.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    home: Path | None = None
    threads: int | None = Field(default=None, ge=1, le=256)
    progress: Literal["auto", "plain", "json", "none"] = "auto"
    debug: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose table comes in as keywords."""
        return env_settings, init_settings

    @property
    def state_folder(self) -> Path:
        """Where remembered answers lie: $VASARI_HOME/state, or the system's place for state."""
        if self.home is not None:
            return self.home / "state"
        return Path(platformdirs.user_state_dir("vasari", appauthor=False))


def config_file() -> Path:
    """Where config.toml is looked for: $VASARI_HOME, or the system's place for configuration."""
    home = os.environ.get(_PREFIX + "HOME")
    folder = Path(home) if home else Path(platformdirs.user_config_dir("vasari", appauthor=False))
    return folder / "config.toml"


def load_settings(file: Path | None = None) -> Settings:
    """Settings of the environment and of file (default: `config_file()`, which may be absent).

    Raises InvalidOption (bad_setting), naming the key and what it may be.
    """
    known = {f"{_PREFIX}{name}".upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.upper().startswith(_PREFIX) and name.upper() not in known | _NOT_SETTINGS:
            raise _bad(
                name, "is no setting", f"Unset it, or use one of: {', '.join(sorted(known))}."
            )
    path = file or config_file()
    try:
        return Settings(**_table(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise _bad(
            key, f"is wrong: {first['msg']}", f"Correct {_PREFIX}{key.upper()}, or '{path}'."
        ) from None


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _bad(str(path), f"cannot be read: {error}", "Correct or remove that file.") from None


def _bad(name: str, why: str, fix: str) -> InvalidOption:
    return InvalidOption(f"The setting '{name}' {why}.", code="bad_setting", fix=fix)
