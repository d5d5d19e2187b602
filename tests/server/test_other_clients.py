"""Anthropic's client and OpenAI's Responses API, whole and word by word."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.fakes.serving import Running, wait_until


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def claude(running: Running) -> Iterator[anthropic.Anthropic]:
    address = f"http://127.0.0.1:{running.port}"
    with anthropic.Anthropic(base_url=address, api_key=running.token, max_retries=0) as client:
        yield client


@pytest.fixture
def gpt(running: Running) -> Iterator[openai.OpenAI]:
    address = f"http://127.0.0.1:{running.port}/v1"
    with openai.OpenAI(base_url=address, api_key=running.token, max_retries=0) as client:
        yield client


class TestMessages:
    def test_whole(self, claude: anthropic.Anthropic, running: Running) -> None:
        answer = claude.messages.create(
            model="other",
            max_tokens=9,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            messages=[{"role": "user", "content": [{"type": "text", "text": "hello big world"}]}],
            stop_sequences=["x"],
        )
        [block] = answer.content
        assert block.type == "text"
        assert block.text == "hello big world "
        assert (answer.model, answer.stop_reason) == ("other", "end_turn")
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (15, 3)
        [asked] = running.supervisor.requests
        assert (asked.max_tokens, asked.stop) == (9, ("x",))
        assert [dict(turn) for turn in asked.messages or ()] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello big world"},
        ]

    def test_word_by_word(self, claude: anthropic.Anthropic) -> None:
        with claude.messages.stream(
            model="starter", max_tokens=9, messages=[{"role": "user", "content": "hello big world"}]
        ) as stream:
            assert list(stream.text_stream) == ["hello ", "big ", "world "]
            final = stream.get_final_message()
        assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 3)

    def test_errors(self, claude: anthropic.Anthropic, running: Running) -> None:
        talk: list[anthropic.types.MessageParam] = [{"role": "user", "content": "x"}]
        with pytest.raises(anthropic.NotFoundError, match="starter"):
            claude.messages.create(model="gpt-9", max_tokens=9, messages=talk)
        picture: list[anthropic.types.MessageParam] = [
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]}
        ]
        with pytest.raises(anthropic.BadRequestError):
            claude.messages.create(model="starter", max_tokens=9, messages=picture)
        with pytest.raises(anthropic.AuthenticationError):
            claude.with_options(api_key="no").messages.create(
                model="starter", max_tokens=9, messages=talk
            )
        dying = claude.messages.create(
            model="starter", max_tokens=9, messages=[{"role": "user", "content": "die now"}],
            stream=True,
        )  # fmt: skip
        with pytest.raises(anthropic.APIError, match="no words for"):
            list(dying)

    def test_leaving_stops_the_answer(self, claude: anthropic.Anthropic, running: Running) -> None:
        stream = claude.messages.create(
            model="starter", max_tokens=9, messages=[{"role": "user", "content": "forever"}],
            stream=True,
        )  # fmt: skip
        next(iter(stream))
        stream.close()
        assert wait_until(lambda: running.supervisor.cancelled == 1) < 2


class TestResponses:
    def test_whole(self, gpt: openai.OpenAI, running: Running) -> None:
        answer = gpt.responses.create(
            model="other", instructions="Be brief.", input="hello big world", max_output_tokens=9
        )
        assert answer.output_text == "hello big world "
        assert (answer.model, answer.status) == ("other", "completed")
        assert answer.usage is not None
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (15, 3)
        [asked] = running.supervisor.requests
        assert asked.max_tokens == 9
        assert [turn["role"] for turn in asked.messages or ()] == ["system", "user"]

    def test_word_by_word(self, gpt: openai.OpenAI) -> None:
        talk: openai.types.responses.ResponseInputParam = [
            {"role": "user", "content": [{"type": "input_text", "text": "hello big world"}]}
        ]
        with gpt.responses.stream(model="starter", input=talk) as stream:
            events = list(stream)
            final = stream.get_final_response()
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        words = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert words == ["hello ", "big ", "world "]
        assert final.output_text == "hello big world "
        assert [event.sequence_number for event in events] == sorted(
            event.sequence_number for event in events
        )

    def test_what_it_cannot_do_is_said(self, gpt: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="previous_response_id"):
            gpt.responses.create(model="starter", input="x", previous_response_id="resp_1")
        with pytest.raises(openai.NotFoundError):
            gpt.responses.create(model="gpt-9", input="x")
