"""Sheets and talks over the door: the contract of the page, bad input, slow and silent clients."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import time

import pytest

from galosh.api.async_client import AsyncClient
from galosh.api.papers import utf16_length
from galosh.base.errors import GaloshError
from galosh.server import exchange
from tests.fakes.page import Browser, Reply
from tests.fakes.serving import Running

SHEETS = "/galosh/v1/notebooks"


@pytest.fixture
def page(running: Running) -> Browser:
    return Browser.opened(running)


def made(page: Browser, **fields: str) -> str:
    reply = page.call("POST", SHEETS, fields)
    assert reply.status == 201
    return str(reply.json["notebook"]["id"])


def edit(page: Browser, sheet_id: str, base: int, *edits: dict[str, object], **more: object
         ) -> Reply:  # fmt: skip
    body = {"base_version": base, "edits": list(edits), **more}
    return page.call("POST", f"{SHEETS}/{sheet_id}/edits", body)


def test_a_sheet_from_first_letter_to_bin(page: Browser) -> None:
    sheet_id = made(page, text="a😀")
    reply = edit(page, sheet_id, 1, {"at": 3, "remove": 0, "insert": "!"}, marks=[[0, 3]])
    assert reply.status == 200
    assert reply.json["version"] == 2
    sheet = page.call("GET", f"{SHEETS}/{sheet_id}").json["notebook"]
    assert (sheet["text"], sheet["marks"], sheet["version"]) == ("a😀!", [[0, 3]], 2)
    assert (sheet["characters"], sheet["heading"], sheet["title"]) == (3, "a😀!", "")
    late = edit(page, sheet_id, 1, {"at": 0, "remove": 0, "insert": "x"})
    assert late.status == 409
    told = late.json["error"]["galosh"]
    assert (told["code"], told["facts"]["version"]) == ("notebook-changed", 2)
    row = page.call("PATCH", f"{SHEETS}/{sheet_id}", {"title": "Дом/сад"}).json["notebook"]
    assert (row["title"], row["version"]) == ("Дом/сад", 3)
    text = page.call("GET", f"{SHEETS}/{sheet_id}/text")
    assert text.body.decode() == "a😀!"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "filename*=UTF-8''%D0%94%D0%BE%D0%BC%D1%81" in text.headers["content-disposition"]
    assert page.call("DELETE", f"{SHEETS}/{sheet_id}").status == 200
    assert page.call("GET", f"{SHEETS}/{sheet_id}").status == 404
    assert page.call("GET", SHEETS).json["notebooks"] == []
    assert len(page.call("GET", f"{SHEETS}?deleted=true").json["notebooks"]) == 1
    assert page.call("POST", f"{SHEETS}/{sheet_id}/restore").status == 200
    found = page.call("GET", f"{SHEETS}?search=%D0%B4%D0%BE%D0%BC").json["notebooks"]
    assert [one["id"] for one in found] == [sheet_id]


@pytest.mark.parametrize(
    ("edit_", "marks"),
    [
        ({"at": 2, "remove": 0, "insert": "x"}, None),  # in the middle of 😀
        ({"at": 9, "remove": 0, "insert": "x"}, None),
        ({"at": 0, "remove": 9, "insert": ""}, None),
        ({"at": -1, "remove": 0, "insert": ""}, None),
        ({"at": 0.5, "remove": 0, "insert": ""}, None),
        ({"at": True, "remove": 0, "insert": ""}, None),
        ({"at": 0, "insert": ""}, None),
        ({"at": 0, "remove": 0, "insert": 5}, None),
        ({"at": 0, "remove": 0, "insert": "\ud83d"}, None),  # half a character
        ({"at": 0, "remove": 0, "insert": "", "more": 1}, None),
        ({"at": 0, "remove": 0, "insert": "x"}, [[0, 9]]),
        ({"at": 0, "remove": 0, "insert": "x"}, [[1, 0]]),
        ({"at": 0, "remove": 0, "insert": "x"}, [["0", 1]]),
        ({"at": 0, "remove": 0, "insert": "x"}, [[0, True]]),
        ({"at": 0, "remove": 0, "insert": "x"}, "marks"),
    ],
)
def test_what_fits_no_sheet_is_refused_and_changes_nothing(
    page: Browser, edit_: dict[str, object], marks: object
) -> None:
    sheet_id = made(page, text="a😀")
    more = {} if marks is None else {"marks": marks}
    assert edit(page, sheet_id, 1, edit_, **more).status == 400
    sheet = page.call("GET", f"{SHEETS}/{sheet_id}").json["notebook"]
    assert (sheet["text"], sheet["version"]) == ("a😀", 1)


def test_a_paste_of_eight_megabytes_and_one_too_large(page: Browser) -> None:
    sheet_id = made(page)
    paste = "слово " * 700_000  # 7.7 MB as UTF-8
    reply = edit(page, sheet_id, 1, {"at": 0, "remove": 0, "insert": paste})
    assert reply.status == 200
    back = page.call("GET", f"{SHEETS}/{sheet_id}").json["notebook"]
    assert back["text"] == paste
    again = edit(page, sheet_id, 2, {"at": 0, "remove": 0, "insert": paste})
    assert again.status == 413
    assert again.json["error"]["galosh"]["code"] == "notebook-too-long"
    assert page.call("GET", f"{SHEETS}/{sheet_id}").json["notebook"]["version"] == 2


def test_watchers_hear_of_changes_but_no_word(running: Running, page: Browser) -> None:
    with_events = running.client.events()
    next(with_events)
    sheet_id = made(page, text="secret")
    edit(page, sheet_id, 1, {"at": 0, "remove": 0, "insert": "hidden"})
    page.call("DELETE", f"{SHEETS}/{sheet_id}")
    chat_id = page.call("POST", "/galosh/v1/chats", {}).json["chat"]["id"]
    heard = [next(with_events) for _ in range(4)]
    with_events.close()
    assert [event.name for event in heard] == ["notebook.changed"] * 3 + ["chat.changed"]
    assert [event.facts["facts"] for event in heard] == [
        {"id": sheet_id, "version": 1}, {"id": sheet_id, "version": 2},
        {"id": sheet_id, "removed": True}, {"id": chat_id, "version": 1},
    ]  # fmt: skip


def test_talks_over_the_door(running: Running, page: Browser) -> None:
    chats = "/galosh/v1/chats"
    chat = page.call("POST", chats, {"title": " Небо "}).json["chat"]
    assert (chat["title"], chat["kept"], chat["nodes"], chat["head"]) == ("Небо", True, [], None)
    first = page.call("POST", f"{chats}/{chat['id']}/nodes", {"role": "user", "text": "Why?"})
    assert (first.status, first.json["kept"], first.json["version"]) == (201, True, 2)
    node = first.json["node"]["id"]
    answer = {"parent": node, "role": "assistant", "text": "B", "speed": 4.2, "model": "m"}
    second = page.call("POST", f"{chats}/{chat['id']}/nodes", answer).json["node"]
    assert second["speed"] == 4.2
    changed = page.call("PATCH", f"{chats}/{chat['id']}/nodes/{second['id']}", {"text": "Because"})
    assert changed.json["node"]["text"] == "Because"
    assert page.call("PATCH", f"{chats}/{chat['id']}", {"head": node}).status == 200
    found = page.call("GET", f"{chats}/{chat['id']}").json["chat"]
    assert [one["text"] for one in found["nodes"]] == ["Why?", "Because"]
    assert found["head"] == node
    running.client.change_setting("history.keep", False)
    loose = page.call("POST", chats, {}).json["chat"]
    assert loose["kept"] is False
    more = page.call("POST", f"{chats}/{chat['id']}/nodes", {"role": "user", "text": "secret"})
    assert more.json["kept"] is False
    assert {one["id"]: one["kept"] for one in page.call("GET", chats).json["chats"]} == {
        chat["id"]: False, loose["id"]: False,
    }  # fmt: skip
    assert "secret" not in "".join(p.read_text() for p in running.paths.chats.iterdir())
    for body in (
        {},
        {"role": "tool", "text": ""},
        {"role": "user"},
        {"role": "user", "text": "\ud800"},
        {"role": "user", "text": "", "speed": -1},
    ):
        assert page.call("POST", f"{chats}/{chat['id']}/nodes", body).status == 400
    assert page.call("PATCH", f"{chats}/{chat['id']}", {}).status == 400
    assert page.call("DELETE", f"{chats}/{chat['id']}").status == 200
    assert page.call("POST", f"{chats}/{chat['id']}/restore").status == 200


def test_a_full_disk_is_stated_to_the_page(page: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet_id = made(page, text="abc")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("galosh.base.durable.sync_file", full)
    reply = edit(page, sheet_id, 1, {"at": 3, "remove": 0, "insert": "d"})
    assert reply.status == 507
    assert reply.json["error"]["galosh"]["kept"]
    monkeypatch.undo()
    assert edit(page, sheet_id, 1, {"at": 3, "remove": 0, "insert": "d"}).status == 200
    assert page.call("GET", f"{SHEETS}/{sheet_id}").json["notebook"]["text"] == "abcd"


def test_both_clients_speak_of_sheets_and_talks(running: Running) -> None:
    client = running.client
    sheet_id = str(client.add_notebook("T", "a😀")["id"])
    assert client.edit_notebook(sheet_id, 1, [(utf16_length("a😀"), 0, "!")]) == 2
    assert client.notebook(sheet_id)["text"] == "a😀!"
    assert client.rename_notebook(sheet_id, "U")["title"] == "U"
    with pytest.raises(GaloshError) as caught:
        client.edit_notebook(sheet_id, 1, [(0, 0, "x")], marks=[[0, 1]])
    assert (caught.value.code, caught.value.facts["version"]) == ("notebook-changed", 3)
    client.remove_notebook(sheet_id)
    assert client.restore_notebook(sheet_id)["title"] == "U"
    assert [one["id"] for one in client.notebooks("u")] == [sheet_id]

    async def talk() -> None:
        calls = AsyncClient(running.paths)
        chat_id = str((await calls.add_chat("Talk"))["id"])
        node = (await calls.add_chat_node(chat_id, "user", "hello"))["node"]
        assert isinstance(node, dict)
        await calls.change_chat_node(chat_id, node["id"], text="bye")
        await calls.change_chat(chat_id, title="Other")
        assert (await calls.chat(chat_id))["head"] == node["id"]
        await calls.remove_chat(chat_id)
        await calls.restore_chat(chat_id)
        assert [one["title"] for one in await calls.chats()] == ["Other"]
        assert await calls.edit_notebook(sheet_id, 3, [(0, 0, "x")]) == 4
        assert (await calls.notebooks())[0]["heading"] == "U"

    asyncio.run(talk())


def test_a_client_that_does_not_read_a_large_sheet_is_cut_off(
    running: Running, page: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "WRITE_LIMIT_SECONDS", 0.3)
    sheet_id = made(page, text="x" * 7_900_000)
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(
            f"GET {SHEETS}/{sheet_id} HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
            f"Authorization: Bearer {running.token}\r\n\r\n".encode()
        )
        time.sleep(1.0)  # what the page does not do: leave the answer where it is
        taken = 0
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 20):
                taken += len(part)
    assert 0 < taken < 7_900_000
    assert page.call("GET", SHEETS).status == 200


def test_a_client_that_sends_an_edit_slowly_is_given_up(
    running: Running, page: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BODY_LIMIT_SECONDS", 0.3)
    sheet_id = made(page, text="x")
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(
            f"POST {SHEETS}/{sheet_id}/edits HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
            f"Authorization: Bearer {running.token}\r\nContent-Type: application/json\r\n"
            "Content-Length: 500\r\n\r\n{".encode()
        )
        assert b" 408 " in connection.recv(4096)


def test_no_word_of_a_sheet_or_a_talk_is_logged(
    running: Running, page: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    word = "zanzibar"
    sheet_id = made(page, text=word, title=word)
    edit(page, sheet_id, 1, {"at": 0, "remove": 0, "insert": word})
    edit(page, sheet_id, 1, {"at": 0, "remove": 0, "insert": word})  # too late: refused
    edit(page, sheet_id, 2, {"at": 999, "remove": 0, "insert": word})
    edit(page, sheet_id, 2, {"at": word, "remove": 0, "insert": word})
    page.call("GET", f"{SHEETS}?search={word}")
    page.call("GET", f"{SHEETS}/{word}")
    page.call("PATCH", f"{SHEETS}/{sheet_id}", {"title": word * 100})
    chat = page.call("POST", "/galosh/v1/chats", {"title": word}).json["chat"]["id"]
    page.call("POST", f"/galosh/v1/chats/{chat}/nodes", {"role": "user", "text": word})
    page.call("POST", f"/galosh/v1/chats/{chat}/nodes", {"role": word, "text": word})
    log = running.paths.logs / "daemon.log"
    assert word not in caplog.text
    assert not log.exists() or word not in log.read_text()
    journal = json.dumps([p.read_text() for p in running.paths.notebooks.glob("*.journal")])
    assert word in journal  # it went where it should
