// What the page tells its reader: short notes, troubles with what, why and next step, a menu,
// a dialog, and words for screen readers.

import { byId, el } from "./dom.js";
import { t } from "./texts.js";
import { Away, Refused } from "./api.js";

const NOTE_MS = 6000;
const WITH_BUTTON_MS = 12_000;

/** A short note that goes by itself. action: {text, run}. */
export function note(text, action = null) {
	const box = el("div", { class: "toast" }, el("span", {}, text));
	const close = () => box.remove();
	if (action) {
		box.append(el("button", { onclick: () => { close(); action.run(); } }, action.text));
	}
	byId("toasts").append(box);
	setTimeout(close, action ? WITH_BUTTON_MS : NOTE_MS);
}

/** Words for a screen reader, in the order in which they come. */
export function speakOut(text) {
	const log = byId("spoken");
	if (log.childElementCount > 40) log.firstElementChild.remove();
	log.append(el("p", {}, text));
}

/** What happened, why, what was kept, what to do: as elements. */
export function troubleParts(told) {
	const parts = [el("strong", {}, told.what ?? told.message ?? t("trouble"))];
	for (const text of [told.why, told.kept, told.next_step]) if (text) parts.push(el("p", {}, text));
	return parts;
}

/** An error in a card of its own; the daemon being away is said by the bar already. */
export function trouble(error, place, actions = []) {
	if (error instanceof Away || error.name === "AbortError") return null;
	const told = error instanceof Refused ? error.told
		: { what: t("trouble"), why: String(error.message ?? error), next_step: t("trouble.next") };
	const card = el("div", { class: "card trouble", role: "alert" }, troubleParts(told));
	const close = el("button", { onclick: () => card.remove() }, t("close"));
	card.append(el("div", { class: "row" }, actions, close));
	place.querySelector(":scope > .trouble")?.remove();
	place.prepend(card);
	return card;
}

/** The one dialog. */
export function dialog(title, ...body) {
	const box = byId("dialog");
	const close = el("button", { class: "main", onclick: () => box.close() }, t("close"));
	box.replaceChildren(el("h2", { id: "dialog-title" }, title), ...body, el("div", { class: "row" }, close));
	box.showModal();
	return box;
}

/** A menu below a button. items: {text, run, title}. */
export function menu(button, items) {
	document.querySelector(".menu")?.remove();
	const box = el("div", { class: "menu", role: "menu" });
	const close = (back) => {
		box.remove();
		button.setAttribute("aria-expanded", "false");
		document.removeEventListener("pointerdown", outside, true);
		if (back) button.focus();
	};
	const outside = (event) => { if (!box.contains(event.target)) close(false); };
	for (const item of items) {
		box.append(el("button", { role: "menuitem", title: item.title, onclick: () => { close(true); item.run(); } }, item.text));
	}
	if (!items.length) box.append(el("p", { class: "dim" }, t("menu.none")));
	box.addEventListener("keydown", (event) => {
		const all = [...box.querySelectorAll("button")];
		const at = all.indexOf(document.activeElement);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
		if (to !== undefined && all.length) {
			event.preventDefault();
			all.at(to >= all.length ? 0 : to).focus();
		} else if (event.key === "Escape" || event.key === "Tab") {
			event.stopPropagation();
			close(event.key === "Escape");
		}
	});
	document.body.append(box);
	const place = button.getBoundingClientRect();
	box.style.left = `${Math.max(4, Math.min(place.left, innerWidth - box.offsetWidth - 4))}px`;
	box.style.top = `${Math.max(4, Math.min(place.bottom + 4, innerHeight - box.offsetHeight - 4))}px`;
	button.setAttribute("aria-expanded", "true");
	document.addEventListener("pointerdown", outside, true);
	(box.querySelector("button") ?? box).focus();
}
