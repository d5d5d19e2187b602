"""The client's calls for the notebook's sheets and talks; part of `galosh.api.Client`.

Places in a sheet are UTF-16 code units (`utf16_length` counts them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SHEETS, _CHATS = "/galosh/v1/notebooks", "/galosh/v1/chats"

Reply = Mapping[str, object]


class PaperCalls:
    """See the module. An edit is (at, remove, insert)."""

    def _call(
        self, method: str, path: str, body: Reply | None = None, *, patient: bool = False
    ) -> Reply:
        raise NotImplementedError  # the client's own

    def notebooks(self, search: str = "") -> list[Reply]:
        """A row for each sheet, the last changed first; with `search` those that hold it."""
        return _rows(self._call("GET", _listed(_SHEETS, search)), "notebooks")

    def notebook(self, sheet_id: str) -> Reply:
        """A sheet with its text, its marks and its version."""
        return _one(self._call("GET", f"{_SHEETS}/{sheet_id}"), "notebook")

    def add_notebook(self, title: str = "", text: str = "") -> Reply:
        """A new sheet."""
        return _one(self._call("POST", _SHEETS, {"title": title, "text": text}), "notebook")

    def edit_notebook(
        self,
        sheet_id: str,
        base_version: int,
        edits: Sequence[tuple[int, int, str]],
        marks: Sequence[Sequence[int]] | None = None,
    ) -> int:
        """Make edits on that version; the version they made, once it is on the drive.

        Raises GaloshError `notebook-changed`, whose facts hold the version that is there.
        """
        told = [{"at": at, "remove": out, "insert": put} for at, out, put in edits]
        body: dict[str, object] = {"base_version": base_version, "edits": told}
        if marks is not None:
            body["marks"] = [list(mark) for mark in marks]
        version = self._call("POST", f"{_SHEETS}/{sheet_id}/edits", body).get("version")
        return version if isinstance(version, int) else 0

    def rename_notebook(self, sheet_id: str, title: str) -> Reply:
        """Another title; the sheet's row."""
        return _one(self._call("PATCH", f"{_SHEETS}/{sheet_id}", {"title": title}), "notebook")

    def remove_notebook(self, sheet_id: str) -> None:
        """Into the bin, for thirty days."""
        self._call("DELETE", f"{_SHEETS}/{sheet_id}")

    def restore_notebook(self, sheet_id: str) -> Reply:
        """Out of the bin; the sheet's row."""
        return _one(self._call("POST", f"{_SHEETS}/{sheet_id}/restore"), "notebook")

    def chats(self, search: str = "") -> list[Reply]:
        """A row for each talk, the last changed first; with `search` those that hold it."""
        return _rows(self._call("GET", _listed(_CHATS, search)), "chats")

    def chat(self, chat_id: str) -> Reply:
        """A talk: its nodes, its head, and whether it is kept on disk."""
        return _one(self._call("GET", f"{_CHATS}/{chat_id}"), "chat")

    def add_chat(self, title: str = "") -> Reply:
        """A new talk."""
        return _one(self._call("POST", _CHATS, {"title": title}), "chat")

    def add_chat_node(
        self, chat_id: str, role: str, text: str, *, parent: str | None = None, **told: object
    ) -> Reply:
        """One more message after `parent`; `node`, `version`, `kept`.

        told: thoughts, model, speed of an answer.
        """
        body = {"parent": parent, "role": role, "text": text, **told}
        return self._call("POST", f"{_CHATS}/{chat_id}/nodes", body)

    def change_chat_node(self, chat_id: str, node_id: str, **changes: object) -> Reply:
        """Another text (thoughts, model, speed) in a message's place."""
        return self._call("PATCH", f"{_CHATS}/{chat_id}/nodes/{node_id}", changes)

    def change_chat(self, chat_id: str, **changes: object) -> Reply:
        """Another title or head; the talk's row."""
        return _one(self._call("PATCH", f"{_CHATS}/{chat_id}", changes), "chat")

    def remove_chat(self, chat_id: str) -> None:
        """Into the bin, for thirty days."""
        self._call("DELETE", f"{_CHATS}/{chat_id}")

    def restore_chat(self, chat_id: str) -> Reply:
        """Out of the bin; the talk's row."""
        return _one(self._call("POST", f"{_CHATS}/{chat_id}/restore"), "chat")


def utf16_length(text: str) -> int:
    """How many UTF-16 code units a text has: what places in a sheet are counted in."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def _listed(path: str, search: str) -> str:
    from urllib.parse import quote  # not paid for by commands that need none of this

    return f"{path}?search={quote(search, safe='')}" if search else path


def _rows(answer: Reply, name: str) -> list[Reply]:
    found = answer.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _one(answer: Reply, name: str) -> Reply:
    value = answer.get(name)
    return value if isinstance(value, Mapping) else {}
