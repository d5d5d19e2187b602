from common import ADDRESS, MODEL, QUESTION, RESULT, STOP, TEXTS, TOKEN, TOOL, refusal, tell
from langchain_core.messages import HumanMessage, ToolMessage
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
able = ChatOpenAI(model=MODEL, max_tokens=80, **known).bind_tools([TOOL], tool_choice="any")
called = able.invoke(QUESTION)
[call] = called.tool_calls[:1]
pieces = [
    (one["name"] or "", one["args"] or "")
    for piece in able.stream(QUESTION)
    for one in piece.tool_call_chunks
]
result = ToolMessage(RESULT, tool_call_id=call["id"])
after = ollama.bind_tools([TOOL]).invoke([HumanMessage(QUESTION), called, result])
tell(
    calls=[(call["name"], call["args"])],
    ended=called.response_metadata["finish_reason"],
    pieces=pieces,
    after=after.content,
    embedded=[len(plain.embed_query(TEXTS[0])), *map(len, other.embed_documents(TEXTS[1:]))],
    chat=ollama.invoke(QUESTION).content,
    stream=[piece.content for piece in chat.stream(QUESTION)],
    stopped=chat.invoke(QUESTION, stop=[STOP]).content,
    refused=refused,
)
