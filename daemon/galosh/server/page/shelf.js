// The list at the left of the notebook and of the chat: search, open, rename, delete with undo.

import { call } from "./api.js";
import { el, later, memory, showRows } from "./dom.js";
import { t } from "./texts.js";
import { note } from "./telling.js";

export class Shelf {
	/** kind: the route, and what its answer calls them. open(id, focus), create(): the view's.
	 *  current(): the open one; about(one): the small line below a name; title: its field. renamed(answer). */
	constructor({ kind, list, search, title, untitled, current, open, create, about = () => null, renamed = () => {} }) {
		Object.assign(this, { kind, list, search, title, untitled, current, open, create, about, renamed });
		this.known = [];
		this.soon = later(250, () => this.load());
		search.addEventListener("input", this.soon);
		title.addEventListener("change", () => this.rename(title.value));
	}

	async load() {
		const words = this.search.value.trim();
		this.known = (await call("GET", `/${this.kind}${words ? `?search=${encodeURIComponent(words)}` : ""}`))[this.kind];
		this.draw();
	}

	draw() {
		const rows = this.known.map((one) => {
			const [name, about] = [one.heading || t(this.untitled), this.about(one)];
			const current = String(one.id === this.current()?.id);
			return { key: [one.id, current, name, about].join("|"), make: () => el("li", {}, el("button", {
				"aria-current": current, onclick: () => this.open(one.id, true),
			}, el("span", {}, name), el("span", { class: "dim" }, about))) };
		});
		if (!rows.length && this.search.value) rows.push({ key: "", make: () => el("li", { class: "dim" }, t("search.none")) });
		showRows(this.list, rows);
		this.title.placeholder = this.current() ? this.nameOf(this.current()) : "";
	}

	/** A view of this one is open now. */
	opened(one) {
		memory.set(this.kind, one.id);
		this.title.value = one.title;
		this.draw();
	}

	async openSome() {
		await this.load();
		const last = memory.get(this.kind);
		const id = this.known.find((one) => one.id === last)?.id ?? this.known[0]?.id;
		if (id) await this.open(id);
		else await this.create();
	}

	async rename(title) {
		const one = this.current();
		one.title = this.title.value = title.trim();
		const found = await call("PATCH", `/${this.kind}/${one.id}`, { title: one.title });
		this.renamed(found);
		await this.load();
	}

	async remove(one) {
		const { id } = one;
		const title = this.nameOf(one);
		await call("DELETE", `/${this.kind}/${id}`);
		note(t("deleted", { title }), { text: t("undo.it"), run: async () => {
			await call("POST", `/${this.kind}/${id}/restore`);
			await this.load();
			await this.open(id, true);
		} });
	}

	/** What this one is called. */
	nameOf({ id, title }) {
		return title || this.known.find((one) => one.id === id)?.heading || t(this.untitled);
	}
}
