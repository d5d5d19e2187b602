import ollama
from common import ADDRESS, MODEL, STOP, TALK, TEXTS, TOKEN, refusal, tell

client = ollama.Client(host=ADDRESS, headers={"Authorization": f"Bearer {TOKEN}"})
options = {"temperature": 0, "num_predict": 40}
stream = client.chat(MODEL, TALK, stream=True, options=options)
try:
    client.chat("gpt-9", TALK)
    refused = {}
except ollama.ResponseError as error:
    refused = refusal(error)
tell(
    models=[model.model for model in client.list().models],
    chat=client.chat(MODEL, TALK, options=options).message.content,
    stream=[piece.message.content for piece in stream],
    embedded=[len(vector) for vector in client.embed(MODEL, TEXTS).embeddings],
    stopped=client.chat(MODEL, TALK, options={**options, "stop": [STOP]}).message.content,
    refused=refused,
)
