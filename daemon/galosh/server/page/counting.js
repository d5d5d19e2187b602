// How many tokens a text has for the model in use, and which end of it fits.
// Never wakes a sleeping model for a count: then it is an estimate by what was counted before.

import { call } from "./api.js";
import { isAwake, state } from "./status.js";

const COUNT_MOST = 400_000; // code units; longer texts are estimated
const TRIES = 12;
let perToken = 3.6; // code units a token; learnt with every count

/** The context of the model in use, or as it will be; null: unknown. */
export const contextTokens = () => state.worker.context_tokens ?? state.worker.settings?.context_tokens ?? null;

export const estimate = (text) => Math.round(text.length / perToken);

async function ask(text) {
	if (!text) return 0;
	const { count } = await call("POST", "/tokenize", { text });
	if (text.length > 200) perToken = text.length / Math.max(1, count);
	return count;
}

/** {count, exact}. */
export async function count(text) {
	if (!isAwake() || text.length > COUNT_MOST) return { count: estimate(text), exact: false };
	return { count: await ask(text), exact: true };
}

/** Where the longest end of `text` begins that has at most `room` tokens. */
export async function endThatFits(text, room) {
	let low = 0; // too early
	let high = text.length; // fits
	let guess = Math.max(0, Math.floor(text.length - room * perToken));
	for (let i = 0; i < TRIES && high - low > 4; i++) {
		const found = await ask(text.slice(guess));
		if (found > room) low = guess;
		else high = guess;
		if (found <= room && (guess === 0 || room - found <= Math.max(1, room / 50))) break;
		const next = guess + Math.round((found - room) * perToken);
		guess = next > low && next < high ? next : Math.floor((low + high) / 2);
	}
	return atWord(text, high);
}

/** From a place to the next beginning of a word, if that is near. */
function atWord(text, at) {
	if (at === 0) return 0;
	const found = /\s\S/.exec(text.slice(at, at + 60));
	return found ? at + found.index + 1 : (text.charCodeAt(at) & 0xfc00) === 0xdc00 ? at + 1 : at;
}
