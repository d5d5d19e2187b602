// Begins the page: session, language, theme, the four views, keys, the bar when galosh is away.

import { Away, Refused, follow, listen, trade } from "./api.js";
import { byId, el, memory } from "./dom.js";
import { fillTexts, language, speak, t } from "./texts.js";
import { dialog, note } from "./telling.js";
import { refresh, takeStatus } from "./status.js";
import * as notebook from "./notebook.js";

const VIEWS = ["notebook", "chat", "models", "settings"];
const opened = { notebook }, opening = {};
const THEMES = ["auto", "dark", "light"];
const KEYS = [
	["Ctrl+Enter", "key.generate"], ["Esc", "key.stop"], ["Ctrl+Shift+Enter", "key.again"],
	["Alt+W", "key.word"], ["Alt+L", "key.line"], ["Alt+C", "key.choices"], ["Alt+K", "key.tokens"],
	["Ctrl+Z  Ctrl+Y", "key.undo"], ["Alt+N", "key.new"], ["Alt+S", "key.search"],
	["Ctrl+Alt+1 … 4", "key.tab"], ["F1", "key.help"],
];
let view = "notebook";

// --- views ---

const tell = (what, ...facts) => Object.values(opened).forEach((one) => one[what]?.(...facts));

async function show(name, focus = false) {
	view = name;
	for (const one of VIEWS) {
		const tab = byId(`tab-${one}`), off = one !== name;
		tab.setAttribute("aria-selected", !off);
		tab.tabIndex = -off;
		byId(one).hidden = off;
	}
	memory.set("view", name);
	// Once, however many ask.
	if (!opened[name]) await (opening[name] ??= import(`./${name}.js`)
		.then((one) => (opened[name] = one).begin(byId(name))).finally(() => delete opening[name]));
	opened[name].shown?.();
	if (focus) opened[name].focus?.();
}

function beginTabs() {
	for (const name of VIEWS) byId(`tab-${name}`).addEventListener("click", () => show(name));
	document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
		const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (!by) return;
		const next = VIEWS[(VIEWS.indexOf(view) + by + VIEWS.length) % VIEWS.length];
		show(next);
		byId(`tab-${next}`).focus();
	});
}

// --- language, theme, keys ---

function drawChoices() {
	const theme = memory.get("theme", "auto");
	byId("theme").textContent = t(`theme.${theme}`);
	byId("tongue").textContent = language() === "ru" ? "English" : "Русский";
	byId("tongue").lang = language() === "ru" ? "en" : "ru";
}

function beginChoices() {
	byId("theme").addEventListener("click", () => {
		const next = THEMES[(THEMES.indexOf(memory.get("theme", "auto")) + 1) % THEMES.length];
		memory.set("theme", next);
		dispatchEvent(new Event("galosh-theme"));
		drawChoices();
	});
	byId("tongue").addEventListener("click", () => {
		const next = language() === "ru" ? "en" : "ru";
		memory.set("tongue", next);
		speak(next);
		fillTexts();
		drawChoices();
		refresh();
		tell("respoken");
	});
	byId("help").addEventListener("click", showKeys);
}

function showKeys() {
	const rows = KEYS.map(([keys, text]) =>
		el("tr", {}, el("th", { scope: "row" }, keys.split("  ").flatMap((key) => [el("kbd", {}, key), " "])), el("td", {}, t(text))));
	dialog(t("keys"), el("table", {}, el("tbody", {}, rows)));
}

function onKey(event) {
	if (event.isComposing || byId("dialog").open) return;
	const plain = !event.getModifierState("AltGraph");
	if (event.key === "F1") showKeys();
	else if (event.ctrlKey && event.altKey && plain && /^Digit[1-4]$/.test(event.code))
		show(VIEWS[event.code.slice(5) - 1], true);
	else if (!opened[view]?.onKey?.(event)) return;
	event.preventDefault();
}

// --- away and locked ---

function beginBars() {
	listen("away", (away) => {
		const bar = byId("bar");
		bar.hidden = !away;
		bar.textContent = away ? t("away") : "";
		if (away) return;
		note(t("back"));
		refresh();
		tell("isBack");
	});
	listen("locked", showLocked);
}

function showLocked() {
	const place = byId("locked");
	if (!place.hidden) return;
	for (const one of VIEWS) byId(one).hidden = true;
	place.hidden = false;
	place.className = "locked";
	place.replaceChildren(
		el("h1", { tabIndex: -1 }, t("locked.title")), el("p", {}, t("locked.why")),
		el("p", {}, t("locked.next"), " ", el("code", {}, "galosh notebook"), " ", t("locked.tray")),
		el("p", { class: "dim" }, t("locked.kept")));
	place.firstChild.focus();
}

async function openSession() {
	const link = new URLSearchParams(location.hash.slice(1)), code = link.get("code");
	if (!code) return;
	if (link.has("tab")) memory.set("view", link.get("tab"));
	history.replaceState(null, "", location.pathname);
	try {
		await trade(code);
	} catch (error) {
		if (!(error instanceof Refused)) throw error;
		// A used link, opened again where a session stands already, changes nothing.
	}
}

async function begin() {
	fillTexts();
	drawChoices();
	beginTabs();
	beginChoices();
	beginBars();
	addEventListener("keydown", onKey);
	addEventListener("galosh-view", (event) => show(event.detail, true));
	addEventListener("unhandledrejection", (event) => {
		if (event.reason instanceof Away || event.reason instanceof Refused) event.preventDefault();
		else note(`${t("trouble")}: ${event.reason}`);
	});
	await openSession();
	if (!memory.get("key")) return showLocked();
	follow((name, facts) => {
		if (name === "status") takeStatus(facts);
		else if (!name.endsWith(".progress")) refresh();
		tell("heard", name, facts);
	});
	await notebook.begin();
	const wanted = memory.get("view", "notebook");
	if (VIEWS.includes(wanted) && wanted !== "notebook" && byId("locked").hidden) await show(wanted);
}

begin();
