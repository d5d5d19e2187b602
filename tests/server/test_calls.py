"""Calls found in what the families write, wherever the stream is cut.

The answers are those that llama.cpp's tests/test-chat.cpp records of each family's models
(MIT licence), and what models get wrong.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from galosh.server.sorting import Sorter
from galosh.server.tools import Tool, Tools
from galosh.server.words import Words, joined


def tool(name: str, **properties: str) -> Tool:
    named = {key: {"type": kind} for key, kind in properties.items()}
    return Tool(name, "", {"type": "object", "properties": named, "required": [*named]}, False)


TOOLS = Tools(
    (
        tool("special_function", arg1="integer"),
        tool("special_function_with_opt", arg1="integer", arg2="integer"),
        tool("get_time", city="string"),
        tool("get_weather", city="string"),
        tool("python", code="string"),
        tool("html", markup="string"),
        tool("empty_args"),
        tool("amount", orig="number"),
        tool("toggle", enabled="boolean"),
        tool("set_config", config="object"),
        tool("todo_list", todos="array"),
        tool("edit", oldString="string", newString="string", replaceAll="boolean"),
    )
)
Calls = list[tuple[str, dict[str, Any]]]


def sorted_out(
    form: str, text: str, size: int, *, thinking: bool = False
) -> tuple[str, str, Calls, bool]:
    numbers = itertools.count()
    sorter = Sorter(form, TOOLS, lambda: f"id{next(numbers)}", thinking=thinking)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found = [words for piece in pieces if (words := sorter.feed(Words(piece))) is not None]
    rest = sorter.finish()
    all_words = joined([*found, *([rest] if rest else [])])
    calls = [(call.name, json.loads(call.text)) for call in all_words.calls]
    assert sorter.called == bool(calls)
    assert len({call.id for call in all_words.calls}) == len(calls)
    return all_words.text, all_words.thought, calls, sorter.broken


ONE: Calls = [("special_function", {"arg1": 1})]
TWO: Calls = [*ONE, ("special_function_with_opt", {"arg1": 1, "arg2": 2})]
PARIS: Calls = [("get_time", {"city": "Paris"})]
CODE = 'def hello():\n    print("Hello, world!")\n\nhello()'
# form, what was written, text, thought, calls
WRITTEN: tuple[tuple[str, str, str, str, Calls], ...] = (
    ("hermes", '<tool_call>\n{"name": "special_function", "arguments": {"arg1": 1}}</tool_call>',
     "", "", ONE),
    ("hermes", "Hello, world!\nWhat's up?<tool_call>\n"
     '{"name": "special_function", "arguments": {"arg1": 1}}\n</tool_call>\n',
     "Hello, world!\nWhat's up?", "", ONE),
    ("hermes", '<think>I\'m <tool_call> thinking</think>\n\n<tool_call>\n{"name": '
     '"special_function", "arguments": "{\\"arg1\\": 1}"}\n</tool_call>\n<tool_call>\n{"name": '
     '"special_function_with_opt", "arguments": {"arg1": 1, "arg2": 2}}\n</tool_call>',
     "", "I'm <tool_call> thinking", TWO),
    ("plain", '<tool_call>{"name": "empty_args", "arguments": {}}</tool_call>', "", "",
     [("empty_args", {})]),
    ("hermes", '<tool_call>{"name":"python","arguments":{"code":"a = \\"}</tool_call>\\"\n"}}'
     "</tool_call>", "", "", [("python", {"code": 'a = "}</tool_call>"\n'})]),
    ("qwen", "<tool_call>\n<function=special_function>\n<parameter=arg1>\n1\n</parameter>\n"
     "</function>\n</tool_call>\n<tool_call>\n<function=special_function_with_opt>\n"
     "<parameter=arg1>\n1\n</parameter>\n<parameter=arg2>\n2\n</parameter>\n</function>\n"
     "</tool_call>", "", "", TWO),
    ("qwen", f"Let me.\n\n<tool_call>\n<function=python>\n<parameter=code>\n{CODE}\n</parameter>\n"
     "</function>\n</tool_call>", "Let me.", "", [("python", {"code": CODE})]),
    ("qwen", "<tool_call>\n<function=empty_args>\n</function>\n</tool_call>", "", "",
     [("empty_args", {})]),
    ("minicpm", """<function name="python"><param name="code">print('x')</param></function>
<function name="python"><param name="code">print('y')</param></function>""", "", "",
     [("python", {"code": "print('x')"}), ("python", {"code": "print('y')"})]),
    ("minicpm", '<function name="html"><param name="markup"><![CDATA[<a href="/x">hi</a> '
     "</param>]]></param></function>", "", "",
     [("html", {"markup": '<a href="/x">hi</a> </param>'})]),
    ("minicpm", '<function name="empty_args"></function>', "", "", [("empty_args", {})]),
    ("lfm", "<|tool_call_start|>[special_function(arg1=1)]<|tool_call_end|>", "", "", ONE),
    ("lfm", "<think>I need to call</think>Let me check the time."
     '<|tool_call_start|>[get_time(city="Paris")]<|tool_call_end|>',
     "Let me check the time.", "I need to call", PARIS),
    ("lfm", "<|tool_call_start|>[special_function(arg1=1), special_function_with_opt(arg1=1, "
     "arg2=2)]<|tool_call_end|>", "", "", TWO),
    ("lfm", "<|tool_call_start|>[toggle(enabled=True), todo_list(todos=['a, b', \"it's\"]), "
     "set_config(config={'a': None, 'b': -1.5e3})]<|tool_call_end|>", "", "",
     [("toggle", {"enabled": True}), ("todo_list", {"todos": ["a, b", "it's"]}),
      ("set_config", {"config": {"a": None, "b": -1500.0}})]),
    ("mistral", '[TOOL_CALLS]special_function[ARGS]{"arg1": 1}'
     '[TOOL_CALLS]special_function_with_opt[ARGS]{"arg1": 1, "arg2": 2}', "", "", TWO),
    ("mistral", '[THINK]Let me think about [TOOL_CALLS]special_function[ARGS]{"arg1":1} and '
     'more[/THINK][TOOL_CALLS]special_function[ARGS]{"arg1": 1}', "",
     'Let me think about [TOOL_CALLS]special_function[ARGS]{"arg1":1} and more', ONE),
    ("mistral-id", '[TOOL_CALLS]special_function[CALL_ID]123456789[ARGS]{"arg1": 1}',
     "", "", ONE),
    ("mistral-list", 'Hello[TOOL_CALLS][{"name": "special_function", "arguments": {"arg1": 1}, '
     '"id": "123456789"}]', "Hello", "", ONE),
    ("phi", '<|tool_call|>[{"name": "special_function", "arguments": {"arg1": 1}}]<|/tool_call|>',
     "", "", ONE),
    ("phi", 'functools[{"name": "special_function", "arguments": {"arg1": 1}}]', "", "", ONE),
    ("gigachat", "Hello, world!\nWhat's up?<|function_call|>"
     '{"name": "special_function", "arguments": {"arg1": 1}}',
     "Hello, world!\nWhat's up?", "", ONE),
    ("llama", '{"name": "special_function", "parameters": {"arg1": 1}}', "", "", ONE),
    ("llama", '<|python_tag|>{"name": "special_function", "parameters": {"arg1": 1}}', "", "",
     ONE),
    ("llama", 'As JSON: {"name": "special_function", "parameters": {"arg1": 1}}',
     'As JSON: {"name": "special_function", "parameters": {"arg1": 1}}', "", []),
    ("gemma", 'Hello, world!\nWhat\'s up?<|tool_call>call:get_time{city:<|"|>Paris<|"|>}'
     "<tool_call|>", "Hello, world!\nWhat's up?", "", PARIS),
    ("gemma", "<|channel>thought\nI'm\nthinking<channel|><|tool_call>call:get_time{city:<|\"|>"
     'Paris<|"|>}<tool_call|><|tool_call>call:get_weather{city:<|"|>Rome, "it"<|"|>}<tool_call|>',
     "", "I'm\nthinking", [*PARIS, ("get_weather", {"city": 'Rome, "it"'})]),
    ("gemma", "<|tool_call>call:amount{orig:1.5e10}<tool_call|>", "", "",
     [("amount", {"orig": 1.5e10})]),
    ("gemma", '<|tool_call>call:set_config{config:{theme:<|"|>dark<|"|>,count:3,no:null,on:false}}'
     '<tool_call|><|tool_call>call:todo_list{todos:[<|"|>buy milk<|"|>,<|"|>walk dog<|"|>]}'
     "<tool_call|><|tool_call>call:empty_args{}<tool_call|>", "", "",
     [("set_config", {"config": {"theme": "dark", "count": 3, "no": None, "on": False}}),
      ("todo_list", {"todos": ["buy milk", "walk dog"]}), ("empty_args", {})]),
    ("harmony", "<|channel|>analysis<|message|>I'm\nthinking<|end|><|start|>assistant"
     "<|channel|>final<|message|>Hello, world!\nWhat's up?", "Hello, world!\nWhat's up?",
     "I'm\nthinking", []),
    ("harmony", ' to=functions.special_function<|channel|>analysis<|message|>{"arg1": 1}',
     "", "", ONE),
    ("harmony", " to=functions.special_function<|channel|>analysis <|constrain|>json<|message|>"
     '{"arg1": 1}', "", "", ONE),
    ("harmony", "<|channel|>analysis<|message|>Thinking about edit...<|end|><|start|>assistant"
     "<|channel|>commentary to=functions.edit <|constrain|>json<|message|>"
     '{"oldString": "if (part < railCount - 1) {", "newString": "if (part < 4) {", '
     '"replaceAll": false}', "", "Thinking about edit...",
     [("edit", {"oldString": "if (part < railCount - 1) {", "newString": "if (part < 4) {",
                "replaceAll": False})]),
    ("harmony", "<|channel|>commentary to=assistant<|channel|>analysis<|message|>I'm\nthinking"
     "<|end|><|start|>assistant<|channel|>final<|message|>Hello, world!\nWhat's up?",
     "Hello, world!\nWhat's up?", "I'm\nthinking", []),
)  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("form", "written", "text", "thought", "calls"), WRITTEN)
def test_what_a_family_writes(
    form: str, written: str, text: str, thought: str, calls: Calls, size: int
) -> None:
    found_text, found_thought, found, broken = sorted_out(form, written, size)
    assert (found_text, found) == (text, calls)
    assert found_thought.strip("\n") == thought
    assert not broken


BROKEN = (
    ("hermes", '<tool_call>{"name": "special_function", "arguments": {"arg1": 1}</tool_call>'),
    ("hermes", "<tool_call>special_function(1)</tool_call>"),
    ("hermes", '<tool_call>{"name": "never_offered", "arguments": {}}</tool_call>'),
    ("hermes", '<tool_call>{"name": "special_function", "arguments": [1]}</tool_call>'),
    ("hermes", '<tool_call>{"name": "special_function", "arguments": {"arg1": NaN}}</tool_call>'),
    ("hermes", '<tool_call>{"name": "special_func'),
    ("hermes", '<tool_call>{"name": "special_function", "arguments": {"arg1": 1e999}}</tool_call>'),
    ("hermes", '<tool_call>{"name": "special_function", "arguments": {"arg1": '
     f"{'[' * 300}{']' * 300}}}}}</tool_call>"),
    ("hermes", '<tool_call>{"name": "special_function", "arguments": "{\\"a\\": NaN}"}'
     "</tool_call>"),
    ("lfm", "<|tool_call_start|>[special_function(arg1=1e999)]<|tool_call_end|>"),
    ("harmony", '<|channel|>commentary to=functions.special_function<|message|>{"arg1": 1e999}'),
    ("hermes", f'<tool_call>{{"name": "f", "arguments": {"[" * 100_000}'),
    ("qwen", "<tool_call>\n<function=special_function>\n<parameter=arg1>\n1\n</function>\n"
     "</tool_call>"),
    ("qwen", "<tool_call>\n<function=special_function>\n<parameter=arg1>\n1"),
    ("minicpm", '<function name="python"><param name="code">print('),
    ("lfm", f"<|tool_call_start|>[special_function(arg1={'[' * 5000}{']' * 5000})]"
     "<|tool_call_end|>"),
    ("lfm", "<|tool_call_start|>[special_function(__import__('os'))]<|tool_call_end|>"),
    ("mistral", "[TOOL_CALLS]special_function[ARGS]{arg1}"),
    ("phi", "functools is a module of Python"),
    ("llama", '{"name": "Ada", "born": 1815}'),
    ("gemma", "<|tool_call>call:get_time{city:Paris}<tool_call|>"),
    ("gigachat", "<|function_call|>null"),
)  # fmt: skip


@pytest.mark.parametrize("size", [1, 5, 1_000_000])
@pytest.mark.parametrize(("form", "written"), BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_call_is_text_and_flagged(form: str, written: str, size: int) -> None:
    if len(written) > 10_000 and size < 1000:
        size = 1000
    text, _, calls, broken = sorted_out(form, written, size)
    body = written.split("<|message|>")[-1]  # the headers of gpt-oss are no text
    assert (text.strip(), calls, broken) == (body.strip(), [], True)


def test_a_whole_call_before_a_half_one_counts() -> None:
    whole = '<tool_call>{"name": "special_function", "arguments": {"arg1": 1}}</tool_call>'
    text, _, calls, broken = sorted_out("hermes", f"{whole}\n<tool_call>{{", 4)
    assert (text, calls, broken) == ("\n<tool_call>{", ONE, True)


def test_text_that_cannot_be_a_call_is_not_held_back() -> None:
    sorter = Sorter("hermes", TOOLS, lambda: "id", thinking=False)
    assert sorter.feed(Words("Hello <b")) == Words("Hello <b")
    assert sorter.feed(Words(" <tool")) is None
    assert sorter.feed(Words("s> ")) == Words(" <tools>")


FORMS = ("plain", "qwen", "minicpm", "lfm", "mistral", "phi", "gigachat", "llama", "gemma",
         "harmony")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_any_mixture_of_pieces_ends_and_loses_nothing_but_calls(form: str) -> None:
    """Nothing but words and calls comes out, and the same ones however the text was cut."""
    chance = random.Random(form)
    parts = [word for case in WRITTEN for word in (case[1], case[1][: len(case[1]) // 2])]
    parts += ["{", "}", "[", "]", '"', "\\", "<|", "</tool_call>", "é😀", "\n", " ", "\ud83d"]
    for _ in range(150):
        written = "".join(chance.choice(parts) for _ in range(chance.randint(1, 4)))
        found = [sorted_out(form, written, size) for size in (1, 13, 10**6)]
        assert found[0][0].split() == found[1][0].split() == found[2][0].split()
        assert found[0][1:] == found[1][1:] == found[2][1:]
