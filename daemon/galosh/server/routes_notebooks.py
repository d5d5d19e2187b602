"""`/galosh/v1/notebooks`: the sheets. Management routes: always authenticated.

Rules: an answer to a change means that it is on the drive; no word of a text goes into an
event, an error or the log.
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from galosh.server import exchange
from galosh.server.notebook_requests import (
    parse_edits,
    parse_list,
    parse_new_sheet,
    parse_title,
)
from galosh.server.visit import Visit
from galosh.store.sheet import Sheet


async def sheets(visit: Visit) -> web.StreamResponse:
    """`GET notebooks?search=…`: newest first; `?deleted=true`: those in the bin."""
    wish = parse_list(dict(visit.request.query))
    rows = await visit.house.papers.sheets(
        lambda sheets: sheets.deleted() if wish.deleted else sheets.list(wish.search)
    )
    return exchange.answer({"notebooks": list(rows)})


async def add_sheet(visit: Visit) -> web.StreamResponse:
    """`POST notebooks` {"title"?, "text"?}."""
    wanted = parse_new_sheet(await visit.body())
    papers = visit.house.papers
    sheet_id, sheet = await papers.sheets(lambda all_: all_.create(wanted.title, wanted.text))
    papers.tell_sheet(sheet_id, sheet.version)
    told = {"notebook": {"id": sheet_id, **sheet.to_json()}}
    return await exchange.large_answer(visit.request, told, 201)


async def sheet(visit: Visit) -> web.StreamResponse:
    """`GET notebooks/{id}`."""
    found = await visit.house.papers.sheets(lambda all_: all_.get(visit.tail))
    told = {"notebook": {"id": visit.tail, **found.to_json()}}
    return await exchange.large_answer(visit.request, told)


async def sheet_text(visit: Visit) -> web.StreamResponse:
    """`GET notebooks/{id}/text`: a file to keep."""
    found = await visit.house.papers.sheets(lambda all_: all_.get(visit.tail))
    name = "".join(c for c in found.heading if c.isprintable() and c not in '\\/:*?"<>|').strip()
    disposition = f"attachment; filename*=UTF-8''{quote(name or 'galosh')}.txt"
    return await exchange.send_whole(
        visit.request,
        found.text.encode(),
        {"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": disposition},
    )


async def edit_sheet(visit: Visit) -> web.StreamResponse:
    """`POST notebooks/{id}/edits`: answered when it is on the drive."""
    wish = parse_edits(await visit.body())
    edited = await visit.house.papers.sheets(
        lambda all_: all_.edit(visit.tail, wish.base_version, wish.edits, wish.marks)
    )
    visit.house.papers.tell_sheet(visit.tail, edited.version)
    return exchange.answer({"version": edited.version, "updated_at": edited.updated_at})


async def rename_sheet(visit: Visit) -> web.StreamResponse:
    """`PATCH notebooks/{id}` {"title"}."""
    title = parse_title(await visit.body())
    return _row(visit, await visit.house.papers.sheets(lambda all_: all_.rename(visit.tail, title)))


async def remove_sheet(visit: Visit) -> web.StreamResponse:
    """`DELETE notebooks/{id}`: into the bin."""
    await visit.house.papers.sheets(lambda all_: all_.delete(visit.tail))
    visit.house.papers.tell_sheet(visit.tail, None)
    return exchange.answer({"deleted": visit.tail})


async def restore_sheet(visit: Visit) -> web.StreamResponse:
    """`POST notebooks/{id}/restore`."""
    return _row(visit, await visit.house.papers.sheets(lambda all_: all_.restore(visit.tail)))


def _row(visit: Visit, changed: Sheet) -> web.Response:
    visit.house.papers.tell_sheet(visit.tail, changed.version)
    return exchange.answer({"notebook": {"id": visit.tail, **changed.brief()}})
