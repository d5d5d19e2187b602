"""The part of a request that says how tokens are chosen, and what form an answer takes. Pure.

Every number has its bounds, those of a preset file; only what a client gave is passed
on, so that a preset or the authors' settings fill in the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.texts import say
from galosh.presets.sampler import NUMBER_BOUNDS, WHOLE_BOUNDS
from galosh.server import fields
from galosh.server.fields import Json

Sampling = Mapping[str, float | int | Mapping[str, float] | tuple[str, ...]]

SAMPLING_FIELDS = frozenset({*NUMBER_BOUNDS, *WHOLE_BOUNDS, "seed", "logit_bias"})
_MAX_BIASES = 1024
# The native seed is 32 bits wide and its highest value means "random".
_SEEDS = 2**32 - 1
_FORMS = "text, json_object, json_schema"


def read_sampling(data: Json) -> Sampling:
    """What the client gave, by our names. Raises GaloshError `server-bad-request`."""
    given: dict[str, float | int | Mapping[str, float] | None] = {
        **{name: fields.number(data, name, *bounds) for name, bounds in NUMBER_BOUNDS.items()},
        **{name: fields.integer(data, name, *bounds) for name, bounds in WHOLE_BOUNDS.items()},
        "seed": _seed(data),
        "logit_bias": fields.bias(data, "logit_bias", _MAX_BIASES) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def read_form(data: Json) -> dict[str, object]:
    """The worker's `json` or `json_schema` for OpenAI's `response_format`.

    Whether a schema can be held to is the worker's to say. Raises `server-bad-request`.
    """
    form = fields.table(data, "response_format")
    kind = form.get("type")
    if not form or kind == "text":
        return {}
    if kind == "json_object":
        return {"json": True}
    if kind != "json_schema":
        raise fields.wrong("response_format.type", kind, say("server.want.known", names=_FORMS))
    told = fields.table(form, "json_schema")
    schema = told.get("schema")
    if not isinstance(schema, Mapping):
        raise fields.wrong("response_format.json_schema.schema", schema, say("server.want.object"))
    return {"json_schema": schema}


def _seed(data: Json) -> int | None:
    value = fields.integer(data, "seed", -1, 2**63 - 1)
    return None if value in (None, -1) else (value or 0) % _SEEDS
