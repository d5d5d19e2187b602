"""The queue's memory: the table, read and written beside the event loop.

Owns which writes may fail in silence: a wish is kept or refused, everything later is only a
convenience, because the download folders know the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.supervisor import download_disk as disk
from galosh.supervisor.download_job import JobRecord
from galosh.supervisor.download_table import DownloadTable

_LOG = logging.getLogger("galosh.supervisor")
_SWAPPED = "swapped-in"

Swapped = dict[str, object]
_Result = TypeVar("_Result")


class DownloadBook:
    """See the module."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._table = DownloadTable(paths.database)
        # One thread, so that writes happen in the order they were asked for: a late save
        # must not bring back what was deleted.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="download-list")

    async def load(self, now_seconds: float) -> tuple[list[JobRecord], Swapped | None]:
        """The jobs, as the folders correct them, and the last model that was swapped in."""
        return await self._do(lambda: self._load(now_seconds))

    async def save(self, record: JobRecord) -> None:
        """Keep a job. Raises GaloshError `supervisor-list-unwritable`."""
        await self._do(lambda: self._table.save(record))

    async def delete(self, record: JobRecord) -> None:
        """Drop a job. Raises GaloshError `supervisor-list-unwritable`."""
        await self._do(lambda: self._table.delete(record.id))

    async def keep(self, record: JobRecord) -> None:
        """`save` that only warns."""
        await self._quietly(lambda: self._table.save(record))

    async def forget(self, record: JobRecord) -> None:
        """`delete` that only warns."""
        await self._quietly(lambda: self._table.delete(record.id))

    async def note_swap(self, swapped: Swapped) -> None:
        """Remember which model took over."""
        await self._quietly(lambda: self._table.note(_SWAPPED, swapped))

    async def close(self) -> None:
        """Close the database."""
        await self._do(self._table.close)
        self._writer.shutdown(wait=False)

    def _load(self, now_seconds: float) -> tuple[list[JobRecord], Swapped | None]:
        records: list[JobRecord] = []
        swapped: Swapped | None = None
        try:
            if self._table.exists:
                records = self._table.load()
                noted = self._table.noted(_SWAPPED)
                swapped = noted if isinstance(noted, dict) else None
        except GaloshError as error:
            _LOG.error("the download list could not be read: %s", error)
        return disk.reconcile(self._paths, records, now_seconds), swapped

    async def _do(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def _quietly(self, work: Callable[[], None]) -> None:
        try:
            await self._do(work)
        except GaloshError as error:
            _LOG.warning("the download list was not saved: %s", error)
