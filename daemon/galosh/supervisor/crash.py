"""Why a worker ended, told from its exit status, its last words and the memory. Pure.

Never guesses: what fits nothing is `EXITED` or `SIGNAL` with the bare number. Never repeats
free text of the worker (it could hold a prompt): only lines that carry one of the marks
below, which native code writes itself, and of a Python error only its type.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass


class Cause(enum.Enum):
    """Why the process ended."""

    ASKED = "asked"
    MEMORY = "memory"
    INSTRUCTION = "instruction"  # the processor lacks what the engine was built for
    SEGFAULT = "segfault"
    BUS = "bus"  # the mapped model file shrank or its disk went away
    ABORT = "abort"
    KILLED = "killed"  # from outside
    SIGNAL = "signal"
    EXITED = "exited"
    SILENT = "silent"  # killed by us: no sign of life
    GARBLED = "garbled"  # killed by us: it broke the protocol
    NOT_STARTED = "not-started"
    BROKEN_ENGINE = "broken-engine"  # the native library could not be used at all
    TEMPLATE = "template"  # the model's chat template did not end


@dataclass(frozen=True)
class ExitFacts:
    """What is known of a process that ended. Unknown is None.

    status: as Python gives it, negative for a signal on POSIX; None when it never started.
    oom_kills: how many more out-of-memory kills the system counts than at the start.
    condemned: why we killed it, if we did. asked: it had been told to exit.
    """

    status: int | None
    system: str = "linux"
    last_lines: tuple[str, ...] = ()
    oom_kills: int | None = None
    available_bytes: int | None = None
    total_bytes: int | None = None
    condemned: Cause | None = None
    asked: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Crash:
    """The verdict. `signal`: its name or the status as text; `line`: the last marked line."""

    cause: Cause
    signal: str
    line: str | None

    @property
    def own_fault(self) -> bool:
        """Whether the worker or its model brought it about."""
        return self.cause not in (Cause.KILLED, Cause.ASKED)


# Numbers as Linux and macOS share them; SIGBUS is the one that differs.
_SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT",
    8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
    24: "SIGXCPU", 31: "SIGSYS",
}  # fmt: skip
_BUS_NUMBER = {"linux": 7, "darwin": 10}
_BY_SIGNAL = {
    "SIGILL": Cause.INSTRUCTION,
    "SIGSEGV": Cause.SEGFAULT,
    "SIGBUS": Cause.BUS,
    "SIGABRT": Cause.ABORT,
    "SIGTRAP": Cause.ABORT,
    "SIGKILL": Cause.KILLED,
    "SIGTERM": Cause.KILLED,
    "SIGINT": Cause.KILLED,
    "SIGHUP": Cause.KILLED,
    "SIGQUIT": Cause.KILLED,
    "SIGXCPU": Cause.KILLED,
}
# Windows reports an unhandled fault as an NTSTATUS; 3 is what the C runtime's abort() gives.
_BY_NTSTATUS = {
    0xC0000005: Cause.SEGFAULT,
    0xC00000FD: Cause.SEGFAULT,
    0xC000001D: Cause.INSTRUCTION,
    0xC0000006: Cause.BUS,
    0xC0000017: Cause.MEMORY,
    0xC000012D: Cause.MEMORY,
    0xC0000409: Cause.ABORT,
    0xC0000374: Cause.ABORT,
    0xC000013A: Cause.KILLED,
    0x40010004: Cause.KILLED,
    3: Cause.ABORT,
}
_OUT_OF_MEMORY = re.compile(
    r"bad_alloc|out of memory|OutOfDeviceMemory|cannot allocate memory|failed to allocate"
    r"|MemoryError|unable to allocate|insufficient memory",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"GGML_ASSERT|GGML_ABORT|ggml_abort|CUDA error|what\(\):|terminate called|Assertion"
    r"|vk::|ErrorDeviceLost|double free|free\(\): |stack smashing",
)
_PYTHON_ERROR = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Interrupt))\b")
_LINE_LIMIT = 200
# The worker's own exit statuses (galosh.worker.serve), beyond what shells and C give.
_BY_EXIT = {95: Cause.BROKEN_ENGINE, 96: Cause.GARBLED, 97: Cause.TEMPLATE}
# Below this share of the installed memory a SIGKILL is taken for the kernel's own.
_SCARCE_SHARE = 0.04


def classify(facts: ExitFacts) -> Crash:
    """The cause of the end that `facts` describe."""
    line = marked_line(facts.last_lines)
    signal = _signal_name(facts)
    if facts.status is None:
        return Crash(Cause.NOT_STARTED, facts.reason or "?", line)
    if facts.condemned is not None:
        return Crash(facts.condemned, signal, line)
    if facts.asked:
        return Crash(Cause.ASKED, signal, line)
    cause = _cause_of_status(facts, signal)
    if cause is Cause.KILLED and signal in ("SIGKILL", "SIGTERM") and _memory_was_scarce(facts):
        cause = Cause.MEMORY
    if cause in (Cause.ABORT, Cause.EXITED) and line and _OUT_OF_MEMORY.search(line):
        cause = Cause.MEMORY
    return Crash(cause, signal, line)


def marked_line(lines: Sequence[str]) -> str | None:
    """The last line that names a cause and cannot hold words of a prompt; cut to 200."""
    for line in reversed(lines):
        text = line.strip()
        error = _PYTHON_ERROR.match(text)
        if error:
            return error.group(1)
        if _MARKED.search(text) or _OUT_OF_MEMORY.search(text):
            return text[:_LINE_LIMIT]
    return None


def _cause_of_status(facts: ExitFacts, signal: str) -> Cause:
    status = facts.status
    assert status is not None
    if facts.system == "windows":
        unsigned = status & 0xFFFFFFFF
        return _BY_NTSTATUS.get(unsigned, _BY_EXIT.get(unsigned, Cause.EXITED))
    if status < 0 or status > 128:  # a shell between us reports 128 + the signal
        return _BY_SIGNAL.get(signal, Cause.SIGNAL if status < 0 else Cause.EXITED)
    return _BY_EXIT.get(status, Cause.EXITED)


def _signal_name(facts: ExitFacts) -> str:
    status = facts.status
    if status is None:
        return "?"
    if facts.system == "windows":
        unsigned = status & 0xFFFFFFFF
        return f"0x{unsigned:08X}" if unsigned > 0xFFFF else f"exit status {status}"
    number = -status if status < 0 else status - 128
    if number == _BUS_NUMBER.get(facts.system):
        return "SIGBUS"
    if number in _SIGNALS:
        return _SIGNALS[number]
    return f"signal {number}" if status < 0 else f"exit status {status}"


def _memory_was_scarce(facts: ExitFacts) -> bool:
    if facts.oom_kills:
        return True
    if facts.available_bytes is None or not facts.total_bytes:
        return False
    return facts.available_bytes < facts.total_bytes * _SCARCE_SHARE
