// The chat: conversations with the model's own template. A conversation is a tree; what is
// shown is the way from its head to the root. Editing and asking again make branches: nothing
// that was said is ever replaced.

import { Away, Refused, call, stream } from "./api.js";
import { byId, copyText, el, later, memory } from "./dom.js";
import { render } from "./markdown.js";
import { Shelf } from "./shelf.js";
import { beginPresets, fillPresets, inTongue, showPrompts } from "./presets.js";
import { refresh, speedNow } from "./status.js";
import { fillTexts, number, t } from "./texts.js";
import { note, speakOut, trouble } from "./telling.js";

const SAVE_MS = 2000;
let place, shelf;
let chat = null;
let running = null;
let cut = false; // leave out the oldest turns of this conversation

// --- the tree ---

const nodeOf = (id) => chat.nodes.find((node) => node.id === id);
const childrenOf = (id) => chat.nodes.filter((node) => node.parent === id);

function path(head = chat?.head) {
	const found = [];
	for (let node = head && nodeOf(head); node; node = node.parent && nodeOf(node.parent)) found.unshift(node);
	return found;
}

/** The newest answer below a node. */
function deepest(id) {
	for (let below = childrenOf(id); below.length; below = childrenOf(id)) id = below.at(-1).id;
	return id;
}

async function setHead(id) {
	chat.head = id;
	draw();
	await call("PATCH", `/chats/${chat.id}`, { head: id });
}

async function add(node) {
	const { node: made, kept } = await call("POST", `/chats/${chat.id}/nodes`, node);
	if (kept === false) chat.kept = false;
	const whole = { ...node, ...made };
	chat.nodes.push(whole);
	chat.head = whole.id;
	return whole;
}

// --- conversations ---

async function open(id, focus = false) {
	running?.abort();
	chat = (await call("GET", `/chats/${id}`)).chat;
	cut = false;
	shelf.opened(chat);
	draw();
	byId("chat-log").scrollTop = byId("chat-log").scrollHeight;
	if (focus) byId("chat-words").focus();
}

async function create() {
	if (chat && !chat.nodes.length) return byId("chat-words").focus(); // there is an empty one
	const found = await call("POST", "/chats", {});
	chat = found.chat;
	cut = false;
	draw();
	await shelf.load();
	shelf.opened(chat);
	byId("chat-words").focus();
}

async function remove() {
	const gone = chat;
	running?.abort();
	chat = null;
	await shelf.remove(gone);
	await shelf.openSome();
}

// --- asking and answering ---

async function send() {
	const words = byId("chat-words").value.trim();
	if (!words || running || !chat) return;
	byId("chat-words").value = "";
	memory.set("chat.words", null);
	try {
		await ask(words, chat.head);
	} catch (error) {
		byId("chat-words").value = words;
		failed(error);
	}
}

async function ask(words, parent) {
	const node = await add({ parent, role: "user", text: words });
	draw();
	shelf.soon();
	await answer(node.id);
}

function body(parent) {
	const preset = byId("chat-preset").value;
	return {
		messages: path(parent).map((node) => ({ role: node.role, content: node.text })),
		...(preset ? { preset } : {}), ...(byId("chat-think").checked ? {} : { think: false }),
		...(cut ? { truncate: true } : {}), notices: true, stream_options: { include_usage: true },
	};
}

/** An answer to the node `parent`, as a new branch. */
async function answer(parent) {
	const mine = (running = new AbortController());
	const node = { id: "new", parent, role: "assistant", text: "", thoughts: "" };
	const saver = new Saver(chat.id, node);
	chat.nodes.push(node);
	chat.head = node.id;
	byId("chat-trouble").replaceChildren();
	draw();
	let began = 0, pieces = 0;
	try {
		for await (const piece of stream("/v1/chat/completions", body(parent), mine.signal)) {
			if (piece.galosh?.notice) tell(piece.galosh.notice.text);
			if (piece.model) node.model = piece.model;
			if (piece.usage) node.speed = speedOf(piece);
			if (piece.galosh?.truncated) note(t("chat.cut", { count: number(piece.galosh.truncated.dropped_messages) }));
			const delta = piece.choices?.[0]?.delta ?? {};
			if (!delta.content && !delta.reasoning_content) continue;
			node.text += delta.content ?? "";
			node.thoughts += delta.reasoning_content ?? "";
			began ||= performance.now();
			const seconds = (performance.now() - began) / 1000;
			if (++pieces > 3 && seconds > 0.5) speedNow((pieces - 1) / seconds);
			tell(t(delta.content ? "told.writing" : "chat.thinking"));
			drawSoon(node);
			saver.soon();
		}
		tell("");
	} catch (error) {
		tell(error.name === "AbortError" ? t("told.stopped") : error instanceof Away ? t("told.cut") : "");
		failed(error);
	} finally {
		await saver.finish();
		if (running === mine) running = null;
		speedNow(null);
		refresh();
		if (node.text) speakOut(node.text);
		draw();
	}
}

function speedOf(piece) {
	const seconds = piece.galosh?.decode_seconds;
	return seconds > 0 ? Math.round((piece.usage.completion_tokens / seconds) * 10) / 10 : null;
}

/** Puts an answer on disk while it is being written, and when it is whole. */
class Saver {
	constructor(chatId, node) {
		Object.assign(this, { chatId, node, saved: null, work: Promise.resolve(), at: 0 });
	}

	soon() {
		if (performance.now() - this.at < SAVE_MS) return;
		this.at = performance.now();
		this.work = this.work.then(() => this.#save()).catch(() => {});
	}

	async #save() {
		const { node } = this;
		const { text, thoughts, model, speed } = node; // what is undefined is not sent
		const words = { text, thoughts, model, speed: speed || undefined };
		if (this.saved) await call("PATCH", `/chats/${this.chatId}/nodes/${this.saved}`, words);
		else {
			const made = await call("POST", `/chats/${this.chatId}/nodes`, { parent: node.parent, role: "assistant", ...words });
			this.saved = made.node.id;
			if (chat?.id === this.chatId && chat.head === node.id) chat.head = this.saved;
			node.id = this.saved;
		}
	}

	/** Until it is saved; a daemon that is away is waited for. */
	async finish() {
		await this.work;
		const { node } = this;
		if (!node.text && !node.thoughts) {
			if (this.saved || chat?.id !== this.chatId) return;
			chat.nodes = chat.nodes.filter((one) => one !== node);
			if (chat.head === node.id) chat.head = node.parent;
			return;
		}
		const again = async () => {
			try {
				await this.#save();
			} catch (error) {
				if (!(error instanceof Away)) return failed(error);
				setTimeout(again, 1000);
			}
		};
		await again();
	}
}

function failed(error) {
	if (error instanceof Refused && error.code.endsWith("prompt-too-long")) {
		const go = el("button", { class: "main", onclick: () => {
			cut = true;
			answer(chat.head);
		} }, t("chat.cut.go"));
		trouble(error, byId("chat-trouble"), [go]);
		return;
	}
	const head = chat?.head && nodeOf(chat.head);
	const retry = head?.role === "user" ? [el("button", { onclick: () => answer(head.id) }, t("retry"))] : [];
	trouble(error, byId("chat-trouble"), retry);
}

const tell = (text) => {
	if (byId("chat-told").textContent !== text) byId("chat-told").textContent = text;
};

// --- what is shown ---

let drawn = new Map(); // node -> its article

function draw() {
	const log = byId("chat-log");
	const way = path();
	drawn = new Map(way.map((node) => [node, article(node)]));
	if (way.length) log.replaceChildren(...drawn.values());
	else log.replaceChildren(el("p", { class: "dim" }, t("chat.empty")));
	const kept = chat?.kept !== false;
	byId("chat-kept").textContent = kept ? "" : t("chat.unkept");
	byId("chat-send").textContent = t(running ? "stop" : "chat.send");
	scroll(true);
}

let pending = null;
/** At most once a frame: only the answer that grows. */
function drawSoon(node) {
	if (pending) return;
	pending = requestAnimationFrame(() => {
		pending = null;
		const shown = drawn.get(node);
		if (!shown) return;
		fill(shown, node);
		scroll(false);
	});
}

function scroll(always) {
	const log = byId("chat-log");
	if (always || log.scrollHeight - log.scrollTop - log.clientHeight < 120) log.scrollTop = log.scrollHeight;
}

function article(node) {
	const made = el("article", { class: `turn ${node.role}` },
		el("h3", {}, node.role === "user" ? t("chat.you") : node.model ?? t("chat.model")),
		el("details", { class: "thoughts", hidden: true }, el("summary", {}, t("chat.thoughts")), el("div", {})),
		el("div", { class: "words" }), el("div", { class: "turn-tools" }));
	fill(made, node);
	made.lastChild.append(...tools(node, made));
	return made;
}

function fill(made, node) {
	const thoughts = made.querySelector(".thoughts");
	thoughts.hidden = !node.thoughts;
	if (node.thoughts) render(thoughts.lastChild, node.thoughts);
	const words = made.querySelector(".words");
	if (node.role === "user") words.textContent = node.text;
	else render(words, node.text);
}

function tools(node, made) {
	if (node.id === "new") return [];
	const same = childrenOf(node.parent ?? null).filter((one) => one.role === node.role);
	const at = same.indexOf(node);
	const turn = (by, name, text) => el("button", {
		class: "quiet", "aria-label": t(name), disabled: !same[at + by], onclick: () => setHead(deepest(same[at + by].id)),
	}, text);
	const branches = same.length > 1 ? [turn(-1, "chat.earlier", "‹"),
		el("span", { class: "small" }, `${at + 1}/${same.length}`), turn(1, "chat.later", "›")] : [];
	const button = (name, run) => el("button", { class: "quiet", disabled: Boolean(running), onclick: run }, t(name));
	return [...branches,
		button("copy", async () => { await copyText(node.text); note(t("copied")); }),
		button("chat.edit", () => edit(node, made)),
		node.role === "assistant" ? button("regenerate", () => answer(node.parent)) : null,
		node.speed ? el("span", { class: "dim small" }, t("told.speed", { speed: number(node.speed, 1) })) : null,
	].filter(Boolean);
}

/** Another wording of a turn: a branch beside it. */
function edit(node, made) {
	const area = el("textarea", { value: node.text, rows: Math.min(12, node.text.split("\n").length + 1), "aria-label": t("chat.edit") });
	const save = async () => {
		if (!area.value.trim() || area.value === node.text) return draw();
		if (node.role === "user") await ask(area.value, node.parent ?? null);
		else {
			await add({ parent: node.parent, role: "assistant", text: area.value });
			draw();
		}
	};
	made.querySelector(".words").replaceChildren(area, el("div", { class: "row" },
		el("button", { class: "main", onclick: save }, t(node.role === "user" ? "chat.send" : "chat.save")),
		el("button", { onclick: draw }, t("cancel"))));
	made.lastChild.replaceChildren();
	area.addEventListener("keydown", (event) => {
		if (event.key === "Escape") draw();
		else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
		else return;
		event.preventDefault();
		event.stopPropagation();
	});
	area.focus();
}

/** A prompt of the shelf around what was typed. */
function takePrompt(one) {
	const words = byId("chat-words");
	const own = words.value;
	const given = inTongue(one.defaults);
	const filled = inTongue(one.texts).replace(/ ?\{input\}/, () => (given ? ` ${given}` : "")).trimEnd();
	words.value = filled.includes("{selection}") ? filled.replace("{selection}", () => own) : `${filled}\n\n${own}`;
	if (one.sampler) byId("chat-preset").value = one.sampler;
	words.focus();
	words.setSelectionRange(words.value.length, words.value.length);
}

// --- the view ---

function build() {
	const field = (tag, id, props, ...inside) => el(tag, { id, ...props }, ...inside);
	place.append(
		el("nav", { class: "side", "data-label": "chats" },
			el("div", { class: "side-head" },
				field("input", "chat-search", { type: "search", "data-label": "chat.search", "data-hold": "chat.search" }),
				field("button", "chat-new", { "data-t": "sheet.new", onclick: create })),
			field("ul", "chat-list", {})),
		el("div", { class: "desk" },
			el("div", { class: "row" },
				field("button", "chat-drawer", { class: "quiet narrow", "data-t": "chats", onclick: () => place.querySelector(".side").classList.toggle("open") }),
				field("input", "chat-title", { class: "title", maxLength: 200, "data-label": "chat.title" }),
				field("span", "chat-kept", { class: "dim small" }), el("span", { class: "grow" }),
				field("button", "chat-prompts", { class: "quiet", "aria-haspopup": "menu", "data-t": "chat.prompts", onclick: () => showPrompts(byId("chat-prompts"), "action", takePrompt) }),
				el("button", { class: "quiet", "data-t": "delete", onclick: remove })),
			field("div", "chat-log", { role: "region", tabIndex: 0, "data-label": "chat.log" }),
			field("div", "chat-trouble", {}),
			el("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); press(); } },
				field("textarea", "chat-words", { rows: 3, "data-label": "chat.words", "data-hold": "chat.words",
					oninput: later(300, () => memory.set("chat.words", byId("chat-words").value || null)) }),
				field("button", "chat-send", { class: "main", type: "submit" })),
			el("div", { class: "row small" },
				el("label", {}, el("span", { "data-t": "preset" }), " ", field("select", "chat-preset", {})),
				el("label", {}, field("input", "chat-think", { type: "checkbox", checked: memory.get("chat.think", true),
					onchange: (event) => memory.set("chat.think", event.target.checked) }), " ", el("span", { "data-t": "chat.think" })),
				el("span", { class: "grow" }), field("span", "chat-told", { role: "status" }))));
	fillTexts(place);
	byId("chat-words").value = memory.get("chat.words", "") ?? "";
}

const press = () => (running ? running.abort() : send());

export async function begin(section) {
	place = section;
	build();
	shelf = new Shelf({
		kind: "chats", list: byId("chat-list"), search: byId("chat-search"), title: byId("chat-title"),
		untitled: "chat.untitled", current: () => chat, open, create,
	});
	await shelf.openSome();
	await beginPresets(byId("chat-preset"), "chat.preset");
}

export function focus() {
	byId("chat-words")?.focus();
}

export function respoken() {
	draw();
	shelf.draw();
	fillPresets(byId("chat-preset"), "chat.preset");
}

export function heard(name, facts) {
	if (name === "chat.changed" && facts.id !== chat?.id) shelf.soon();
}

export function onKey(event) {
	if (event.key === "Escape" && running) running.abort();
	else if (event.key === "Enter" && document.activeElement === byId("chat-words") && !event.shiftKey) press();
	else if (event.altKey && !event.ctrlKey && event.code === "KeyN") create();
	else if (event.altKey && !event.ctrlKey && event.code === "KeyS") byId("chat-search").focus();
	else return false;
	return true;
}
