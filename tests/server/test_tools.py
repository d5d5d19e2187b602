"""Functions in the four dialects: offered, called, answered; whole and piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import anthropic
import ollama
import openai
import pytest

from galosh.base.errors import GaloshError
from galosh.server.anthropic_words import parse_message
from galosh.server.messages import Message
from galosh.server.ollama_requests import parse_ollama_chat
from galosh.server.requests import parse_chat
from galosh.server.responses_words import parse_response
from galosh.server.tools import Call, Tool, Tools
from tests.fakes.serving import Running

SCHEMA: dict[str, Any] = {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
}  # fmt: skip
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA},
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "get_time", "strict": True}}
OFFERED = (Tool("get_weather", "Weather", SCHEMA, False), Tool("get_time", "", None, True))
PARIS = {"city": "Paris"}
HALF = 'Well, <tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}'


def talk(words: str) -> list[Any]:
    return [{"role": "user", "content": words}]


class TestRequests:
    def test_openai(self) -> None:
        question = parse_chat({
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "a", "type": "function",
                     "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
                    {"id": "b", "type": "function",
                     "function": {"name": "get_time", "arguments": ""}}]},
                {"role": "tool", "tool_call_id": "b", "content": "noon"},
                {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "21"}]},
            ],
            "tools": [WEATHER, CLOCK],
            "parallel_tool_calls": False,
        })  # fmt: skip
        assert question.tools == Tools(OFFERED, parallel=False)
        calls = (Call("a", "get_weather", PARIS), Call("b", "get_time", {}))
        assert question.messages == (
            Message("user", "Hi"),
            Message("assistant", "", calls),
            Message("tool", "noon", (), "b", "get_time"),
            Message("tool", "21", (), "a", "get_weather"),
        )

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            (None, Tools(OFFERED)),
            ("auto", Tools(OFFERED)),
            ("none", None),
            ("required", Tools(OFFERED, must=True, parallel=False)),
            ({"type": "function", "function": {"name": "get_time"}},
             Tools(OFFERED, True, "get_time", parallel=False)),
        ],
    )  # fmt: skip
    def test_choices(self, choice: object, expected: Tools | None) -> None:
        asked = {"messages": talk("x"), "tools": [WEATHER, CLOCK], "tool_choice": choice}
        assert parse_chat(asked).tools == expected

    def test_anthropic(self) -> None:
        question = parse_message({
            "max_tokens": 9,
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "Well"},
                    {"type": "tool_use", "id": "a", "name": "get_weather", "input": PARIS}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "is_error": True,
                     "content": [{"type": "text", "text": "no net"}]},
                    {"type": "text", "text": "So?"}]},
            ],
            "tools": [
                {"name": "get_weather", "description": "Weather", "input_schema": SCHEMA,
                 "cache_control": {"type": "ephemeral"}}],
            "tool_choice": {"type": "tool", "name": "get_weather",
                            "disable_parallel_tool_use": True},
        })  # fmt: skip
        assert question.tools == Tools(OFFERED[:1], True, "get_weather", False)
        assert question.messages == (
            Message("user", "Hi"),
            Message("assistant", "Well", (Call("a", "get_weather", PARIS),)),
            Message("tool", "Error: no net", (), "a", "get_weather"),
            Message("user", "So?"),
        )

    def test_ollama(self) -> None:
        asked = parse_ollama_chat({
            "model": "m",
            "messages": [
                {"role": "assistant", "tool_calls": [
                    {"function": {"index": 0, "name": "get_weather", "arguments": PARIS}},
                    {"function": {"index": 1, "name": "get_time", "arguments": {}}}]},
                {"role": "tool", "tool_name": "get_time", "content": "noon"},
                {"role": "tool", "content": "21"},
            ],
            "tools": [WEATHER, CLOCK],
        })  # fmt: skip
        assert asked.question is not None
        assert asked.question.tools == Tools(OFFERED)
        [_, first, second] = asked.question.messages
        assert (first.name, second.name) == ("get_time", "get_weather")

    def test_responses(self) -> None:
        question = parse_response({
            "input": [
                {"role": "user", "content": "Hi"},
                {"type": "function_call", "call_id": "a", "id": "fc", "status": "completed",
                 "name": "get_weather", "arguments": '{"city": "Paris"}'},
                {"type": "function_call", "call_id": "b", "name": "get_time", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": "21"},
                {"type": "function_call_output", "call_id": "b",
                 "output": [{"type": "input_text", "text": "noon"}]},
            ],
            "tools": [{"type": "function", **WEATHER["function"], "strict": False},
                      {"type": "function", **CLOCK["function"]}],
            "tool_choice": {"type": "function", "name": "get_time"},
        })  # fmt: skip
        assert question.tools == Tools(OFFERED, True, "get_time", False)
        calls = (Call("a", "get_weather", PARIS), Call("b", "get_time", {}))
        assert question.messages[1:] == (
            Message("assistant", "", calls),
            Message("tool", "21", (), "a", "get_weather"),
            Message("tool", "noon", (), "b", "get_time"),
        )

    @pytest.mark.parametrize(
        ("more", "field", "code"),
        [
            ({"tools": [{"type": "web_search"}]}, "tools[0].type", "server-unsupported"),
            ({"tools": [{"type": "function"}]}, "tools[0].function", "server-bad-request"),
            ({"tools": [{"type": "function", "function": {"name": "a b"}}]},
             "tools[0].function.name", "server-bad-request"),
            ({"tools": [CLOCK, CLOCK]}, "tools[1].function.name", "server-bad-request"),
            ({"tools": [CLOCK] * 129}, "tools", "server-bad-request"),
            ({"tool_choice": "required"}, "tools", "server-bad-request"),
            ({"tools": [CLOCK], "tool_choice": "always"}, "tool_choice", "server-bad-request"),
            ({"tools": [CLOCK], "tool_choice": {"type": "function", "function": {"name": "f"}}},
             "tool_choice.function.name", "server-bad-request"),
            ({"tools": [CLOCK], "response_format": {"type": "json_object"}}, "response_format",
             "server-unsupported"),
        ],
        ids=range(9),
    )  # fmt: skip
    def test_what_is_refused(self, more: dict[str, Any], field: str, code: str) -> None:
        with pytest.raises(GaloshError) as caught:
            parse_chat({"messages": talk("x"), **more})
        assert (caught.value.code, caught.value.facts["field"]) == (code, field)

    @pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', 7, ["a"], "[" * 100_000])
    def test_arguments_of_an_earlier_call_are_an_object(self, arguments: object) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
        with pytest.raises(GaloshError) as caught:
            parse_chat({"messages": [{"role": "assistant", "tool_calls": [call]}]})
        place = "messages[0].tool_calls[0].function.arguments"
        assert caught.value.facts["field"] == place

    def test_a_schema_too_deep_to_walk_is_refused(self) -> None:
        deep: dict[str, Any] = {}
        for _ in range(100):
            deep = {"properties": deep}
        tool = {"type": "function", "function": {"name": "f", "parameters": deep}}
        with pytest.raises(GaloshError) as caught:
            parse_chat({"messages": talk("x"), "tools": [tool]})
        assert caught.value.code == "server-bad-request"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def gpt(running: Running) -> Iterator[openai.OpenAI]:
    address = f"http://127.0.0.1:{running.port}/v1"
    with openai.OpenAI(base_url=address, api_key=running.token, max_retries=0) as client:
        yield client


class TestOpenAi:
    def ask(self, gpt: openai.OpenAI, words: str, **more: Any) -> Any:
        tools: Any = [WEATHER, CLOCK]
        return gpt.chat.completions.create(
            model="starter", messages=talk(words), tools=tools, **more
        )

    def test_whole(self, gpt: openai.OpenAI, running: Running) -> None:
        [choice] = self.ask(gpt, "calls", tool_choice="required").choices
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "Well,"
        found = [(c.function.name, json.loads(c.function.arguments), c.type)
                 for c in choice.message.tool_calls]  # fmt: skip
        assert found == [("get_weather", PARIS, "function"), ("get_time", PARIS, "function")]
        assert len({call.id for call in choice.message.tool_calls}) == 2
        [asked] = running.supervisor.requests
        assert (asked.options["must_call"], asked.options["call_name"]) == (True, None)

    def test_piece_by_piece(self, gpt: openai.OpenAI) -> None:
        chunks = list(self.ask(gpt, "calls", stream=True))
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        assert "".join(delta.content or "" for delta in deltas) == "Well,"
        calls = [one for delta in deltas for one in delta.tool_calls or ()]
        assert [call.index for call in calls] == [0, 0, 1, 1]
        assert [call.function.name for call in calls] == ["get_weather", None, "get_time", None]
        assert [bool(call.id) for call in calls] == [True, False, True, False]
        assert json.loads(calls[0].function.arguments + calls[1].function.arguments) == PARIS
        assert chunks[-1].choices[0].finish_reason == "tool_calls"

    def test_half_a_call_is_text_and_told(self, gpt: openai.OpenAI) -> None:
        answer = self.ask(gpt, "half a call")
        [choice] = answer.choices
        assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
        assert choice.message.content.strip() == HALF
        [notice] = answer.model_extra["galosh"]["notices"]
        assert notice["key"] == "server.notice-call-broken"

    def test_none_hides_them(self, gpt: openai.OpenAI, running: Running) -> None:
        [choice] = self.ask(gpt, "call", tool_choice="none").choices
        assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
        assert "tools" not in running.supervisor.requests[-1].options

    def test_a_result_goes_back(self, gpt: openai.OpenAI, running: Running) -> None:
        message = self.ask(gpt, "call").choices[0].message
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "21 C"}
        answer: Any = gpt.chat.completions.create(
            model="starter",
            messages=[*talk("call"), message, result],  # type: ignore[list-item]
            tools=[WEATHER],  # type: ignore[list-item]
        )
        assert answer.choices[0].message.content.strip() == "21 C"
        told = running.supervisor.requests[-1].messages or ()
        assert [turn["role"] for turn in told] == ["user", "assistant", "tool"]
        assert told[2]["name"] == "get_weather"

    def test_responses(self, gpt: openai.OpenAI) -> None:
        tools: Any = [{"type": "function", **WEATHER["function"], "strict": False}]
        answer = gpt.responses.create(model="starter", input="call", tools=tools)
        message, call = answer.output
        assert (answer.output_text, message.type, call.type) == (
            "Well,",
            "message",
            "function_call",
        )
        assert call.type == "function_call"
        assert (call.name, json.loads(call.arguments)) == ("get_weather", PARIS)
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "21 C"}
        echo: Any = [{"role": "user", "content": "call"}, call.model_dump(exclude_none=True)]
        again = gpt.responses.create(model="starter", input=[*echo, result], tools=tools)
        assert again.output_text.strip() == "21 C"

    def test_responses_piece_by_piece(self, gpt: openai.OpenAI) -> None:
        tools: Any = [{"type": "function", **WEATHER["function"], "strict": False}]
        with gpt.responses.stream(model="starter", input="call", tools=tools) as stream:
            events = list(stream)
            final = stream.get_final_response()
        kinds = [event.type for event in events]
        assert "response.function_call_arguments.done" in kinds
        numbers = [event.sequence_number for event in events if hasattr(event, "sequence_number")]
        assert numbers == sorted(numbers)
        assert [item.type for item in final.output] == ["message", "function_call"]
        added = [e.output_index for e in events if e.type == "response.output_item.added"]
        done = [e.output_index for e in events if e.type == "response.output_item.done"]
        assert added == done == [0, 1]


class TestAnthropic:
    TOOLS: ClassVar[Any] = [{"name": "get_weather", "input_schema": SCHEMA}]

    @pytest.fixture
    def claude(self, running: Running) -> Iterator[anthropic.Anthropic]:
        address = f"http://127.0.0.1:{running.port}"
        with anthropic.Anthropic(base_url=address, api_key=running.token, max_retries=0) as client:
            yield client

    def test_whole_and_the_result(self, claude: anthropic.Anthropic) -> None:
        known: Any = {"model": "starter", "max_tokens": 9, "tools": self.TOOLS}
        answer = claude.messages.create(messages=talk("call"), **known)
        text, use = answer.content
        assert answer.stop_reason == "tool_use"
        assert (text.type, use.type) == ("text", "tool_use")
        assert use.type == "tool_use"
        assert (use.name, use.input) == ("get_weather", PARIS)
        result: Any = {"type": "tool_result", "tool_use_id": use.id, "content": "21 C"}
        again = claude.messages.create(
            messages=[*talk("call"), {"role": "assistant", "content": answer.content},
                      {"role": "user", "content": [result]}],
            **known,
        )  # fmt: skip
        assert again.content[0].type == "text"
        assert again.content[0].text.strip() == "21 C"

    def test_piece_by_piece(self, claude: anthropic.Anthropic) -> None:
        with claude.messages.stream(
            model="starter", max_tokens=9, messages=talk("call"), tools=self.TOOLS
        ) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_message()
        assert "input_json" in kinds
        assert [block.type for block in final.content] == ["text", "tool_use"]
        assert final.content[1].type == "tool_use"
        assert final.content[1].input == PARIS
        assert final.stop_reason == "tool_use"


class TestOllama:
    @pytest.fixture
    def llama(self, running: Running) -> Iterator[ollama.Client]:
        headers = {"Authorization": f"Bearer {running.token}"}
        client = ollama.Client(host=f"http://127.0.0.1:{running.port}", headers=headers)
        yield client
        client._client.close()

    def test_whole_and_the_result(self, llama: ollama.Client, running: Running) -> None:
        answer = llama.chat("starter", talk("call"), tools=[WEATHER])
        [call] = answer.message.tool_calls or ()
        assert (call.function.name, call.function.arguments) == ("get_weather", PARIS)
        assert (answer.message.content, answer.done_reason) == ("Well,", "stop")
        result = {"role": "tool", "tool_name": "get_weather", "content": "21 C"}
        again = llama.chat("starter", [*talk("call"), answer.message, result], tools=[WEATHER])
        assert (again.message.content or "").strip() == "21 C"
        assert (running.supervisor.requests[-1].messages or ())[-1]["name"] == "get_weather"

    def test_piece_by_piece(self, llama: ollama.Client) -> None:
        def get_weather(city: str) -> str:
            """The weather."""
            return city

        pieces = list(llama.chat("starter", talk("call"), tools=[get_weather], stream=True))
        calls = [call for piece in pieces for call in piece.message.tool_calls or ()]
        assert [call.function.arguments for call in calls] == [PARIS]
        assert pieces[-1].done


def test_every_answer_has_a_name(running: Running, gpt: openai.OpenAI) -> None:
    """The clients show it, and people quote it."""
    create = gpt.chat.completions.with_raw_response.create
    asked: Any = {"model": "starter", "messages": talk("hello")}
    names = [create(**asked).headers["x-request-id"] for _ in range(2)]
    names.append(create(**asked, stream=True).headers["x-request-id"])
    with pytest.raises(openai.NotFoundError) as caught:
        gpt.chat.completions.create(model="gpt-9", messages=asked["messages"])
    names.append(str(caught.value.request_id))
    assert len(set(names)) == 4
    assert all(name.startswith("req_") for name in names)


def test_notices_reach_every_dialect(running: Running, gpt: openai.OpenAI) -> None:
    """What the asker should know is told at the end, whichever API was used."""
    said = "wait your turn"
    answers: dict[str, Any] = {
        "/v1/chat/completions": {"messages": talk(said)},
        "/v1/messages": {"max_tokens": 9, "messages": talk(said)},
        "/v1/responses": {"input": said},
        "/api/chat": {"model": "starter", "messages": talk(said), "stream": False},
        "/completion": {"prompt": said},
    }
    for path, body in answers.items():
        answer = gpt.post(f"http://127.0.0.1:{running.port}{path}", cast_to=object, body=body)
        assert isinstance(answer, dict)
        [notice] = answer["galosh"]["notices"]
        assert notice["key"] == "supervisor.notice-shorter", path


def test_notices_end_every_stream(running: Running, gpt: openai.OpenAI) -> None:
    said = "wait your turn"
    streams: dict[str, Any] = {
        "/v1/messages": {"max_tokens": 9, "messages": talk(said), "stream": True},
        "/v1/responses": {"input": said, "stream": True},
        "/api/chat": {"model": "starter", "messages": talk(said), "stream": True},
        "/completion": {"prompt": said, "stream": True},
    }
    for path, body in streams.items():
        answer = gpt.post(f"http://127.0.0.1:{running.port}{path}", cast_to=str, body=body)
        assert answer.count("supervisor.notice-shorter") == 1, path
