"""In which form a family of models writes that it calls a function. Pure.

A form is chosen by the text of the model's own template, never by a name: what the template
teaches or writes is what the model was trained on. A template that knows no functions, or
writes them in a form not listed here, gets the plain one: a paragraph that describes the
functions and asks for what Hermes and Qwen write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galosh.worker.turn import Call, as_json

# Templates that see a function's result as a turn of its own name it so.
_RESPONSE = "<tool_response>\n{}\n</tool_response>"


@dataclass(frozen=True)
class Form:
    """opener: the text a call begins with, where there is one. marks: control tokens whose
    texts are shown, since calls and thoughts cannot be told apart without them. single: the
    template knows one call a turn. teaches: the template says what may be called and how.
    write: calls as text, for templates that do not write them themselves."""

    name: str
    opener: str = ""
    marks: tuple[str, ...] = ()
    single: bool = False
    teaches: bool = True
    write: Callable[[Sequence[Call]], str] | None = None
    thought: tuple[str, str] = ("<think>", "</think>")


def _as_hermes(calls: Sequence[Call]) -> str:
    return "\n".join(f"<tool_call>\n{_object(call)}\n</tool_call>" for call in calls)


def _as_phi(calls: Sequence[Call]) -> str:
    return f"<|tool_call|>[{', '.join(map(_object, calls))}]<|/tool_call|>"


def _as_lfm(calls: Sequence[Call]) -> str:
    written = (
        f"{call.name}({', '.join(f'{name}={as_json(v)}' for name, v in call.arguments.items())})"
        for call in calls
    )
    return f"<|tool_call_start|>[{', '.join(written)}]<|tool_call_end|>"


def _object(call: Call) -> str:
    told: Mapping[str, Any] = {"name": call.name, "arguments": dict(call.arguments)}
    return as_json(told)


PLAIN = Form("plain", "<tool_call>", teaches=False, write=_as_hermes)
_THINK = ("[THINK]", "[/THINK]")
_MISTRAL = ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", *_THINK)
_HARMONY = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>")
_GEMMA = ("<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>", "<channel|>")
# The first whose texts are all in the template.
_KNOWN: tuple[tuple[tuple[str, ...], Form], ...] = (
    (
        ("<|channel|>", "<|message|>", "functions."),
        Form("harmony", "", _HARMONY, single=True,
             thought=("<|channel|>analysis<|message|>", "<|end|>")),
    ),
    (
        ("<|tool_call>", "<tool_call|>"),
        Form("gemma", "<|tool_call>", _GEMMA, thought=("<|channel>thought", "<channel|>")),
    ),
    (("<tool_call>", "<function=", "<parameter="), Form("qwen", "<tool_call>")),
    (('<function name="', '<param name="'), Form("minicpm", '<function name="')),
    (("<|function_call|>",), Form("gigachat", "<|function_call|>", ("<|function_call|>",), True)),
    (("[TOOL_CALLS]", "[CALL_ID]"), Form("mistral-id", "[TOOL_CALLS]", _MISTRAL, thought=_THINK)),
    (("[TOOL_CALLS]", "[ARGS]"), Form("mistral", "[TOOL_CALLS]", _MISTRAL, thought=_THINK)),
    (("[TOOL_CALLS]",), Form("mistral-list", "[TOOL_CALLS]", _MISTRAL, thought=_THINK)),
    (
        ("<|tool|>", "<|/tool|>"),
        Form("phi", "<|tool_call|>", ("<|tool_call|>", "<|/tool_call|>"), write=_as_phi),
    ),
    (
        ("List of tools:",),
        Form("lfm", "<|tool_call_start|>", ("<|tool_call_start|>", "<|tool_call_end|>"),
             write=_as_lfm),
    ),
    (('{"name": ', "<|eot_id|>", "ipython"), Form("llama", "", ("<|python_tag|>",), single=True)),
    (("<tool_call>", '{"name": '), Form("hermes", "<tool_call>", write=_as_hermes)),
)  # fmt: skip


def form_of(template: str | None) -> Form:
    """The form that goes with a template; None: the file has none."""
    if template is None or "tools" not in template:
        return PLAIN
    plain = template.replace('\\"', '"')
    for texts, form in _KNOWN:
        if all(text in plain for text in texts):
            return form
    return PLAIN


def thinks(form: Form, template: str | None) -> bool:
    """Whether the template knows the marks of a thought."""
    return form.name == "harmony" or (template is not None and form.thought[0] in template)


def response(content: str) -> str:
    """A function's result, for templates that have no role for it."""
    return _RESPONSE.format(content)
