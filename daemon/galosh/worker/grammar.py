"""From a JSON schema to a grammar native code can hold an answer to. Pure.

Owns the only grammars that ever reach native code: what is written here parses, is never
left-recursive, repeats and branches within limits, and names its rules itself, so that
nothing of a caller's text is syntax. What galosh cannot promise is refused (`schema`).

Rules: an object's properties come in the schema's order, all required ones and any of the
others; no other property comes where some are named. Strings are valid Unicode: half of a
surrogate pair is never written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from galosh.worker import digits
from galosh.worker.schema import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_REPEATS,
    MAX_TEXT_CHARACTERS,
    Document,
    Outline,
    Schema,
    fitting_choices,
    impossible,
    is_deep,
    merge,
    read_node,
    too_big,
    types_of,
    unsupported,
    wrong,
)

MAX_REPEATS_IN_ALL = 4 * MAX_REPEATS
# Of all documents of one grammar: some 0.2 s of work, in which no other answer goes on.
MAX_NODES_IN_ALL = 4 * MAX_NODES
# A level of a schema is two or three levels of JSON ("properties", its name, the schema).
_MAX_DOCUMENT_DEPTH = 4 * MAX_DEPTH
_HEX = "[0-9a-fA-F]"
_COMMON: dict[str, str] = {
    "space": '| " " | "\\n"{1,2} [ \\t]{0,20}',
    "char": (
        '[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | '
        f'"u" ([0-9a-cA-CeEfF] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}} | '
        f'[dD] [89abAB] {_HEX}{{2}} "\\\\u" [dD] [c-fC-F] {_HEX}{{2}}))'
    ),
    "string": '"\\"" char* "\\""',
    "whole": '"0" | [1-9] [0-9]{0,15}',
    "integer": '"-"? whole',
    "number": '"-"? whole ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "object": '"{" space (member ("," space member)* space)? "}"',
    "member": 'string space ":" space value',
    "array": '"[" space (value ("," space value)* space)? "]"',
    "value": "object | array | string | number | boolean | null",
    "leap": (
        '[0-9]{2} ("0" [48] | [2468] [048] | [13579] [26]) | '
        '("0" [48] | [2468] [048] | [13579] [26]) "00"'
    ),
    "day": '"0" [1-9] | [12] [0-9]',
    "date": (
        '[0-9]{4} "-" (("0" [13578] | "1" [02]) "-" (day | "3" [01]) | '
        '("0" [469] | "11") "-" (day | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])) | '
        'leap "-02-29"'
    ),
    "time": (
        '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? '
        '("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])'
    ),
    "byte": '"25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9] [0-9] | [0-9]',
}
_FORMATS: dict[str, str] = {
    "date": "date",
    "time": "time",
    "date-time": 'date "T" time',
    "uuid": f'{_HEX}{{8}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{12}}',
    "ipv4": 'byte "." byte "." byte "." byte',
    "email": '[a-zA-Z0-9] [a-zA-Z0-9._+-]{0,60} "@" ([a-zA-Z0-9-]{1,60} "."){1,4} [a-zA-Z]{2,20}',
}


def json_grammar() -> str:
    """The grammar of any JSON object."""
    writer = Writer(True)
    return writer.finish("object")


def schema_grammar(schema: object) -> str:
    """The grammar of the JSON values that fit `schema`.

    Raises WorkerFault worker-schema-wrong, -unsupported, -too-big, -impossible.
    """
    if not isinstance(schema, (dict, bool)):
        raise wrong("$", type(schema).__name__)
    if is_deep(schema, _MAX_DOCUMENT_DEPTH):
        raise too_big("$", "depth", MAX_DEPTH)
    writer = Writer(schema)
    return writer.finish(writer.visit(schema, "$", 0, frozenset()))


class Writer:
    """The rules of one grammar in the making; see `tool_grammar` for its other use."""

    def __init__(self, document: object) -> None:
        self._document = Document(document)
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._nodes = self._nodes_before = 0
        self._repeats = 0
        self._characters = 0

    def finish(self, root: str) -> str:
        """The whole grammar, with `root` as its start."""
        self._uses(root)
        body = "\n".join(f"{name} ::= {rule}" for name, rule in self._rules.items())
        return f"root ::= {root}\n{body}\n"

    def start_document(self, document: object) -> None:
        """What is visited from now on is of this schema, with limits of its own."""
        self._nodes_before += self._nodes
        self._nodes = self._repeats = self._characters = 0
        if self._nodes_before > MAX_NODES_IN_ALL:
            raise too_big("$", "nodes", MAX_NODES_IN_ALL)
        if is_deep(document, _MAX_DOCUMENT_DEPTH):
            raise too_big("$", "depth", MAX_DEPTH)
        self._document, self._references = Document(document), {}

    def visit(self, node: object, path: str, depth: int, opened: frozenset[str]) -> str:
        """The name of the rule for a node. `opened` are the references followed since the
        last bracket: one of them again would be a rule that begins with itself."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise too_big(path, "nodes", MAX_NODES)
        if depth > MAX_DEPTH:
            raise too_big(path, "depth", MAX_DEPTH)
        pointer = _bare_reference(node, path)
        if pointer is not None:
            return self._reference(pointer, path, depth, opened)
        flat = self._document.flatten(node, path, depth)
        return self.add(self._node(flat, path, depth, opened))

    def _reference(self, pointer: str, path: str, depth: int, opened: frozenset[str]) -> str:
        if pointer in opened:
            raise impossible(path)
        if pointer not in self._references:
            # Named before it is written, since it may hold itself.
            name = self._references[pointer] = f"ref{len(self._rules)}"
            self._rules[name] = ""
            target = self._document.target(pointer, path)
            self._rules[name] = self.visit(target, pointer, depth + 1, opened | {pointer})
        return self._references[pointer]

    def _node(self, flat: Schema, path: str, depth: int, opened: frozenset[str]) -> str:
        for keyword in ("anyOf", "oneOf"):
            if keyword in flat:
                return self._alternatives(flat, keyword, path, depth, opened)
        if "enum" in flat:
            return " | ".join(self.literal(value, path) for value in fitting_choices(flat, path))
        if not flat:
            return self.common("value")
        found = [self._type(kind, flat, path, depth) for kind in types_of(flat, path)]
        return " | ".join(dict.fromkeys(found))

    def _alternatives(
        self, flat: Schema, keyword: str, path: str, depth: int, opened: frozenset[str]
    ) -> str:
        rest = {name: value for name, value in flat.items() if name != keyword}
        if "anyOf" in rest or "oneOf" in rest:
            raise unsupported(path, "anyOf + oneOf")
        places = [f"{path}.{keyword}[{index}]" for index in range(len(flat[keyword]))]
        if keyword == "oneOf":
            self._check_apart(flat[keyword], places, rest, depth)
        rules = []
        for child, place in zip(flat[keyword], places, strict=True):
            if rest:
                part = self._document.flatten(child, place, depth + 1)
                both = merge(rest, part, place)
                rules.append(self.add(self._node(both, place, depth + 1, opened)))
            else:
                rules.append(self.visit(child, place, depth + 1, opened))
        return " | ".join(dict.fromkeys(rules))

    def _check_apart(
        self, children: list[Any], places: list[str], rest: Schema, depth: int
    ) -> None:
        """What is written for one variant must fit no other."""
        outlines = []
        for child, place in zip(children, places, strict=True):
            flat = merge(rest, self._document.flatten(child, place, depth + 1), place)
            outlines.append(Outline.of(flat, place))
        for place, one in zip(places, outlines, strict=True):
            if any(other is not one and not one.is_apart(other) for other in outlines):
                raise unsupported(place, "oneOf")

    def _type(self, kind: str, flat: Schema, path: str, depth: int) -> str:
        if kind == "string":
            return self._string(flat, path)
        if kind in ("integer", "number"):
            return self._number(kind, flat, path)
        if kind == "object":
            return self._object(flat, path, depth)
        if kind == "array":
            return self._array(flat, path, depth)
        return self.common(kind)

    def _string(self, flat: Schema, path: str) -> str:
        low, high = flat.get("minLength", 0), flat.get("maxLength")
        if "format" in flat:
            body = _FORMATS.get(str(flat["format"]))
            if body is None or low or high is not None:
                raise unsupported(path, f"format: {flat['format']}")
            return f'"\\"" {self._uses(body)} "\\""'
        if not low and high is None:
            return self.common("string")
        return f'"\\"" {self._repeat(self.common("char"), low, high, path)} "\\""'

    def _number(self, kind: str, flat: Schema, path: str) -> str:
        step = flat.get("multipleOf", 1)
        if step != 1:
            raise unsupported(path, "multipleOf")
        if "multipleOf" in flat:
            kind = "integer"
        limits = digits.Limits.read(flat)
        if limits is None:
            return self.common(kind)
        if kind == "number" and not limits.are_whole:
            raise unsupported(path, "minimum / maximum")
        rule = digits.integers(limits) if kind == "integer" else digits.numbers(limits)
        if rule is None:
            raise impossible(path)
        return self.add(rule)

    def _array(self, flat: Schema, path: str, depth: int) -> str:
        low, high = flat.get("minItems", 0), flat.get("maxItems")
        if flat.get("uniqueItems") and (high is None or high > 1):
            raise unsupported(path, "uniqueItems")
        if high is not None and high < low:
            raise impossible(path)
        first = list(flat.get("prefixItems", []))[:high]
        rules = [
            self.visit(node, f"{path}.prefixItems[{index}]", depth + 1, frozenset())
            for index, node in enumerate(first)
        ]
        rest = flat.get("items", True)
        missing = max(0, low - len(rules))
        if rest is False and missing:
            raise impossible(path)
        # Where some items have places of their own, no more come than must.
        told = bool(first) and "items" not in flat and not missing
        if rest is False or told or (high is not None and high <= len(rules)):
            return self._listed(rules, "")
        item = self.visit(rest, f"{path}.items", depth + 1, frozenset())
        most = None if high is None else high - len(rules)
        if rules:
            more = self._repeat(f'("," space {item})', missing, most, path)
            return self._listed(rules, more)
        after = None if most is None else most - 1
        more = self._repeat(f'("," space {item})', max(0, low - 1), after, path)
        if low:
            return self._listed([item], more)
        return f'"[" space ({item} {more} space)? "]"'

    def _listed(self, rules: list[str], more: str) -> str:
        if not rules:
            return '"[" space "]"'
        items = ' "," space '.join(rules)
        return f'"[" space {items} {more} space "]"'

    def _object(self, flat: Schema, path: str, depth: int) -> str:
        named = dict(flat.get("properties", {}))
        required = list(dict.fromkeys(flat.get("required", [])))
        others = flat.get("additionalProperties", True)
        for name in required:
            if name not in named:
                if others is False:
                    raise impossible(f"{path}.{name}")
                named[name] = others
        low, high = flat.get("minProperties", 0), flat.get("maxProperties")
        if not named:
            return self._map(others, low, high, path, depth)
        if high is not None and high < len(required):
            raise impossible(path)
        if low > len(required) or (high is not None and high < len(named)):
            raise unsupported(path, "minProperties / maxProperties")
        pairs = []
        for name, schema in named.items():
            place = f"{path}.{name}"
            if schema is False and name not in required:
                continue
            value = self.visit(schema, place, depth + 1, frozenset())
            key = self.literal(name, place)
            pairs.append((self.add(f'{key} space ":" space {value}'), name in required))
        return f'"{{" space {self.members(pairs)} space "}}"'

    def members(self, pairs: list[tuple[str, bool]]) -> str:
        """Members in their order; written from the last to the first, twice: after another
        member (with a comma) and as the first one."""
        after = first = '""'
        for pair, needed in reversed(pairs):
            next_after = self.add(after)
            if needed:
                after = f'"," space {pair} {next_after}'
                first = f"{pair} {next_after}"
            else:
                next_first = self.add(first)
                after = f'("," space {pair})? {next_after}'
                first = f"{pair} {next_after} | {next_first}"
        return self.add(first)

    def _map(self, others: object, low: int, high: int | None, path: str, depth: int) -> str:
        # Names may come twice, so that no more than one can be promised.
        if low > 1:
            raise unsupported(path, "minProperties")
        if high is not None and high < low:
            raise impossible(path)
        if others is False or high == 0:
            if low:
                raise impossible(path)
            return '"{" space "}"'
        if others is True and not low and high is None:
            return self.common("object")
        value = self.visit(others, f"{path}.*", depth + 1, frozenset())
        member = self.add(f'{self.common("string")} space ":" space {value}')
        after = None if high is None else high - 1
        more = self._repeat(f'("," space {member})', 0, after, path)
        return f'"{{" space ({member} {more} space){"" if low else "?"} "}}"'

    def _repeat(self, rule: str, low: int, high: int | None, path: str) -> str:
        if high is not None and high < low:
            raise impossible(path)
        self._repeats += low if high is None else high
        if self._repeats > MAX_REPEATS_IN_ALL:
            raise too_big(path, "repeats", MAX_REPEATS_IN_ALL)
        if high == 0:
            return ""
        return f"{rule}{{{low},{'' if high is None else high}}}"

    def literal(self, value: object, path: str) -> str:
        """The rule of one JSON value."""
        if is_deep(value, MAX_DEPTH):
            raise too_big(path, "depth", MAX_DEPTH)
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            text.encode("utf-8")
        except ValueError:
            raise wrong(path, "Unicode") from None
        self._characters += len(text)
        if self._characters > MAX_TEXT_CHARACTERS:
            raise too_big(path, "characters", MAX_TEXT_CHARACTERS)
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    def common(self, name: str) -> str:
        """One of the rules of JSON itself, by its name."""
        if name not in self._rules:
            self._rules[name] = _COMMON[name]
            self._uses(_COMMON[name])
        return name

    def name(self, name: str, rule: str) -> str:
        """Give a rule a name of the caller's; the same rule under the same name."""
        self._rules[name] = rule
        return name

    def _uses(self, body: str) -> str:
        """`body`, with the common rules it names at hand."""
        for word in body.replace("(", " ").replace(")", " ").replace("*", " ").split():
            if word in _COMMON:
                self.common(word)
        return body

    def add(self, rule: str) -> str:
        """The name of a rule; the same for the same text."""
        self._uses("space")
        if rule not in self._names:
            self._names[rule] = f"r{len(self._names)}"
            self._rules[self._names[rule]] = rule
        return self._names[rule]


def _bare_reference(node: object, path: str) -> str | None:
    """What a node points at, where it does nothing else."""
    if not isinstance(node, Mapping) or "$ref" not in node:
        return None
    plain = read_node(node, path)
    return str(plain["$ref"]) if set(plain) == {"$ref"} else None
