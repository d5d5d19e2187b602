import json

import litellm
from common import ADDRESS, MODEL, RESULT, STOP, TALK, TEXTS, TOKEN, TOOL, refusal, tell

litellm.telemetry = False
known = {"api_base": f"{ADDRESS}/v1", "api_key": TOKEN, "messages": TALK, "max_tokens": 40}
asked = {**known, "model": f"openai/{MODEL}", "temperature": 0}
stream = litellm.completion(**asked, stream=True)
try:
    litellm.completion(**known, model="openai/gpt-9")
    refused = {}
except Exception as error:
    refused = refusal(error)
vectors = litellm.embedding(
    model=f"openai/{MODEL}", input=TEXTS, api_base=f"{ADDRESS}/v1", api_key=TOKEN
)
offered = {**asked, "tools": [TOOL], "max_tokens": 80}
called = litellm.completion(**offered, tool_choice="required").choices[0]
[call] = called.message.tool_calls[:1]
pieces = [
    (one.function.name or "", one.function.arguments or "")
    for chunk in litellm.completion(**offered, tool_choice="required", stream=True)
    for one in chunk.choices[0].delta.tool_calls or []
]
result = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
talk = [*TALK, called.message.model_dump(exclude_none=True), result]
after = litellm.completion(**{**offered, "messages": talk}, tool_choice="none")
tell(
    calls=[(call.function.name, json.loads(call.function.arguments))],
    ended=called.finish_reason,
    pieces=pieces,
    after=after.choices[0].message.content,
    models=litellm.get_valid_models(
        check_provider_endpoint=True,
        custom_llm_provider="openai",
        api_base=ADDRESS,
        api_key=TOKEN,
    ),
    chat=litellm.completion(**asked).choices[0].message.content,
    stream=[chunk.choices[0].delta.content or "" for chunk in stream],
    embedded=[len(one["embedding"]) for one in vectors.data],
    stopped=litellm.completion(**asked, stop=[STOP]).choices[0].message.content,
    refused=refused,
)
