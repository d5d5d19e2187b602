"""The OpenAPI document of every address the doorway serves. Pure: data in, data out.

A test holds it against the routing table: no route without an entry, and none that is no
route. `docs/api.md` is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from galosh.server import api_schemas as s
from galosh.server.api_schemas import Schema, closed, holding, many, text, whole

_OURS = "/galosh/v1"
_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"
_ID: Schema = {"name": "id", "in": "path", "required": True, "schema": text(1, 200)}
_KEEP: Schema = {"name": "keep", "in": "query", "required": False,
                 "schema": s.one_of("partial", "remove")}  # fmt: skip
_MODEL: Schema = {"name": "model", "in": "query", "required": False, "schema": text(1, 200)}
_LANGUAGE: Schema = {"name": "language", "in": "query", "required": False,
                     "schema": {"type": "string", "pattern": "^[a-z]{2}$"}}  # fmt: skip
_NODE_ID: Schema = {**_ID, "name": "node"}
_LISTED: tuple[Schema, ...] = (
    {"name": "search", "in": "query", "required": False, "schema": text(0, 200)},
    {"name": "deleted", "in": "query", "required": False, "schema": s.one_of("true", "false")},
)
_LAST_SEEN: Schema = {"name": "Last-Event-ID", "in": "header", "required": False,
                      "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"}}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One method of one address. streams: the content type where the answer can be one."""

    family: str
    summary: str
    answer: Schema
    body: Schema | None = None
    status: int = 200
    streams: str | None = None
    parameters: tuple[Schema, ...] = ()
    always_streams: bool = False


def _openai(summary: str, answer: Schema, body: Schema | None = None, **more: str) -> Operation:
    return Operation("OpenAI", summary, answer, body, streams=more.get("streams"))


def _ollama(summary: str, answer: Schema, body: Schema | None = None, **more: str) -> Operation:
    return Operation("Ollama", summary, answer, body, streams=more.get("streams"))


def _llamacpp(summary: str, answer: Schema, body: Schema | None = None, **more: str) -> Operation:
    return Operation("llama.cpp", summary, answer, body, streams=more.get("streams"))


def _ours(
    summary: str, answer: Schema, body: Schema | None = None, status: int = 200,
    parameters: tuple[Schema, ...] = (),
) -> Operation:  # fmt: skip
    return Operation("galosh", summary, answer, body, status, parameters=parameters)


def _page(summary: str, parameters: tuple[Schema, ...] = ()) -> Operation:
    return Operation("galosh", summary, s.ANY, streams="text/html", parameters=parameters,
                     always_streams=True)  # fmt: skip


_CHOICES = many(s.OBJECT, 1, 1)
_NAMED = closed(("model",), model=text(1, 256))
_WORDS = holding(content=text(), stop=s.FLAG)
_DOWNLOAD = holding(download=s.OBJECT)
_SHEET, _TALK = holding(notebook=s.OBJECT), holding(chat=s.OBJECT)
_NODE = holding(node=s.OBJECT, version=whole(1, 2**53), kept=s.FLAG)
_DELETED = holding(deleted=text(1))
OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "/v1/models": {
        "GET": _openai("The models on this PC.", holding(object=s.ANY, data=many(s.OBJECT)))
    },
    "/v1/models/{id}": {"GET": Operation("OpenAI", "One of them.", holding(id=text(1)),
                                         parameters=(_ID,))},
    "/v1/chat/completions": {
        "POST": _openai(
            "An answer in a talk; thoughts of the model are in `reasoning_content`.",
            holding(id=text(1), choices=_CHOICES, usage=s.USAGE, galosh=s.OBJECT),
            s.CHAT, streams=_EVENTS,
        )
    },
    "/v1/completions": {
        "POST": _openai(
            "A text continued, or filled in (`suffix`) by models made for that.",
            holding(id=text(1), choices=_CHOICES, usage=s.USAGE), s.COMPLETION, streams=_EVENTS,
        )
    },
    "/v1/embeddings": {
        "POST": _openai("Texts as normalised vectors of the loaded model.",
                        holding(data=many(s.OBJECT, 1), model=text(1)), s.EMBEDDINGS)
    },
    "/v1/responses": {
        "POST": _openai("OpenAI's newer form of an answer; nothing is stored.",
                        holding(id=text(1), output=many(s.OBJECT)), s.RESPONSE, streams=_EVENTS)
    },
    "/v1/messages": {
        "POST": Operation("Anthropic", "An answer in Anthropic's words.",
                          holding(id=text(1), content=many(s.OBJECT), usage=s.OBJECT),
                          s.ANTHROPIC, streams=_EVENTS)
    },
    "/api/version": {"GET": _ollama("The version of Ollama's API that is spoken.",
                                    holding(version=text(1)))},
    "/api/tags": {"GET": _ollama("The models on this PC.", holding(models=many(s.OBJECT)))},
    "/api/ps": {"GET": _ollama("The model in memory.", holding(models=many(s.OBJECT, 0, 1)))},
    "/api/show": {"POST": _ollama("What a model's file says of itself.",
                                  holding(details=s.OBJECT), _NAMED)},
    "/api/chat": {"POST": _ollama("An answer in a talk.", holding(message=s.OBJECT, done=s.FLAG),
                                  s.OLLAMA_CHAT, streams=_LINES)},
    "/api/generate": {"POST": _ollama("An answer to one question.",
                                      holding(response=text(), done=s.FLAG), s.OLLAMA_GENERATE,
                                      streams=_LINES)},
    "/api/embed": {"POST": _ollama("Texts as vectors; cut only where `truncate` says so.",
                                   holding(embeddings=many(many({"type": "number"}), 1)),
                                   s.OLLAMA_EMBED)},
    "/api/embeddings": {"POST": _ollama("One text as a vector, the older form.",
                                        holding(embedding=many({"type": "number"})),
                                        s.OLLAMA_EMBED_ONE)},
    "/api/pull": {"POST": _ollama("Download a model.", s.OBJECT,
                                  closed(("model",), model=text(1, 256), stream=s.FLAG,
                                         insecure=s.FLAG), streams=_LINES)},
    "/api/copy": {"POST": _ollama("Another name for a model; nothing is copied on disk.", s.OBJECT,
                                  closed(("source", "destination"), source=text(1, 256),
                                         destination=text(1, 200)))},
    "/api/create": {"POST": _ollama("A name for a model (or a GGUF file) with settings of its own.",
                                    s.OBJECT,
                                    closed(("model", "from"), model=text(1, 200), system=text(),
                                           parameters=closed(**s.SAMPLING), stream=s.FLAG,
                                           **{"from": text(1, 256)}), streams=_LINES)},
    "/api/delete": {"DELETE": _ollama("Remove a model.", s.OBJECT, _NAMED)},
    "/completion": {"POST": _llamacpp("A text continued.", _WORDS, s.LLAMACPP, streams=_EVENTS)},
    "/infill": {"POST": _llamacpp("What belongs between two texts.", _WORDS, s.INFILL,
                                  streams=_EVENTS)},
    "/tokenize": {"POST": _llamacpp("The tokens of a text.", holding(tokens=s.TOKENS),
                                    closed(("content",), content=text(), model=text(1, 256)))},
    "/detokenize": {"POST": _llamacpp("The text of tokens.", holding(content=text()),
                                      closed(("tokens",), tokens=s.TOKENS, model=text(1, 256)))},
    "/health": {"GET": _llamacpp("Whether it can be asked.", holding(status=s.one_of("ok")))},
    "/props": {"GET": _llamacpp("What is loaded, in short.", holding(total_slots=whole(1, 64)))},
    f"{_OURS}/health": {"GET": _ours("The daemon answers.", holding(ok=s.FLAG))},
    f"{_OURS}/openapi.json": {"GET": _ours("This document.", holding(openapi=text(1)))},
    f"{_OURS}/status": {
        "GET": _ours("Daemon, model, worker, downloads.",
                     holding(daemon=s.OBJECT, worker=s.OBJECT, downloads=s.OBJECT))
    },
    f"{_OURS}/events": {
        "GET": Operation(
            "galosh", "The state, then every change, as server-sent events; with `Last-Event-ID`"
            " it goes on after that event.", s.ANY, streams=_EVENTS, parameters=(_LAST_SEEN,),
            always_streams=True)
    },
    f"{_OURS}/models": {
        "GET": _ours("Everything the store knows of each model.", holding(models=many(s.OBJECT))),
        "POST": _ours("Enter a GGUF file, in place or as a copy.", holding(model=s.OBJECT),
                      closed(("path",), path=text(1, 4096), copy=s.FLAG, name=text(1, 256)), 201),
    },
    f"{_OURS}/models/{{id}}": {
        "DELETE": _ours("Remove a model.", holding(removed=text(1)), parameters=(_ID,))
    },
    f"{_OURS}/models/pause": {
        "POST": _ours("Hold no memory and answer nothing until resumed.", holding(paused=s.FLAG))
    },
    f"{_OURS}/models/resume": {"POST": _ours("Answer again.", holding(paused=s.FLAG))},
    f"{_OURS}/model": {
        "PUT": _ours("Have this model ready; answers when it is.", holding(model=s.ANY),
                     closed(id=text(0, 256))),
        "DELETE": _ours("Give the model's memory back.", holding(model=s.ANY)),
    },
    f"{_OURS}/settings": {
        "GET": _ours("Every setting: its value, its kind, default and bounds, and what it means.",
                     holding(settings=s.OBJECT, declared=many(s.OBJECT))),
        "PUT": _ours("Change one setting, at once.", holding(settings=s.OBJECT),
                     closed(("name", "value"), name=text(1, 128),
                            value=s.either(s.FLAG, {"type": "number"}, text(0, 4096),
                                            many(text(0, 4096), 0, 64)))),
    },
    f"{_OURS}/desktop": {
        "PUT": _ours("What the desktop granted to icon and hotkey, told by the agent.",
                     holding(desktop=s.ANY),
                     closed(("pid",), pid=whole(1, 2**31 - 1),
                            tray=s.either(s.OBJECT, {"type": "null"}),
                            hotkey=s.either(s.OBJECT, {"type": "null"})))
    },
    f"{_OURS}/presets": {
        "GET": _ours("Samplers, prompts and templates, shipped and the user's own.", s.OBJECT)
    },
    f"{_OURS}/tokenize": {
        "POST": _ours("The tokens of a text.", holding(tokens=s.TOKENS, count=whole(0, 2**40)),
                      closed(("text",), text=text(), model=text(0, 256)))
    },
    f"{_OURS}/fit": {
        "GET": _ours("What a model needs here and how fast it would be, now; without `model`: of"
                     " every sound one, in `forecasts`.", s.OBJECT, parameters=(_MODEL,))
    },
    f"{_OURS}/recommend": {
        "GET": _ours("The catalogue on this PC, and the model to take.",
                     holding(best=s.ANY, models=many(s.OBJECT), room=s.OBJECT),
                     parameters=(_LANGUAGE,))
    },
    f"{_OURS}/notebooks": {
        "GET": _ours("The sheets, the last changed first; with `search` those that hold it, with"
                     " `deleted` those in the bin.", holding(notebooks=many(s.OBJECT)),
                     parameters=_LISTED),
        "POST": _ours("A new sheet.", _SHEET, closed(title=text(0, 200), text=text(0, 8_000_000)),
                      201),
    },
    f"{_OURS}/notebooks/{{id}}": {
        "GET": _ours("A sheet: text, version, marks of generated text.", _SHEET, parameters=(_ID,)),
        "PATCH": _ours("Another title.", _SHEET, closed(("title",), title=text(0, 200)),
                       parameters=(_ID,)),
        "DELETE": _ours("Into the bin, for thirty days.", _DELETED, parameters=(_ID,)),
    },
    f"{_OURS}/notebooks/{{id}}/text": {
        "GET": Operation("galosh", "The text alone, as a file.", s.ANY, streams="text/plain",
                         parameters=(_ID,), always_streams=True)
    },
    f"{_OURS}/notebooks/{{id}}/edits": {
        "POST": _ours("Edits made on `base_version`, one after the other, in UTF-16 units;"
                      " answered when they are on the drive. 409 `notebook-changed` names the"
                      " version that is there now.", holding(version=whole(1, 2**53)), s.EDITS,
                      parameters=(_ID,))
    },
    f"{_OURS}/notebooks/{{id}}/restore": {
        "POST": _ours("Out of the bin.", _SHEET, parameters=(_ID,))
    },
    f"{_OURS}/chats": {
        "GET": _ours("The page's talks, the last changed first.", holding(chats=many(s.OBJECT)),
                     parameters=_LISTED),
        "POST": _ours("A new talk; `kept` is false while `history.keep` is off.", _TALK,
                      closed(title=text(0, 200)), 201),
    },
    f"{_OURS}/chats/{{id}}": {
        "GET": _ours("A talk: a tree of messages and the head of the branch shown.", _TALK,
                     parameters=(_ID,)),
        "PATCH": _ours("Another title, another head.", _TALK,
                       closed(title=text(0, 200), head=text(1, 64)), parameters=(_ID,)),
        "DELETE": _ours("Into the bin, for thirty days.", _DELETED, parameters=(_ID,)),
    },
    f"{_OURS}/chats/{{id}}/nodes": {
        "POST": _ours("One more message after `parent`; the head moves to it.", _NODE, s.NODE,
                      201, parameters=(_ID,))
    },
    f"{_OURS}/chats/{{id}}/nodes/{{node}}": {
        "PATCH": _ours("Another text in a message's place.", _NODE, s.NODE_CHANGE,
                       parameters=(_ID, _NODE_ID))
    },
    f"{_OURS}/chats/{{id}}/restore": {"POST": _ours("Out of the bin.", _TALK, parameters=(_ID,))},
    "/": {"GET": _page("The notebook page; a session makes it show more than how to open it.")},
    "/page/{id}": {"GET": _page("Its files, which hold no secret and need no token.", (_ID,))},
    f"{_OURS}/links": {
        "POST": _ours("An address that opens the page in a browser once, within a minute.",
                      holding(url=text(1), expires_seconds=s.number(0, 3600))),
        "DELETE": _ours("The addresses that nobody opened yet open nothing any more.",
                        holding(ended=whole(0, 64))),
    },
    f"{_OURS}/session": {
        "POST": _ours("The page trades the code of such an address for a cookie and a key; both"
                      " together count as the token, from the page's own origin only.",
                      holding(key=text(1)), closed(("code",), code=text(1, 256))),
        "DELETE": _ours("End the session that asks.", holding(ended=s.FLAG)),
    },
    f"{_OURS}/access": {
        "GET": _ours("Addresses and token, to copy into other programs.",
                     holding(addresses=s.OBJECT, token=text(1), token_needed=s.FLAG))
    },
    f"{_OURS}/token/rotate": {
        "POST": _ours("Change the token; the old one is refused from now on, and the page's"
                      " sessions end; a page that asks gets the `key` of a fresh one.",
                      holding(rotated=s.FLAG))
    },
    f"{_OURS}/popup": {
        "POST": _ours("Have the tray show the quick prompt; `heard`: somebody follows the events.",
                      holding(heard=s.FLAG))
    },
    f"{_OURS}/shutdown": {"POST": _ours("Stop the daemon.", holding(stopping=s.FLAG))},
    f"{_OURS}/downloads": {
        "GET": _ours("Every download: running, waiting, paused, the last done.",
                     holding(downloads=many(s.OBJECT))),
        "POST": _ours("Queue a download, or go on with it.", _DOWNLOAD,
                      closed(("source",), source=text(1, 4096), sha256=text(1, 200),
                             connections=whole(1, 8), max_rate_bytes=whole(0, 10**12),
                             recommended=s.FLAG, replaces=text(1, 256)), 201),
    },
    f"{_OURS}/downloads/{{id}}": {
        "GET": _ours("One download.", _DOWNLOAD, parameters=(_ID,)),
        "PUT": _ours("Pause a download, or go on with it.", _DOWNLOAD,
                     closed(("state",), state=s.one_of("running", "paused")),
                     parameters=(_ID,)),
        "DELETE": _ours("End a download; `keep=partial` leaves what was fetched.", _DOWNLOAD,
                        parameters=(_ID, _KEEP)),
    },
}  # fmt: skip
_EVENT = holding(data=text())
_ERRORS = {"Ollama": s.OLLAMA_ERROR, "Anthropic": s.ANTHROPIC_ERROR}


def document(version: str) -> dict[str, object]:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "galosh",
            "version": version,
            "description": "One door for programs written for OpenAI, Ollama, Anthropic or"
            " llama.cpp, and galosh's own routes. Request bodies are closed: a field that is"
            " not known is refused by name, and so is one that asks for what galosh cannot do.",
        },
        "servers": [{"url": "http://127.0.0.1:11435"}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": {
            path: {method.lower(): _operation(path, method, one) for method, one in found.items()}
            for path, found in OPERATIONS.items()
        },
    }


def _operation(path: str, method: str, one: Operation) -> dict[str, object]:
    content: dict[str, object] = {}
    if not one.always_streams:
        content["application/json"] = {"schema": one.answer}
    if one.streams is not None:
        content[one.streams] = {"schema": _EVENT if one.streams == _EVENTS else text()}
    told: dict[str, object] = {
        "tags": [one.family],
        "operationId": f"{method.lower()}{path}".replace("/", "_").strip("{}"),
        "summary": one.summary,
        "responses": {
            str(one.status): {"description": "Done.", "content": content},
            "default": {
                "description": "What was wrong and what to do, as docs/errors.md lists it.",
                "content": {
                    "application/json": {"schema": _ERRORS.get(one.family, s.OPENAI_ERROR)}
                },
            },
        },
    }
    if one.parameters:
        told["parameters"] = list(one.parameters)
    if one.body is not None:
        body = {"application/json": {"schema": one.body}}
        told["requestBody"] = {"required": True, "content": body}
    return told
