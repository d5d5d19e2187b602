"""The error a user hears for a worker's end. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.errors import GaloshError
from galosh.supervisor.crash import Cause, Crash

_CODES: Mapping[Cause, str] = {
    Cause.MEMORY: "supervisor-worker-memory",
    Cause.INSTRUCTION: "supervisor-worker-instruction",
    Cause.BUS: "supervisor-worker-file-lost",
    Cause.KILLED: "supervisor-worker-killed",
    Cause.SILENT: "supervisor-worker-silent",
    Cause.GARBLED: "supervisor-worker-garbled",
    Cause.BROKEN_ENGINE: "supervisor-worker-unusable",
    Cause.TEMPLATE: "supervisor-worker-template",
    Cause.NOT_STARTED: "supervisor-worker-not-started",
    Cause.ASKED: "supervisor-stopping",
}
_NO_LINE = "–"


def explain(
    crash: Crash, model_id: str, *, loading: bool, silent_seconds: float | None = None
) -> GaloshError:
    """What happened to the worker of `model_id`, as facts a client can branch on."""
    return GaloshError(
        _CODES.get(crash.cause, "supervisor-worker-died"),
        model_id=model_id,
        cause=crash.cause.value,
        signal=crash.signal,
        line=crash.line or _NO_LINE,
        loading=loading,
        silent_seconds=silent_seconds,
    )
