"""The part of a request that says how tokens are chosen, and what form an answer takes. Pure.

Every number has its bounds here, those the worker accepts; only what a client gave is passed
on, so that a preset or the authors' settings fill in the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json

Sampling = Mapping[str, float | int | Mapping[str, float]]

NUMBER_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 5),
    "dynatemp_range": (0, 5),
    "dynatemp_exponent": (0, 10),
    "top_n_sigma": (-1, 100),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "typical_p": (0, 1),
    "repeat_penalty": (0.1, 10),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "dry_multiplier": (0, 100),
    "dry_base": (1, 10),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "mirostat_tau": (0, 100),
    "mirostat_eta": (0, 1),
}
WHOLE_BOUNDS: Mapping[str, tuple[int, int]] = {
    "top_k": (-1, 1_000_000),
    "repeat_last_n": (-1, 1_048_576),
    "dry_allowed_length": (1, 1024),
    "dry_penalty_last_n": (-1, 1_048_576),
    "mirostat": (0, 2),
}
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
