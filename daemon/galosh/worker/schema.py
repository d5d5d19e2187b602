"""JSON schemas made plain: references followed, `allOf` merged, limits kept. Pure.

Owns what a caller's schema may hold. A keyword that cannot be honoured is refused with its
name and place; nothing is ignored but annotations, and nothing is replaced by something
looser. What is stricter than asked is fine: every answer it allows fits the schema.
Raises WorkerFault worker-schema-wrong, -unsupported, -too-big, -impossible.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from galosh.worker.fault import WorkerFault

MAX_DEPTH = 32
MAX_NODES = 512
# References that meet again are read again: a small document can stand for a huge one.
MAX_FLATTENED = 8 * MAX_NODES
MAX_REPEATS = 1000
MAX_ALTERNATIVES = 256
MAX_ONE_OF = 64  # each is compared with each
MAX_TEXT_CHARACTERS = 64 * 1024
_SHOWN_CHARACTERS = 120

Schema = dict[str, Any]

TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
# They say nothing about what is valid.
_ANNOTATIONS = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description"),
        *("default", "examples", "example", "deprecated", "readOnly", "writeOnly"),
        *("discriminator", "contentMediaType", "contentEncoding"),
    }
)
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_COUNTED = ("Length", "Items", "Properties")
_OTHERS = frozenset(
    {
        *("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "required"),
        *("additionalProperties", "items", "prefixItems", "uniqueItems", "format", "multipleOf"),
    }
)
KNOWN = _OTHERS | _LOWER | _UPPER
# Which keywords speak of which type of value.
OF_TYPE: dict[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "format"}),
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
    "object": frozenset(
        {"properties", "required", "additionalProperties", "minProperties", "maxProperties"}
    ),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
}


def show_path(path: str) -> str:
    """A place in the schema, short and safe enough to print."""
    clean = "".join(c if c.isprintable() else "?" for c in path)
    return clean if len(clean) <= _SHOWN_CHARACTERS else "…" + clean[-_SHOWN_CHARACTERS:]


def wrong(path: str, keyword: str) -> WorkerFault:
    """The schema is no schema there."""
    return WorkerFault("worker-schema-wrong", path=show_path(path), keyword=show_path(keyword))


def unsupported(path: str, keyword: str) -> WorkerFault:
    """A keyword that cannot be honoured there."""
    place = show_path(path)
    return WorkerFault("worker-schema-unsupported", path=place, keyword=show_path(keyword))


def too_big(path: str, keyword: str, limit: int) -> WorkerFault:
    """More than an answer may be held to."""
    return WorkerFault("worker-schema-too-big", path=show_path(path), keyword=keyword, limit=limit)


def impossible(path: str) -> WorkerFault:
    """No value fits there."""
    return WorkerFault("worker-schema-impossible", path=show_path(path))


class Document:
    """One schema document: finds what its references point at, and flattens its nodes."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._flattened = 0

    def target(self, pointer: object, path: str) -> object:
        """What `$ref: pointer` stands for; only inside this document."""
        if not isinstance(pointer, str):
            raise wrong(path, "$ref")
        if pointer != "#" and not pointer.startswith("#/"):
            raise unsupported(path, f"$ref: {pointer}")
        found = self._root
        for raw in pointer.split("/")[1:]:
            step = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdigit() and int(step[:9]) < len(found):
                found = found[int(step[:9])]
            else:
                raise wrong(path, f"$ref: {pointer}")
        return found

    def flatten(
        self, node: object, path: str, depth: int, followed: frozenset[str] = frozenset()
    ) -> Schema:
        """A node as plain keywords, without `$ref`, `allOf`, `const` and annotations."""
        self._flattened += 1
        if self._flattened > MAX_FLATTENED:
            raise too_big(path, "nodes", MAX_FLATTENED)
        if depth > MAX_DEPTH:
            raise too_big(path, "depth", MAX_DEPTH)
        if node is True:
            return {}
        if node is False:
            raise impossible(path)
        plain = read_node(node, path)
        parts: list[Schema] = []
        if "$ref" in plain:
            pointer = plain.pop("$ref")
            if pointer in followed:
                raise impossible(path)
            target = self.target(pointer, path)
            parts.append(self.flatten(target, str(pointer), depth + 1, followed | {pointer}))
        for index, child in enumerate(_list_of(plain, "allOf", path)):
            place = f"{path}.allOf[{index}]"
            parts.append(self.flatten(child, place, depth + 1, followed))
        plain.pop("allOf", None)
        for part in parts:
            plain = merge(plain, part, path)
        return plain


def read_node(node: object, path: str) -> Schema:
    """A node's keywords that mean something, each of them known; `const` as an `enum`."""
    if not isinstance(node, dict):
        raise wrong(path, type(node).__name__)
    plain: Schema = {}
    for keyword, value in node.items():
        if keyword in _ANNOTATIONS or keyword.startswith("x-"):
            continue
        if keyword not in KNOWN:
            raise unsupported(path, keyword)
        plain[keyword] = value
    if "const" in plain:
        given = [plain.pop("const")]
        plain = merge(plain, {"enum": given}, path)
    _check_values(plain, path)
    return plain


def _check_values(plain: Schema, path: str) -> None:
    for keyword in ("anyOf", "oneOf", "enum", "required", "prefixItems"):
        _list_of(plain, keyword, path)
    for keyword in _LOWER | _UPPER:
        value = plain.get(keyword)
        if keyword in plain and not _is_number(value):
            # Draft 4 said `exclusiveMinimum: true`.
            raise wrong(path, keyword)
        if keyword in plain and keyword.endswith(_COUNTED):
            plain[keyword] = _count(value, keyword, path)
    properties = plain.get("properties", {})
    if not isinstance(properties, dict):
        raise wrong(path, "properties")
    if len(properties) > MAX_ALTERNATIVES:
        raise too_big(path, "properties", MAX_ALTERNATIVES)
    if not all(isinstance(name, str) for name in plain.get("required", [])):
        raise wrong(path, "required")
    if isinstance(plain.get("items"), list):
        # What `prefixItems` was called before 2020; `additionalItems` is refused.
        plain["prefixItems"] = plain.pop("items")


def _is_number(value: object) -> bool:
    # A JSON number too large for a float reads as infinity.
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any, keyword: str, path: str) -> int:
    if value < 0 or value % 1:
        raise wrong(path, keyword)
    # A minimum must be written out; a maximum beyond what fits is no promise we could keep.
    if value > MAX_REPEATS:
        raise too_big(path, keyword, MAX_REPEATS)
    return int(value)


def _list_of(plain: Schema, keyword: str, path: str) -> list[Any]:
    value = plain.get(keyword, [])
    empty_is_wrong = keyword in ("anyOf", "oneOf", "allOf", "enum") and keyword in plain
    if not isinstance(value, list) or (empty_is_wrong and not value):
        raise wrong(path, keyword)
    limit = MAX_ONE_OF if keyword == "oneOf" else MAX_ALTERNATIVES
    if len(value) > limit:
        raise too_big(path, keyword, limit)
    return value


def types_of(plain: Mapping[str, Any], path: str) -> list[str]:
    """The types a flat node allows; all of them where it says nothing."""
    if "enum" in plain:
        return list(dict.fromkeys(type_of(value) for value in fitting_choices(plain, path)))
    given = plain.get("type")
    if given is None:
        spoken = [kind for kind, keywords in OF_TYPE.items() if keywords & set(plain)]
        return spoken or list(TYPES)
    found = given if isinstance(given, list) else [given]
    if not found or any(kind not in TYPES for kind in found):
        raise wrong(path, "type")
    return list(dict.fromkeys(found))


def type_of(value: object) -> str:
    """The narrowest type of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if value % 1 == 0 else "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array"


def fitting_choices(plain: Mapping[str, Any], path: str) -> list[Any]:
    """The `enum` of a flat node, less what its `type` shuts out; at least one."""
    for keyword in plain:
        if keyword not in ("enum", "type"):
            raise unsupported(path, f"enum + {keyword}")
    allowed = types_of({"type": plain["type"]}, path) if "type" in plain else list(TYPES)
    fitting = [value for value in plain["enum"] if _overlap([type_of(value)], allowed)]
    if not fitting:
        raise impossible(path)
    return fitting


def merge(a: Schema, b: Schema, path: str) -> Schema:
    """Both at once. Raises WorkerFault where they exclude each other."""
    a, b = _within_closed(a, b, path), _within_closed(b, a, path)
    merged = dict(a)
    for keyword, value in b.items():
        if keyword not in merged:
            merged[keyword] = value
        elif merged[keyword] != value or keyword in ("properties", "enum"):
            merged[keyword] = _merge_keyword(keyword, merged[keyword], value, path)
    return merged


def _merge_keyword(keyword: str, one: Any, other: Any, path: str) -> Any:
    if keyword in _LOWER:
        return max(one, other)
    if keyword in _UPPER:
        return min(one, other)
    if keyword == "type":
        return _common_types(one, other, path)
    if keyword == "enum":
        choices = _texts(other)
        kept = [value for value in one if not choices.isdisjoint(_texts([value]))]
        if not kept:
            raise impossible(path)
        return kept
    if keyword == "required":
        return list(dict.fromkeys([*one, *other]))
    if keyword == "properties":
        both = dict(one)
        for name, schema in other.items():
            known = name in both and both[name] != schema
            both[name] = {"allOf": [both[name], schema]} if known else schema
        return both
    if keyword == "uniqueItems":
        return True
    if keyword in ("items", "additionalProperties"):
        return {"allOf": [one, other]}
    raise unsupported(path, f"allOf: {keyword}")


def _common_types(one: Any, other: Any, path: str) -> list[str]:
    a, b = types_of({"type": one}, path), types_of({"type": other}, path)
    found = [kind for kind in a if kind in b]
    for first, second in ((a, b), (b, a)):
        if "integer" in first and "number" in second and "integer" not in found:
            found.append("integer")
    if not found:
        raise impossible(path)
    return found


def _within_closed(a: Schema, b: Schema, path: str) -> Schema:
    """`a` less the properties that `b` shuts out, and under what `b` asks of all others."""
    rule = b.get("additionalProperties", True)
    names = a.get("properties", {})
    if rule is True or not names:
        return a
    known = b.get("properties", {})
    kept: dict[str, Any] = {}
    for name, schema in names.items():
        if name in known:
            kept[name] = schema
        elif rule is not False:
            kept[name] = {"allOf": [schema, rule]}
        elif name in a.get("required", []) or name in b.get("required", []):
            raise impossible(f"{path}.{name}")
    return {**a, "properties": kept}


def _texts(values: Iterable[object]) -> frozenset[str]:
    """JSON values to be compared: unlike in Python, true is not 1."""
    return frozenset(json.dumps(value, sort_keys=True) for value in values)


@dataclass(frozen=True)
class Outline:
    """What tells one variant of a `oneOf` from another."""

    types: frozenset[str]
    choices: frozenset[str]
    names: frozenset[str]
    required: frozenset[str]
    tags: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, flat: Schema, path: str) -> Outline:
        """The outline of a flat node."""
        named = flat.get("properties", {})
        required = frozenset(flat.get("required", []))
        tags = {name: _texts(_choices(named.get(name))) for name in required}
        return cls(
            types=frozenset(types_of(flat, path)),
            choices=_texts(flat.get("enum", [])),
            names=frozenset(named),
            required=required,
            tags={name: found for name, found in tags.items() if found},
        )

    def is_apart(self, other: Outline) -> bool:
        """Whether surely nothing written for this one fits the other one too."""
        if self.choices and other.choices:
            return self.choices.isdisjoint(other.choices)
        if not _overlap(self.types, other.types):
            return True
        if self.types != {"object"} or other.types != {"object"}:
            return False
        shared = self.tags.keys() & other.tags.keys()
        if any(self.tags[name].isdisjoint(other.tags[name]) for name in shared):
            return True
        # Only named properties are ever written.
        return bool(self.names) and not other.required <= self.names


def _overlap(a: Iterable[str], b: Iterable[str]) -> bool:
    # An integer is a number, so that both name it.
    wide = [{*kinds, "integer"} if "number" in kinds else set(kinds) for kinds in (a, b)]
    return bool(wide[0] & wide[1])


def _choices(schema: object) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    if "const" in schema:
        return [schema["const"]]
    found = schema.get("enum", [])
    return found if isinstance(found, list) else []


def is_deep(value: object, limit: int) -> bool:
    """Whether a JSON value nests deeper than `limit`; does not nest itself."""
    level: list[object] = [value]
    for _ in range(limit):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
