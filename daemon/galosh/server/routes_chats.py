"""`/galosh/v1/chats`: the page's talks. Management routes: always authenticated.

Rules: as for sheets; with `history.keep` off, nothing new is written and the answer says so
(`kept`: false).
"""

from __future__ import annotations

from aiohttp import web

from galosh.server import exchange
from galosh.server.notebook_requests import (
    parse_chat_change,
    parse_list,
    parse_new_chat,
    parse_node,
    parse_node_change,
)
from galosh.server.visit import Visit
from galosh.store.chats import Chat
from galosh.store.talk import Node


async def chats(visit: Visit) -> web.StreamResponse:
    """`GET chats?search=…`: newest first; `?deleted=true`: those in the bin."""
    wish = parse_list(dict(visit.request.query))
    rows = await visit.house.papers.chats(
        lambda chats: chats.deleted() if wish.deleted else chats.list(wish.search)
    )
    return exchange.answer({"chats": list(rows)})


async def add_chat(visit: Visit) -> web.StreamResponse:
    """`POST chats` {"title"?}."""
    title, keep = parse_new_chat(await visit.body()), _keep(visit)
    made = await visit.house.papers.chats(lambda all_: all_.create(title, keep=keep))
    visit.house.papers.tell_chat(made.id, made.talk.version)
    return exchange.answer({"chat": made.to_json()}, 201)


async def chat(visit: Visit) -> web.StreamResponse:
    """`GET chats/{id}`."""
    found = await visit.house.papers.chats(lambda all_: all_.get(visit.tail))
    return await exchange.large_answer(visit.request, {"chat": found.to_json()})


async def change_chat(visit: Visit) -> web.StreamResponse:
    """`PATCH chats/{id}` {"title"?, "head"?}."""
    changes, keep = parse_chat_change(await visit.body()), _keep(visit)
    changed = await visit.house.papers.chats(
        lambda all_: all_.change(visit.tail, changes, keep=keep)
    )
    visit.house.papers.tell_chat(changed.id, changed.talk.version)
    return exchange.answer({"chat": changed.brief()})


async def remove_chat(visit: Visit) -> web.StreamResponse:
    """`DELETE chats/{id}`: into the bin."""
    await visit.house.papers.chats(lambda all_: all_.delete(visit.tail))
    visit.house.papers.tell_chat(visit.tail, None)
    return exchange.answer({"deleted": visit.tail})


async def restore_chat(visit: Visit) -> web.StreamResponse:
    """`POST chats/{id}/restore`."""
    found = await visit.house.papers.chats(lambda all_: all_.restore(visit.tail))
    visit.house.papers.tell_chat(found.id, found.talk.version)
    return exchange.answer({"chat": found.brief()})


async def add_node(visit: Visit) -> web.StreamResponse:
    """`POST chats/{id}/nodes`: one more message; the head moves to it."""
    message, keep = parse_node(await visit.body()), _keep(visit)
    changed, node = await visit.house.papers.chats(
        lambda all_: all_.add(visit.tail, message, keep=keep)
    )
    return _node(visit, changed, node, 201)


async def change_node(visit: Visit) -> web.StreamResponse:
    """`PATCH chats/{id}/nodes/{node}`: another text in its place."""
    changes, keep = parse_node_change(await visit.body()), _keep(visit)
    chat_id, _, node_id = visit.tail.partition("/")
    changed, node = await visit.house.papers.chats(
        lambda all_: all_.rewrite(chat_id, node_id, changes, keep=keep)
    )
    return _node(visit, changed, node)


def _node(visit: Visit, changed: Chat, node: Node, status: int = 200) -> web.Response:
    visit.house.papers.tell_chat(changed.id, changed.talk.version)
    told = {"node": node.to_json(), "version": changed.talk.version, "kept": changed.kept}
    return exchange.answer(told, status)


def _keep(visit: Visit) -> bool:
    return visit.house.settings.flag("history.keep")
