"""Leaving: what galosh put on this PC, and taking it away again.

Rules: only folders of galosh's own and a launcher that carries its mark; models used in
place belong to the user and are not touched; the daemon is stopped first.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from galosh import api
from galosh.api.end import end_process, wait_for_end
from galosh.api.process import start_mark
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.setup import desktop_entry
from galosh.setup.ask_hotkey import ask_hotkey
from galosh.setup.autostart import login_of
from galosh.setup.launcher import launcher_file
from galosh.setup.settle_desktop import agent_facts

# The line scripts/install.py writes into every launcher.
LAUNCHER_MARK = "installed by galosh"
_AGENT_SECONDS = 5.0


@dataclass(frozen=True)
class Leaving:
    """What would go, with the space it takes; and what would stay."""

    going: tuple[Path, ...]
    kept: tuple[Path, ...]
    size_bytes: int

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "removed": [str(path) for path in self.going],
            "kept": [str(path) for path in self.kept],
            "size_bytes": self.size_bytes,
        }


def plan_leaving(paths: Paths, *, keep_models: bool, with_notebooks: bool = False) -> Leaving:
    """What `leave` would remove. Changes nothing.

    with_notebooks: what the user wrote goes too; else its folders stay where there is any.
    Raises GaloshError `setup-leave-foreign` where GALOSH_HOME holds other things as well:
    `data` and `config` are common names, and what stands in them may be somebody's own.
    """
    if paths.home is not None and paths.home.exists():
        ours = {paths.config, paths.data, paths.cache, paths.state, paths.runtime, paths.bin}
        foreign = sorted(item.name for item in paths.home.iterdir() if item not in ours)
        if foreign:
            raise GaloshError(
                "setup-leave-foreign", folder=str(paths.home), names=", ".join(foreign[:5])
            )
    tops = [paths.cache, paths.runtime, paths.config, paths.state]
    kept = [paths.models] if keep_models and paths.models.exists() else []
    if not with_notebooks:
        kept += [folder for folder in (paths.notebooks, paths.chats) if _holds_files(folder)]
    if kept:
        tops += [item for item in sorted(paths.data.iterdir()) if item not in kept]
    else:
        tops.append(paths.data)
    file = launcher_file(paths)
    if _is_ours(file):
        tops.append(file)
    tops += [*desktop_entry.installed(paths), *login_of(paths).files()]
    there = tuple(dict.fromkeys(path for path in tops if path.exists()))
    # On Windows and macOS several kinds share one folder: what is inside another goes with it.
    going = tuple(p for p in there if not any(q in p.parents for q in there))
    if any(path in keep.parents for keep in kept for path in going):
        going = _around(going, kept)
    return Leaving(going, tuple(kept), sum(_size_bytes(path) for path in going))


def leave(paths: Paths, leaving: Leaving) -> None:
    """Stop the daemon and remove what `plan_leaving` listed.

    Raises GaloshError `setup-leave-stuck` with what could not be removed, or api-… when the
    daemon does not stop (nothing is removed then).
    """
    _stop_agent(paths)
    if api.is_running(paths) is not None:
        api.stop_daemon(paths)
    login_of(paths).switch_off()
    _unbind_hotkey()
    stuck = [said for path in leaving.going if (said := _remove(path)) is not None]
    if stuck:
        raise GaloshError("setup-leave-stuck", paths="; ".join(stuck))
    # Folders that held nothing but ours go too; anything of the user's keeps them.
    for folder in (paths.bin, paths.data, paths.home):
        if folder is not None and paths.home is not None and not leaving.kept:
            _remove_empty(folder)


def _stop_agent(paths: Paths) -> None:
    """End the icon and what hangs from it; it would start the daemon again."""
    facts = agent_facts(paths)
    pid = facts.get("pid") if facts is not None else None
    if not isinstance(pid, int):
        return
    mark = start_mark(pid)
    for force in (False, True):
        end_process(pid, mark, force=force)
        if wait_for_end(pid, mark, _AGENT_SECONDS):
            return


def _unbind_hotkey() -> None:
    """Take our entry out of the desktop's own shortcuts, if the user once agreed to it."""
    if sys.platform == "linux":
        with contextlib.suppress(GaloshError):
            ask_hotkey("unbind")


def _around(going: tuple[Path, ...], kept: list[Path]) -> tuple[Path, ...]:
    """`going` with every folder that holds a kept one replaced by its other children."""
    result: list[Path] = []
    for path in going:
        if path in kept:
            continue
        if any(path in keep.parents for keep in kept):
            result += _around(tuple(sorted(path.iterdir())), kept)
        else:
            result.append(path)
    return tuple(result)


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(item.is_file() for item in folder.rglob("*"))


def _is_ours(file: Path) -> bool:
    try:
        return LAUNCHER_MARK in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _size_bytes(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(item.lstat().st_size for item in path.rglob("*") if not item.is_dir())


def _remove(path: Path) -> str | None:
    """Remove a file or folder; what stood in the way, if something did."""
    try:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path} ({error.strerror or error})"
    return None


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
