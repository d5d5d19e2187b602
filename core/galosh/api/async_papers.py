"""The asynchronous client's calls for sheets and talks; see `galosh.api.papers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from galosh.api.client import Client, Reply

Found = TypeVar("Found")


class AsyncPaperCalls:
    """The same methods as `PaperCalls`, awaited."""

    async def _call(self, work: Callable[[Client], Found]) -> Found:
        raise NotImplementedError  # the client's own

    async def notebooks(self, search: str = "") -> list[Reply]:
        """See PaperCalls."""
        return await self._call(lambda client: client.notebooks(search))

    async def notebook(self, sheet_id: str) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.notebook(sheet_id))

    async def add_notebook(self, title: str = "", text: str = "") -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.add_notebook(title, text))

    async def edit_notebook(
        self,
        sheet_id: str,
        base_version: int,
        edits: Sequence[tuple[int, int, str]],
        marks: Sequence[Sequence[int]] | None = None,
    ) -> int:
        """See PaperCalls."""
        return await self._call(
            lambda client: client.edit_notebook(sheet_id, base_version, edits, marks)
        )

    async def rename_notebook(self, sheet_id: str, title: str) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.rename_notebook(sheet_id, title))

    async def remove_notebook(self, sheet_id: str) -> None:
        """See PaperCalls."""
        await self._call(lambda client: client.remove_notebook(sheet_id))

    async def restore_notebook(self, sheet_id: str) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.restore_notebook(sheet_id))

    async def chats(self, search: str = "") -> list[Reply]:
        """See PaperCalls."""
        return await self._call(lambda client: client.chats(search))

    async def chat(self, chat_id: str) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.chat(chat_id))

    async def add_chat(self, title: str = "") -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.add_chat(title))

    async def add_chat_node(
        self, chat_id: str, role: str, text: str, *, parent: str | None = None, **told: object
    ) -> Reply:
        """See PaperCalls."""
        return await self._call(
            lambda client: client.add_chat_node(chat_id, role, text, parent=parent, **told)
        )

    async def change_chat_node(self, chat_id: str, node_id: str, **changes: object) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.change_chat_node(chat_id, node_id, **changes))

    async def change_chat(self, chat_id: str, **changes: object) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.change_chat(chat_id, **changes))

    async def remove_chat(self, chat_id: str) -> None:
        """See PaperCalls."""
        await self._call(lambda client: client.remove_chat(chat_id))

    async def restore_chat(self, chat_id: str) -> Reply:
        """See PaperCalls."""
        return await self._call(lambda client: client.restore_chat(chat_id))
