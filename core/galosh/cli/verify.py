"""`galosh models verify`: hashes models again and repairs what is damaged, block by block."""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.ask import ready_client
from galosh.cli.output import Output, render_error, table
from galosh.cli.pull_here import Fetch
from galosh.cli.pull_screen import Screen, View

if TYPE_CHECKING:
    from galosh.download.receipt import Receipt
    from galosh.download.verify import Checked

_Tell = Callable[[View], None]
_SPLIT = re.compile(r"(?P<stem>.+)-00001-of-(?P<count>\d{5})\.gguf")
_SHOW_BYTES = 64 * 1024 * 1024


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Check one model or all; 1 if a file stays damaged. Raises `store-model-unknown`."""
    paths = Paths.find()
    models = ready_client(output).models()
    chosen = [model for model in models if arguments.model in (None, model.get("id"))]
    if not chosen:
        known = ", ".join(str(model.get("id")) for model in models) or "–"
        raise GaloshError("store-model-unknown", model_id=arguments.model[:80], known=known)
    screen = Screen(as_json=False)
    found = [
        _verify_file(paths, str(model.get("id")), path, screen, output)
        for model in chosen
        for path in _files(Path(str(model.get("path"))))
    ]
    screen.close()
    rows = [[one["model"], say(f"cli.verify-{one['result']}", **one)] for one in found]
    output.result({"models": found}, table(rows))  # type: ignore[arg-type]
    return 1 if any(one["result"] == "damaged" for one in found) else 0


def _verify_file(
    paths: Paths, model_id: str, path: Path, screen: Screen, output: Output
) -> dict[str, object]:
    facts: dict[str, object] = {"model": model_id, "path": str(path), "fetched_bytes": 0}
    fetch = Fetch(lambda tell, stop: _work(paths, model_id, path, tell, stop))
    fetch.start()
    try:
        fetch.show(screen)
    except KeyboardInterrupt:
        fetch.stop.set()
        raise
    except GaloshError as error:
        screen.close()
        output.note(render_error(error))
        return {**facts, "result": "damaged", "error": error.to_json()}
    return {**facts, **fetch.result}  # type: ignore[dict-item]


def _work(
    paths: Paths, model_id: str, path: Path, tell: _Tell, stop: threading.Event
) -> Mapping[str, object]:
    from galosh.download import verify

    try:
        size = path.stat().st_size
        checked = verify.check_again(path, _pin(paths, model_id, path), _teller(tell, size, stop))
    except OSError as error:
        from galosh.base import durable

        raise durable.explain_os_error(error, path) from error
    facts: dict[str, object] = {
        "size_bytes": checked.size_bytes,
        "sha256": checked.sha256,
        "expected": checked.expected,
        "damaged_chunks": len(checked.damaged),
    }
    if not checked.sound:
        if paths.models not in path.parents:
            # Somebody else's file, used where it lies: galosh never changes it.
            raise GaloshError("download-not-repairable", file_name=path.name, origin=model_id)
        receipt = _repair(paths, model_id, checked, tell, stop)
        fetched = receipt.received_bytes
        return {**facts, "result": "repaired", "fetched_bytes": fetched}
    if checked.receipt is not None:
        verify.vouch(checked, checked.receipt.plan)
    return {**facts, "result": "unknown" if checked.expected is None else "sound"}


def _repair(
    paths: Paths, model_id: str, checked: Checked, tell: _Tell, stop: threading.Event
) -> Receipt:
    from galosh.download import verify
    from galosh.download.deliver import Options
    from galosh.download.obtain import obtain, resolve_patiently
    from galosh.download.receipt import receipt_path

    options = Options(follow=lambda progress: tell(progress.to_json()), stop=stop)
    source = model_id if checked.receipt is None else checked.receipt.plan.origin
    resolved = resolve_patiently(source, paths, options)
    for plan in resolved.plans:
        if plan.sha256 == checked.expected and not resolved.members:
            return verify.repair(checked, plan, paths, options)
    if resolved.members and resolved.sha256 == checked.expected:
        # Out of a compressed package nothing can be fetched but the whole.
        receipt_path(checked.path).unlink(missing_ok=True)
        delivered = obtain(source, lambda _: checked.path, paths, options)
        return delivered.receipts[0]
    raise GaloshError("download-not-repairable", file_name=checked.path.name, origin=source)


def _pin(paths: Paths, model_id: str, path: Path) -> str | None:
    """The catalogue's hash, if this is the catalogue's file."""
    from galosh.catalogue import find

    entry = find(paths, model_id)
    fits = entry is not None and entry.file_name.rsplit("/", 1)[-1] == path.name
    return entry.sha256 if entry is not None and fits else None


def _teller(tell: _Tell, size: int, stop: threading.Event) -> Callable[[int], None]:
    due = 0

    def told(seen: int) -> None:
        nonlocal due
        if stop.is_set():
            raise KeyboardInterrupt
        if seen >= due:
            due = seen + _SHOW_BYTES
            tell({"state": "verifying", "kept_bytes": size, "size_bytes": size,
                  "verified_bytes": seen})  # fmt: skip

    return told


def _files(path: Path) -> list[Path]:
    """All files of the model whose first file is `path`."""
    match = _SPLIT.match(path.name)
    if match is None:
        return [path]
    stem, count = match["stem"], int(match["count"])
    names = (f"{stem}-{index:05d}-of-{count:05d}.gguf" for index in range(1, count + 1))
    return [path.with_name(name) for name in names]
