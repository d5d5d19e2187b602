import anthropic
from common import ADDRESS, MODEL, RESULT, STOP, TALK, TOKEN, WEATHER, refusal, tell

client = anthropic.Anthropic(base_url=ADDRESS, api_key=TOKEN, max_retries=0)
asked = {"model": MODEL, "messages": TALK, "max_tokens": 40, "extra_body": {"temperature": 0}}
with client.messages.stream(**asked) as stream:
    pieces = list(stream.text_stream)
try:
    client.messages.create(**{**asked, "model": "gpt-9"})
    refused = {}
except anthropic.APIStatusError as error:
    refused = refusal(error)
tool = {"name": WEATHER["name"], "input_schema": WEATHER["parameters"]}
offered = {**asked, "max_tokens": 80, "tools": [tool]}
called = client.messages.create(**offered, tool_choice={"type": "any"})
use = called.content[-1]
with client.messages.stream(**offered, tool_choice={"type": "tool", "name": tool["name"]}) as again:
    inputs = [("", event.partial_json) for event in again if event.type == "input_json"]
result = {"type": "tool_result", "tool_use_id": use.id, "content": RESULT}
talk = [
    *TALK,
    {"role": "assistant", "content": called.content},
    {"role": "user", "content": [result]},
]
after = client.messages.create(**{**offered, "messages": talk}, tool_choice={"type": "none"})
tell(
    calls=[(use.name, use.input)],
    ended=called.stop_reason,
    pieces=inputs,
    after=after.content[0].text,
    models=[model.id for model in client.models.list()],
    chat=client.messages.create(**asked).content[0].text,
    stream=pieces,
    stopped=client.messages.create(**asked, stop_sequences=[STOP]).content[0].text,
    refused=refused,
)
