// Markdown as elements. Never as HTML: text of a model reaches the page only as text nodes and
// attributes chosen here; links lead to http, https and mailto and nowhere else. No pictures:
// the page loads nothing from anywhere.

import { copyText, el } from "./dom.js";
import { t } from "./texts.js";

const DEPTH = 8;
const INLINE = new RegExp([
	"(?<tick>`+)(?<code>[^`](?:[\\s\\S]{0,4000}?[^`])?)\\k<tick>(?!`)",
	"!?\\[(?<label>[^\\[\\]]{1,500})\\]\\(\\s*<?(?<address>[^\\s()<>]{1,2000}(?:\\([^\\s()<>]{0,200}\\))?)>?(?:\\s+\"[^\"]{0,300}\")?\\s*\\)",
	"(?<plain>\\bhttps?://[^\\s<>\"'`\\])]{1,2000})",
	"(?<strong>\\*\\*|__)(?=\\S)(?<bold>[\\s\\S]{1,2000}?)(?<=\\S)\\k<strong>",
	"(?<![\\w*])(?<mark>[*_])(?=[^\\s*_])(?<slanted>[^\\n]{1,1000}?)(?<=\\S)\\k<mark>(?![\\w*])",
	"~~(?=\\S)(?<struck>[^\\n]{1,1000}?)~~",
	"\\\\(?<escaped>[\\\\`*_{}\\[\\]()#+.!~>|-])",
	"(?<line>\\n)",
].join("|"), "g");

/** Where a link may lead; null for everything else. */
export function safeAddress(text) {
	try {
		const url = new URL(text);
		return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
	} catch {
		return null;
	}
}

function link(label, address) {
	const href = safeAddress(address);
	if (!href) return el("span", {}, label);
	return el("a", { href, rel: "noopener noreferrer", target: "_blank" }, label);
}

function inline(text, depth = 0) {
	if (depth > DEPTH) return [text];
	const parts = [];
	let at = 0;
	for (const found of text.matchAll(INLINE)) {
		const g = found.groups;
		if (found.index > at) parts.push(text.slice(at, found.index));
		at = found.index + found[0].length;
		if (g.code !== undefined) parts.push(el("code", {}, g.code));
		else if (g.label) parts.push(link(g.label, g.address));
		else if (g.plain) {
			const end = /[.,;:!?]+$/.exec(g.plain)?.[0] ?? "";
			parts.push(link(g.plain.slice(0, g.plain.length - end.length), g.plain.slice(0, g.plain.length - end.length)), end);
		} else if (g.bold) parts.push(el("strong", {}, inline(g.bold, depth + 1)));
		else if (g.slanted) parts.push(el("em", {}, inline(g.slanted, depth + 1)));
		else if (g.struck) parts.push(el("del", {}, inline(g.struck, depth + 1)));
		else if (g.line) parts.push(el("br"));
		else parts.push(g.escaped);
	}
	if (at < text.length) parts.push(text.slice(at));
	return parts;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(?:\s+|$)/;
const TABLE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const starts = (line) => FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);

/** The blocks of a text: {source, make()}. */
function blocks(text, depth = 0) {
	const lines = text.split("\n");
	const found = [];
	let at = 0;
	const take = (end, make) => {
		const source = lines.slice(at, end);
		found.push({ source: source.join("\n"), make: () => make(source) });
		at = end;
	};
	const until = (from, stop) => {
		let end = from;
		while (end < lines.length && !stop(lines[end], end)) end++;
		return end;
	};
	while (at < lines.length) {
		const line = lines[at];
		if (!line.trim()) at++;
		else if (FENCE.test(line)) {
			const fence = FENCE.exec(line)[1];
			const close = until(at + 1, (one) => one.trim().startsWith(fence) && !one.trim().replaceAll(fence[0], ""));
			take(Math.min(close + 1, lines.length), code);
		} else if (HEADING.test(line)) take(at + 1, ([row]) => heading(row));
		else if (RULE.test(line)) take(at + 1, () => el("hr"));
		else if (depth < DEPTH && QUOTE.test(line)) {
			take(until(at, (one) => !QUOTE.test(one)), (rows) =>
				el("blockquote", {}, elements(rows.map((row) => row.replace(QUOTE, "")).join("\n"), depth + 1)));
		} else if (depth < DEPTH && ITEM.test(line)) take(listEnd(lines, at), (rows) => list(rows, depth));
		else if (line.includes("|") && TABLE.test(lines[at + 1] ?? "")) {
			take(until(at + 2, (one) => !one.includes("|")), table);
		} else {
			const end = until(at + 1, (one) => !one.trim() || starts(one));
			take(end, (rows) => el("p", {}, inline(rows.join("\n").trim())));
		}
	}
	return found;
}

const elements = (text, depth) => blocks(text, depth).map((block) => block.make());

function heading(row) {
	const [, marks, words] = HEADING.exec(row);
	return el(`h${Math.min(6, marks.length + 2)}`, {}, inline(words));
}

function code(rows) {
	const [, fence, language] = FENCE.exec(rows[0]);
	const closed = rows.length > 1 && rows.at(-1).trim().startsWith(fence);
	const text = rows.slice(1, closed ? -1 : undefined).join("\n");
	const copy = el("button", { class: "quiet", onclick: async () => {
		await copyText(text);
		copy.textContent = t("copied");
		setTimeout(() => (copy.textContent = t("copy")), 1500);
	} }, t("copy"));
	return el("div", { class: "code" }, el("div", { class: "code-head" }, el("span", {}, language || ""), copy),
		el("pre", { tabIndex: 0, role: "group", "aria-label": language || "code" }, el("code", {}, text)));
}

function listEnd(lines, at) {
	const [, { length: indent }, first] = ITEM.exec(lines[at]);
	const numbered = /\d/.test(first);
	let end = at + 1;
	while (end < lines.length) {
		const line = lines[end];
		const item = ITEM.exec(line);
		const deep = /^\s*/.exec(line)[0].length > indent;
		const next = item && item[1].length >= indent && (item[1].length > indent + 1 || /\d/.test(item[2]) === numbered);
		if (line.trim() && !next && !deep) {
			if (!lines[end - 1].trim() || starts(line)) break;
		}
		end++;
	}
	while (!lines[end - 1].trim()) end--;
	return end;
}

function list(rows, depth) {
	const [, indent, first] = ITEM.exec(rows[0]);
	const items = [];
	for (const row of rows) {
		const item = ITEM.exec(row);
		if (item && item[1].length <= indent.length + 1) items.push([row.slice(item[0].length)]);
		else items.at(-1).push(row.replace(/^(\t| {1,4})/, ""));
	}
	const numbered = /\d/.test(first);
	const made = items.map((lines) => {
		const inside = elements(lines.join("\n"), depth + 1);
		const single = inside.length && inside[0].tagName === "P" ? [...inside[0].childNodes, ...inside.slice(1)] : inside;
		return el("li", {}, single);
	});
	return el(numbered ? "ol" : "ul", numbered ? { start: parseInt(first, 10) } : {}, made);
}

function table([head, , ...rows]) {
	const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
	return el("div", { class: "wide" }, el("table", {},
		el("thead", {}, el("tr", {}, cells(head).map((cell) => el("th", {}, inline(cell))))),
		el("tbody", {}, rows.map((row) => el("tr", {}, cells(row).map((cell) => el("td", {}, inline(cell))))))));
}

const shown = new WeakMap();

/** Show `text` in `place`; blocks that are as they were are left alone. */
export function render(place, text) {
	const wanted = blocks(text);
	const old = shown.get(place) ?? [];
	let same = 0;
	while (same < wanted.length && same < old.length && wanted[same].source === old[same]) same++;
	while (place.childElementCount > same) place.lastElementChild.remove();
	place.append(...wanted.slice(same).map((block) => block.make()));
	shown.set(place, wanted.map((block) => block.source));
}
