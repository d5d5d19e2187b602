"""Login entries by the desktop specification: a file in the user's autostart folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.setup import desktop_entry
from galosh.setup import desktop_files as files
from galosh.setup.autostart import Autostart, existing_launcher
from galosh.setup.launcher import launcher_file


class XdgEntry:
    """See autostart.Login."""

    def __init__(self, paths: Paths, environ: Mapping[str, str] | None = None) -> None:
        self._paths = paths
        self._environ = os.environ if environ is None else environ
        folder = desktop_entry.config_home(self._environ) / "autostart"
        self._file = folder / f"{files.APP_ID}.desktop"

    def status(self) -> Autostart:
        """See autostart.Login."""
        text = self._text()
        ours = text is not None and files.is_ours(text, str(launcher_file(self._paths)))
        if text is None or not ours:
            return Autostart(False, str(self._file))
        # TryExec: desktops pass over an entry whose program is gone.
        works = launcher_file(self._paths).exists()
        return Autostart(files.is_on(text) and works, str(self._file), not files.is_on(text))

    def switch_on(self) -> None:
        """See autostart.Login."""
        launcher = existing_launcher(self._paths)
        text = self._text()
        if text is not None and not files.is_ours(text, str(launcher)):
            other = files.read(text).get(files.MARK)
            if other is None or Path(other).exists():
                raise GaloshError("setup-autostart-foreign", path=str(self._file))
        desktop_entry.install(self._paths, self._environ)
        durable.write_text(self._file, files.login_entry(str(launcher)), mode=0o644)

    def switch_off(self) -> None:
        """See autostart.Login."""
        if not self.files():
            return
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise durable.explain_os_error(error, self._file) from error

    def files(self) -> tuple[Path, ...]:
        """See autostart.Login."""
        text = self._text()
        ours = text is not None and files.is_ours(text, str(launcher_file(self._paths)))
        return (self._file,) if ours else ()

    def _text(self) -> str | None:
        try:
            return self._file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
