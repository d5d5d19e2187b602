"""The same client for programs that run an event loop.

Every call is made by `Client` itself in a thread of its own, so there is one parser and one
set of errors. Rules: cancelling a call, or leaving an iterator early, hangs up at once, which
cancels the work; a reader that is slow makes the thread wait, not the memory grow. Not
loaded by `galosh.api` (asyncio costs more than a whole command): import it from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from galosh.api.async_papers import AsyncPaperCalls
from galosh.api.client import Client, Reply
from galosh.api.hangup import HangUp
from galosh.api.wire import Delta, Happening
from galosh.base.paths import Paths

_AHEAD = 64  # pieces that may wait for the reader

Found = TypeVar("Found")
_End = BaseException | None


class AsyncClient(AsyncPaperCalls):
    """See `galosh.api.Client`: the same methods, awaited, and the same errors."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    async def status(self) -> Reply:
        """See Client."""
        return await self._call(Client.status)

    async def models(self) -> list[Reply]:
        """See Client."""
        return await self._call(Client.models)

    async def use_model(self, model_id: str | None) -> Reply:
        """See Client."""
        return await self._call(lambda client: client.use_model(model_id))

    async def unload(self) -> None:
        """See Client."""
        await self._call(Client.unload)

    async def forecast(self, model_id: str) -> Reply:
        """See Client."""
        return await self._call(lambda client: client.forecast(model_id))

    async def forecasts(self) -> list[Reply]:
        """See Client."""
        return await self._call(Client.forecasts)

    async def recommend(self) -> Reply:
        """See Client."""
        return await self._call(Client.recommend)

    async def pause(self, *, paused: bool) -> None:
        """See Client."""
        await self._call(lambda client: client.pause(paused=paused))

    async def add_model(self, path: Path, *, copy: bool = False, name: str | None = None) -> Reply:
        """See Client."""
        return await self._call(lambda client: client.add_model(path, copy=copy, name=name))

    async def remove_model(self, model_id: str) -> None:
        """See Client."""
        await self._call(lambda client: client.remove_model(model_id))

    async def settings(self) -> Reply:
        """See Client."""
        return await self._call(Client.settings)

    async def change_setting(self, name: str, value: bool | int | float | str) -> Reply:
        """See Client."""
        return await self._call(lambda client: client.change_setting(name, value))

    async def make_link(self) -> Reply:
        """See Client."""
        return await self._call(Client.make_link)

    async def end_links(self) -> None:
        """See Client."""
        await self._call(Client.end_links)

    async def presets(self) -> dict[str, list[Reply]]:
        """See Client."""
        return await self._call(Client.presets)

    async def count_tokens(self, text: str, model_id: str | None = None) -> int:
        """See Client."""
        return await self._call(lambda client: client.count_tokens(text, model_id))

    async def embed(self, texts: Sequence[str], model_id: str | None = None) -> list[list[float]]:
        """See Client."""
        return await self._call(lambda client: client.embed(texts, model_id))

    async def ask_for_popup(self) -> bool:
        """See Client."""
        return await self._call(Client.ask_for_popup)

    async def downloads(self) -> list[Reply]:
        """See Client."""
        return await self._call(Client.downloads)

    async def pull(self, source: str, **options: object) -> Reply:
        """See Client."""
        return await self._call(lambda client: client.pull(source, **options))

    async def set_download(self, download_id: str, *, running: bool) -> Reply:
        """See Client."""
        return await self._call(lambda client: client.set_download(download_id, running=running))

    async def remove_download(self, download_id: str, *, keep_partial: bool = False) -> Reply:
        """See Client."""
        return await self._call(
            lambda client: client.remove_download(download_id, keep_partial=keep_partial)
        )

    async def shutdown(self) -> None:
        """See Client."""
        await self._call(Client.shutdown)

    def ask(
        self,
        messages: Sequence[Mapping[str, object]],
        *,
        silence_seconds: float | None = None,
        **options: object,
    ) -> AsyncGenerator[Delta, None]:
        """See Client. Close it (`contextlib.aclosing`) to stop the answer early."""
        return self._stream(
            lambda client: client.ask(messages, silence_seconds=silence_seconds, **options)
        )

    def events(self, after: int | None = None) -> AsyncGenerator[Happening, None]:
        """See Client."""
        return self._stream(lambda client: client.events(after))

    async def _call(self, work: Callable[[Client], Found]) -> Found:
        line = HangUp()
        answer = asyncio.ensure_future(
            asyncio.to_thread(work, Client(self._paths, opened=line.take))
        )
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            line.hang_up()
            with contextlib.suppress(Exception):
                await answer
            raise

    async def _stream(
        self, work: Callable[[Client], Generator[Found, None, None]]
    ) -> AsyncGenerator[Found, None]:
        line, loop = HangUp(), asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[Found | None, _End, bool]] = asyncio.Queue()
        room = threading.Semaphore(_AHEAD)

        def tell(item: Found | None, error: _End, last: bool) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone
                loop.call_soon_threadsafe(queue.put_nowait, (item, error, last))

        def pump() -> None:
            try:
                with contextlib.closing(work(Client(self._paths, opened=line.take))) as items:
                    for item in items:
                        room.acquire()
                        if line.hung_up:
                            break
                        tell(item, None, False)
            except BaseException as error:
                tell(None, error, True)
            else:
                tell(None, None, True)

        thread = threading.Thread(target=pump, name="galosh-stream", daemon=True)
        thread.start()
        try:
            while True:
                item, error, last = await queue.get()
                room.release()
                if error is not None:
                    raise error
                if last:
                    return
                yield item  # type: ignore[misc]
        finally:
            line.hang_up()
            room.release()
            await asyncio.shield(asyncio.to_thread(thread.join))
