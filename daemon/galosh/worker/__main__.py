"""Starts the worker: polite, protected, then two threads until the pipe ends.

The main thread reads requests, so that a cancellation or the parent's end is noticed even
while native code is busy; the other owns the model and everything native.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback

from galosh.worker.confine import Confinement
from galosh.worker.context import AbortFlag
from galosh.worker.fault import WorkerFault
from galosh.worker.frames import FrameError, hello
from galosh.worker.host import Host, find_host
from galosh.worker.mailbox import Mailbox
from galosh.worker.native import Native
from galosh.worker.options import read_threads
from galosh.worker.pipe import Pipe
from galosh.worker.render import prepare_first
from galosh.worker.serve import (
    EXIT_DEFECT,
    EXIT_ENGINE_BROKEN,
    EXIT_PROTOCOL,
    EXIT_SAVE_SECONDS,
    Service,
)

# Some of llama.cpp's tokenizers recurse once per character of a long word.
_STACK_BYTES = 64 * 1024 * 1024
_EXIT_GRACE_SECONDS = 0.5


def main() -> None:
    """Run until the pipe ends; never returns."""
    host = find_host()
    pipe = Pipe(host)
    # Ctrl-C in a terminal reaches every process there; the daemon decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for wish in host.settle():
        sys.stderr.write(f"worker: refused by the system: {wish}\n")
    prepare_first()
    abort = AbortFlag(host)
    mailbox = Mailbox(abort)
    walls = Confinement(host)
    threading.stack_size(_STACK_BYTES)
    threading.Thread(
        target=_own_model, args=(pipe, host, mailbox, abort, walls), name="model", daemon=True
    ).start()
    try:
        for request in pipe.requests():
            _sort(request, mailbox, walls)
    except FrameError as error:
        facts = {"reason": error.reason}
        pipe.send({"type": "fatal", "code": "worker-protocol", "facts": facts})
        os._exit(EXIT_PROTOCOL)


def _sort(request: dict[str, object], mailbox: Mailbox, walls: Confinement) -> None:
    """What cannot wait is done here; the rest waits for the model's thread."""
    kind = request.get("type")
    if not isinstance(request.get("id"), (str, int, type(None))):
        raise FrameError("protocol")
    if kind == "cancel":
        mailbox.cancel(request.get("id"))
    elif kind == "threads":
        try:
            mailbox.ask_threads(read_threads(request))
        except WorkerFault as fault:
            # It belongs to no request, so there is nobody to answer.
            sys.stderr.write(f"worker: threads not changed: {fault.facts}\n")
    elif kind == "exit":
        _exit(request.get("save") is True, mailbox)
    else:
        if kind == "load":
            walls.enter_for(request)
        mailbox.put(request)


def _exit(save: bool, mailbox: Mailbox) -> None:
    """End the process, after saving where that is wished; native code gets no say in it."""
    if not save:
        os._exit(0)
    mailbox.leave()
    # The model's thread goes when it has saved; it may also be stuck.
    threading.Timer(EXIT_SAVE_SECONDS + _EXIT_GRACE_SECONDS, os._exit, (0,)).start()


def _own_model(
    pipe: Pipe, host: Host, mailbox: Mailbox, abort: AbortFlag, walls: Confinement
) -> None:
    try:
        native = Native()
    except Exception as error:
        facts = {"reason": f"{type(error).__name__}: {error}"[:300]}
        pipe.send({"type": "fatal", "code": "worker-engine-broken", "facts": facts})
        os._exit(EXIT_ENGINE_BROKEN)
    walls.possible = not native.lib.llama_supports_gpu_offload()
    pipe.send(hello(native.binding, native.system, os.getpid()))
    try:
        Service(native, host, mailbox, abort, pipe.send, walls).run()
    except BaseException as error:
        # The message of the exception may quote an answer: only the place is told.
        sys.stderr.write("".join(traceback.format_tb(error.__traceback__)))
        sys.stderr.write(f"worker: {type(error).__name__}\n")
        sys.stderr.flush()
        os._exit(EXIT_DEFECT)  # nobody would answer any more; another worker will


if __name__ == "__main__":
    main()
