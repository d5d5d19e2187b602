// The tokens of the last generation, each with its chance and what else was likely.

import { el } from "./dom.js";
import { number, t } from "./texts.js";

const STEPS = [0.1, 0.3, 0.6, 0.9];
const seen = (text) => text.replace(/\n/g, "↵").replace(/\t/g, "⇥") || "∅";
const percent = (logprob) => `${number(Math.exp(logprob) * 100, 1)} %`;

/** Fill `place` with the view. */
export function showChances(place, tokens) {
	if (!tokens.length) {
		place.append(el("p", {}, t("chances.none")));
		return;
	}
	const detail = el("div", { role: "status" });
	const list = el("div", { class: "tokens", role: "group", "aria-label": t("chances") });
	tokens.forEach((token, i) => {
		const known = token.logprob !== null;
		const chance = known ? Math.exp(token.logprob) : 0;
		const look = known ? `p${STEPS.filter((step) => chance >= step).length}` : "";
		list.append(el("button", {
			class: look, tabIndex: i ? -1 : 0, "aria-label": known ? `${seen(token.text)} ${percent(token.logprob)}` : seen(token.text),
			onfocus: () => showOne(detail, token),
		}, seen(token.text)));
		if (token.text.includes("\n")) list.append(el("br"));
	});
	list.addEventListener("keydown", (event) => {
		const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		const all = [...list.querySelectorAll("button")];
		const next = all[all.indexOf(document.activeElement) + by];
		if (!by || !next) return;
		event.preventDefault();
		document.activeElement.tabIndex = -1;
		next.tabIndex = 0;
		next.focus();
	});
	place.append(el("p", { class: "dim small" }, t("chances.hint")), el("div", { class: "both" }, list, detail));
	if (tokens.left) place.append(el("p", { class: "dim small" }, t("chances.cut", { count: number(tokens.length) })));
}

function showOne(place, token) {
	const rows = Object.entries(token.top).sort((a, b) => b[1] - a[1]);
	if (token.logprob !== null && !(token.text in token.top)) rows.push([token.text, token.logprob]);
	place.replaceChildren(el("table", {},
		el("thead", {}, el("tr", {}, el("th", {}, t("chances.token")), el("th", {}, t("chances.chance")), el("th"))),
		el("tbody", {}, rows.map(([text, logprob]) => el("tr", {},
			el("td", {}, el("code", {}, seen(text))), el("td", {}, percent(logprob)),
			el("td", { class: "dim" }, text === token.text ? t("chances.taken") : ""))))));
}
