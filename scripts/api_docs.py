# ruff: noqa: E501 - a row of a Markdown table is one line
"""Writes docs/api.md from the OpenAPI document: `python3 scripts/api_docs.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TARGET = REPO / "docs" / "api.md"
FAMILIES = ("OpenAI", "Anthropic", "Ollama", "llama.cpp", "galosh")
INTRO = """# The API of galosh

Made by `python3 scripts/api_docs.py` from the OpenAPI document that the daemon gives out at
`/galosh/v1/openapi.json`; tests hold that document against the routing table and against the
running server.

One door, four dialects: a program written for OpenAI, Anthropic, Ollama or llama.cpp's server
works unchanged. Two ways in:

- a **Unix socket** in a private folder (Linux, macOS): same user only, no token;
- **loopback TCP**, `127.0.0.1:11435` unless another port was free or set: the token of the
  file that `galosh env` reads, as `Authorization: Bearer …` or `X-Api-Key: …`. With the
  setting `api.require_token` off, the *inference* routes need none; management always does.

## Setting programs up

`galosh env` prints `OPENAI_BASE_URL`, `OPENAI_API_KEY`, `OLLAMA_HOST` and the rest for a shell:

```sh
eval "$(galosh env)"
```

| program | set up |
|---|---|
| any OpenAI client (Python, Node, …) | `eval "$(galosh env)"`, nothing else |
| VS Code extensions (Continue, Cline, Roo Code, …) | provider "OpenAI compatible"; base URL `http://127.0.0.1:11435/v1`; API key: what `galosh env` prints; model: a name of `galosh models` |
| `llm` | an entry in `extra-openai-models.yaml`: `model_id`, `model_name`, `api_base: http://127.0.0.1:11435/v1`, `api_key_name: galosh`; then `llm keys set galosh` |
| aider and its like | `eval "$(galosh env)"`, then `aider --model openai/NAME` (`OPENAI_API_BASE` may be asked for: the same address) |
| Open WebUI | Settings, Connections, OpenAI API: `http://127.0.0.1:11435/v1` and the key |
| Ollama clients that send no token | `galosh settings set api.require_token false`, then `OLLAMA_HOST` as `galosh env` prints it |
| a shell | `curl -sN --unix-socket "$(galosh status --json \\| jq -r .daemon.socket)" http://localhost/v1/chat/completions -d '{"messages":[{"role":"user","content":"Hello"}]}'` |

## Clients that are tested

Each is the real client, against the real daemon with the real engine (`tests/clients`).

| client | lists | chats | streams | stops | embeds | calls a function, takes its result | a refusal reaches it |
|---|---|---|---|---|---|---|---|
| `openai` (Python) | yes | yes | yes | yes | yes | yes | 404 with the reason |
| `openai` (Node) | yes | yes | yes | yes | yes | yes | 404 with the reason |
| `ollama` (Python) | yes | yes | yes | yes | yes | offered, answered | 404 with the reason |
| `ollama` (Node) | yes | yes | yes | yes | yes | offered, answered | 404 with the reason |
| `anthropic` (Python) | yes | yes | yes | yes | has no such call | yes | 404 with the reason |
| `litellm` | yes | yes | yes | yes | yes | yes | 404 with the reason |
| `langchain-openai`, `langchain-ollama` | has no such call | yes | yes | yes | yes | yes | 404 with the reason |
| `llm` | | yes | | | | | 401 with the reason |

## What holds everywhere

- **A request is closed.** An unknown field is refused by name, and so is one that asks for what
  galosh cannot do (`n` above 1, `best_of`, pictures, foreign grammars …); nothing is
  dropped in silence.
- **Errors** are `{"error": {"message", "type", "param", "code", "galosh"}}`, in Ollama's and
  Anthropic's shapes on their routes; `galosh` holds code, what, why, what was kept and the next
  step (docs/errors.md). 429 comes with `Retry-After`, and every answer with `X-Request-Id`. An error in mid-stream is the last event.
- **Length**: a prompt that does not fit is refused with both numbers. `"truncate": true`
  (`"truncation": "auto"` of the Responses API) leaves out the oldest turns instead, never the
  system text or the last turn; the answer's `galosh.truncated` says how many `dropped_messages`
  and (at least) `dropped_tokens`. `/api/embed` cuts as Ollama documents it, unless `"truncate": false`; the answer says
  how much in the same field. `/v1/embeddings` and `/api/embeddings` cut only on `"truncate": true`
  and never.
- **Thoughts** of models that think come apart: `reasoning_content`, Ollama's `thinking`, a
  `thinking` block, a `reasoning` item. `think` (true, false) is told to templates that know it.
- **Functions** (`tools`, `tool_choice`, `parallel_tool_calls`; Anthropic's `tool_use` and
  `tool_result`, Ollama's `tool_calls` and `tool_name`, the Responses API's `function_call` and
  `function_call_output`) are handed to the model's own template, and read back in the form its
  family writes: Hermes and Qwen, Qwen 3.5 and Coder, Gemma 4, Granite 4, Mistral and Ministral,
  Llama 3, Phi-4-mini, LFM2, MiniCPM5, GigaChat 3.1, SmolLM3, gpt-oss. The template's text tells
  the family. One that knows no functions gets a paragraph about them in the system text.
  What is promised: a call is whole, its arguments are a JSON object, and its function is one that
  was offered; anything else the model writes is text (`galosh.notices` then says
  `server.notice-call-broken`, a call that the length limit cut included). With `required` or a
  named function the answer is held to that by a grammar, and so is what follows the opener of a
  call with `auto`. The arguments fit the function's schema as far as `response_format` could hold
  it; where it cannot, they are any object, or the request is refused if the function says
  `strict`. Where a family writes arguments without JSON (Qwen 3.5, MiniCPM5, Gemma 4) texts have
  no inner limits, and Gemma's lists and objects no schema; `strict` is refused for these. With
  `auto` gpt-oss and Llama 3 are free, since their calls have no opener of their own. A call comes
  in one piece when it is whole; ids are nine letters and digits, which every template takes.
  Where a call must come there is one, unless `parallel_tool_calls` is given as true.
  Functions and `response_format` do not go together. Ollama's API knows no `tool_choice`.
- **Ollama's `context`** of `/api/generate` is the talk so far, in numbers that mean nothing to
  anybody else; one that galosh did not give is refused.
- **Notices** (a shorter context, another model, a broken call …) are in `galosh.notices` of the
  whole answer or of a stream's last event, in every dialect; OpenAI's streams tell them at once
  as chunks without words where the request says `"notices": true`, and with the usage.
- **Chances**: `logprobs`, `top_logprobs` up to 20, of the tokens that were taken.
- **galosh's own fields** of `/v1/chat/completions` and `/v1/completions`: `notices` (a stream
  may hold what the asker should know meanwhile: the model is being woken, questions wait before
  this one), `priority` (`interactive` goes before `normal`, `background` lets others go first),
  `override_memory` (load the model even where it does not fit into free memory), `preset` (a
  sampler of `/galosh/v1/presets`), `draft` (false: guess no tokens ahead), `cache_prompt` (false:
  nothing read before helps, and nothing of this prompt and its answer is kept).
- **The notebook page** needs no token for its files; `galosh notebook` (`POST /galosh/v1/links`)
  makes an address that opens it once. Its cookie and its key together, sent by its own origin,
  count as the token; another token ends its sessions.
- **Sheets** count in UTF-16 code units, as JavaScript does. An edit names the version it was made
  on and is answered when it is on the drive; a refused one changes nothing.
- **Leaving stops the work.** A client that hangs up ends its answer at once.
- **Events**: `/galosh/v1/events` sends the state first, then every change with an `id`; after a
  lost connection `Last-Event-ID` goes on after that one. Where what came between is no longer
  known (256 events are kept; a restart forgets), the state comes first again. A reader that is
  too slow gets `stream.dropped` as its last event.

## Routes
"""


def render() -> str:
    """The whole page."""
    from galosh.server.api_document import OPERATIONS

    pieces = [INTRO]
    for family in FAMILIES:
        pieces += [f"\n### {family}\n", "| route | does | body | streams |", "|---|---|---|---|"]
        for path, methods in OPERATIONS.items():
            for method, one in methods.items():
                if one.family == family:
                    pieces.append(_row(path, method, one))
    return "\n".join(pieces) + "\n"


def _row(path: str, method: str, one: object) -> str:
    body: object = getattr(one, "body", None)
    fields = ""
    if isinstance(body, Mapping):
        required = set(body.get("required", ()))
        names = sorted(body.get("properties", ()), key=lambda name: (name not in required, name))
        fields = ", ".join(f"**`{n}`**" if n in required else f"`{n}`" for n in names)
    streams = getattr(one, "streams", None) or ""
    return f"| `{method} {path}` | {getattr(one, 'summary', '')} | {fields} | {streams} |"


if __name__ == "__main__":
    sys.path[:0] = [str(REPO / root) for root in ("core", "installer", "daemon", "presets")]
    TARGET.write_text(render(), encoding="utf-8")
