import { Ollama } from "ollama";

const { GALOSH_ADDRESS, GALOSH_TOKEN, GALOSH_MODEL: model } = process.env;
const headers = { Authorization: `Bearer ${GALOSH_TOKEN}` };
const client = new Ollama({ host: GALOSH_ADDRESS, headers });
const messages = [{ role: "user", content: "What is the capital of France?" }];
const options = { temperature: 0, num_predict: 40 };

const stream = [];
for await (const piece of await client.chat({ model, messages, options, stream: true }))
  stream.push(piece.message.content);
let refused = {};
try {
  await client.chat({ model: "gpt-9", messages });
} catch (error) {
  refused = { kind: error.constructor.name, status: error.status_code, text: error.message };
}
const stopped = await client.chat({ model, messages, options: { ...options, stop: ["Paris"] } });
const input = ["The cat sat on the mat.", "A cat sits on a rug."];
const vectors = await client.embed({ model, input });
const parameters = {
  type: "object",
  properties: { city: { type: "string" }, unit: { type: "string" } },
  required: ["city", "unit"],
};
const weather = { name: "get_weather", description: "The weather of a city", parameters };
const tools = [{ type: "function", function: weather }];
const more = { ...options, num_predict: 80 };
// Ollama's API has no way to ask for a call: the model makes one or answers.
const first = (await client.chat({ model, messages, tools, options: more })).message;
const wish = { function: { name: "get_weather", arguments: { city: "Paris", unit: "celsius" } } };
const made = { role: "assistant", content: "", tool_calls: first.tool_calls ?? [wish] };
const result = { role: "tool", tool_name: "get_weather", content: "21 degrees and sunny" };
const talk = [...messages, made, result];
const after = (await client.chat({ model, messages: talk, tools, options })).message;
console.log(
  JSON.stringify({
    models: (await client.list()).models.map((one) => one.model),
    chat: (await client.chat({ model, messages, options })).message.content,
    stream,
    embedded: vectors.embeddings.map((one) => one.length),
    stopped: stopped.message.content,
    refused,
    calls: (first.tool_calls ?? []).map((one) => [one.function.name, one.function.arguments]),
    first: first.content,
    after: after.content || (after.tool_calls && "called again"),
  }),
);
