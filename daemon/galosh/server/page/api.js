// The only way to the daemon: requests with the session's key, streams, and the event stream.
// Knows when the daemon is away and says so to whoever listens; never touches the page.

import { memory } from "./dom.js";

const OURS = "/galosh/v1";
const RETRY_MS = [400, 800, 1500, 3000];

/** The daemon did not answer. */
export class Away extends Error {}

/** The daemon refused: `told` has code, what, why, kept, next_step, facts. */
export class Refused extends Error {
	constructor(status, told) {
		super(told.what ?? told.message ?? "");
		this.status = status;
		this.told = told;
		this.code = told.code ?? "";
	}
}

const listeners = { away: [], locked: [] };
let away = false;
/** `listen("away", flag => …)`, `listen("locked", () => …)`. */
export const listen = (name, call) => listeners[name].push(call);

function setAway(now) {
	if (away === now) return;
	away = now;
	listeners.away.forEach((call) => call(now));
}

const headers = () => {
	const key = memory.get("key");
	return key ? { "X-Galosh-Key": key } : {};
};

async function ask(method, path, body, options = {}) {
	let response;
	try {
		response = await fetch(path, {
			method,
			headers: { ...headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
			body: body === undefined ? undefined : JSON.stringify(body),
			credentials: "same-origin",
			cache: "no-store",
			...options,
		});
	} catch (error) {
		if (error.name === "AbortError") throw error;
		setAway(true);
		throw new Away();
	}
	setAway(false);
	if (response.ok) return response;
	let told = {};
	try {
		const found = (await response.json()).error;
		told = { message: found.message, ...found.galosh };
	} catch {
		told = { message: `HTTP ${response.status}` };
	}
	if (response.status === 401) listeners.locked.forEach((call) => call());
	throw new Refused(response.status, told);
}

/** One request of ours; what it answers. */
export async function call(method, path, body, options) {
	return (await ask(method, OURS + path, body, options)).json();
}

/** Trade the code of a one-time link for a session. */
export async function trade(code) {
	const found = await call("POST", "/session", { code });
	memory.set("key", found.key);
}

/** The data of a stream of events, parsed, until it ends. Raises what the stream states. */
export async function* stream(path, body, signal) {
	const response = await ask("POST", path, { ...body, stream: true }, { signal });
	for await (const event of events(response)) {
		if (event.data === "[DONE]") return;
		const value = JSON.parse(event.data);
		if (value.error) {
			throw new Refused(response.status, { message: value.error.message, ...value.error.galosh });
		}
		yield value;
	}
}

async function* events(response) {
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let waiting = "";
	try {
		for (;;) {
			let part;
			try {
				part = await reader.read();
			} catch (error) {
				if (error.name === "AbortError") throw error;
				setAway(true);
				throw new Away();
			}
			if (part.done) return;
			waiting += part.value;
			const blocks = waiting.split("\n\n");
			waiting = blocks.pop();
			for (const block of blocks) {
				const event = { name: "message", data: "", id: null };
				for (const line of block.split("\n")) {
					if (line.startsWith("data: ")) event.data += line.slice(6);
					else if (line.startsWith("event: ")) event.name = line.slice(7);
					else if (line.startsWith("id: ")) event.id = line.slice(4);
				}
				if (event.data) yield event;
			}
		}
	} finally {
		reader.cancel().catch(() => {});
	}
}

let tries = 0;

/** Follow the daemon's events for good; `told(name, facts)`. Comes back by itself. */
export async function follow(told) {
	let last = null;
	for (;;) {
		try {
			const more = last === null ? {} : { "Last-Event-ID": last };
			const response = await ask("GET", `${OURS}/events`, undefined, { headers: { ...headers(), ...more } });
			tries = 0;
			for await (const event of events(response)) {
				if (event.id !== null) last = event.id;
				const value = JSON.parse(event.data);
				told(event.name, event.name === "status" ? value : value.facts);
			}
			last = null;
		} catch (error) {
			if (error instanceof Refused && error.status === 401) return;
			if (!(error instanceof Away) && !(error instanceof Refused)) console.warn(error);
		}
		const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)];
		await new Promise((resolve) => setTimeout(resolve, wait));
	}
}
