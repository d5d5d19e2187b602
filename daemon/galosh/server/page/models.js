// The models on this PC with their forecasts, the one in use, downloads, and what else would suit.

import { call } from "./api.js";
import { el, later, showRows } from "./dom.js";
import { onState, refresh, state } from "./status.js";
import { bytes, fillTexts, has, language, number, t } from "./texts.js";
import { dialog, note, trouble } from "./telling.js";

let place, parts;
let models = [];
let forecasts = {};
let downloads = new Map();
let busy = null; // the model that is being brought in

// --- models on disk ---

async function load() {
	({ models } = await call("GET", "/models"));
	draw();
	try {
		const found = await call("GET", "/fit");
		forecasts = Object.fromEntries(found.forecasts.map((one) => [one.id, one]));
		draw();
	} catch (error) {
		trouble(error, parts.trouble);
	}
}
const loadSoon = later(300, load);

const range = (rate, digits = 0) =>
	!rate ? null : Math.round(rate.low) === Math.round(rate.high) ? number(rate.mid, digits)
		: `${number(rate.low, digits)}–${number(rate.high, digits)}`;

function verdict(kind, close) {
	const key = `fit.${kind}`;
	return el("b", { class: `fit ${kind}` }, has(key) ? t(key, { size: close ? bytes(close) : "" }) : kind);
}

/** What is foretold of a model: memory, whether it fits, speed. */
function foretold(one) {
	if (!one) return [el("span", { class: "dim" }, t("fit.asking"))];
	if (one.error) return [el("span", { class: "bad" }, one.error.what)];
	const told = [verdict(one.verdict.kind, one.verdict.close_bytes), t("fit.memory", { size: bytes(one.memory.lasting_bytes) })];
	const speed = range(one.speed.decode_at_start);
	if (speed) told.push(t("told.speed", { speed }));
	const first = range(one.speed.first_answer_seconds);
	if (first) told.push(t("fit.first", { seconds: first }));
	return told.flatMap((part, i) => (i ? [" · ", part] : [part]));
}

function drawModels() {
	const { worker } = state;
	return models.map((one) => {
		const inUse = worker.model === one.id;
		const facts = [bytes(one.size_bytes ?? 0), one.file_type, one.context_length && t("model.context", { count: number(one.context_length) })];
		return el("li", { class: "card" },
			el("div", { class: "row" }, el("strong", {}, one.title ?? one.id),
				inUse ? el("span", { class: "pill" }, t("model.in-use")) : null, el("span", { class: "grow" }),
				el("button", { disabled: inUse || Boolean(busy) || Boolean(one.problem), onclick: () => use(one.id) },
					t(busy === one.id ? "model.coming" : "model.use")),
				el("button", { class: "quiet", onclick: () => remove(one) }, t(one.in_place ? "model.forget" : "delete"))),
			el("div", { class: "dim small" }, facts.filter(Boolean).join(" · ")),
			el("div", { class: "small" }, one.problem ? el("span", { class: "bad" }, one.problem) : foretold(forecasts[one.id])));
	});
}

async function use(id) {
	busy = id;
	draw();
	try {
		await call("PUT", "/model", { id });
		note(t("model.ready", { title: models.find((one) => one.id === id)?.title ?? id }));
	} catch (error) {
		trouble(error, parts.trouble);
	} finally {
		busy = null;
		refresh();
		draw();
	}
}

function remove(one) {
	const yes = el("button", { onclick: async () => {
		box.close();
		try {
			await call("DELETE", `/models/${encodeURIComponent(one.id)}`);
		} catch (error) {
			trouble(error, parts.trouble);
		}
		load();
	} }, t(one.in_place ? "model.forget" : "delete"));
	const box = dialog(one.title ?? one.id,
		el("p", {}, t(one.in_place ? "model.forget.ask" : "model.delete.ask", { size: bytes(one.size_bytes ?? 0) })), yes);
}

function drawMemory() {
	const { worker } = state;
	const act = (name, method, path) => el("button", { onclick: async () => {
		try {
			await call(method, path);
		} catch (error) {
			trouble(error, parts.trouble);
		}
		refresh();
	} }, t(name));
	return [
		worker.paused ? act("model.resume", "POST", "/models/resume") : act("model.pause", "POST", "/models/pause"),
		worker.model && !worker.paused ? act("model.unload", "DELETE", "/model") : null,
	].filter(Boolean);
}

// --- downloads ---

async function loadDownloads() {
	const found = await call("GET", "/downloads");
	downloads = new Map(found.downloads.map((one) => [one.id, one]));
	drawDownloads();
}

function drawDownloads() {
	const all = [...downloads.values()];
	if (!all.length) return parts.downloads.replaceChildren(el("li", { class: "dim" }, t("load.none")));
	showRows(parts.downloads, all.map((one) => ({
		key: JSON.stringify([one.id, one.state, one.wanted, one.file_name, one.error?.code, language()]), make: () => downloadCard(one) })));
	all.forEach((one, i) => showProgress(parts.downloads.children[i], one));
}

const isGoing = (one) => one.wanted === "running" && one.state !== "done" && !one.error;

function downloadCard(one) {
	const act = (name, method, body, query = "") => el("button", { class: "quiet", onclick: async () => {
		try {
			await call(method, `/downloads/${one.id}${query}`, body);
		} catch (error) {
			trouble(error, parts.trouble);
		}
		await loadDownloads();
	} }, t(name));
	const name = one.file_name ?? one.source;
	const done = one.state === "done";
	return el("li", { class: "card" },
		el("div", { class: "row" }, el("strong", {}, name), el("span", { class: "grow" }),
			done ? null : isGoing(one) ? act("load.pause", "PUT", { state: "paused" }) : act("load.resume", "PUT", { state: "running" }),
			act(done ? "load.clear" : "load.cancel", "DELETE", undefined, "?keep=remove")),
		done ? null : el("progress", { max: 1, "aria-label": name }),
		el("div", { class: "dim small facts" }),
		one.error ? el("div", { class: "small bad" }, [one.error.what, one.error.why, one.error.next_step].filter(Boolean).join(" ")) : null);
}

function showProgress(card, one) {
	const going = isGoing(one);
	const bar = card.querySelector("progress");
	if (bar && one.size_bytes) bar.value = one.kept_bytes / one.size_bytes;
	card.querySelector(".facts").textContent = [
		one.size_bytes ? t("load.part", { kept: bytes(one.kept_bytes), size: bytes(one.size_bytes) }) : null,
		has(`load.${one.state}`) ? t(`load.${one.state}`) : t(going ? "load.running" : "load.waiting"),
		going && one.speed_bytes_per_second ? t("load.speed", { speed: bytes(one.speed_bytes_per_second) }) : null,
		going && one.eta_seconds ? t("load.left", { minutes: number(Math.max(1, one.eta_seconds / 60)) }) : null,
	].filter(Boolean).join(" · ");
}

async function fetchModel(source, extra = {}) {
	try {
		await call("POST", "/downloads", { source, ...extra });
		await loadDownloads();
	} catch (error) {
		trouble(error, parts.trouble);
	}
}

// --- what would suit ---

async function loadAdvice() {
	parts.advice.replaceChildren(el("p", { class: "dim" }, t("fit.asking")));
	try {
		const found = await call("GET", `/recommend?language=${language()}`);
		const row = (one) => el("li", { class: "card" },
			el("div", { class: "row" }, el("strong", {}, one.title),
				one.id === found.best ? el("span", { class: "pill" }, t("advice.best")) : null, el("span", { class: "grow" }),
				el("button", { disabled: one.on_disk || Boolean(one.gone), "aria-label": `${t("advice.get")}: ${one.title}`,
					onclick: () => fetchModel(one.id, one.id === found.best ? { recommended: true, ...(state.worker.model ? { replaces: state.worker.model } : {}) } : {}) },
				t(one.on_disk ? "advice.here" : "advice.get"))),
			el("div", { class: "small" }, verdict(one.verdict?.kind ?? "unknown", one.verdict?.close_bytes), " · ",
				[one.size_bytes && bytes(one.size_bytes), one.lasting_bytes && t("fit.memory", { size: bytes(one.lasting_bytes) }),
					one.words_per_second && t("fit.words", { words: range(one.words_per_second) }), one.good_at, one.licence].filter(Boolean).join(" · ")));
		const best = found.models.find((one) => one.id === found.best);
		const others = found.models.filter((one) => one !== best).reverse();
		parts.advice.replaceChildren(
			best ? el("ul", { class: "plain" }, row(best)) : el("p", {}, t("advice.none")),
			el("details", {}, el("summary", {}, t("advice.all", { count: others.length })), el("ul", { class: "plain" }, others.map(row))));
	} catch (error) {
		parts.advice.replaceChildren();
		trouble(error, parts.advice);
	}
}

// --- the view ---

let drawn = "";

/** What is as it was is left alone: a button that is being pressed must not go. */
function draw() {
	const { model, paused } = state.worker;
	const now = JSON.stringify([models, forecasts, model, paused, busy, language()]);
	if (now === drawn) return;
	drawn = now;
	parts.models.replaceChildren(...(models.length ? drawModels() : [el("li", { class: "dim" }, t("model.none"))]));
	parts.memory.replaceChildren(...drawMemory());
}

function build() {
	const source = el("input", { id: "source", size: 40, required: true, spellcheck: false, placeholder: "hf:OWNER/REPO:Q4_K_M" });
	parts = { trouble: el("div"), models: el("ul", { class: "plain" }), memory: el("div", { class: "row" }),
		downloads: el("ul", { class: "plain" }), advice: el("div") };
	place.classList.add("scroll");
	place.append(el("div", { class: "page" }, parts.trouble,
		el("h2", { "data-t": "models.here" }), parts.models, parts.memory,
		el("h2", { "data-t": "models.downloads" }), parts.downloads,
		el("form", { class: "row", onsubmit: (event) => {
			event.preventDefault();
			fetchModel(source.value.trim()).then(() => (source.value = ""));
		} }, el("label", { htmlFor: "source", "data-t": "load.source" }), source, el("button", { "data-t": "advice.get" })),
		el("p", { class: "dim small", "data-t": "load.source.about" }),
		el("h2", { "data-t": "models.advice" }), parts.advice));
	fillTexts(place);
}

export async function begin(section) {
	place = section;
	build();
	onState(() => { if (!place.hidden) draw(); });
}

export function shown() {
	load();
	loadDownloads();
	loadAdvice();
}

export function focus() {
	place.querySelector("button")?.focus();
}

export function respoken() {
	if (!place.hidden) shown();
}

export function heard(name, facts) {
	if (!place || place.hidden) return;
	if (name.startsWith("download.")) {
		const one = facts.download ?? facts;
		if (one.id && downloads.has(one.id) && name === "download.progress") {
			downloads.set(one.id, { ...downloads.get(one.id), ...one });
			drawDownloads();
		} else loadDownloads();
	} else if (name === "models.changed" || name === "model.added") loadSoon();
}
