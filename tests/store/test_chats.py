"""Talks: branches, edits, crashes, and a history that can be switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.store import chats as chats_module
from galosh.store import talk
from galosh.store.chats import Chats


@pytest.fixture
def talks(tmp_path: Path) -> Chats:
    return Chats(tmp_path / "chats", SystemClock())


def again(talks: Chats) -> Chats:
    """The same folder, read anew, as after a restart."""
    return Chats(talks._drawer._folder, SystemClock())


def say(talks: Chats, chat_id: str, parent: str | None, role: str, text: str, keep: bool = True
        ) -> str:  # fmt: skip
    _, node = talks.add(chat_id, {"parent": parent, "role": role, "text": text}, keep=keep)
    return node.id


def test_a_tree_with_branches_survives_a_restart(talks: Chats) -> None:
    chat = talks.create("", keep=True)
    ask = say(talks, chat.id, None, "user", "Почему небо синее?")
    say(talks, chat.id, ask, "assistant", "first answer")
    second = say(talks, chat.id, ask, "assistant", "second answer")
    talks.rewrite(
        chat.id, second, {"text": "better", "thoughts": "hm", "speed": 3.5, "model": "m"}, keep=True
    )
    other = say(talks, chat.id, None, "user", "asked anew")
    talks.change(chat.id, {"head": second, "title": "Sky"}, keep=True)
    found = again(talks).get(chat.id)
    assert found == talks.get(chat.id)
    nodes = {node.id: node for node in found.talk.nodes.values()}
    assert [node.parent for node in nodes.values()] == [None, ask, ask, None]
    assert (nodes[second].text, nodes[second].speed, nodes[second].thoughts) == (
        "better",
        3.5,
        "hm",
    )
    assert (found.talk.head, found.talk.title, found.kept) == (second, "Sky", True)
    assert other in nodes


def test_the_head_moves_to_what_is_said_but_not_to_what_is_rewritten(talks: Chats) -> None:
    chat = talks.create("", keep=True)
    first = say(talks, chat.id, None, "user", "a")
    second = say(talks, chat.id, first, "assistant", "b")
    changed, _ = talks.rewrite(chat.id, first, {"text": "c"}, keep=True)
    assert changed.talk.head == second
    assert changed.talk.heading == "c"


def test_what_names_no_message_is_refused(talks: Chats) -> None:
    chat = talks.create("", keep=True)
    for work in (
        lambda: say(talks, chat.id, "nothing", "user", "x"),
        lambda: talks.rewrite(chat.id, "nothing", {"text": "x"}, keep=True),
        lambda: talks.change(chat.id, {"head": "nothing"}, keep=True),
    ):
        with pytest.raises(GaloshError) as caught:
            work()
        assert caught.value.code == "notebook-node-unknown"
    assert not again(talks).get(chat.id).talk.nodes
    with pytest.raises(GaloshError) as caught:
        talks.get("0" * 12)
    assert caught.value.code == "notebook-chat-unknown"


def test_with_history_off_nothing_is_written(talks: Chats) -> None:
    chat = talks.create("", keep=False)
    ask = say(talks, chat.id, None, "user", "a secret", keep=False)
    assert not chat.kept
    assert talks.get(chat.id).talk.node(ask).text == "a secret"
    assert [row["id"] for row in talks.list("SECRET")] == [chat.id]
    folder = talks._drawer._folder
    assert not folder.exists() or not list(folder.iterdir())
    assert again(talks).list() == []


def test_switched_off_later_what_is_there_stays_and_nothing_is_added(talks: Chats) -> None:
    chat = talks.create("", keep=True)
    ask = say(talks, chat.id, None, "user", "kept")
    say(talks, chat.id, ask, "assistant", "a secret", keep=False)
    assert not talks.get(chat.id).kept
    assert len(talks.get(chat.id).talk.nodes) == 2
    assert len(talks.list()) == 1
    after = again(talks).get(chat.id)
    assert [node.text for node in after.talk.nodes.values()] == ["kept"]
    files = "".join(path.read_text() for path in talks._drawer._folder.iterdir())
    assert "a secret" not in files
    # Switched on again: the next change takes all of it to disk.
    changed = talks.change(chat.id, {"title": "Now"}, keep=True)
    assert changed.kept
    assert again(talks).get(chat.id).talk == changed.talk
    assert len(changed.talk.nodes) == 2


def test_talks_in_memory_can_be_deleted_and_restored_and_are_not_many(
    talks: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = talks.create("kept", keep=True)
    loose = talks.create("loose", keep=False)
    for chat in (kept, loose):
        talks.delete(chat.id)
    assert talks.list() == []
    assert {row["title"] for row in talks.deleted()} == {"kept", "loose"}
    assert talks.restore(kept.id).kept
    assert not talks.restore(loose.id).kept
    monkeypatch.setattr(chats_module, "_LOOSE", 3)
    for number in range(5):
        talks.create(str(number), keep=False)
    assert len(talks.list()) == 1 + 3


def test_a_talk_ends_somewhere(talks: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "MAX_NODES", 2)
    chat = talks.create("", keep=True)
    first = say(talks, chat.id, None, "user", "a")
    say(talks, chat.id, first, "user", "b")
    with pytest.raises(GaloshError) as caught:
        say(talks, chat.id, first, "user", "c")
    assert caught.value.code == "notebook-chat-full"
    talks.rewrite(chat.id, first, {"text": "x"}, keep=True)


def test_a_long_journal_gives_way_to_a_snapshot(
    talks: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats_module, "_JOURNAL_BYTES", 300)
    chat = talks.create("", keep=True)
    parent = None
    for number in range(20):
        parent = say(talks, chat.id, parent, "user", f"message {number}")
    assert again(talks).get(chat.id) == talks.get(chat.id)
    journal = talks._drawer._folder / f"{chat.id}.journal"
    assert not journal.exists() or journal.stat().st_size < 600
