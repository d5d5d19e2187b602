"""Grammars of calls: what each family writes fits its own, and nothing else does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from galosh.worker.fault import WorkerFault
from galosh.worker.tool_form import form_of
from galosh.worker.tool_grammar import calls_grammar
from galosh.worker.trigger import Trigger
from galosh.worker.turn import Tool
from tests.worker.gbnf import Grammar

# form: words of a template that has it, as comments
FORMS = {
    "plain": "",
    "hermes": '{# <tool_call>{"name": #}',
    "qwen": "{# <tool_call><function=x><parameter=y> #}",
    "minicpm": '{# <function name="f"><param name="p"> #}',
    "lfm": "{# List of tools: #}",
    "mistral": "{# [TOOL_CALLS][ARGS] #}",
    "mistral-id": "{# [TOOL_CALLS][CALL_ID][ARGS] #}",
    "mistral-list": "{# [TOOL_CALLS] #}",
    "phi": "{# <|tool|><|/tool|> #}",
    "gigachat": "{# <|function_call|> #}",
    "llama": '{# {"name": <|eot_id|> ipython #}',
    "gemma": "{# <|tool_call><tool_call|> #}",
    "harmony": "{# <|channel|><|message|> functions. #}",
}
CITY = Tool("get_it", "", {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
})  # fmt: skip
OTHER = Tool("other", "", None)
ONE = '{"name": "get_it", "arguments": {"city": "Paris", "days": 2}}'
NONE = '{"name": "other", "arguments": {}}'
# form: one call of get_it(city=Paris, days=2), one of other(); how two go together
WRITTEN: dict[str, tuple[str, str, str]] = {
    "plain": (f"<tool_call>\n{ONE}\n</tool_call>", f"<tool_call>{NONE}</tool_call>", "\n"),
    "hermes": (f"<tool_call>\n{ONE}\n</tool_call>", f"<tool_call>{NONE}</tool_call>", "\n"),
    "qwen": ("<tool_call>\n<function=get_it>\n<parameter=city>\nParis\n</parameter>\n"
             "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>",
             "<tool_call>\n<function=other>\n</function>\n</tool_call>", "\n"),
    "minicpm": ('<function name="get_it"><param name="city">Paris</param><param name="days">2'
                '</param></function>', '<function name="other"></function>', "\n"),
    "lfm": ('<|tool_call_start|>[get_it(city="Paris", days=2)]<|tool_call_end|>',
            "<|tool_call_start|>[other()]<|tool_call_end|>", ""),
    "mistral": ('[TOOL_CALLS]get_it[ARGS]{"city": "Paris", "days": 2}',
                "[TOOL_CALLS]other[ARGS]{}", ""),
    "mistral-id": ('[TOOL_CALLS]get_it[CALL_ID]123456789[ARGS]{"city": "Paris", "days": 2}',
                   "[TOOL_CALLS]other[CALL_ID]abcdefghi[ARGS]{}", ""),
    "mistral-list": (f"[TOOL_CALLS][{ONE}]", f"[TOOL_CALLS][{NONE}]", ""),
    "phi": (f"<|tool_call|>[{ONE}]<|/tool_call|>", f"<|tool_call|>[{NONE}]<|/tool_call|>", ""),
    "gigachat": (f"<|function_call|>{ONE}", f"<|function_call|>{NONE}", ""),
    "llama": (ONE.replace("arguments", "parameters"), NONE.replace("arguments", "parameters"), ""),
    "gemma": ('<|tool_call>call:get_it{city:<|"|>Paris<|"|>,days:2}<tool_call|>',
              "<|tool_call>call:other{}<tool_call|>", ""),
    "harmony": ("<|channel|>commentary to=functions.get_it <|constrain|>json<|message|>"
                '{"city": "Paris", "days": 2}',
                "<|channel|>commentary to=functions.other <|constrain|>json<|message|>{}", ""),
}  # fmt: skip
# One list, or one call a turn: two openers do not follow each other.
ALONE = ("lfm", "mistral-list", "phi", "gigachat", "llama", "harmony")


def grammar(form: str, tools: tuple[Tool, ...] = (CITY, OTHER), **asked: Any) -> Grammar:
    found = form_of(FORMS[form] + "{# tools #}")
    assert found.name == form
    return Grammar(calls_grammar(found, tools, **{"parallel": True, "forced": True, **asked}))


@pytest.mark.parametrize("form", FORMS)
def test_calls_of_a_family_fit_and_others_do_not(form: str) -> None:
    first, second, gap = WRITTEN[form]
    held = grammar(form)
    assert held.fits(first)
    assert held.fits(second)
    assert held.fits(first + gap + second) == (form not in ALONE)
    assert not grammar(form, parallel=False).fits(first + gap + second)
    for wrong in (
        first.replace("get_it", "got_it"),
        first.replace("city", "town"),
        first[:-1],
        first + "x",
        "Paris",
        "",
    ):
        assert not held.fits(wrong), wrong
    only = grammar(form, (CITY,))
    assert only.fits(first)
    assert not only.fits(second)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("llama", "harmony")])
def test_what_follows_the_opener_of_a_family(form: str) -> None:
    opener = form_of(FORMS[form] + "{# tools #}").opener
    held = grammar(form, forced=False)
    for written in WRITTEN[form][:2]:
        assert written.startswith(opener)
        assert held.fits(written[len(opener) :])
    assert not held.fits("Paris")


def test_calls_listed_together() -> None:
    both = f"{ONE}, {NONE}"
    assert grammar("phi").fits(f"<|tool_call|>[{both}]<|/tool_call|>")
    assert grammar("mistral-list").fits(f"[TOOL_CALLS][{both}]")
    assert grammar("lfm").fits(
        '<|tool_call_start|>[get_it(city="Paris"), other()]<|tool_call_end|>'
    )
    assert not grammar("phi", parallel=False).fits(f"<|tool_call|>[{both}]<|/tool_call|>")


def test_thoughts_come_before_a_call() -> None:
    call = WRITTEN["hermes"][0]
    may = grammar("hermes", thinks=True)
    assert may.fits(call)
    assert may.fits(f"<think>\nhm </thin </think>\n\n{call}")
    assert not may.fits(f"<think>\nhm{call}")
    goes_on = grammar("hermes", thinking=True)
    assert goes_on.fits(f"hm <<//think></think>\n{call}")
    assert not goes_on.fits(call)
    harmony = WRITTEN["harmony"][0]
    thought = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant"
    assert grammar("harmony", thinks=True).fits(thought + harmony)


def test_text_that_is_written_plainly_holds_anything_but_its_end() -> None:
    held = grammar("qwen")
    code = "if a < b:\n    print('</param>')\n</parameter"
    written = WRITTEN["qwen"][0].replace("Paris", code)
    assert held.fits(written)
    cdata = '<function name="get_it"><param name="city"><![CDATA[a <b> ]] ]]></param></function>'
    assert grammar("minicpm").fits(cdata)


def test_choices_are_written_as_the_family_writes_texts() -> None:
    choice = Tool("get_it", "", {"type": "object", "properties": {
        "city": {"type": "string", "enum": ["Paris", "a <b>"]}}, "required": ["city"]})  # fmt: skip
    for form in ("qwen", "minicpm", "gemma"):
        written = WRITTEN[form][0].replace(",days:2", "")
        for end in ("<parameter=days>\n2\n</parameter>\n", '<param name="days">2</param>'):
            written = written.replace(end, "")
        assert grammar(form, (choice,)).fits(written)
        assert not grammar(form, (choice,)).fits(written.replace("Paris", "Rome"))
    assert grammar("minicpm", (choice,)).fits(
        '<function name="get_it"><param name="city"><![CDATA[a <b>]]></param></function>'
    )


WIDE = Tool("f", "", {"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}})


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_that_cannot_be_held(form: str) -> None:
    """Any arguments where nothing was promised, a refusal where it was."""
    assert grammar(form, (WIDE,)) is not None
    with pytest.raises(WorkerFault) as caught:
        grammar(form, (WIDE._replace(strict=True),))
    assert caught.value.code == "worker-schema-unsupported"


def test_a_bomb_of_functions_is_held_as_far_as_time_allows() -> None:
    """While a grammar is written no other answer goes on: what is too much is any object."""
    kinds = [{"type": "boolean"}, {"type": "integer", "minimum": 3}]
    big = {"type": "object", "properties": {f"p{n}": {"anyOf": kinds} for n in range(100)}}
    tools = tuple(Tool(f"f{n}", "", big) for n in range(128))
    begun = time.process_time()
    text = calls_grammar(form_of(None), tools, parallel=True, forced=True)
    assert time.process_time() - begun < 2
    assert '"\\"f127\\""' in text
    assert "p99" in text
    strict = tuple(tool._replace(strict=True) for tool in tools)
    with pytest.raises(WorkerFault) as caught:
        calls_grammar(form_of(None), strict, parallel=True, forced=True)
    assert caught.value.code == "worker-schema-too-big"


def test_references_of_two_functions_stay_apart() -> None:
    def tool(name: str, kind: str) -> Tool:
        return Tool(name, "", {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}},
                               "required": ["a"], "$defs": {"x": {"type": kind}}})  # fmt: skip

    held = grammar("hermes", (tool("f", "integer"), tool("g", "string")))
    assert held.fits('<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>')
    assert held.fits('<tool_call>{"name": "g", "arguments": {"a": "x"}}</tool_call>')
    assert not held.fits('<tool_call>{"name": "f", "arguments": {"a": "x"}}</tool_call>')
    assert not held.fits('<tool_call>{"name": "g", "arguments": {"a": 1}}</tool_call>')


THINK = ("<think>", "</think>")


@pytest.mark.parametrize(
    ("pieces", "met"),
    [
        (("<tool_call>",), True),
        (("Well", " <tool", "_call", ">"), True),
        (("<tool_call>\n",), False),  # the end of a token alone is sure
        (("<tool_", "call"), False),
        (("<think>", "a <tool_call>", "</think>"), False),
        (("<think>", "a", "</think>\n", "<tool_call>"), True),
        (("\n", "<th", "ink>", "<tool_call>"), False),
        (("No <think>", "<tool_call>"), True),
    ],
)
def test_what_a_grammar_waits_for(pieces: tuple[str, ...], met: bool) -> None:
    trigger = Trigger("<tool_call>", THINK, thinking=False)
    for piece in pieces:
        trigger.feed(piece.encode())
    assert trigger.met is met


def test_a_thought_that_the_prompt_opened_is_waited_out() -> None:
    trigger = Trigger("<tool_call>", THINK, thinking=True)
    for piece, met in (("<tool_call>", False), ("</think>", False), ("<tool_call>", True)):
        trigger.feed(piece.encode())
        assert trigger.met is met
