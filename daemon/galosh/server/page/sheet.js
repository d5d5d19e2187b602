// One open sheet and its copy on the daemon's disk.
//
// Rules: what was typed is sent within half a second and sent again until it is acknowledged;
// until then it is kept in this browser too, so that neither a killed tab nor an away daemon
// loses it. If the sheet changed elsewhere meanwhile, both versions are merged and nothing of
// either is dropped. Knows no element of the page.

import { apply, difference, merge, moveMarks, remember, replay } from "./diff.js";
import { Away, Refused, call } from "./api.js";
import { memory } from "./dom.js";

const PAUSE_MS = 200;
const MOST_MS = 450;
const RETRY_MS = 1000;
const KEEPALIVE_BYTES = 60_000;
const MARKS_MOST = 2000;
const PIECE = 1_000_000; // code units in one request

/** The first `most` code units, no surrogate pair cut in two. */
const whole = (text, most) => text.slice(0, (text.charCodeAt(most - 1) & 0xfc00) === 0xd800 ? most - 1 : most);

const tab = crypto.randomUUID ? crypto.randomUUID().slice(0, 8) : String(Math.random()).slice(2, 10);
// Held as long as this tab lives: what a dead one left unsent is taken over by the next.
navigator.locks?.request(`galosh.tab.${tab}`, () => new Promise(() => {}));
const between = new BroadcastChannel("galosh.sheets");

async function deadTabs(names) {
	const held = await navigator.locks?.query();
	const alive = new Set((held?.held ?? []).map((lock) => lock.name));
	return names.filter((name) => !alive.has(`galosh.tab.${name.split(".")[2]}`));
}

export class Sheet {
	/** told: {adopted(text, marks), saved(flag), clash(), lost(text), refused(error), removed()}. */
	constructor(found, told) {
		this.told = told;
		this.id = found.id;
		this.title = found.title;
		this.#takeBase(found);
		this.text = found.text;
		this.marks = found.marks ?? [];
		this.timer = 0;
		this.firstAt = 0;
		this.sending = null;
		this.stuck = false;
		between.addEventListener("message", (this.hear = (event) => this.#heard(event.data)));
	}

	#takeBase(found) {
		this.base = found.text;
		this.baseMarks = JSON.stringify(found.marks ?? []);
		this.version = found.version;
	}

	get unsaved() {
		return this.text !== this.base || JSON.stringify(this.marks) !== this.baseMarks;
	}

	/** What other tabs of this browser left unsent when they died. */
	async recover() {
		for (const name of await deadTabs(memory.names(`unsent.${this.id}.`))) {
			const kept = memory.get(name);
			memory.set(name, null);
			if (!kept) continue;
			const found = replay(this.text, this.version, kept);
			if (found.lost) this.told.lost(kept.insert);
			if (!found.edit) continue;
			this.text = apply(this.text, found.edit);
			this.marks = moveMarks(this.marks, found.edit);
		}
		if (this.unsaved) this.#plan();
	}

	/** The sheet as it is on the screen now. */
	change(text, marks) {
		this.text = text;
		this.marks = marks;
		if (!this.unsaved) return;
		this.told.saved(false, this.#keep());
		this.#plan();
	}

	/** Until the daemon has it, this browser keeps it. */
	#keep() {
		const edit = difference(this.base, this.text);
		const name = `unsent.${this.id}.${tab}`;
		return memory.set(name, edit && remember(this.base, edit, this.version));
	}

	#plan() {
		if (this.sending || this.stuck) return;
		const now = performance.now();
		if (!this.timer) this.firstAt = now;
		clearTimeout(this.timer);
		const wait = Math.max(0, Math.min(PAUSE_MS, this.firstAt + MOST_MS - now));
		this.timer = setTimeout(() => this.send(), wait);
	}

	/** Send what is not on disk; resolves when it is, or when that has to wait. */
	async send({ last = false } = {}) {
		clearTimeout(this.timer);
		this.timer = 0;
		return this.sending ?? this.#alone(() => this.#send(last));
	}

	/** One at a time: no older answer may come after a newer one. */
	#alone(work) {
		this.sending = work().finally(() => {
			this.sending = null;
			if (this.unsaved) this.#plan();
		});
		return this.sending;
	}

	async #send(last) {
		let { text, marks } = this;
		let edit = difference(this.base, text);
		if (!edit && JSON.stringify(marks) === this.baseMarks) return;
		if (edit && edit.insert.length > PIECE) {
			// A large paste goes in pieces.
			edit = { ...edit, insert: whole(edit.insert, PIECE) };
			text = apply(this.base, edit);
			marks = moveMarks(JSON.parse(this.baseMarks), edit);
		}
		const body = { base_version: this.version, edits: [edit ?? { at: 0, remove: 0, insert: "" }], marks: marks.slice(-MARKS_MOST) };
		this.sent = text;
		const keepalive = last && JSON.stringify(body).length < KEEPALIVE_BYTES;
		try {
			const { version } = await call("POST", `/notebooks/${this.id}/edits`, body, { keepalive });
			this.#acknowledged(text, marks, edit, version);
		} catch (error) {
			await this.#failed(error);
		}
	}

	#acknowledged(text, marks, edit, version) {
		const before = this.version;
		this.#takeBase({ text, marks, version });
		if (edit) between.postMessage({ id: this.id, from: tab, before, version, edit, marks });
		if (this.unsaved) this.#keep();
		else {
			memory.set(`unsent.${this.id}.${tab}`, null);
			this.told.saved(true);
		}
	}

	async #failed(error) {
		if (error instanceof Away) {
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		} else if (error instanceof Refused && error.status === 409) {
			await this.#catchUp();
		} else if (error instanceof Refused && error.status === 404) {
			this.stuck = true;
			this.told.removed();
		} else if (error instanceof Refused) {
			this.stuck = error.status < 500 && error.status !== 401 && error.status !== 429;
			this.told.refused(error);
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		} else throw error;
	}

	/** The sheet changed elsewhere: fetch it, and put ours on top. */
	async #catchUp() {
		let found;
		try {
			found = (await call("GET", `/notebooks/${this.id}`)).notebook;
		} catch (error) {
			return this.#failed(error);
		}
		this.#join(found);
	}

	#join(found) {
		if (found.version <= this.version) return;
		if (found.text === this.sent) this.base = this.sent; // only the answer was lost
		const joined = merge(this.base, this.text, found.text);
		const marks = joined.edit ? moveMarks(found.marks ?? [], joined.edit) : found.marks ?? [];
		this.#takeBase(found);
		this.title = found.title ?? this.title;
		this.text = joined.text;
		this.marks = marks;
		this.#keep();
		this.told.adopted(this.text, this.marks);
		if (joined.clash) this.told.clash();
		this.told.saved(!this.unsaved);
	}

	/** Another tab saved this sheet. */
	#heard({ id, from, before, version, edit, marks }) {
		if (id !== this.id || from === tab || version <= this.version) return;
		if (before === this.version && !this.sending) {
			this.#join({ text: apply(this.base, edit), marks, version });
		} else this.changedElsewhere(version);
	}

	/** The daemon says that the sheet has this version now. */
	async changedElsewhere(version) {
		if (version <= this.version || this.catching) return;
		this.catching = true;
		try {
			while (this.sending) await this.sending;
			if (version > this.version) await this.#alone(() => this.#catchUp());
		} finally {
			this.catching = false;
		}
	}

	/** Another name is another version; the text is the same. */
	renamed(version) {
		if (version === this.version + 1 && !this.sending) this.version = version;
	}

	/** Try again what waits, at once. */
	retry() {
		this.stuck = false;
		if (this.unsaved) this.#plan();
	}

	close() {
		between.removeEventListener("message", this.hear);
		return this.unsaved ? this.send({ last: true }) : Promise.resolve();
	}
}
