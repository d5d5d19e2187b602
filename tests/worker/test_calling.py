"""Answers of the real engine held to calls: well formed, of a function offered, in its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from galosh.server.sorting import Sorter
from galosh.server.tools import Tools, read_tools
from galosh.server.words import Words, joined
from tests import real
from tests.fakes import gguf_models
from tests.worker.client import WorkerProcess, answer
from tests.worker.test_answers import GREEDY, SYSTEM
from tests.worker.test_tool_grammar import FORMS

pytestmark = pytest.mark.engine
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city, today or later",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 20},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
        },
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}
CLOCK: dict[str, Any] = {
    "name": "get_time",
    "parameters": {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}},
                   "required": ["zone"]},
}  # fmt: skip
ASK: dict[str, Any] = {
    "messages": [SYSTEM, {"role": "user", "content": "What is the weather in Paris?"}],
    "max_tokens": 120,
    "tools": [WEATHER, CLOCK],
}


def offered(*told: dict[str, Any]) -> Tools:
    tools = read_tools({"tools": [{"type": "function", "function": one} for one in told]})
    assert tools is not None
    return tools


def calls_of(events: list[dict[str, Any]], *told: dict[str, Any]) -> Words:
    """What the server makes of a worker's events."""
    [started] = [event for event in events if event["type"] == "started"]
    sorter = Sorter(str(started["form"]), offered(*told), lambda: "id", thinking=False)
    found = [sorter.feed(Words(str(e["text"]))) for e in events if e["type"] == "text"]
    assert not sorter.broken
    return joined(words for words in (*found, sorter.finish()) if words is not None)


def check_weather(arguments: Any) -> None:
    assert {"city", "unit"} <= set(arguments) <= {"city", "unit", "days"}
    assert len(arguments["city"]) <= 20
    assert arguments["unit"] in ("celsius", "fahrenheit")
    assert 1 <= arguments.get("days", 1) <= 14


@pytest.mark.parametrize(
    "sampling", [GREEDY, {"seed": 1, "temperature": 1.5, "top_k": 0, "top_p": 1, "min_p": 0}],
    ids=["greedy", "hot"],
)  # fmt: skip
def test_a_named_function_is_called(worker: WorkerProcess, sampling: dict[str, Any]) -> None:
    events = worker.generate(**ASK, call_name="get_weather", sampling=sampling)
    assert events[-1]["type"] == "done", events[-1]
    assert events[-1]["finish_reason"] == "stop"
    found = calls_of(events, WEATHER, CLOCK)
    [call] = found.calls
    assert (found.text, call.name) == ("", "get_weather")
    check_weather(call.arguments)


def test_another_family_without_functions_is_held_too(fresh: WorkerProcess) -> None:
    """Gemma 3: another vocabulary, a template that takes no system text as a turn."""
    assert fresh.load(real.gemma_model(), threads=1, context_tokens=1024)["type"] == "loaded"
    events = fresh.generate(**ASK, call_name="get_weather", sampling=GREEDY)
    assert events[-1]["type"] == "done", events[-1]
    [call] = calls_of(events, WEATHER, CLOCK).calls
    check_weather(call.arguments)


def test_something_is_called_where_it_must(worker: WorkerProcess) -> None:
    for seed in range(3):
        sampling = {"seed": seed, "temperature": 1.2}
        events = worker.generate(**ASK, must_call=True, parallel_calls=seed > 0, sampling=sampling)
        found = calls_of(events, WEATHER, CLOCK) if events[-1]["finish_reason"] == "stop" else None
        if found is None:
            assert seed > 0  # several calls may outrun the limit; one alone never does
            continue
        assert found.text == ""
        assert len(found.calls) == 1 or seed > 0
        for call in found.calls:
            if call.name == "get_weather":
                check_weather(call.arguments)
            else:
                assert call.arguments in ({"zone": "UTC"}, {"zone": "CET"})


def test_a_free_answer_stays_free(worker: WorkerProcess) -> None:
    free = {**ASK, "messages": [SYSTEM, {"role": "user", "content": "Say hello."}]}
    events = worker.generate(**free, sampling=GREEDY)
    assert events[-1]["type"] == "done", events[-1]
    assert answer(events)


def test_results_go_back_to_the_model(worker: WorkerProcess) -> None:
    call = {"id": "a", "name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius"}}
    talk = [
        *ASK["messages"],
        {"role": "assistant", "content": "", "calls": [call]},
        {"role": "tool", "content": "21 degrees", "call_id": "a", "name": "get_weather"},
    ]
    events = worker.generate(**{**ASK, "messages": talk}, sampling=GREEDY)
    assert events[-1]["type"] == "done", events[-1]
    assert answer(events)


def test_a_strict_schema_that_cannot_be_held_is_refused(worker: WorkerProcess) -> None:
    loose = {"name": "f", "parameters": {"type": "object", "properties": {
        "a": {"type": "string", "pattern": "^x+$"}}, "required": ["a"]}}  # fmt: skip
    asked = {**ASK, "must_call": True, "sampling": GREEDY, "max_tokens": 60}
    refused = worker.generate(**{**asked, "tools": [{**loose, "strict": True}]})[-1]
    assert (refused["type"], refused["code"]) == ("error", "worker-schema-unsupported")
    events = worker.generate(**{**asked, "tools": [loose]})
    assert events[-1]["type"] == "done", events[-1]
    text = answer(events)
    assert text.lstrip().startswith("<tool_call>")


@pytest.mark.parametrize("form", FORMS)
def test_native_code_holds_a_random_model_to_every_form(
    form: str, fresh: WorkerProcess, tmp_path: Path
) -> None:
    """Weights are random, the words are not: no family's call can come out wrong."""
    template = FORMS[form] + "{# tools #}{% for m in messages %}{{ m.content }}{% endfor %}"
    model = gguf_models.llama(context=1024).changed(tokenizer__chat_template=template)
    path = model.write(tmp_path / "random.gguf", 3)
    assert fresh.load(path, threads=1, context_tokens=1024)["type"] == "loaded"
    bounded = {
        "name": "get_it",
        "parameters": {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": ["one", "two"]},
                "count": {"type": "integer", "minimum": 0, "maximum": 99},
                "sure": {"type": "boolean"},
            },
            "required": ["kind", "count"],
        },
    }
    for seed in range(3):
        events = fresh.generate(
            messages=[{"role": "user", "content": "a b"}], tools=[bounded], call_name="get_it",
            max_tokens=400, sampling={"seed": seed, "temperature": 1.0, "top_k": 0, "top_p": 1.0},
        )  # fmt: skip
        assert events[-1]["type"] == "done", events[-1]
        if form == "harmony" and events[-1]["finish_reason"] == "length":
            continue  # its thoughts have no limit but this one
        assert events[-1]["finish_reason"] == "stop", answer(events)
        [call] = calls_of(events, bounded).calls
        assert call.arguments["kind"] in ("one", "two")
        assert 0 <= int(str(call.arguments["count"])) <= 99
        json.dumps(call.arguments)
