"""Why a worker ended, told from what is left of it."""

from __future__ import annotations

import pytest

from galosh.supervisor.crash import Cause, ExitFacts, classify, marked_line
from galosh.supervisor.explain import explain

ABORT = "/src/ggml.c:12: GGML_ASSERT(n > 0) failed"


@pytest.mark.parametrize(
    ("facts", "cause", "signal"),
    [
        (ExitFacts(-9), Cause.KILLED, "SIGKILL"),
        (ExitFacts(-9, oom_kills=1), Cause.MEMORY, "SIGKILL"),
        (ExitFacts(-9, oom_kills=0), Cause.KILLED, "SIGKILL"),
        (ExitFacts(-9, available_bytes=10, total_bytes=1000), Cause.MEMORY, "SIGKILL"),
        (ExitFacts(-9, available_bytes=500, total_bytes=1000), Cause.KILLED, "SIGKILL"),
        (ExitFacts(-15, available_bytes=10, total_bytes=1000), Cause.MEMORY, "SIGTERM"),
        (ExitFacts(-15), Cause.KILLED, "SIGTERM"),
        (ExitFacts(-4), Cause.INSTRUCTION, "SIGILL"),
        (ExitFacts(-11, oom_kills=1), Cause.SEGFAULT, "SIGSEGV"),
        (ExitFacts(-7), Cause.BUS, "SIGBUS"),
        (ExitFacts(-10, "darwin"), Cause.BUS, "SIGBUS"),
        (ExitFacts(-10), Cause.SIGNAL, "signal 10"),
        (ExitFacts(-6, last_lines=(ABORT,)), Cause.ABORT, "SIGABRT"),
        (ExitFacts(-6, last_lines=("  what():  std::bad_alloc",)), Cause.MEMORY, "SIGABRT"),
        (ExitFacts(132), Cause.INSTRUCTION, "SIGILL"),
        (ExitFacts(0), Cause.EXITED, "exit status 0"),
        (ExitFacts(1, last_lines=("MemoryError",)), Cause.MEMORY, "exit status 1"),
        (ExitFacts(1), Cause.EXITED, "exit status 1"),
        (ExitFacts(95), Cause.BROKEN_ENGINE, "exit status 95"),
        (ExitFacts(97), Cause.TEMPLATE, "exit status 97"),
        (ExitFacts(97, "windows"), Cause.TEMPLATE, "exit status 97"),
        (ExitFacts(-64), Cause.SIGNAL, "signal 64"),
        (ExitFacts(0xC000001D, "windows"), Cause.INSTRUCTION, "0xC000001D"),
        (ExitFacts(-1073741819, "windows"), Cause.SEGFAULT, "0xC0000005"),
        (ExitFacts(0xC0000017, "windows"), Cause.MEMORY, "0xC0000017"),
        (ExitFacts(3, "windows", (ABORT,)), Cause.ABORT, "exit status 3"),
        (ExitFacts(1, "windows"), Cause.EXITED, "exit status 1"),
        (ExitFacts(-9, condemned=Cause.SILENT), Cause.SILENT, "SIGKILL"),
        (ExitFacts(-9, condemned=Cause.GARBLED, asked=True), Cause.GARBLED, "SIGKILL"),
        (ExitFacts(-9, asked=True), Cause.ASKED, "SIGKILL"),
        (ExitFacts(None, reason="No such file"), Cause.NOT_STARTED, "No such file"),
    ],
)
def test_causes(facts: ExitFacts, cause: Cause, signal: str) -> None:
    crash = classify(facts)
    assert (crash.cause, crash.signal) == (cause, signal)


def test_the_last_marked_line_is_told() -> None:
    lines = ("load: ok", ABORT, "", "ptrace: not permitted")
    assert marked_line(lines) == ABORT
    assert marked_line(("x" * 300 + " bad_alloc",)) == "x" * 200


def test_free_text_is_never_told() -> None:
    assert marked_line(("my secret prompt", "and more of it")) is None
    assert marked_line(("builtins.ValueError: my secret prompt",)) == "ValueError"


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_its_sentences(cause: Cause) -> None:
    from galosh.supervisor.crash import Crash

    error = explain(Crash(cause, "SIGX", None), "m", loading=False, silent_seconds=60)
    assert error.code.startswith("supervisor-")
    assert "?" not in str(error)


def test_only_a_kill_from_outside_is_not_the_models_fault() -> None:
    assert not classify(ExitFacts(-9)).own_fault
    assert classify(ExitFacts(-9, oom_kills=2)).own_fault
    assert classify(ExitFacts(-11)).own_fault
