"""The download queue of the daemon: what is wanted, what runs, what follows when it is there.

One object in the event loop's thread; fetching, disk and database work run in threads. The
wanted list is in the database, the truth about bytes in the download folders: after a kill
or a power cut the next start goes on from both. Rules: a few at a time in the order asked;
nothing polls while nothing runs; a failure ends one job, never the queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.supervisor import download_disk as disk
from galosh.supervisor.download_arrival import Arrival, Host, Models
from galosh.supervisor.download_book import DownloadBook
from galosh.supervisor.download_entry import Job, Wish, find_job
from galosh.supervisor.download_job import JobRecord, Wanted, job_id, with_files
from galosh.supervisor.download_power import PowerWatch
from galosh.supervisor.download_run import Found, Reports, Run, View

_LOG = logging.getLogger("galosh.supervisor")
_END_SECONDS = 8.0  # for a thread to let go; what it does after that is like a kill
_REMEMBERED = 20
_WATCHED = ("max_rate_bytes", "connections", "at_once", "on_battery")


class Downloads:
    """See the module. Every method belongs to the event loop `start` was called in."""

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        clock: Clock,
        host: Host,
        models: Models,
        change_setting: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._clock = clock
        self._bus = host.events
        self._book = DownloadBook(paths)
        self._jobs: dict[str, Job] = {}
        self._done: list[Job] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._power = PowerWatch(self._power_changed)
        self._swapped: dict[str, object] | None = None
        self._arrival = Arrival(
            paths, clock, host, models, lambda: self._settings.text("model.default"), change_setting
        )

    # --- life ---

    async def start(self) -> None:
        """Take up what was wanted, and what lies unfinished in the folders."""
        records, self._swapped = await self._book.load(self._clock.wall_seconds())
        for record in records:
            # What needed the user gets one more chance per start: a token may be set now.
            retry = record.error is not None and record.wanted == "running"
            self._enter(replace(record, error=None) if retry else record)
        self._pump()

    async def stop(self) -> None:
        """Let every fetch go, with everything kept; the next start goes on. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._power.need(frozenset())
        running = [job for job in self._jobs.values() if job.run is not None]
        for job in running:
            job.run.end()  # type: ignore[union-attr]
        waits = [asyncio.ensure_future(job.idle.wait()) for job in running]
        if waits:
            await asyncio.wait(waits, timeout=_END_SECONDS)
        for task in (*self._tasks, *waits):
            task.cancel()
        await asyncio.gather(*self._tasks, *waits, return_exceptions=True)
        await self._book.close()

    def apply(self, settings: Settings) -> None:
        """Use these settings from now on; running fetches go on under new caps."""
        before, self._settings = self._settings, settings
        names = [f"download.{name}" for name in _WATCHED]
        if any(before.get(name) != settings.get(name) for name in names):
            for job in self._jobs.values():
                self._halt(job, "again")
            self._pump()

    # --- wishes ---

    async def add(self, wish: Wish) -> dict[str, object]:
        """Queue a download (or find it queued, or go on with it); its view.

        Raises GaloshError `supervisor-list-unwritable`.
        """
        number = job_id(wish.source, wish.sha256, None)
        job = self._jobs.get(number)
        if job is None:
            job = self._enter(wish.record(number, self._clock.wall_seconds()))
            self._done = [done for done in self._done if done.record.id != number]
        if job.renew(wish):
            self._halt(job, "again")
        try:
            await self._want(job, "running")
        except GaloshError:
            if job.run is None:
                del self._jobs[number]
            raise
        self._publish("download.added", job)
        self._pump()
        return job.view()

    async def views(self) -> list[dict[str, object]]:
        """Every download: running, waiting, paused, in need of somebody; the last done ones."""
        await self._refresh()
        keys = [file.key for job in self._jobs.values() for file in job.record.files]
        others = await asyncio.to_thread(disk.elsewhere, self._paths, keys)
        return [job.view() for job in (*self._jobs.values(), *self._done)] + others

    async def view(self, name: str) -> dict[str, object]:
        """One of them, by id, the beginning of it, key or source.

        Raises GaloshError `download-unknown`.
        """
        await self._refresh()
        return self._find(name).view()

    async def pause(self, name: str) -> dict[str, object]:
        """Stop it until `resume`, over restarts too. Raises `download-unknown`."""
        await self._refresh()
        job = self._find(name)
        if job.state == "done" or job.record.model_path is not None:
            return job.view()
        await self._want(job, "paused")
        self._halt(job, "pause")
        await self._until_idle(job)
        await asyncio.to_thread(disk.mark_paused, self._paths, job.record)
        job.rest()
        self._publish("download.paused", job)
        self._pump()
        return job.view()

    async def resume(self, name: str) -> dict[str, object]:
        """Go on. Raises `download-unknown`."""
        await self._refresh()
        job = self._find(name)
        if job.run is None and job.state != "done" and job.record.model_path is None:
            await asyncio.to_thread(disk.clear_marks, self._paths, job.record)
            await self._want(job, "running")
            self._publish("download.added", job)
            self._pump()
        return job.view()

    async def remove(self, name: str, *, keep: bool = False) -> dict[str, object]:
        """Take it off the list and delete what was fetched; keep: leave that, paused.

        Raises GaloshError `download-unknown` or `base-not-writable`.
        """
        await self._refresh()
        job = self._find(name)
        if job in self._done:
            self._done.remove(job)
            return job.view()
        job.busy = True
        self._halt(job, "remove")
        await self._until_idle(job)
        await self._book.delete(job.record)
        act = disk.mark_paused if keep else disk.delete
        await asyncio.to_thread(act, self._paths, job.record)
        self._jobs.pop(job.record.id, None)
        job.state = "paused" if keep else "cancelled"
        self._publish("download.removed", job)
        self._pump()
        return job.view()

    def summary(self) -> dict[str, object]:
        """For the daemon's status: how many, and the last model that was swapped in."""
        jobs = self._jobs.values()
        return {
            "running": sum(job.run is not None for job in jobs),
            "waiting": sum(job.run is None and job.record.wanted == "running" for job in jobs),
            "paused": sum(job.record.wanted == "paused" for job in jobs),
            "swapped_in": self._swapped,
        }

    # --- the queue ---

    def _pump(self) -> None:
        """Start what may run now."""
        if self._closing:
            return
        wanted = any(job.record.wanted == "running" for job in self._jobs.values())
        self._power.need(self._thrift() if wanted else frozenset())
        if self._power.reason is not None:
            self._say_waiting(self._power.reason)
            return
        free = self._settings.number("download.at_once")
        free -= sum(job.run is not None for job in self._jobs.values())
        for job in list(self._jobs.values()):
            record = job.record
            if job.busy:
                continue
            if record.model_path is not None:
                job.busy, job.state = True, "swapping"
                self._spawn(self._swap_in(job))
            elif job.run is None and record.wanted == "running" and record.error is None:
                if free <= 0:
                    job.state = "new"
                    continue
                free -= 1
                self._begin(job)

    def _begin(self, job: Job) -> None:
        record, settings = job.record, self._settings
        caps = [settings.number("download.max_rate_bytes"), record.max_rate_bytes or 0]
        cap = min([value for value in caps if value] or [0])
        reports = Reports(
            found=lambda found: self._found(job, found),
            progress=lambda name, view: self._seen(job, name, view),
            ended=lambda outcome: self._ended(job, outcome),
        )
        run = Run(
            record, self._paths, reports,
            connections=record.connections or settings.number("download.connections"),
            # With several at once the cap is for all of them together.
            max_rate_bytes=cap // settings.number("download.at_once") if cap else 0,
            environ={**dict(record.environ), **job.secrets},
        )  # fmt: skip
        job.run, job.intent, job.state = run, "", "resolving"
        job.idle.clear()
        run.start()

    def _halt(self, job: Job, intent: str) -> None:
        if job.run is not None:
            job.intent = intent
            job.run.end()

    async def _until_idle(self, job: Job) -> None:
        if job.run is None:
            return
        try:
            await asyncio.wait_for(job.idle.wait(), _END_SECONDS)
        except asyncio.TimeoutError:
            _LOG.warning("download %s does not let go yet", job.record.id)

    def _found(self, job: Job, found: Found) -> None:
        record = replace(job.record, file_name=found.file_name, size_bytes=found.size_bytes)
        job.record = with_files(record, found.files)
        self._save_soon(job)

    def _seen(self, job: Job, name: str | None, view: View) -> None:
        if job.run is None:
            return
        job.progress = view
        # The engine's own end is not yet the end: the model is to be checked and entered.
        job.state = "sealing" if view["state"] == "done" else str(view["state"])
        if name is not None:
            self._publish(name, job)

    def _ended(self, job: Job, outcome: Path | GaloshError) -> None:
        job.run = None
        intent, job.intent = job.intent, ""
        if job.progress is not None:
            kept = job.progress.get("kept_bytes")
            job.kept_bytes = kept if isinstance(kept, int) else 0
        job.progress = None
        job.idle.set()
        if isinstance(outcome, Path) and not self._closing:
            job.busy = True
            self._spawn(self._arrived(job, outcome))
        elif isinstance(outcome, Path) or intent in ("pause", "remove") or self._closing:
            job.state = "paused"
        elif intent == "again" and outcome.code == "download-stopped":
            job.state = "new"
        elif outcome.code == "download-cancelled":
            self._spawn(self._forget(job))
        elif outcome.code == "download-paused":
            job.record = replace(job.record, wanted="paused")
            job.state = "paused"
            self._save_soon(job)
            self._publish("download.paused", job)
        else:
            self._fail(job, outcome)
        self._pump()

    def _fail(self, job: Job, error: GaloshError) -> None:
        _LOG.warning("download %s: %s", job.record.id, error.code)
        if error.__cause__ is not None and error.code == "supervisor-download-broke":
            _LOG.error("download %s broke", job.record.id, exc_info=error.__cause__)
        job.record, job.busy = replace(job.record, error=error), False
        job.rest()
        self._save_soon(job)
        self._publish("download.failed", job)

    # --- after the last byte ---

    async def _arrived(self, job: Job, path: Path) -> None:
        """Verified: check that it is a model, enter it into the store, tell."""
        job.state = "verifying"
        try:
            job.model_id = await self._arrival.register(job.record, path)
        except GaloshError as error:
            self._fail(job, error)
            return
        job.record = replace(job.record, model_path=str(path))
        job.state, job.kept_bytes = "done", job.record.size_bytes
        self._publish("download.done", job)
        if job.record.purpose == "recommended" and job.model_id is not None:
            await self._book.keep(job.record)
            job.busy = False
            self._pump()
        else:
            await self._forget(job)

    async def _swap_in(self, job: Job) -> None:
        done = await self._arrival.swap_in(job.record)
        job.state = "done"
        if done is not None:
            self._swapped = done
            await self._book.note_swap(done)
        await self._forget(job)
        if done is not None:  # told last: who hears it may stop us at once
            self._arrival.tell_swap(done)

    # --- within ---

    def _enter(self, record: JobRecord) -> Job:
        job = Job(record)
        job.rest()
        self._jobs[record.id] = job
        self._done = [done for done in self._done if done.record.id != record.id]
        return job

    async def _refresh(self) -> None:
        """Downloads that others left unfinished since, and bytes of jobs at rest."""
        records = [job.record for job in self._jobs.values()]
        now = self._clock.wall_seconds()
        for record in await asyncio.to_thread(disk.reconcile, self._paths, records, now):
            if record.id not in self._jobs:
                # Nobody asked this daemon for it: it waits for a word.
                self._enter(replace(record, wanted="paused"))
        for job in list(self._jobs.values()):
            if job.run is None and job.kept_bytes is None and job.record.files:
                kept = await asyncio.to_thread(disk.kept_bytes, self._paths, job.record)
                job.kept_bytes = kept

    def _find(self, name: str) -> Job:
        return find_job([*self._jobs.values(), *self._done], name)

    async def _want(self, job: Job, wanted: Wanted) -> None:
        error = job.record.error if wanted == "paused" else None
        job.record = replace(job.record, wanted=wanted, error=error)
        if job.run is None:
            job.rest()
        await self._book.save(job.record)

    def _save_soon(self, job: Job) -> None:
        self._spawn(self._book.keep(job.record))

    async def _forget(self, job: Job) -> None:
        self._jobs.pop(job.record.id, None)
        self._done = [*self._done, job][-_REMEMBERED:]
        await self._book.forget(job.record)

    def _publish(self, name: str, job: Job) -> None:
        # Progress is worth nothing later: it must not push real news out of the history.
        passing = name in ("download.progress", "download.waiting")
        tell = self._bus.flash if passing else self._bus.publish
        tell(name, **job.view())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _thrift(self) -> frozenset[str]:
        """What the user wants downloads to wait for."""
        names = {"power": "download.on_battery", "metered": "download.on_metered"}
        return frozenset(w for w, name in names.items() if self._settings.text(name) == "pause")

    def _say_waiting(self, reason: str) -> None:
        for job in self._jobs.values():
            if job.state == "new":
                job.state = f"waiting-{reason}"
                self._publish("download.waiting", job)

    def _power_changed(self) -> None:
        self._bus.publish("download.power", waiting_for=self._power.reason)
        for job in self._jobs.values():
            self._halt(job, "again")
        self._pump()
