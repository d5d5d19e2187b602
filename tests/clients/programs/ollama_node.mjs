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
console.log(
  JSON.stringify({
    models: (await client.list()).models.map((one) => one.model),
    chat: (await client.chat({ model, messages, options })).message.content,
    stream,
    embedded: vectors.embeddings.map((one) => one.length),
    stopped: stopped.message.content,
    refused,
  }),
);
