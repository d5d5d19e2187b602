"""Remembers how candidates ended on this processor, so that no crash is repeated.

One JSON file in the state folder. A failure counts only for the same processor and the
same release of the binding; a damaged file is the same as none.
"""

from __future__ import annotations

import hashlib
from typing import Any

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.engine.plan import Failure, Host
from galosh.engine.records import Trial

_FILE = "engine-trials.json"
_KEPT = 200
# A crash repeats itself. A time limit, a full memory or a bad model may be over tomorrow.
_LASTING = frozenset(
    {"illegal-instruction", "segmentation-fault", "abort", "garbage", "import-error"}
)


def processor_id(host: Host, model: str | None) -> str:
    """A short name for this processor: the same flags and model give the same name."""
    flags = "?" if host.flags is None else ",".join(sorted(host.flags))
    text = "|".join((host.system, host.architecture, model or "?", flags))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def lasting_failures(paths: Paths, version: str, processor: str) -> tuple[Failure, ...]:
    """What crashed on this processor with this release."""
    return tuple(
        Failure(str(entry["candidate"]), str(entry["cause"]))
        for entry in _entries(paths)
        if entry.get("version") == version
        and entry.get("processor") == processor
        and entry.get("cause") in _LASTING
    )


def remember(paths: Paths, version: str, processor: str, candidate: str, trial: Trial) -> None:
    """Keep how a trial ended; a success wipes the candidate's earlier failures."""
    same = (version, processor, candidate)
    entries = [entry for entry in _entries(paths) if _name(entry) != same]
    entries.append(
        {
            "version": version,
            "processor": processor,
            "candidate": candidate,
            **trial.to_json(),
        }
    )
    durable.write_json(paths.state / _FILE, entries[-_KEPT:])


def forget(paths: Paths, version: str, processor: str) -> None:
    """Give every candidate of this processor another chance (the user asked for it)."""
    entries = _entries(paths)
    kept = [entry for entry in entries if _name(entry)[:2] != (version, processor)]
    if len(kept) != len(entries):
        durable.write_json(paths.state / _FILE, kept)


def _name(entry: dict[str, Any]) -> tuple[str, str, str]:
    return (
        str(entry.get("version")),
        str(entry.get("processor")),
        str(entry.get("candidate")),
    )


def _entries(paths: Paths) -> list[dict[str, Any]]:
    data = durable.read_json(paths.state / _FILE)
    if not isinstance(data, list):
        return []
    return [entry for entry in data if isinstance(entry, dict) and "candidate" in entry]
