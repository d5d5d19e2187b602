import json

import openai
from common import ADDRESS, MODEL, RESULT, STOP, TALK, TEXTS, TOKEN, TOOL, refusal, tell

client = openai.OpenAI(base_url=f"{ADDRESS}/v1", api_key=TOKEN, max_retries=0)
create = client.chat.completions.create
stream = create(model=MODEL, messages=TALK, temperature=0, stream=True, max_tokens=40)
try:
    create(model="gpt-9", messages=TALK)
    refused = {}
except openai.APIStatusError as error:
    refused = refusal(error)
vectors = client.embeddings.create(model=MODEL, input=TEXTS)
stopped = create(model=MODEL, messages=TALK, temperature=0, stop=[STOP])
offered = {"model": MODEL, "tools": [TOOL], "temperature": 0, "max_tokens": 80}
called = create(**offered, messages=TALK, tool_choice="required")
message = called.choices[0].message
streamed = [
    call
    for chunk in create(**offered, messages=TALK, tool_choice="required", stream=True)
    for call in (chunk.choices[0].delta.tool_calls or [] if chunk.choices else [])
]
result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": RESULT}
after = create(**offered, messages=[*TALK, message, result], tool_choice="none")
tell(
    calls=[
        (call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls
    ],
    ended=called.choices[0].finish_reason,
    pieces=[(call.function.name or "", call.function.arguments or "") for call in streamed],
    after=after.choices[0].message.content,
    models=[model.id for model in client.models.list()],
    chat=create(model=MODEL, messages=TALK, temperature=0).choices[0].message.content,
    stream=[chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices],
    embedded=[len(one.embedding) for one in vectors.data],
    stopped=stopped.choices[0].message.content,
    refused=refused,
)
