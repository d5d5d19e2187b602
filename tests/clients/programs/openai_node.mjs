import OpenAI from "openai";

const { GALOSH_ADDRESS, GALOSH_TOKEN, GALOSH_MODEL: model } = process.env;
const client = new OpenAI({ baseURL: `${GALOSH_ADDRESS}/v1`, apiKey: GALOSH_TOKEN, maxRetries: 0 });
const messages = [{ role: "user", content: "What is the capital of France?" }];
const ask = (more) =>
  client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 40, ...more });

const models = [];
for await (const one of client.models.list()) models.push(one.id);
const stream = [];
for await (const chunk of await ask({ stream: true }))
  stream.push(chunk.choices[0]?.delta?.content ?? "");
let refused = {};
try {
  await ask({ model: "gpt-9" });
} catch (error) {
  refused = { kind: error.constructor.name, status: error.status, text: error.message };
}
const input = ["The cat sat on the mat.", "A cat sits on a rug."];
const vectors = await client.embeddings.create({ model, input });
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather of a city",
      parameters: {
        type: "object",
        properties: {
          city: { type: "string", enum: ["Paris", "Rome"] },
          unit: { type: "string", enum: ["celsius", "fahrenheit"] },
        },
        required: ["city", "unit"],
      },
    },
  },
];
const named = { type: "function", function: { name: "get_weather" } };
const called = (await ask({ tools, tool_choice: named, max_tokens: 80 })).choices[0];
const pieces = [];
for await (const chunk of await ask({ tools, tool_choice: named, max_tokens: 80, stream: true }))
  for (const call of chunk.choices[0]?.delta?.tool_calls ?? [])
    pieces.push([call.function.name ?? "", call.function.arguments ?? ""]);
const [call] = called.message.tool_calls;
const result = { role: "tool", tool_call_id: call.id, content: "21 degrees and sunny" };
const after = await ask({ messages: [...messages, called.message, result], tools, tool_choice: "none" });
console.log(
  JSON.stringify({
    models,
    stream,
    refused,
    pieces,
    calls: [[call.function.name, JSON.parse(call.function.arguments)]],
    ended: called.finish_reason,
    after: after.choices[0].message.content,
    embedded: vectors.data.map((one) => one.embedding.length),
    chat: (await ask({})).choices[0].message.content,
    stopped: (await ask({ stop: ["Paris"] })).choices[0].message.content,
  }),
);
