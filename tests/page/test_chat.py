"""The chat in a real Chromium: answers as elements and never as markup, branches, history."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.page.conftest import House
from tests.page.kit import ask, open_page, wait_for

HOSTILE = """# <img src=x onerror=hurt()>

<script>window.hurt=1</script> <svg/onload=hurt()> &lt;b&gt;

[one](javascript:hurt()) [two](data:text/html,<script>hurt()</script>) [three](vbscript:x)
[four](  JaVaScRiPt:hurt()) [five](//evil.example/x) ![six](https://evil.example/pixel.png)
<javascript:hurt()> <a href="javascript:hurt()">seven</a> https://ok.example/"onmouseover="hurt()

[eight](https://ok.example/?a=1&b=2 "title") [nine](mailto:a@ok.example)

```html" onclick="hurt()
<script>window.hurt=1</script>
```

| <b>x</b> | [y](javascript:hurt()) |
|---|---|
| `<i>` | **<u>z</u>** |

> - <iframe src="https://evil.example"></iframe>
"""

EVERYDAY = """## Steps

1. Open **it**
2. Read:
   - `one`
   - *two*

```python
print("hello")
```

Text with a_snake_case and 2 * 3 * 4, ~~old~~ and
a second line.

---

| name | size |
|:-----|-----:|
| ёж | 3 |
"""


@pytest.fixture
def chat(page: Page) -> Page:
    """The chat, on a conversation of its own."""
    page.click("#tab-chat")
    page.wait_for_selector("#chat-list [aria-current=true]")
    page.click("#chat-new")
    expect(page.locator("#chat-log .turn")).to_have_count(0)
    return page


def say(page: Page, words: str) -> None:
    page.fill("#chat-words", words)
    page.focus("#chat-words")
    page.keyboard.press("Enter")


def turns(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#chat-log .turn .words").all_inner_texts()]


def idle(page: Page) -> None:
    expect(page.locator("#chat-send")).to_have_text("Send")
    expect(page.locator("#chat-words")).to_have_value("")


def tree(house: House) -> dict[str, object]:
    chats = ask(house.client, "GET", "/galosh/v1/chats")["chats"]
    found: dict[str, object] = ask(house.client, "GET", f"/galosh/v1/chats/{chats[0]['id']}")[
        "chat"
    ]
    return found


def test_a_tab_asked_for_twice_while_it_loads_is_there_once(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/chat.js", hold)
    page.click("#tab-chat")
    page.click("#tab-chat")
    page.wait_for_function("() => document.querySelector('#tab-chat').ariaSelected === 'true'")
    for route in held:
        route.continue_()
    page.wait_for_selector("#chat-list [aria-current=true]")
    assert held
    expect(page.locator("#chat-send")).to_have_count(1)


class TestMarkdown:
    def test_hostile_text_runs_and_loads_nothing(self, chat: Page, house: House) -> None:
        asked: list[str] = []
        chat.on("request", lambda request: asked.append(request.url))
        house.says(HOSTILE)
        say(chat, HOSTILE)
        idle(chat)
        expect(chat.locator(".turn.assistant .words")).to_contain_text("nine")
        assert chat.evaluate("() => window.hurt === undefined")
        log = chat.locator("#chat-log")
        for tag in ("img", "script", "svg", "iframe", "b", "u", "i", "object", "style", "form"):
            assert log.locator(tag).count() == 0, tag
        links = log.locator("a").evaluate_all(
            "all => all.map(a => [a.getAttribute('href'), a.rel, a.target])"
        )
        assert {link[0].split("?")[0] for link in links} == {
            "https://evil.example/pixel.png", "https://evil.example/", "https://ok.example/",
            "mailto:a@ok.example",
        }  # fmt: skip
        assert all(rest == ["noopener noreferrer", "_blank"] for _, *rest in links)
        attributes = log.locator("*").evaluate_all(
            "all => [...new Set(all.flatMap(e => e.getAttributeNames()))]"
        )
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert not [url for url in asked if "127.0.0.1" not in url]

    def test_everyday_text_reads_well(self, chat: Page, house: House) -> None:
        house.says(EVERYDAY)
        say(chat, "How?")
        idle(chat)
        words = chat.locator(".turn.assistant .words")
        assert words.locator("h4").inner_text() == "Steps"
        assert words.locator("ol > li").count() == 2
        assert words.locator("ol > li > ul > li").all_inner_texts() == ["one", "two"]
        assert words.locator("pre").inner_text() == 'print("hello")'
        assert words.locator("em").all_inner_texts() == ["two"]
        assert words.locator("del").inner_text() == "old"
        assert words.locator("td").all_inner_texts() == ["ёж", "3"]
        assert words.locator("hr").count() == 1
        chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
        words.locator(".code button").click()
        expect(words.locator(".code button")).to_have_text("Copied")
        assert chat.evaluate("() => navigator.clipboard.readText()") == 'print("hello")'


class TestConversation:
    def test_the_model_sees_the_whole_of_it(self, chat: Page, house: House) -> None:
        house.says("Hello there.", "Fine.")
        say(chat, "Hi")
        idle(chat)
        expect(chat.locator(".turn.assistant")).to_contain_text("10 tokens/s")
        say(chat, "How are you?")
        expect(chat.locator(".turn")).to_have_count(4)
        idle(chat)
        assert turns(chat) == ["Hi", "Hello there.", "How are you?", "Fine."]
        messages = house.model.requests[-1].messages or ()
        assert [(turn["role"], turn["content"]) for turn in messages] == [
            ("user", "Hi"), ("assistant", "Hello there."), ("user", "How are you?"),
        ]  # fmt: skip
        chat.reload()
        expect(chat.locator(".turn")).to_have_count(4)
        assert turns(chat)[-1] == "Fine."
        expect(chat.locator("#chat-list [aria-current=true]")).to_contain_text("Hi")

    def test_editing_and_asking_again_branch(self, chat: Page, house: House) -> None:
        house.says("First.", "Second.", "Third.", "Fourth.")
        say(chat, "Question")
        idle(chat)
        answer = chat.locator(".turn.assistant")
        answer.get_by_role("button", name="Again").click()
        expect(answer).to_contain_text("2/2")
        assert turns(chat) == ["Question", "Second."]
        answer.get_by_role("button", name="Earlier version").click()
        assert turns(chat) == ["Question", "First."]
        expect(answer).to_contain_text("1/2")
        chat.locator(".turn.user").get_by_role("button", name="Edit").click()
        chat.keyboard.press("Control+a")
        chat.keyboard.insert_text("Another question")
        chat.keyboard.press("Control+Enter")
        expect(chat.locator(".turn.user")).to_contain_text("2/2")
        expect(answer).to_contain_text("Third.")
        idle(chat)
        chat.locator(".turn.user").get_by_role("button", name="Earlier version").click()
        assert turns(chat)[0] == "Question"
        answer.get_by_role("button", name="Edit").click()
        chat.keyboard.press("Control+a")
        chat.keyboard.insert_text("My own words.")
        answer.get_by_role("button", name="Save").click()
        expect(answer).to_contain_text("3/3")
        assert turns(chat) == ["Question", "My own words."]
        chat.reload()
        expect(chat.locator(".turn")).to_have_count(2)
        assert turns(chat) == ["Question", "My own words."]
        assert len(tree(house)["nodes"]) == 6  # type: ignore[arg-type]

    def test_stop_keeps_the_words_on_disk(self, chat: Page, house: House) -> None:
        house.says("word " * 400, pause_seconds=0.02)
        say(chat, "Long please")
        expect(chat.locator("#chat-send")).to_have_text("Stop")
        expect(chat.locator(".turn.assistant .words")).to_contain_text("word word word")
        chat.keyboard.press("Escape")
        idle(chat)
        expect(chat.locator("#chat-told")).to_have_text("Stopped. What was written stays.")
        wait_for(chat, lambda: house.model.cancelled > 0, "the model was not stopped")
        kept = turns(chat)[-1]
        chat.reload()
        expect(chat.locator(".turn.assistant .words")).to_have_text(kept)

    def test_thoughts_are_folded(self, chat: Page, house: House) -> None:
        house.says("<think>Let me see.\n</think>\nForty-two.")
        say(chat, "What?")
        idle(chat)
        expect(chat.locator(".turn.assistant .words")).to_have_text("Forty-two.")
        thoughts = chat.locator(".turn.assistant .thoughts")
        expect(thoughts.locator("> div")).to_be_hidden()
        thoughts.locator("summary").click()
        expect(thoughts.locator("> div")).to_have_text("Let me see.")
        chat.uncheck("#chat-think")
        say(chat, "Quick")
        expect(chat.locator(".turn")).to_have_count(4)
        idle(chat)
        assert house.model.requests[-1].options["think"] is False

    def test_too_long_a_conversation_is_said_and_can_go_on(self, chat: Page, house: House) -> None:
        house.says("ok", context_tokens=20)
        say(chat, "word " * 30)
        trouble = chat.locator("#chat-trouble .trouble")
        expect(trouble).to_contain_text("too long for the model")
        expect(trouble).to_contain_text("30 tokens")
        house.says("ok", context_tokens=4000)
        trouble.get_by_role("button", name="Answer without the oldest turns").click()
        expect(chat.locator(".turn.assistant .words")).to_have_text("ok")
        assert house.model.requests[-1].options["truncate"] is True

    def test_prompts_go_around_what_was_typed(self, chat: Page) -> None:
        chat.fill("#chat-words", "They was here.")
        chat.click("#chat-prompts")
        chat.get_by_role("menuitem", name="Fix grammar").click()
        words = chat.input_value("#chat-words")
        assert "They was here." in words
        assert len(words) > 40
        assert "{" not in words


class TestHistory:
    def test_switched_off_nothing_is_kept_and_that_is_said(self, chat: Page, house: House) -> None:
        house.client.change_setting("history.keep", False)
        try:
            house.says("A secret.")
            chat.click("#chat-new")
            say(chat, "Do not keep this")
            idle(chat)
            expect(chat.locator("#chat-kept")).to_contain_text("history is switched off")
            folder = house.running.paths.data
            files = [path for path in folder.rglob("*") if path.is_file()]
            assert not [path for path in files if b"Do not keep this" in path.read_bytes()]
        finally:
            house.client.change_setting("history.keep", True)

    def test_deleting_can_be_undone(self, chat: Page, house: House) -> None:
        say(chat, "To be deleted")
        idle(chat)
        expect(chat.locator("#chat-list [aria-current=true]")).to_contain_text("To be deleted")
        chat.get_by_role("button", name="Delete", exact=True).click()
        expect(chat.locator("#toasts")).to_contain_text("“To be deleted” is in the bin")
        chat.click("#toasts button")
        expect(chat.locator(".turn.user .words")).to_have_text("To be deleted")

    def test_what_was_being_typed_survives_a_reload(self, chat: Page) -> None:
        chat.fill("#chat-words", "half a question")
        chat.wait_for_timeout(500)
        chat.reload()
        expect(chat.locator("#chat-words")).to_have_value("half a question")


def test_two_browsers_show_one_conversation(chat: Page, house: House) -> None:
    say(chat, "Seen twice")
    idle(chat)
    other = open_page(chat.context, house.client, "chat")
    expect(other.locator(".turn.user .words")).to_have_text("Seen twice")
