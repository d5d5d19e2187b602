"""Where everything of galosh lives. The only module that knows folders.

`GALOSH_HOME=<dir>` moves all of it under one folder: portable use, tests, one stick for
several people. Nothing here creates a folder; whoever writes does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# sockaddr_un holds 108 bytes on Linux, 104 on macOS, the final NUL included.
_SOCKET_PATH_LIMIT_BYTES = 100


@dataclass(frozen=True)
class Paths:
    """The folders of one galosh; every file name below them is a property."""

    home: Path | None
    config: Path
    data: Path
    cache: Path
    state: Path
    runtime: Path
    bin: Path

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None) -> Paths:
        """The folders for this user and environment."""
        environ = os.environ if environ is None else environ
        value = environ.get("GALOSH_HOME", "").strip()
        return cls.under(Path(value).expanduser()) if value else _platform_paths(environ)

    @classmethod
    def under(cls, home: Path) -> Paths:
        """Everything below one folder."""
        home = Path(os.path.abspath(home))  # noqa: PTH100 - resolve() would follow links
        return cls(
            home=home,
            config=home / "config",
            data=home / "data",
            cache=home / "cache",
            state=home / "state",
            runtime=home / "run",
            bin=home / "bin",
        )

    @property
    def settings_file(self) -> Path:
        """What the user chose."""
        return self.config / "settings.toml"

    @property
    def presets(self) -> Path:
        """The user's own presets, prompts, templates and catalogue entries."""
        return self.config / "presets"

    @property
    def catalogue_readings(self) -> Path:
        """What `galosh models refresh` last read at the models' sources."""
        return self.data / "catalogue.json"

    @property
    def token_file(self) -> Path:
        """The bearer token of the TCP door; stays the same across starts."""
        return self.config / "token"

    @property
    def sessions_file(self) -> Path:
        """The notebook page's sessions, as seals that open nothing."""
        return self.state / "sessions.json"

    @property
    def notebooks(self) -> Path:
        """The user's sheets, and the bin of those deleted."""
        return self.data / "notebooks"

    @property
    def chats(self) -> Path:
        """The user's talks on the page, and the bin of those deleted."""
        return self.data / "chats"

    @property
    def models(self) -> Path:
        """Models that galosh fetched."""
        return self.data / "models"

    @property
    def engines(self) -> Path:
        """Engine environments, one folder per build id, and the pointer `current`."""
        return self.data / "engines"

    @property
    def apps(self) -> Path:
        """App environments made by scripts/install.py, and the pointer `current`."""
        return self.data / "app"

    @property
    def database(self) -> Path:
        """Facts that change often: downloads, measurements, history, jobs."""
        return self.state / "galosh.sqlite"

    @property
    def downloads(self) -> Path:
        """Parts and journals of downloads under way (same volume as `models`)."""
        return self.data / "downloads"

    @property
    def wheels(self) -> Path:
        """Engine wheels built or fetched here, for reuse."""
        return self.cache / "wheels"

    @property
    def builds(self) -> Path:
        """Unfinished engine builds, kept so that an interrupted one goes on."""
        return self.cache / "builds"

    @property
    def logs(self) -> Path:
        """Log files; never a prompt, an answer or a token in them."""
        return self.state / "logs"

    @property
    def daemon_lock(self) -> Path:
        """Held by the one running daemon."""
        return self.state / "daemon.lock"

    @property
    def daemon_facts(self) -> Path:
        """Where the running daemon listens: pid, socket, port (no secret)."""
        return self.state / "daemon.json"

    @property
    def socket(self) -> Path:
        """The Unix socket, in a folder only this user can enter.

        A path too long for the kernel is replaced by a short one in a private folder of
        the temp folder, the same for every process of this user and home.
        """
        direct = self.runtime / "galosh.sock"
        if len(os.fsencode(direct)) <= _SOCKET_PATH_LIMIT_BYTES:
            return direct
        import hashlib
        import tempfile

        digest = hashlib.sha256(os.fsencode(self.runtime)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"galosh-{_user_number()}-{digest}" / "galosh.sock"


def _platform_paths(environ: Mapping[str, str]) -> Paths:
    import platformdirs

    name = "galosh"
    data = Path(platformdirs.user_data_dir(name, appauthor=False))
    return Paths(
        home=None,
        config=Path(platformdirs.user_config_dir(name, appauthor=False)),
        data=data,
        cache=Path(platformdirs.user_cache_dir(name, appauthor=False)),
        state=Path(platformdirs.user_state_dir(name, appauthor=False)),
        runtime=_runtime_folder(name, environ),
        bin=data / "bin" if sys.platform == "win32" else Path.home() / ".local" / "bin",
    )


def _runtime_folder(name: str, environ: Mapping[str, str]) -> Path:
    import platformdirs

    if sys.platform == "linux" and not environ.get("XDG_RUNTIME_DIR"):
        # platformdirs would warn and fall back to the shared temp folder.
        login = Path(f"/run/user/{os.getuid()}")
        if os.access(login, os.W_OK):
            return login / name
        return Path(platformdirs.user_state_dir(name, appauthor=False)) / "run"
    return Path(platformdirs.user_runtime_dir(name, appauthor=False))


def _user_number() -> int:
    if sys.platform == "win32":
        return 0
    return os.getuid()
