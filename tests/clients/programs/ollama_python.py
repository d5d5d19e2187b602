import ollama
from common import ADDRESS, MODEL, RESULT, STOP, TALK, TEXTS, TOKEN, TOOL, refusal, tell

client = ollama.Client(host=ADDRESS, headers={"Authorization": f"Bearer {TOKEN}"})
options = {"temperature": 0, "num_predict": 40}
stream = client.chat(MODEL, TALK, stream=True, options=options)
try:
    client.chat("gpt-9", TALK)
    refused = {}
except ollama.ResponseError as error:
    refused = refusal(error)
# Ollama's API has no way to ask for a call: the model makes one or answers.
first = client.chat(MODEL, TALK, tools=[TOOL], options={**options, "num_predict": 80}).message
wish = {"function": {"name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius"}}}
made = {"role": "assistant", "content": "", "tool_calls": first.tool_calls or [wish]}
result = {"role": "tool", "tool_name": "get_weather", "content": RESULT}
after = client.chat(MODEL, [*TALK, made, result], tools=[TOOL], options=options)
tell(
    calls=[(call.function.name, call.function.arguments) for call in first.tool_calls or []],
    first=first.content,
    after=after.message.content or (after.message.tool_calls and "called again"),
    models=[model.model for model in client.list().models],
    chat=client.chat(MODEL, TALK, options=options).message.content,
    stream=[piece.message.content for piece in stream],
    embedded=[len(vector) for vector in client.embed(MODEL, TEXTS).embeddings],
    stopped=client.chat(MODEL, TALK, options={**options, "stop": [STOP]}).message.content,
    refused=refused,
)
