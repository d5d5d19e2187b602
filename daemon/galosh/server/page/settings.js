// The settings in plain words, the addresses and the token to copy.

import { call } from "./api.js";
import { copyText, el, memory } from "./dom.js";
import { fillTexts, language, t } from "./texts.js";
import { dialog, note, trouble } from "./telling.js";

const FIRST = ["model.default", "model.context_tokens", "history.keep", "hotkey.trigger"];
let place, parts;

const inWords = (value) =>
	value === true ? t("set.on") : value === false ? t("set.off") : Array.isArray(value) ? value.join(", ") || "–"
		: value === "" ? "–" : String(value);

function control(one, value, change) {
	const id = `set-${one.name}`;
	if (one.kind === "flag") return el("input", { id, type: "checkbox", checked: value, onchange: (e) => change(e.target.checked) });
	if (one.choices.length) {
		const made = el("select", { id, onchange: (e) => change(e.target.value) }, one.choices.map((name) => el("option", {}, name)));
		made.value = value;
		return made;
	}
	if (one.kind === "integer" || one.kind === "number") {
		return el("input", { id, type: "number", value, step: one.kind === "integer" ? 1 : "any",
			...(one.minimum === null ? {} : { min: one.minimum }), ...(one.maximum === null ? {} : { max: one.maximum }),
			onchange: (e) => change(Number(e.target.value)) });
	}
	const list = one.kind === "list";
	return el("input", { id, value: list ? value.join(", ") : value, placeholder: one.example, spellcheck: false,
		onchange: (e) => change(list ? e.target.value.split(",").map((part) => part.trim()).filter(Boolean) : e.target.value.trim()) });
}

function row(one, value) {
	const about = one.about[language()] ?? one.about.en ?? one.name;
	const saved = el("span", { class: "small", role: "status" });
	const change = async (wanted) => {
		try {
			await call("PUT", "/settings", { name: one.name, value: wanted });
			saved.textContent = t("saved");
			reset.hidden = JSON.stringify(wanted) === JSON.stringify(one.default);
		} catch (error) {
			await load(one.name);
			trouble(error, document.activeElement.closest(".setting"));
		}
	};
	const reset = el("button", { class: "quiet small", hidden: JSON.stringify(value) === JSON.stringify(one.default),
		onclick: async () => { await change(one.default); load(one.name); } }, t("set.reset"));
	const line = el("div", { class: "setting" },
		el("label", { htmlFor: `set-${one.name}` }, about, el("code", { class: "dim" }, one.name)),
		el("div", {}, el("div", { class: "row" }, control(one, value, change), saved, reset),
			el("div", { class: "dim small" }, t("set.default", { value: inWords(one.default) }))));
	return line;
}

async function load(focus = null) {
	const { settings, declared } = await call("GET", "/settings");
	const rank = (one) => (FIRST.indexOf(one.name) + 1 || 99);
	const rows = declared.sort((a, b) => rank(a) - rank(b)).map((one) => [one, row(one, settings[one.name])]);
	parts.first.replaceChildren(...rows.filter(([one]) => rank(one) < 99).map(([, made]) => made));
	parts.more.replaceChildren(...rows.filter(([one]) => rank(one) === 99).map(([, made]) => made));
	if (focus) document.getElementById(`set-${focus}`)?.focus();
}

function copyable(name, value, secret = false) {
	const text = el("code", {}, secret ? "••••••••" : value);
	return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, text), el("td", {},
		el("button", { class: "quiet", "aria-label": `${t("copy")}: ${name}`, onclick: async () => { await copyText(value); note(t("copied")); } }, t("copy")),
		secret ? el("button", { class: "quiet", onclick: () => { text.textContent = value; } }, t("set.show")) : null));
}

async function loadAccess() {
	try {
		const found = await call("GET", "/access");
		parts.access.replaceChildren(el("table", {}, el("tbody", {},
			Object.entries(found.addresses).map(([name, address]) =>
				copyable({ openai: "OpenAI", anthropic: "Anthropic", ollama: "Ollama" }[name] ?? name, address)),
			copyable(t("set.token"), found.token, true),
			found.presets_folder ? copyable(t("set.presets"), found.presets_folder) : null)),
		el("p", { class: "dim small" }, t(found.token_needed ? "set.token.needed" : "set.token.free")),
		el("button", { onclick: rotate }, t("set.rotate")));
	} catch (error) {
		parts.access.replaceChildren();
		trouble(error, parts.access);
	}
}

function rotate() {
	const yes = el("button", { onclick: async () => {
		box.close();
		memory.set("key", (await call("POST", "/token/rotate")).key); // the old session went with the old token
		loadAccess();
	} }, t("set.rotate"));
	const box = dialog(t("set.rotate"), el("p", {}, t("set.rotate.ask")), yes);
}

export async function begin(section) {
	place = section;
	parts = { first: el("div"), more: el("div"), access: el("div") };
	place.classList.add("scroll");
	place.append(el("div", { class: "page" },
		el("h2", { "data-t": "set.first" }), parts.first,
		el("h2", { "data-t": "set.access" }), parts.access,
		el("details", {}, el("summary", { "data-t": "set.more" }), parts.more)));
	fillTexts(place);
}

export function shown() {
	load();
	loadAccess();
}

export function focus() {
	place.querySelector("input, select")?.focus();
}

export function respoken() {
	if (!place.hidden) shown();
}

export function heard(name) {
	if (name === "settings.changed" && !place.hidden && !place.contains(document.activeElement)) load();
}
