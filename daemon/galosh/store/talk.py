"""A talk as a tree of messages: branches begin where one was asked or answered anew. Pure.

Every message names the one before it; `head` is the last one of the branch that is shown.
Nothing is ever taken out of the tree: a message that is written anew is another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from galosh.base.errors import GaloshError

MAX_NODES = 10_000
ROLES = ("system", "user", "assistant")
_HEADING = 80


@dataclass(frozen=True)
class Node:
    """One message. speed: tokens per second, of an answer."""

    id: str
    parent: str | None
    role: str
    text: str
    created_at: float
    thoughts: str | None = None
    model: str | None = None
    speed: float | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form; what is not known is left out."""
        always = ("id", "parent", "role", "text", "created_at")
        return {name: value for name, value in vars(self).items()
                if name in always or value is not None}  # fmt: skip


@dataclass(frozen=True)
class Talk:
    """A talk at one version."""

    title: str
    nodes: Mapping[str, Node]
    head: str | None
    version: int
    created_at: float
    updated_at: float

    @classmethod
    def new(cls, title: str, at_seconds: float) -> Talk:
        """An empty one."""
        return cls(title, {}, None, 1, at_seconds, at_seconds)

    @property
    def heading(self) -> str:
        """The title, else the first line that the user wrote."""
        if self.title:
            return self.title
        asked = (node.text for node in self.nodes.values() if node.role == "user")
        lines = (line.strip() for text in asked for line in text[:4000].splitlines())
        return next((line for line in lines if line), "")[:_HEADING]

    def node(self, node_id: str | None) -> Node:
        """Raises GaloshError `notebook-node-unknown`."""
        found = self.nodes.get(node_id or "")
        if found is None:
            raise GaloshError("notebook-node-unknown", count=len(self.nodes))
        return found

    def changed(self, record: Mapping[str, Any]) -> Talk:
        """One version on: with a node more or another one in its place, a title, a head.

        Raises GaloshError `notebook-node-unknown` or `notebook-chat-full`.
        """
        nodes, head, title = self.nodes, self.head, self.title
        if "node" in record:
            node = Node(**record["node"])
            if node.parent is not None:
                self.node(node.parent)
            if node.id not in nodes:
                head = node.id
                if len(nodes) >= MAX_NODES:
                    raise GaloshError("notebook-chat-full", count=len(nodes))
            nodes = {**nodes, node.id: node}
        if "head" in record:
            head = None if record["head"] is None else self.node(record["head"]).id
        if "title" in record:
            title = str(record["title"])
        return replace(
            self, title=title, nodes=nodes, head=head, version=self.version + 1,
            updated_at=float(record["at_seconds"]),
        )  # fmt: skip

    def holds(self, wanted: str) -> bool:
        """Whether the (casefolded) words stand in it."""
        texts = (self.title, *(node.text for node in self.nodes.values()))
        return any(wanted in text.casefold() for text in texts)

    def to_json(self) -> dict[str, object]:
        """All of it."""
        return {
            **self.brief(),
            "nodes": [node.to_json() for node in self.nodes.values()],
            "head": self.head,
        }

    def brief(self) -> dict[str, object]:
        """What a list shows of it."""
        return {
            "title": self.title,
            "heading": self.heading,
            "nodes": len(self.nodes),
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def restored(snapshot: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Talk:
    """The talk that was written down. Raises ValueError, TypeError, KeyError or GaloshError
    where that is no talk."""
    nodes = [Node(**node) for node in snapshot["nodes"]]
    head = snapshot["head"]
    talk = Talk(
        str(snapshot["title"]),
        {node.id: node for node in nodes},
        None if head is None else str(head),
        int(snapshot["version"]),
        float(snapshot["created_at"]),
        float(snapshot["updated_at"]),
    )
    for record in records:
        talk = talk.changed(record)
    return talk
