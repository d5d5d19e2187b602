"""The durable writer: the only way a file of galosh's own is written.

Temp file beside the target, write, fsync, replace, fsync of the folder. A reader, or a
start after a power cut, finds the old contents or the new ones, never half of either.
Never used for payloads that are built in place (a download's part file has its own rules).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from galosh.base.errors import GaloshError

TEMP_MARK = ".galosh-tmp-"
# Windows refuses to replace a file that an antivirus or a reader holds open for a moment.
_REPLACE_TRIES = 8
_REPLACE_PAUSE_SECONDS = 0.125

Json = Mapping[str, object] | Sequence[object]


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` with `data` durably.

    Raises GaloshError `base-disk-full` or `base-not-writable`; the old file stays.
    """
    temp = path.with_name(f"{TEMP_MARK}{os.urandom(6).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            sync_file(file.fileno())
        replace(temp, path)
    except OSError as error:
        raise explain_os_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temp.unlink()


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """`write_bytes` of UTF-8 text with `\\n` line ends."""
    write_bytes(path, text.encode("utf-8"), mode=mode)


def write_json(path: Path, value: Json, *, mode: int = 0o644) -> None:
    """`write_bytes` of readable JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    write_text(path, text, mode=mode)


def read_json(path: Path) -> object | None:
    """The JSON in `path`; None when it is missing, unreadable or damaged."""
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value


def replace(source: Path, target: Path) -> None:
    """Rename over `target` and make the rename durable; retries what Windows locks briefly."""
    for attempt in range(_REPLACE_TRIES):
        try:
            source.replace(target)
            break
        except PermissionError:
            if sys.platform != "win32" or attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(_REPLACE_PAUSE_SECONDS)
    sync_folder(target.parent)


def sync_file(descriptor: int) -> None:
    """Flush a file to the drive; on macOS past the drive's own cache too."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError:
            pass  # network volumes refuse it; fsync is what is left
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable (Windows has no such call)."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def private_folder(path: Path) -> Path:
    """Create `path` for this user only (0700) and return it.

    Raises GaloshError `base-not-writable` when it cannot be made or belongs to another user.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sys.platform != "win32":
            facts = path.stat()
            if facts.st_uid != os.getuid():
                raise PermissionError(errno.EPERM, f"owned by user {facts.st_uid}")
            if facts.st_mode & 0o077:
                path.chmod(0o700)
    except OSError as error:
        raise explain_os_error(error, path) from error
    return path


def remove_leftovers(folder: Path) -> None:
    """Delete temp files that a killed writer left in `folder`."""
    for temp in folder.glob(f"{TEMP_MARK}*"):
        temp.unlink(missing_ok=True)


def free_bytes(path: Path) -> int | None:
    """Free space on the volume that holds (or will hold) `path`; None when unknown."""
    import shutil  # not at the top: it costs `galosh status` milliseconds

    existing = next((folder for folder in (path, *path.parents) if folder.exists()), None)
    try:
        return shutil.disk_usage(existing).free if existing else None
    except OSError:
        return None


def explain_os_error(error: OSError, path: Path) -> GaloshError:
    """The GaloshError that says in plain words why `path` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return GaloshError("base-disk-full", path=str(path), free_bytes=free_bytes(path))
    reason = error.strerror or str(error)
    return GaloshError("base-not-writable", path=str(path), folder=str(path.parent), reason=reason)


_BINARY = getattr(os, "O_BINARY", 0)
