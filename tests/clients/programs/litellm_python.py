import litellm
from common import ADDRESS, MODEL, STOP, TALK, TEXTS, TOKEN, refusal, tell

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
tell(
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
