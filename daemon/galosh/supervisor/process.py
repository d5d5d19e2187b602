"""One worker process from its start to its reaping.

Owns the process, its pipes and the way out (exit frame, closed stdin, terminate, kill). Tells
its listener every reply in order and, exactly once and last, that it is gone. Decides
nothing: what a reply or an end means is the owner's business. Keeps the last words of stderr
for the crash reason and throws the rest away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Any, Protocol

from galosh.base.errors import GaloshError
from galosh.supervisor.crash import Cause, ExitFacts
from galosh.supervisor.launch import Group, Launch, Launcher
from galosh.supervisor.leftover import Ledger
from galosh.supervisor.limits import Limits
from galosh.supervisor.memory import MemoryNow, read_memory
from galosh.supervisor.replies import AnyReply, Frame, LieError, parse
from galosh.worker.frames import FrameDecoder, FrameError, encode

_LOG = logging.getLogger("galosh.supervisor")
_CHUNK_BYTES = 65536
_LAST_WORDS_BYTES = 16384
# A dead worker's pipes end with it, unless something it forked holds them open.
_PIPE_END_SECONDS = 1.0
_SYSTEM = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")


class Listener(Protocol):
    """Who hears of a worker. Called in the event loop; must not block or await."""

    def on_reply(self, worker: Worker, reply: AnyReply) -> None:
        """The worker said something true to form."""

    def on_condemned(self, worker: Worker) -> None:
        """The worker broke the protocol and is being killed."""

    def on_gone(self, worker: Worker, facts: ExitFacts, error: GaloshError | None) -> None:
        """The process is reaped (or was never made: `error`, or no status in `facts`)."""


class Worker:
    """See the module. `start` it once; `close` or `condemn` it any time, any number of times.

    admit: whether it may be of use at all; asked in a thread while the process starts, which
    takes as long. Until it has returned nobody hears of the worker; where it raises, the
    process is killed and `on_gone` told the error.
    """

    def __init__(
        self,
        launcher: Launcher,
        admit: Callable[[Launch], None],
        listener: Listener,
        ledger: Ledger,
        limits: Limits,
    ) -> None:
        self._launcher = launcher
        self._admit = admit
        self._listener = listener
        self._ledger = ledger
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None
        self._gone = asyncio.Event()
        self._asked = False
        self._condemned: Cause | None = None
        self._last_words = bytearray()
        self._way_out: asyncio.Task[None] | None = None
        self._life: asyncio.Task[None] | None = None
        self._admission: asyncio.Task[None] | None = None
        self.launch: Launch | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    def start(self) -> None:
        """Make the process, in the background."""
        self._life = asyncio.get_running_loop().create_task(self._live())

    async def finished(self) -> None:
        """Wait until the process is reaped and the listener knows."""
        if self._life is not None:
            await asyncio.shield(self._life)

    def send(self, frame: Frame) -> None:
        """Hand a frame to the worker; raises FrameError for one that cannot be written.

        A worker that is gone or going gets nothing; its end is told by `on_gone`.
        """
        data = encode(frame)
        stdin = None if self._process is None else self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(data)

    def close(self) -> None:
        """Ask the worker to go, and see to it that it does."""
        self._asked = True
        if self._process is not None and self._way_out is None:
            self._way_out = asyncio.get_running_loop().create_task(self._leave())

    def condemn(self, cause: Cause) -> None:
        """Kill the worker now; `cause` is what its end will be put down to."""
        self._condemned = self._condemned or cause
        pid = self.pid
        if pid is not None:
            Group.kill(pid)

    async def _live(self) -> None:
        facts = ExitFacts(None, _SYSTEM)
        error: GaloshError | None = None
        try:
            facts = await self._start_and_reap()
        except GaloshError as stated:
            error = stated
        except OSError as problem:
            facts = ExitFacts(None, _SYSTEM, reason=problem.strerror or str(problem))
        except Exception as problem:  # the listener must hear the end, whatever happened
            _LOG.exception("a worker could not be run")
            facts = ExitFacts(None, _SYSTEM, reason=type(problem).__name__)
        self._gone.set()
        if self._way_out is not None:
            await self._way_out
        self._listener.on_gone(self, facts, error)

    async def _start_and_reap(self) -> ExitFacts:
        self.launch = launch = await asyncio.to_thread(self._launcher)
        self._admission = asyncio.get_running_loop().create_task(self._admitted(launch))
        try:
            facts = await self._run(launch)
        finally:
            await asyncio.wait([self._admission])
        self._admission.result()
        return facts

    async def _admitted(self, launch: Launch) -> None:
        try:
            await asyncio.to_thread(self._admit, launch)
        except BaseException:
            self.condemn(Cause.ASKED)
            raise

    async def _run(self, launch: Launch) -> ExitFacts:
        before = await asyncio.to_thread(read_memory)
        if self._asked or self._condemned:
            return ExitFacts(0, _SYSTEM, asked=self._asked, condemned=self._condemned)
        process = await asyncio.create_subprocess_exec(
            *launch.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=launch.folder,
            env=dict(launch.environment),
            **Group.options(),
        )
        self._process = process
        pipes = [asyncio.ensure_future(self._hear(process)), asyncio.ensure_future(self._drain())]
        if self._condemned is not None:
            self.condemn(self._condemned)
        elif self._asked:
            self.close()
        await asyncio.to_thread(self._ledger.record, process.pid, launch.command)
        status = await process.wait()
        self._gone.set()
        await asyncio.wait(pipes, timeout=_PIPE_END_SECONDS)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
        await asyncio.to_thread(self._ledger.forget, process.pid)
        _close_pipes(process)
        return self._facts(status, before, await asyncio.to_thread(read_memory))

    def _facts(self, status: int, before: MemoryNow, after: MemoryNow) -> ExitFacts:
        kills: int | None = None
        if before.oom_kills is not None and after.oom_kills is not None:
            kills = after.oom_kills - before.oom_kills
        words = bytes(self._last_words).decode("utf-8", errors="replace")
        return ExitFacts(
            status=status,
            system=_SYSTEM,
            last_lines=tuple(words.splitlines()),
            oom_kills=kills,
            available_bytes=after.available_bytes,
            total_bytes=after.total_bytes,
            condemned=self._condemned,
            asked=self._asked,
        )

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert self._admission is not None
        decoder = FrameDecoder()
        while data := await process.stdout.read(_CHUNK_BYTES):
            if not self._admission.done():  # asking costs a turn of the loop a piece
                await asyncio.wait([self._admission])
            if self._condemned is not None:
                continue  # nothing it says counts any more; read on so that it can end
            try:
                for frame in decoder.feed(data):
                    reply = parse(frame)
                    if reply is not None:
                        self._listener.on_reply(self, reply)
            except (FrameError, LieError) as lie:
                _LOG.warning("the worker broke the protocol: %s", lie)
                self.condemn(Cause.GARBLED)
                self._listener.on_condemned(self)

    async def _drain(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(_CHUNK_BYTES):
            self._last_words += data
            del self._last_words[:-_LAST_WORDS_BYTES]

    async def _leave(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self.send({"type": "exit", "save": True})
        # Its stdin stays open meanwhile: the end of that means "at once", without saving.
        if await self._gone_within(self._limits.exit_seconds):
            return
        self._process.stdin.close()
        for step, patience in ((Group.terminate, self._limits.terminate_seconds), (Group.kill, 0)):
            pid = self.pid
            if pid is None:
                return
            step(pid)
            if await self._gone_within(patience):
                return

    async def _gone_within(self, seconds: float) -> bool:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._gone.wait(), seconds)
        return self._gone.is_set()


def _close_pipes(process: asyncio.subprocess.Process) -> None:
    """Close what a forked grandchild may still hold open at its end.

    asyncio's Process offers no public way; its transport's own close is idempotent.
    """
    transport: Any = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
