#!/usr/bin/env python3
# This file must run on Python 3.6, to say that 3.10 is needed: no newer spelling here.
# ruff: noqa: UP006, UP032, UP035, UP045, PTH100, PTH101, PTH103, PTH105, PTH107, PTH111, PTH112, PTH113, PTH117, PTH118, PTH120, PTH123, PTH208
"""Installs galosh: `python3 scripts/install.py [--yes] [options of galosh setup]`.

Owns the app environment (`data/app/<id>/`, the pointer `data/app/current`) and the command
`galosh`; then hands over to `galosh setup`. Standard library only, and no import of galosh:
it runs before anything is installed, so its texts stand in install_texts.json beside it
and not in the catalogue. Rules: build under a staging name, check, rename, then move the
pointer; the previous environment stays; killed anywhere, a second run goes on.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from scripts.install_screen import APP_BYTES, Screen, cause, explain, last_error
    from scripts.install_screen import Failure as Failure  # named by tests
else:  # the folder of this file, also where it was not started as a script
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from install_screen import APP_BYTES, Failure, Screen, cause, explain, last_error

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOTS = ("core", "installer", "daemon", "tray", "presets")
OLDEST_PYTHON = (3, 10)
RECIPE = "1"  # change it to have every environment rebuilt
PIP = "pip>=22.3"  # older ones cannot install into other environments, as engines need
MARK = "installed by galosh"  # a launcher without it is somebody else's file
TEMP = ".galosh-tmp-"  # what galosh.base.durable calls its half-written files
RECEIPT = "galosh-app.json"


class Folders:
    """The few folders needed here; the rule is galosh.base.paths' (a test compares them)."""

    def __init__(self, environ: Dict[str, str], system: str = sys.platform) -> None:
        home = environ.get("GALOSH_HOME", "").strip()
        self.home = os.path.abspath(os.path.expanduser(home)) if home else None
        if self.home:
            data, state = os.path.join(self.home, "data"), os.path.join(self.home, "state")
            self.bin = os.path.join(self.home, "bin")
        elif system == "win32":
            local = environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
            data = state = os.path.join(local, "galosh")
            self.bin = os.path.join(data, "bin")
        else:
            support = os.path.expanduser("~/Library/Application Support")
            mac = system == "darwin"
            share = support if mac else os.path.expanduser("~/.local/share")
            keep = support if mac else os.path.expanduser("~/.local/state")
            data = os.path.join(_xdg(environ, "XDG_DATA_HOME") or share, "galosh")
            state = os.path.join(_xdg(environ, "XDG_STATE_HOME") or keep, "galosh")
            self.bin = os.path.expanduser("~/.local/bin")
        self.apps = os.path.join(data, "app")
        self.state = state
        self.log = os.path.join(state, "logs", "install.log")
        self.launcher = os.path.join(self.bin, "galosh.cmd" if system == "win32" else "galosh")


def _xdg(environ: Dict[str, str], name: str) -> Optional[str]:
    value = environ.get(name, "").strip()
    return value if os.path.isabs(value) else None


def check_python(version: Tuple[int, ...], path: Optional[str] = None) -> Optional[str]:
    """None when `version` will do; else a newer Python found on `path` to go on with.

    Raises Failure `python-old` when there is none.
    """
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return None
    for minor in range(19, OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which("python3.{}".format(minor), path=path)
        if found:
            return found
    kind = sys.platform if sys.platform in ("win32", "darwin") else "linux"
    raise Failure("python-old-" + kind, version=".".join(str(part) for part in version[:2]))


def check_venv(missing: Sequence[str] = ()) -> None:
    """Raises Failure `no-venv` when this Python cannot make environments (Debian's split)."""
    import importlib.util

    absent = list(missing) or [
        name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None
    ]
    if absent:
        version = "{}.{}".format(*sys.version_info[:2])
        key = "no-venv-debian" if shutil.which("apt-get") else "no-venv"
        raise Failure(key, module=", ".join(absent), version=version, python=sys.executable)


def check_places(folders: Folders) -> None:
    """Raises Failure when the folders cannot be written, are full, or the name is taken."""
    for folder in (folders.apps, os.path.dirname(folders.log), folders.bin):
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=TEMP):
                pass
        except OSError as error:  # noqa: PERF203
            raise explain(error, folder) from error
    free = shutil.disk_usage(folders.apps).free
    if free < APP_BYTES and current_id(folders) != fingerprint():
        raise Failure("disk-full", path=folders.apps, free=free // 10**6, need=APP_BYTES // 10**6)
    if os.path.lexists(folders.launcher) and MARK not in _read(folders.launcher):
        raise Failure("launcher-taken", path=folders.launcher)


@contextlib.contextmanager
def lock(folders: Folders) -> Iterator[None]:
    """Keep a second installer out; the system frees the lock when this process dies."""
    with open(os.path.join(folders.apps, ".lock"), "a+b") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure("busy", path=folders.apps) from None
        yield


def fingerprint(checkout: str = CHECKOUT) -> str:
    """The id of the environment this checkout and this Python ask for."""
    digest = hashlib.sha256()
    digest.update("{} {} {}".format(RECIPE, sys.implementation.cache_tag, sys.platform).encode())
    names = [os.path.join(checkout, "pyproject.toml")]
    for root in ROOTS:
        for folder, folders, files in os.walk(os.path.join(checkout, root)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            names += [os.path.join(folder, name) for name in sorted(files)]
    for name in names:
        if not name.endswith((".pyc", ".pyo")):
            digest.update(os.path.relpath(name, checkout).replace(os.sep, "/").encode() + b"\0")
            with open(name, "rb") as file:
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()[:16]


def env_python(folder: str) -> str:
    """The interpreter of the environment in `folder`."""
    parts = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return os.path.join(folder, *parts)


def answers(folder: str) -> bool:
    """Whether the environment in `folder` is complete and galosh starts in it."""
    if not os.path.isfile(os.path.join(folder, RECEIPT)):
        return False
    command = [env_python(folder), "-I", "-m", "galosh.cli", "--version"]
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def current_id(folders: Folders) -> Optional[str]:
    """The id the pointer names; None before the first installation."""
    try:
        value = json.loads(_read(os.path.join(folders.apps, "current"))).get("id")
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, str) else None


def ensure_app(folders: Folders, screen: Screen) -> str:
    """Make (or reuse) the environment for this checkout and point to it; returns its folder."""
    started = time.monotonic()
    app_id = fingerprint()
    target = os.path.join(folders.apps, app_id)
    earlier = current_id(folders)
    clean(folders, (app_id, earlier))
    reused = answers(target)
    if reused:
        screen.say("app-ready")
    else:
        build(folders, target, screen)
        # A child of a killed run may have gone on writing into the folder removed above.
        clean(folders, (app_id, earlier))
    if earlier != app_id:
        pointer = json.dumps({"id": app_id, "previous": earlier}) + "\n"
        write(os.path.join(folders.apps, "current"), pointer)
    record(folders, time.monotonic() - started, reused)
    return target


def clean(folders: Folders, keep: Sequence[Optional[str]]) -> None:
    """Remove leftovers of killed runs and environments nobody points to any more.

    The one in use before this run stays: a daemon may still be running from it.
    """
    for name in os.listdir(folders.apps):
        path = os.path.join(folders.apps, name)
        if os.path.isdir(path) and name not in keep:
            shutil.rmtree(path, ignore_errors=True)
    for folder in (folders.apps, folders.bin, folders.state, os.path.dirname(folders.log)):
        for name in os.listdir(folder):
            if name.startswith(TEMP):
                os.remove(os.path.join(folder, name))


def build(folders: Folders, target: str, screen: Screen) -> None:
    """Build, check and rename into place.

    Raises Failure; whatever stood before still stands then.
    """
    staging = tempfile.mkdtemp(prefix=".staging-", dir=folders.apps)
    python = env_python(staging)
    try:
        with open(folders.log, "ab") as log:
            with screen.step("make-env"):
                run([sys.executable, "-I", "-m", "venv", staging], log, [], "venv-failed", folders)
            with screen.step("install-galosh") as notes:
                install_checkout(python, log, notes, folders)
            with screen.step("check-galosh"):
                run([python, "-I", "-m", "galosh.cli", "--version"], log, [], "app-broken", folders)
        write(os.path.join(staging, RECEIPT), json.dumps({"checkout": CHECKOUT}) + "\n")
        if hasattr(os, "sync"):
            os.sync()  # pip does not: a power cut must not leave a complete-looking half
        if os.path.isdir(target):
            shutil.rmtree(target)
        rename(staging, target)
    except OSError as error:
        raise explain(error, target) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def install_checkout(python: str, log: Any, notes: List[str], folders: Folders) -> None:
    """pip install of this checkout; a damaged package is fetched once more, past the cache."""
    command = [python, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    try:
        run([*command, PIP, CHECKOUT], log, notes, "pip-failed", folders)
    except Failure as failure:
        if failure.key != "wheel-corrupt":
            raise
        run([*command, "--no-cache-dir", PIP, CHECKOUT], log, notes, "pip-failed", folders)


def run(command: List[str], log: Any, notes: List[str], key: str, folders: Folders) -> None:
    """Run a child with its output in the log; notes follow pip's own lines.

    Raises Failure with the cause its last lines name.
    """
    log.write("\n$ {}\n".format(" ".join(command)).encode("utf-8", "replace"))
    log.flush()
    # "user = true" in somebody's pip configuration would make pip refuse any environment.
    environ = dict(os.environ, PIP_USER="0")
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}  # type: Any
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environ, **out)
    lines = []  # type: List[str]
    assert process.stdout is not None
    try:
        for raw in process.stdout:
            log.write(raw)
            lines.append(raw.decode("utf-8", "replace").rstrip())
            words = lines[-1].split()
            if words[:1] and words[0] in ("Collecting", "Downloading", "Building", "Installing"):
                notes.append(" ".join(words)[:60])
    except BaseException:
        process.kill()
        raise
    finally:
        code = process.wait()
        process.stdout.close()
        log.flush()
    if code:
        free = shutil.disk_usage(folders.apps).free // 10**6
        facts = {"code": code, "free": free, "need": APP_BYTES // 10**6, "module": "ensurepip"}
        version = "{}.{}".format(*sys.version_info[:2])
        raise Failure(
            cause("\n".join(lines)) or key,
            log=folders.log,
            path=folders.apps,
            reason=last_error(lines),
            version=version,
            **facts,
        )


def write_launcher(folders: Folders, app: str) -> None:
    """Write the command `galosh` that starts this environment."""
    if sys.platform == "win32":
        # Relative to the script itself: a path in Cyrillic does not survive a .cmd file.
        home = "%~dp0.." if folders.home else ""
        python = "%~dp0" + os.path.relpath(env_python(app), folders.bin)
        setting = 'set "GALOSH_HOME={}"\r\n'.format(home) if home else ""
        text = '@echo off\r\nrem {}\r\nsetlocal\r\n{}"{}" -I -m galosh.cli %*\r\n'.format(
            MARK, setting, python
        )
    else:
        setting = ""
        if folders.home:
            setting = "GALOSH_HOME={}\nexport GALOSH_HOME\n".format(shlex.quote(folders.home))
        text = '#!/bin/sh\n# {}\n{}exec {} -I -m galosh.cli "$@"\n'.format(
            MARK, setting, shlex.quote(env_python(app))
        )
    if _read(folders.launcher) != text:
        write(folders.launcher, text, 0o755)


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Replace `path` durably. Raises Failure `disk-full` or `not-writable`."""
    temp = os.path.join(os.path.dirname(path), "{}{}".format(TEMP, os.getpid()))
    try:
        with open(temp, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temp, mode)
        rename(temp, path)
    except OSError as error:
        raise explain(error, path) from error


def rename(source: str, target: str) -> None:
    """os.replace, again for a while where an antivirus holds the file (Windows)."""
    for attempt in range(8):
        try:
            os.replace(source, target)
            return
        except PermissionError:  # noqa: PERF203
            if sys.platform != "win32" or attempt == 7:
                raise
            time.sleep(0.25)


def record(folders: Folders, seconds: float, reused: bool) -> None:
    """Add this run to setup-times.json, which `scripts/bench.py setup` prints."""
    path = os.path.join(folders.state, "setup-times.json")
    try:
        known = json.loads(_read(path) or "[]")
    except ValueError:
        known = []
    entry = {"at": time.time(), "step": "app", "seconds": round(seconds, 3), "reused": reused}
    write(path, json.dumps(((known if isinstance(known, list) else []) + [entry])[-200:]) + "\n")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def hand_over(app: str, options: List[str]) -> int:
    """Become `galosh setup`."""
    command = [env_python(app), "-I", "-m", "galosh.cli", "setup", *options]
    sys.stdout.flush()
    if sys.platform == "win32":
        return subprocess.call(command)
    os.execv(command[0], command)
    raise AssertionError("execv returned")


def main(argv: List[str]) -> int:
    """Install and hand over; returns the exit status."""
    screen = Screen()
    parser = argparse.ArgumentParser(
        prog="install.py", description=screen.text("about"), epilog=screen.text("passed-on")
    )
    _, options = parser.parse_known_args(argv)
    try:
        newer = check_python(sys.version_info[:2])
        if newer:
            screen.say("newer", python=newer)
            return subprocess.call([newer, os.path.abspath(__file__), *options])
        check_venv()
        folders = Folders(dict(os.environ))
        check_places(folders)
        with lock(folders):
            app = ensure_app(folders, screen)
            write_launcher(folders, app)
        screen.say("command", path=folders.launcher)
        return hand_over(app, options)
    except Failure as failure:
        screen.fail(failure)
        return 1
    except KeyboardInterrupt:
        screen.say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
