// The line at the bottom: model, memory, speed now, queue, trouble. Holds the daemon's last
// word about itself for the other views.

import { call } from "./api.js";
import { byId, el, later } from "./dom.js";
import { bytes, has, number, t } from "./texts.js";
import { dialog, troubleParts } from "./telling.js";

export const state = { worker: {}, daemon: {}, downloads: {}, heard: false };
const followers = [];
export const onState = (call) => followers.push(call);

/** What is written now on this page, in tokens per second; null: nothing. */
let now = null;
export function speedNow(value) {
	now = value;
	draw();
}

export function takeStatus(value) {
	Object.assign(state, value, { heard: true });
	draw();
	followers.forEach((one) => one());
}

export const refresh = later(200, async () => {
	try {
		takeStatus(await call("GET", "/status"));
	} catch {
		// The bar says that it is away.
	}
});

/** Whether a question would be answered without loading anything first. */
export const isAwake = () =>
	["ready", "busy"].includes(state.worker.state) && [null, undefined, "awake"].includes(state.worker.stage);

function word(worker) {
	if (worker.paused) return t("status.paused");
	const rested = worker.state === "ready" && !isAwake();
	const key = rested ? "status.asleep" : `status.${worker.state}`;
	let text = has(key) ? t(key) : worker.state ?? "";
	if (worker.state === "loading" && worker.progress) text += ` ${number(worker.progress * 100)} %`;
	return text;
}

function draw() {
	const { worker, downloads } = state;
	const parts = [];
	const add = (name, value) => parts.push(el("span", {}, `${name} `, el("b", {}, value)));
	if (state.heard) {
		const look = worker.failure ? "failed" : worker.state === "busy" ? "busy" : worker.state === "ready" ? "ready" : "";
		parts.push(el("span", { id: "status-model" }, el("span", { class: `dot ${look}`, "aria-hidden": "true" }),
			el("b", {}, worker.title ?? worker.wanted ?? "–"), ` ${word(worker)}`));
		if (worker.worker_memory_bytes) add(t("status.memory"), bytes(worker.worker_memory_bytes));
		const speed = now ?? worker.tokens_per_second;
		if (speed) add(t("status.speed"), t("told.speed", { speed: number(speed, 1) }));
		if (worker.queue_length) add(t("status.queue"), number(worker.queue_length));
		const running = downloads.running ?? downloads.active ?? 0;
		if (typeof running === "number" && running) add(t("status.downloads"), number(running));
		if (worker.memory_pressure && worker.memory_pressure !== "none") parts.push(el("span", { class: "bad" }, t("status.pressure")));
		const told = worker.failure ?? worker.notice;
		if (told) {
			const text = told.what ?? told.text;
			const more = worker.failure
				? el("button", { class: "quiet", onclick: () => dialog(told.what, troubleParts(told).slice(1)) }, t("status.why")) : null;
			parts.push(el("span", { class: worker.failure ? "bad" : "" }, text, " ", more));
		}
	}
	const line = byId("status");
	const shown = parts.map((part) => part.textContent).join("|");
	if (line.dataset.shown === shown) return;
	line.dataset.shown = shown;
	line.replaceChildren(...parts);
}
