"""The grammar that holds a model to calls of the functions it was offered. Pure.

Owns what is promised: the call is well formed, its function is one of those offered, and its
arguments fit the function's schema where the form writes JSON. A schema that cannot be held
is refused where it is `strict`; else its arguments are any JSON object. Texts of control
tokens count here: native code compares the texts of tokens, shown or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from galosh.worker.fault import WorkerFault
from galosh.worker.grammar import Writer
from galosh.worker.schema import unsupported
from galosh.worker.tool_form import Form
from galosh.worker.turn import Tool

_GEMMA_QUOTE = '<|"|>'
_ANY_NAME = "[a-zA-Z_] [a-zA-Z0-9_]{0,63}"
_CDATA = "<![CDATA["


def calls_grammar(
    form: Form,
    tools: Sequence[Tool],
    *,
    parallel: bool,
    forced: bool,
    thinks: bool = False,
    thinking: bool = False,
) -> str:
    """The grammar of one call, or of several.

    forced: from the beginning of the answer, after a thought where the model has any (thinks),
    or goes on with one (thinking). Else from after the form's opener. Raises WorkerFault
    worker-schema-… for a strict schema only.
    """
    writer = _Calls(form)
    root = writer.several(tools, parallel and not form.single)
    if forced:
        root = writer.after_thought(writer.opened(root), thinks=thinks, thinking=thinking)
    return writer.finish(root)


class _Calls:
    """The rules of one grammar of calls."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._rules = Writer(True)
        self._space = self._rules.common("space")

    def finish(self, root: str) -> str:
        return self._rules.finish(root)

    def several(self, tools: Sequence[Tool], parallel: bool) -> str:
        """What follows the first opener."""
        one = self._rules.add(" | ".join(self._call(tool) for tool in tools))
        listed = _LISTED.get(self._form.name)
        if listed is not None:
            begin, end = listed
            more = f'("," {self._space} {one})*' if parallel else ""
            return f"{_text(begin)} {one} {more} {_text(end)}"
        if not parallel or not self._form.opener:
            return one
        return f"{one} ({self._space} {_text(self._form.opener)} {one})*"

    def opened(self, root: str) -> str:
        return f"{_text(self._form.opener)} {root}" if self._form.opener else root

    def after_thought(self, root: str, *, thinks: bool, thinking: bool) -> str:
        begin, end = self._form.thought
        then = _text("<|start|>assistant") if self._form.name == "harmony" else self._space
        if thinking:
            return f"{self._until(end)} {then} {root}"
        if not thinks:
            return f"{self._space} {root}"
        return f"({_text(begin)} {self._until(end)} {then})? {root}"

    def _call(self, tool: Tool) -> str:
        return _CALLS[self._form.name](self, tool)

    def named(self, tool: Tool) -> str:
        """A JSON object with the function's name and its arguments."""
        space, rules = self._space, self._rules
        name = f'{rules.literal("name", "$")} {space} ":" {space} {rules.literal(tool.name, "$")}'
        key = f'{rules.literal("arguments", "$")} {space} ":" {space} {self.arguments(tool)}'
        return f'{space} "{{" {space} {name} {space} "," {space} {key} {space} "}}"'

    def arguments(self, tool: Tool) -> str:
        """The rule of the arguments as a JSON object."""
        if tool.parameters is None:
            return f'"{{" {self._space} "}}"'
        schema = {"type": "object", **tool.parameters}
        return self._held(tool, schema, lambda: self._rules.visit(schema, "$", 0, frozenset()),
                          lambda: self._rules.common("object"))  # fmt: skip

    def members(
        self, tool: Tool, pair: Callable[[str, Any], str], loose: str, *, commas: bool
    ) -> str:
        """The arguments one by one, those that are required and any of the others."""
        schema: Mapping[str, Any] = tool.parameters or {}
        named, needed = schema.get("properties"), schema.get("required")
        required = needed if isinstance(needed, list) else []

        def write() -> str:
            if not isinstance(named, dict) or not all(name in named for name in required):
                raise WorkerFault("worker-schema-unsupported", path="$", keyword="properties")
            pairs = [(self._rules.add(pair(name, one)), name in required)
                     for name, one in named.items()]  # fmt: skip
            if commas:
                return self._rules.members(pairs)
            return " ".join(rule if must else f"{rule}?" for rule, must in pairs) or '""'

        if not schema or named == {}:
            return '""'
        return self._held(tool, schema, write, lambda: loose)

    def _held(
        self,
        tool: Tool,
        schema: Mapping[str, Any],
        write: Callable[[], str],
        loose: Callable[[], str],
    ) -> str:
        try:
            self._rules.start_document(schema)
            return self._rules.add(write())
        except WorkerFault:
            if tool.strict:
                raise
            return loose()

    def value(self, name: str, schema: Any) -> str:
        """A JSON value that fits the schema of one argument."""
        return self._rules.visit(schema, f"$.{name}", 1, frozenset())

    def until(self, end: str) -> str:
        return self._until(end)

    def common(self, name: str) -> str:
        return self._rules.common(name)

    def add(self, rule: str) -> str:
        return self._rules.add(rule)

    def gemma_value(self) -> str:
        """Any value as Gemma writes it: strings in marks of their own, names bare."""
        quote, space, name = _text(_GEMMA_QUOTE), self._space, self._rules.name
        string = name("gstring", f"{quote} {self._until(_GEMMA_QUOTE)}")
        plain = " | ".join(map(self._rules.common, ("number", "boolean", "null")))
        member = name("gmember", f'{_ANY_NAME} ":" gvalue')
        name("gobject", f'"{{" ({member} ("," {space} {member})*)? "}}"')
        name("garray", f'"[" (gvalue ("," {space} gvalue)*)? "]"')
        return name("gvalue", f"{string} | {plain} | gobject | garray")

    def _until(self, end: str) -> str:
        """Any text up to and with `end`: a rule for each part of it that has been met."""
        steps = [f"until-{''.join(f'{ord(c):x}' for c in end)}-{n}" for n in range(len(end))]
        met = "".join(dict.fromkeys(end))
        for at, step in enumerate(steps):
            ways = [f"[^{_in_class(met)}] {steps[0]}"]
            for letter in met:
                back = _longest_beginning(end, end[:at] + letter)
                ways.append(_text(letter) + (f" {steps[back]}" if back < len(end) else ""))
            self._rules.name(step, " | ".join(ways))
        return steps[0]


def _longest_beginning(end: str, text: str) -> int:
    """How much of `end` the text ends with."""
    return next(n for n in range(min(len(end), len(text)), -1, -1) if text.endswith(end[:n]))


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _in_class(letters: str) -> str:
    special = {"\n": "\\n", "\\": "\\\\", "]": "\\]", "[": "\\[", "^": "\\x5E", "-": "\\x2D"}
    return "".join(special.get(letter, letter) for letter in letters)


def _is_string(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "string"


def _choices(tool: Tool, name: str, schema: Any) -> list[str] | None:
    """The texts that a string written plainly may be; None: any, where no more is promised."""
    found = schema.get("enum")
    if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
        return found
    if tool.strict and not set(schema) <= {"type", "description", "title", "default", "examples"}:
        raise unsupported(f"$.{name}", "string")
    return None


def _one_of(texts: list[str]) -> str:
    return f"({' | '.join(map(_text, texts))})"


def _hermes(calls: _Calls, tool: Tool) -> str:
    return f'{calls.named(tool)} {calls.common("space")} "</tool_call>"'


def _json(calls: _Calls, tool: Tool) -> str:
    return calls.named(tool)


def _llama(calls: _Calls, tool: Tool) -> str:
    # As its template writes it: no opener but the very beginning tells a call from text.
    head = f'{{"name": "{tool.name}", "parameters": '
    return f'{_text(head)} {calls.arguments(tool)} "}}"'


def _mistral(calls: _Calls, tool: Tool) -> str:
    return f"{_text(tool.name + '[ARGS]')} {calls.arguments(tool)}"


def _mistral_id(calls: _Calls, tool: Tool) -> str:
    named = f'{_text(tool.name + "[CALL_ID]")} [a-zA-Z0-9]{{9}} "[ARGS]"'
    return f"{named} {calls.arguments(tool)}"


def _harmony(calls: _Calls, tool: Tool) -> str:
    head = f"<|channel|>commentary to=functions.{tool.name} <|constrain|>json<|message|>"
    return f"{_text(head)} {calls.arguments(tool)}"


def _qwen(calls: _Calls, tool: Tool) -> str:
    end = "\n</parameter>\n"

    def pair(name: str, schema: Any) -> str:
        head = _text(f"<parameter={name}>\n")
        if _is_string(schema):
            choices = _choices(tool, name, schema)
            return (
                f"{head} {calls.until(end) if choices is None else _one_of(choices) + _text(end)}"
            )
        return f"{head} {calls.value(name, schema)} {_text(end)}"

    any_pair = f'("<parameter=" [a-zA-Z0-9_.-]{{1,64}} ">\\n" {calls.until(end)})*'
    members = calls.members(tool, pair, any_pair, commas=False)
    return f"{_text(f'{chr(10)}<function={tool.name}>{chr(10)}')} {members} {_text(_QWEN_END)}"


def _minicpm(calls: _Calls, tool: Tool) -> str:
    string = f"{_text(_CDATA)} {calls.until(']]>')} | [^<&]*"

    def pair(name: str, schema: Any) -> str:
        if not _is_string(schema):
            inner = calls.value(name, schema)
        elif choices := _choices(tool, name, schema):
            inner = _one_of([f"{_CDATA}{one}]]>" if {*"<&\n"} & {*one} else one for one in choices])
        else:
            inner = f"({string})"
        return f'{_text(f"""<param name="{name}">""")} {inner} "</param>"'

    named = '"<param name=\\"" [a-zA-Z0-9_.-]{1,64} "\\">"'
    members = calls.members(tool, pair, f'({named} ({string}) "</param>")*', commas=False)
    return f'{_text(tool.name)} "\\">" {members} "</function>"'


def _lfm(calls: _Calls, tool: Tool) -> str:
    def pair(name: str, schema: Any) -> str:
        if isinstance(schema, dict) and schema.get("type") == "boolean":
            return f'{_text(name)} "=" ("True" | "False" | "true" | "false")'
        return f'{_text(name)} "=" {calls.value(name, schema)}'

    one = calls.add(f'{_ANY_NAME} "=" {calls.common("value")}')
    loose = f'({one} ("," {calls.common("space")} {one})*)?'
    return f'{_text(tool.name)} "(" {calls.members(tool, pair, loose, commas=True)} ")"'


def _gemma(calls: _Calls, tool: Tool) -> str:
    anything = calls.gemma_value()

    def pair(name: str, schema: Any) -> str:
        kind = schema.get("type") if isinstance(schema, dict) else None
        head = f'{_text(name)} ":"'
        if kind in ("integer", "number", "boolean", "null"):
            return f"{head} {calls.value(name, schema)}"
        choices = _choices(tool, name, schema) if kind == "string" else None
        if choices is not None:
            quoted = [_GEMMA_QUOTE + choice + _GEMMA_QUOTE for choice in choices]
            return f"{head} {_one_of(quoted)}"
        if tool.strict and kind != "string":
            raise unsupported(f"$.{name}", str(kind))  # what is inside of it is not held
        rule = {"string": "gstring", "object": "gobject", "array": "garray"}
        return f"{head} {rule.get(str(kind), anything)}"

    loose = f'(gmember ("," {calls.common("space")} gmember)*)?'
    members = calls.members(tool, pair, loose, commas=True)
    return f'{_text("call:" + tool.name)} "{{" {members} "}}<tool_call|>"'


_QWEN_END = "</function>\n</tool_call>"
# Forms that write all calls as one list: its beginning and its end.
_LISTED = {
    "phi": ("[", "]<|/tool_call|>"),
    "mistral-list": ("[", "]"),
    "lfm": ("[", "]<|tool_call_end|>"),
}
_CALLS: Mapping[str, Callable[[_Calls, Tool], str]] = {
    "plain": _hermes,
    "hermes": _hermes,
    "phi": _json,
    "mistral-list": _json,
    "gigachat": _json,
    "llama": _llama,
    "mistral": _mistral,
    "mistral-id": _mistral_id,
    "harmony": _harmony,
    "qwen": _qwen,
    "minicpm": _minicpm,
    "lfm": _lfm,
    "gemma": _gemma,
}
