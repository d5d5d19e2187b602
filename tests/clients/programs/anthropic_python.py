import anthropic
from common import ADDRESS, MODEL, STOP, TALK, TOKEN, refusal, tell

client = anthropic.Anthropic(base_url=ADDRESS, api_key=TOKEN, max_retries=0)
asked = {"model": MODEL, "messages": TALK, "max_tokens": 40, "extra_body": {"temperature": 0}}
with client.messages.stream(**asked) as stream:
    pieces = list(stream.text_stream)
try:
    client.messages.create(**{**asked, "model": "gpt-9"})
    refused = {}
except anthropic.APIStatusError as error:
    refused = refusal(error)
tell(
    models=[model.id for model in client.models.list()],
    chat=client.messages.create(**asked).content[0].text,
    stream=pieces,
    stopped=client.messages.create(**asked, stop_sequences=[STOP]).content[0].text,
    refused=refused,
)
