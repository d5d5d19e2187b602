from common import ADDRESS, MODEL, QUESTION, STOP, TEXTS, TOKEN, refusal, tell
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

known = {"base_url": f"{ADDRESS}/v1", "api_key": TOKEN, "temperature": 0, "max_retries": 0}
chat = ChatOpenAI(model=MODEL, max_tokens=40, **known)
ollama = ChatOllama(
    model=MODEL,
    base_url=ADDRESS,
    temperature=0,
    client_kwargs={"headers": {"Authorization": f"Bearer {TOKEN}"}},
)
try:
    ChatOpenAI(model="gpt-9", **known).invoke(QUESTION)
    refused = {}
except Exception as error:
    refused = refusal(error)
# Otherwise it sends token numbers of another vocabulary.
plain = OpenAIEmbeddings(
    model=MODEL, base_url=f"{ADDRESS}/v1", api_key=TOKEN, check_embedding_ctx_length=False
)
other = OllamaEmbeddings(
    model=MODEL,
    base_url=ADDRESS,
    client_kwargs={"headers": {"Authorization": f"Bearer {TOKEN}"}},
)
tell(
    embedded=[len(plain.embed_query(TEXTS[0])), *map(len, other.embed_documents(TEXTS[1:]))],
    chat=ollama.invoke(QUESTION).content,
    stream=[piece.content for piece in chat.stream(QUESTION)],
    stopped=chat.invoke(QUESTION, stop=[STOP]).content,
    refused=refused,
)
