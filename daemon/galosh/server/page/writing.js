// The model writes on the sheet: generate, stop, again, a word, a line, choices; what came of
// it and why it ended is always said. Owns the running requests; the editor owns the text.

import { Away, Refused, stream } from "./api.js";
import { byId, el, memory } from "./dom.js";
import { contextTokens, count, endThatFits } from "./counting.js";
import { isAwake, refresh, speedNow } from "./status.js";
import { number, t } from "./texts.js";
import { speakOut, trouble } from "./telling.js";

const KINDS = {
	free: { cut: (text) => text, most: () => Number(byId("most").value) || null },
	word: { cut: (text) => /^\s*\S+(?=\s)/.exec(text)?.[0], most: () => 12 },
	line: { cut: (text) => /^\n*[^\n]+(?=\n)/.exec(text)?.[0], most: () => 160 },
};
const TOP = 5;
const CHOICE_TOKENS = 24;
const CHOICES = 3;
const KEEP_TOKENS = 1500;

const fullCard = (why) => ({ what: t("full.what"), why, next_step: t("full.next") });

export class Writer {
	/** changed(): running, tokens or what can be done are not what they were. */
	constructor(editor, changed) {
		this.editor = editor;
		this.changed = changed;
		this.running = null;
		this.tokens = [];
		this.sheet = null;
	}

	get canRepeat() {
		const { latest } = this.editor;
		return Boolean(latest && latest.whole && latest.end > latest.start);
	}

	stop() {
		this.running?.abort();
	}

	#body(prompt, most) {
		const preset = byId("preset").value;
		return {
			prompt, ...(most ? { max_tokens: most } : {}), ...(preset ? { preset } : {}),
			logprobs: TOP, notices: true, stream_options: { include_usage: true },
		};
	}

	/** Where to go on, and what the model is shown. */
	async #prompt(at, most) {
		const text = this.editor.text.slice(0, at);
		if (!memory.get(`tail.${this.sheet}`)) return text;
		const context = contextTokens();
		if (!context) return text;
		const room = context - Math.min(most ?? 256, Math.floor(context / 4)) - 2;
		const start = isAwake() && (await count(text)).count <= room ? 0 : await endThatFits(text, room);
		return text.slice(start);
	}

	/** Go on with the text. kind: free, word or line; again: in place of what was written last. */
	async generate(kind = "free", { again = false } = {}) {
		if (this.running) return;
		const { editor } = this;
		const last = editor.latest;
		const at = again ? last.start : byId("from").value === "caret" ? editor.caret : editor.text.length;
		byId("notebook-trouble").replaceChildren();
		if (!editor.text.slice(0, at).trim()) return this.#tell(t("told.empty"));
		const control = this.#run(t("told.reading"));
		const run = { kind, text: "", tokens: [], wrote: "", finish: null, usage: null, began: 0, spoken: "" };
		let writing = null;
		try {
			const most = KINDS[kind].most();
			const prompt = await this.#prompt(at, most);
			if (control.signal.aborted) return;
			writing = editor.begin(at, again ? last.end - last.start : 0);
			for await (const piece of stream("/v1/completions", this.#body(prompt, most), control.signal)) {
				this.#take(run, piece, writing);
				if (run.taken) control.abort();
			}
			this.#ended(run);
		} catch (error) {
			this.#failed(error, run);
		} finally {
			if (writing) editor.finish(writing);
			this.tokens = run.tokens.slice(-KEEP_TOKENS);
			this.tokens.left = run.tokens.length - this.tokens.length;
			if (run.spoken) speakOut(run.spoken);
			this.#rest();
		}
	}

	#run(told) {
		this.running = new AbortController();
		this.#tell(told);
		this.changed();
		return this.running;
	}

	#rest() {
		this.running = null;
		speedNow(null);
		refresh();
		this.changed();
	}

	#tell(text) {
		byId("told").textContent = text;
	}

	#take(run, piece, writing) {
		if (piece.galosh?.notice) this.#tell(piece.galosh.notice.text);
		if (piece.usage) run.usage = piece.usage;
		const choice = piece.choices?.[0];
		if (!choice) return;
		if (choice.finish_reason) run.finish = choice.finish_reason;
		if (!choice.text) return;
		run.began ||= performance.now();
		run.text += choice.text;
		const { logprobs } = choice;
		(logprobs?.tokens ?? [choice.text]).forEach((text, i) =>
			run.tokens.push({ text, logprob: logprobs?.token_logprobs[i] ?? null, top: logprobs?.top_logprobs[i] ?? {} }));
		const cut = KINDS[run.kind].cut(run.text);
		run.taken = run.kind !== "free" && cut !== undefined;
		const shown = (cut ?? run.text).slice(run.wrote.length);
		if (shown) {
			this.editor.write(writing, shown);
			run.wrote += shown;
			this.#speak(run, shown);
		}
		const seconds = (performance.now() - run.began) / 1000;
		if (run.tokens.length > 3 && seconds > 0.5) speedNow((run.tokens.length - 1) / seconds);
		this.#tell(t("told.writing"));
	}

	/** Whole sentences only: a reader that is interrupted at every syllable is no help. */
	#speak(run, text) {
		run.spoken += text;
		const end = run.spoken.search(/[.!?…\n]\s*$/);
		if (end < 0) return;
		speakOut(run.spoken);
		run.spoken = "";
	}

	#ended(run) {
		const { usage, finish } = run;
		const total = usage?.total_tokens ?? 0;
		const most = contextTokens();
		if (finish === "length" && most && total >= most - 1) {
			this.#tell("");
			this.#full(t("full.why", { count: number(total), most: number(most) }));
		} else if (!run.wrote) this.#tell(t("told.nothing"));
		else if (finish === "length" && run.kind === "free") this.#tell(t("told.limit", { count: number(usage?.completion_tokens ?? 0) }));
		else this.#tell(run.kind === "free" ? t("told.ended") : "");
	}

	#failed(error, run) {
		if (error.name === "AbortError") this.#tell(run.taken ? "" : t("told.stopped"));
		else if (error instanceof Away) this.#tell(t("told.cut"));
		else if (error instanceof Refused && error.code.endsWith("prompt-too-long")) {
			const { prompt_tokens: tokens, context_tokens: most } = error.told.facts ?? {};
			this.#tell("");
			this.#full(t("full.why", { count: number(tokens ?? 0), most: number(most ?? 0) }));
		} else {
			this.#tell("");
			trouble(error, byId("notebook-trouble"));
		}
	}

	/** The context is full: never silence. */
	#full(why) {
		const go = el("button", { class: "main", onclick: () => {
			memory.set(`tail.${this.sheet}`, true);
			this.generate();
		} }, t("full.go"));
		const more = el("button", { onclick: () =>
			dispatchEvent(new CustomEvent("galosh-view", { detail: "settings" })) }, t("full.settings"));
		trouble(new Refused(400, fullCard(why)), byId("notebook-trouble"), [go, more]);
	}

	// --- choices ---

	/** Short continuations; picked(text) with the one that was chosen. */
	async choose(place, picked) {
		if (this.running) return;
		const at = byId("from").value === "caret" ? this.editor.caret : this.editor.text.length;
		if (!this.editor.text.slice(0, at).trim()) return this.#tell(t("told.empty"));
		const control = this.#run(t("told.reading"));
		const buttons = Array.from({ length: CHOICES }, (_, i) => el("button", { class: "choice", "data-choice": i + 1 }));
		const texts = buttons.map(() => "");
		buttons.forEach((button, i) => button.addEventListener("click", () => {
			control.abort();
			picked(at, texts[i]);
		}));
		place.append(el("p", { class: "dim small" }, t("choices.pick")), ...buttons);
		buttons[0].focus();
		try {
			const prompt = await this.#prompt(at, CHOICE_TOKENS);
			await Promise.all(buttons.map((button, i) => this.#choice(prompt, button, texts, i, control)));
			if (new Set(texts).size === 1) place.append(el("p", { class: "dim" }, t("choices.same")));
			speakOut(texts.map((text, i) => `${i + 1}: ${text}`).join(". "));
			this.#tell("");
		} catch (error) {
			control.abort();
			this.#failed(error, { taken: true });
		} finally {
			this.#rest();
		}
	}

	async #choice(prompt, button, texts, i, control) {
		const body = { ...this.#body(prompt, CHOICE_TOKENS), seed: Math.floor(Math.random() * 2 ** 31) };
		for await (const piece of stream("/v1/completions", body, control.signal)) {
			const text = piece.choices?.[0]?.text;
			if (!text) continue;
			const whole = texts[i] + text;
			texts[i] = /^\n*[^\n]+(?=\n)/.exec(whole)?.[0] ?? whole;
			button.textContent = `${i + 1}  ${texts[i]}`;
			if (texts[i].length < whole.length) break;
		}
	}
}
