"""Why a trial ended the way it did: pure classification of exit status and words."""

from __future__ import annotations

ILLEGAL = "illegal-instruction"
SEGFAULT = "segmentation-fault"
ABORT = "abort"
KILLED = "killed"
GARBAGE = "garbage"
TIMEOUT = "timeout"
IMPORT = "import-error"
LOAD = "load-failed"

# POSIX signal numbers, the same on Linux and macOS except SIGBUS (7 and 10).
_SIGNALS = {4: ILLEGAL, 5: ILLEGAL, 6: ABORT, 7: SEGFAULT, 8: ABORT, 9: KILLED, 10: SEGFAULT,
            11: SEGFAULT, 15: KILLED, 24: TIMEOUT}  # fmt: skip
_NTSTATUS = {
    0xC000001D: ILLEGAL,
    0xC0000096: ILLEGAL,  # privileged instruction
    0xC0000005: SEGFAULT,
    0xC0000006: SEGFAULT,  # a mapped file that cannot be read
    0xC00000FD: SEGFAULT,  # stack overflow
    0xC0000409: ABORT,  # fast fail
    0xC0000374: ABORT,  # heap damage noticed
    0xC0000017: KILLED,  # no memory
    0xC0000135: IMPORT,  # a library it needs is missing
    0xC0000139: IMPORT,  # a library it needs is of another version
}
_ABORT_EXIT = 3  # what abort() exits with on Windows


def signal_of(status: int, *, windows: bool) -> int | None:
    """The signal number (POSIX) or NTSTATUS (Windows) behind an exit status, if any."""
    if windows:
        code = status & 0xFFFFFFFF
        return code if code >= 0xC0000000 else None
    if status < 0:
        return -status
    # A shell or an emulator may report a signal as 128 + n.
    return status - 128 if status > 128 and status - 128 in _SIGNALS else None


def cause_of_exit(status: int, *, windows: bool, timed_out: bool) -> str | None:
    """The cause for a child that did not report by itself; None for a plain exit 0."""
    if timed_out:
        return TIMEOUT
    number = signal_of(status, windows=windows)
    if number is not None:
        return (_NTSTATUS if windows else _SIGNALS).get(number, ABORT)
    if windows and status == _ABORT_EXIT:
        return ABORT
    return None if status == 0 else LOAD


def last_words(err: str) -> str:
    """The line of stderr that says most about the end: an assertion if there is one."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    telling = ("GGML_ASSERT", "GGML_ABORT", "terminate called", "what():", "Error:", "error:")
    for line in reversed(lines):
        if any(mark in line for mark in telling):
            return line[:400]
    return lines[-1][:400] if lines else ""


def sane_text(text: str, tokens: list[int], *, finite: bool, expected: str | None) -> bool:
    """Whether what an engine wrote can be the work of a sound engine.

    expected: the known continuation, for a model whose continuation is known.
    """
    if not finite or not tokens:
        return False
    if expected is not None:
        return expected in text
    if len(tokens) > 2 and len(set(tokens)) == 1:
        return False
    body = text.strip()
    # A cut multi-byte character at either end is no fault of the engine.
    printable = sum(char.isprintable() or char.isspace() for char in body.strip("\ufffd"))
    return bool(body) and printable >= 0.9 * len(body.strip("\ufffd"))
