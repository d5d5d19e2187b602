// The notebook: sheets, the editor on one of them, and the tools around it.

import { Away, call } from "./api.js";
import { byId, el, later, memory } from "./dom.js";
import { Editor } from "./editor.js";
import { Sheet } from "./sheet.js";
import { Shelf } from "./shelf.js";
import { Writer } from "./writing.js";
import { contextTokens, count, endThatFits, estimate } from "./counting.js";
import { onState } from "./status.js";
import { beginPresets, fillPresets, inTongue, showPrompts } from "./presets.js";
import { bytes, number, t } from "./texts.js";
import { note, trouble } from "./telling.js";

const LIMITS = [50, 100, 200, 400, 0];
const IMPORT_MOST = 8_000_000;
const histories = new Map(); // what can be undone, of every sheet that was open
let editor, writer, shelf;
let sheet = null;
let panel = null; // "chances" or "choices" while the side view is open

// --- sheets ---

async function open(id, focus = false) {
	if (sheet?.id === id) return focus && byId("sheet").focus();
	writer.stop();
	const found = (await call("GET", `/notebooks/${id}`)).notebook;
	if (sheet) {
		histories.set(sheet.id, editor.history());
		sheet.close();
	}
	take(found);
	await sheet.recover();
	editor.load(sheet.text, sheet.marks, histories.get(id));
	drawer(false);
	drawAll();
	shelf.draw();
	if (focus) byId("sheet").focus();
}

function take(found) {
	const made = new Sheet(found, {
		adopted: (text, marks) => {
			editor.adopt(text, marks);
			if (document.activeElement !== byId("sheet-title")) byId("sheet-title").value = made.title;
		},
		saved: (done, kept = true) => showSaved(done, kept),
		clash: () => note(t("sheet.clash")),
		lost: (text) => rescue(text, t("sheet.recovered", { title: shelf.nameOf(made) }), "sheet.lost"),
		removed: () => rescue(made.text, made.title, "sheet.gone"),
		refused: (error) => trouble(error, byId("notebook-trouble"), [
			el("button", { onclick: () => made.retry() }, t("retry"))]),
	});
	sheet = made;
	writer.sheet = found.id;
	writer.tokens = [];
	editor.load(found.text, found.marks ?? []);
	byId("sheet").readOnly = false;
	shelf.opened(made);
	byId("notebook-trouble").replaceChildren();
	byId("told").textContent = "";
	showSaved(true);
}

/** Words that have no sheet any more get a new one. */
async function rescue(text, title, told) {
	const made = (await call("POST", "/notebooks", { title, text })).notebook;
	note(t(told, { title }));
	if (told === "sheet.gone") await open(made.id);
	await shelf.load();
}

async function create(title = "", text = "") {
	if (sheet && !sheet.title && !editor.text && !text) return byId("sheet").focus(); // there is a blank one
	const { notebook } = await call("POST", "/notebooks", { title, text });
	await open(notebook.id, true);
	await shelf.load();
}

function showSaved(done, kept = true) {
	const away = !byId("bar").hidden;
	const text = done ? t("saved") : away && kept ? t("unsaved") : t("saving");
	if (byId("sheet-saved").textContent !== text) byId("sheet-saved").textContent = text;
	if (!done) return;
	const row = shelf.known.find((one) => one.id === sheet.id);
	if (!row) return;
	row.characters = sheet.text.length;
	row.heading = sheet.title || sheet.text.slice(0, 200).trim().split("\n", 1)[0];
	shelf.draw();
}

async function remove() {
	const gone = sheet;
	await gone.close();
	sheet = null;
	await shelf.remove(gone);
	await shelf.openSome();
}

function exportText() {
	const url = URL.createObjectURL(new Blob([editor.text], { type: "text/plain;charset=utf-8" }));
	const name = `${shelf.nameOf(sheet).replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").slice(0, 80)}.txt`;
	el("a", { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function importFile(file) {
	if (!file) return;
	if (file.size > IMPORT_MOST) return note(t("import.large", { size: bytes(file.size) }));
	const data = await file.arrayBuffer();
	let text;
	try {
		text = new TextDecoder("utf-8", { fatal: true }).decode(data);
	} catch {
		text = new TextDecoder("windows-1251").decode(data); // what older PCs write in Russian
	}
	await create(file.name.replace(/\.(txt|md)$/i, ""), text.replace(/\r\n?/g, "\n").replace(/\0/g, ""));
}

// --- what is shown ---

const countSoon = later(500, async () => {
	const caret = byId("from").value === "caret";
	const text = caret ? editor.text.slice(0, editor.caret) : editor.text;
	const most = contextTokens();
	let found;
	try {
		found = await count(text);
	} catch {
		found = { count: estimate(text), exact: false };
	}
	showCount(found, most);
	const over = most && found.exact && found.count > most - 1;
	editor.shade(over ? await endThatFits(text, most - 2) : 0);
});

function showCount(found, most) {
	const meter = byId("counts-meter");
	meter.hidden = !most;
	meter.value = most ? Math.min(1, found.count / most) : 0;
	const over = most && found.exact && found.count > most - 1;
	const key = !most ? "counts.alone" : over ? "counts.over" : found.exact ? "counts.exact" : "counts.about";
	byId("counts-text").textContent = t(key, { count: number(found.count), most: most ? number(most) : "" });
}

function drawTools() {
	const busy = Boolean(writer.running);
	const button = byId("generate");
	button.textContent = t(busy ? "stop" : "generate");
	button.title = t(busy ? "stop.title" : "generate.title");
	for (const id of ["word", "line", "choices"]) byId(id).disabled = busy;
	byId("regenerate").disabled = busy || !writer.canRepeat;
	byId("undo").disabled = !editor.canUndo;
	byId("redo").disabled = !editor.canRedo;
}

function drawAll() {
	drawTools();
	showCount({ count: estimate(editor.text), exact: false }, contextTokens());
	editor.shade(0);
	countSoon();
	if (panel) openPanel(panel);
}

function drawer(open) {
	document.querySelector(".side").classList.toggle("open", open);
	byId("sheet-drawer").setAttribute("aria-expanded", String(open));
}

// --- the side view: tokens, choices ---

async function openPanel(kind) {
	panel = kind;
	const place = byId("side-view");
	const close = el("button", { class: "quiet", onclick: closePanel }, t("close"));
	place.setAttribute("aria-label", t(kind));
	place.replaceChildren(el("div", { class: "side-view-head" }, el("b", {}, t(kind)), el("span", { class: "grow" }), close));
	place.hidden = false;
	byId("chances").setAttribute("aria-pressed", String(kind === "chances"));
	if (kind === "chances") {
		const { showChances } = await import("./chances.js");
		showChances(place, writer.tokens);
		place.querySelector(".tokens button")?.focus();
	} else {
		await writer.choose(place, (at, text) => {
			closePanel();
			if (text) editor.change({ at, remove: 0, insert: text }, { mark: true, kind: "writing" });
		});
	}
}

function closePanel() {
	if (panel === "choices") writer.stop();
	panel = null;
	byId("side-view").hidden = true;
	byId("chances").setAttribute("aria-pressed", "false");
	byId("sheet").focus();
}

// --- presets and beginnings ---

const showBeginnings = () => showPrompts(byId("prompts"), "starter", async (one, title) => {
	const text = inTongue(one.texts).replace(/\n+$/, "");
	if (editor.text.trim()) await create(title, text);
	else {
		editor.change({ at: 0, remove: editor.text.length, insert: text });
		await shelf.rename(title);
	}
	if (one.sampler) byId("preset").value = one.sampler;
	byId("sheet").focus();
});

function showHint() {
	const place = byId("hint");
	place.hidden = Boolean(memory.get("hint"));
	place.replaceChildren(el("p", {}, el("strong", {}, t("hint.what"))), el("p", {}, t("hint.how")),
		el("button", { onclick: () => { hideHint(); byId("sheet").focus(); } }, t("dismiss")));
}

function hideHint() {
	memory.set("hint", true);
	byId("hint").hidden = true;
}

function drawSelects() {
	const kept = byId("most").value || memory.get("most", "200");
	byId("most").replaceChildren(...LIMITS.map((one) =>
		el("option", { value: String(one) }, one ? t("most.tokens", { count: one }) : t("most.open"))));
	byId("most").value = kept;
}

// --- the view ---

function toggleGenerate() {
	if (writer.running) writer.stop();
	else writer.generate();
}

function beginTools() {
	const on = (id, run) => byId(id).addEventListener("click", run);
	on("generate", toggleGenerate);
	on("regenerate", () => writer.generate("free", { again: true }));
	on("word", () => writer.generate("word"));
	on("line", () => writer.generate("line"));
	on("choices", () => openPanel("choices"));
	on("chances", () => (panel === "chances" ? closePanel() : openPanel("chances")));
	on("undo", undo);
	on("redo", redo);
	on("sheet-new", () => create());
	on("sheet-drawer", () => drawer(!document.querySelector(".side").classList.contains("open")));
	on("sheet-delete", remove);
	on("sheet-export", exportText);
	on("sheet-import", () => byId("sheet-file").click());
	on("prompts", showBeginnings);
	byId("sheet-file").addEventListener("change", async (event) => {
		await importFile(event.target.files[0]);
		event.target.value = "";
	});
	byId("from").addEventListener("change", countSoon);
	byId("most").addEventListener("change", (event) => memory.set("most", event.target.value));
	document.addEventListener("selectionchange", () => { if (byId("from").value === "caret") countSoon(); });
	const leave = () => sheet?.send({ last: true });
	addEventListener("pagehide", leave);
	document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); });
}

function undo() {
	writer.stop();
	editor.undo();
}

function redo() {
	editor.redo();
}

export async function begin() {
	editor = new Editor(byId("sheet"), byId("backdrop"), (text, marks) => {
		sheet?.change(text, marks);
		drawTools();
		countSoon();
	});
	writer = new Writer(editor, () => {
		drawTools();
		if (panel === "chances" && !writer.running) openPanel("chances");
		if (writer.running) hideHint();
	});
	shelf = new Shelf({
		kind: "notebooks", list: byId("sheet-list"), search: byId("sheet-search"), title: byId("sheet-title"),
		untitled: "sheet.untitled", current: () => sheet, open, create: () => create(),
		renamed: ({ notebook }) => sheet.renamed(notebook.version),
		about: (one) => t("sheet.characters", { count: number(one.characters) }),
	});
	beginTools();
	drawSelects();
	showHint();
	onState(() => { if (sheet) countSoon(); });
	for (let opened = false; !opened; ) {
		try {
			await shelf.openSome();
			opened = true;
		} catch (error) {
			if (!(error instanceof Away)) throw error;
			await new Promise((resolve) => setTimeout(resolve, 1000));
		}
	}
	if (memory.get("view", "notebook") === "notebook") byId("sheet").focus();
	await beginPresets(byId("preset"), "preset");
}

export function focus() {
	byId("sheet").focus();
}

export function isBack() {
	sheet?.retry();
}

export function respoken() {
	drawSelects();
	showHint();
	fillPresets(byId("preset"), "preset");
	drawAll();
	shelf.draw();
}

export function heard(name, facts) {
	if (name !== "notebook.changed") return;
	if (facts.id !== sheet?.id || facts.removed) shelf.soon();
	else if (facts.version) sheet.changedElsewhere(facts.version);
}

/** Keys while this view is open; true: it was one of ours. */
export function onKey(event) {
	const control = event.ctrlKey || event.metaKey;
	const inSheet = document.activeElement === byId("sheet");
	if (control && event.key === "Enter") {
		if (event.shiftKey) {
			if (writer.canRepeat) writer.generate("free", { again: true });
		} else toggleGenerate();
		return true;
	}
	if (event.key === "Escape") {
		if (writer.running) writer.stop();
		else if (panel) closePanel();
		else return false;
		return true;
	}
	if (control && !event.altKey && inSheet && ["KeyZ", "KeyY"].includes(event.code)) {
		if (event.code === "KeyY" || event.shiftKey) redo();
		else undo();
		return true;
	}
	if (panel === "choices" && !inSheet && /^[123]$/.test(event.key)) {
		byId("side-view").querySelector(`[data-choice="${event.key}"]`)?.click();
		return true;
	}
	if (!event.altKey || control || event.getModifierState("AltGraph")) return false;
	const run = {
		KeyW: () => writer.generate("word"), KeyL: () => writer.generate("line"), KeyC: () => openPanel("choices"),
		KeyK: () => (panel === "chances" ? closePanel() : openPanel("chances")),
		KeyN: () => create(), KeyS: () => { drawer(true); byId("sheet-search").focus(); },
	}[event.code];
	run?.();
	return Boolean(run);
}
