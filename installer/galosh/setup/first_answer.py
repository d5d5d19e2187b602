"""Asks the first question through the daemon, the way every later one goes, and measures it."""

from __future__ import annotations

import contextlib
import sys

from galosh import api
from galosh.base.clock import Clock
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.setup.view import Delegate, FirstAnswer

_ANSWER_TOKENS = 48


def ask_first_question(paths: Paths, clock: Clock, delegate: Delegate) -> FirstAnswer:
    """Ask, show the answer as it comes, and return it with its speed and the memory in use.

    Raises the daemon's own errors (api-…, supervisor-…, store-…).
    """
    question = say("setup.first-question")
    client = api.Client(paths)
    delegate.question(question)
    messages = [{"role": "user", "content": question}]
    pieces: list[str] = []
    usage = None
    first_at: float | None = None
    # Temperature 0: the same answer on every PC, so that one can compare.
    for delta in client.ask(messages, max_tokens=_ANSWER_TOKENS, temperature=0.0):
        if delta.text:
            first_at = first_at or clock.monotonic_seconds()
            pieces.append(delta.text)
            delegate.answer(delta.text)
        usage = delta.usage or usage
    speed = usage.tokens_per_second if usage is not None else None
    if speed is None and usage is not None and first_at is not None:
        taken_seconds = clock.monotonic_seconds() - first_at
        speed = usage.completion_tokens / taken_seconds if taken_seconds > 0 else None
    return FirstAnswer(question, "".join(pieces).strip(), speed, memory_in_use(paths))


def memory_in_use(paths: Paths) -> int | None:
    """Bytes held by the daemon and its workers, measured at the processes; None if unknown."""
    import psutil

    facts = api.is_running(paths)
    if facts is None:
        return None
    try:
        daemon = psutil.Process(facts.pid)
        processes = [daemon, *daemon.children(recursive=True)]
    except psutil.Error:
        return None
    total_bytes = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total_bytes += int(process.memory_info().rss)
    return total_bytes or None


def daemon_is_ours(paths: Paths) -> bool:
    """Whether the running daemon was started by this very installation's Python.

    After an upgrade the daemon of the earlier installation may still be there.
    """
    import psutil

    facts = api.is_running(paths)
    if facts is None:
        return False
    try:
        command = psutil.Process(facts.pid).cmdline()
    except psutil.Error:
        return False
    return bool(command) and command[0] == sys.executable
