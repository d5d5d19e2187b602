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
console.log(
  JSON.stringify({
    models,
    stream,
    refused,
    embedded: vectors.data.map((one) => one.embedding.length),
    chat: (await ask({})).choices[0].message.content,
    stopped: (await ask({ stop: ["Paris"] })).choices[0].message.content,
  }),
);
