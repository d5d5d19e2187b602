import openai
from common import ADDRESS, MODEL, STOP, TALK, TEXTS, TOKEN, refusal, tell

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
tell(
    models=[model.id for model in client.models.list()],
    chat=create(model=MODEL, messages=TALK, temperature=0).choices[0].message.content,
    stream=[chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices],
    embedded=[len(one.embedding) for one in vectors.data],
    stopped=stopped.choices[0].message.content,
    refused=refused,
)
