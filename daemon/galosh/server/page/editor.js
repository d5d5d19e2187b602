// The sheet on the screen: a plain textarea, a tint behind it, and a history of its own.
// Owns text, marks (ranges a model wrote and nobody changed) and undo; knows no daemon.
// The tint is a second layer of the same text, a row a paragraph, made only where there are marks.

import { addMark, difference, moveMarks, movePlace } from "./diff.js";

const TINT_MOST = 400_000; // code units; beyond, the tint would cost more than it tells
const JOIN_MS = 1200; // typing without a longer pause is one step of undo
const STEPS = 500;

export class Editor {
	/** changed(text, marks): after every change. */
	constructor(area, backdrop, changed) {
		this.area = area;
		this.backdrop = backdrop;
		this.changed = changed;
		this.text = "";
		this.marks = [];
		this.dropped = 0;
		this.rows = [];
		this.frame = 0;
		this.writing = null; // what is being written now
		this.latest = null; // and what was written last
		this.forget();
		area.addEventListener("input", () => this.#typed());
		area.addEventListener("scroll", () => this.#scroll(), { passive: true });
		area.addEventListener("beforeinput", (event) => {
			if (event.inputType === "historyUndo" || event.inputType === "historyRedo") {
				event.preventDefault();
				if (event.inputType === "historyUndo") this.undo();
				else this.redo();
			}
		});
	}

	/** Another sheet. history: what `history()` of that sheet gave. */
	load(text, marks, history = null) {
		this.text = text;
		this.marks = marks;
		this.writing = this.latest = null;
		this.area.value = text;
		if (history) ({ past: this.past, future: this.future } = history);
		else this.forget();
		this.#tint();
	}

	history() {
		return { past: this.past, future: this.future };
	}

	forget() {
		this.past = [];
		this.future = [];
	}

	get caret() {
		return this.area.selectionEnd;
	}

	// --- changes ---

	#typed() {
		let value = this.area.value;
		if (/\0/.test(value) || (value.isWellFormed && !value.isWellFormed())) {
			const caret = this.area.selectionEnd;
			value = value.replace(/\0/g, "\u2400");
			if (value.toWellFormed) value = value.toWellFormed();
			this.area.value = value;
			this.area.setSelectionRange(caret, caret);
		}
		const edit = difference(this.text, value);
		if (!edit) return;
		// " big" before " red" may read as "big " behind the space: the caret tells.
		const end = () => edit.at + edit.insert.length - 1;
		while (!edit.remove && end() >= this.area.selectionEnd && edit.at && value[edit.at - 1] === value[end()]) edit.at--;
		edit.insert = value.slice(edit.at, end() + 1);
		const removed = this.text.slice(edit.at, edit.at + edit.remove);
		const before = this.marks;
		this.text = value;
		this.marks = moveMarks(before, edit);
		this.#note(edit, removed, before, "typing");
		this.#moveWriting(edit);
		this.#after();
	}

	/** Change the text by program, as one step of undo. mark: the new text is the model's. */
	change(edit, { mark = false, kind = "program" } = {}) {
		const removed = this.text.slice(edit.at, edit.at + edit.remove);
		const before = this.marks;
		this.#put(edit);
		this.marks = moveMarks(before, edit);
		if (mark) this.marks = addMark(this.marks, edit.at, edit.at + edit.insert.length);
		this.#note(edit, removed, before, kind);
		this.#moveWriting(edit);
		this.#after();
	}

	/** Text and marks as another tab left them. */
	adopt(text, marks) {
		const edit = difference(this.text, text);
		if (edit) this.change(edit, { kind: "elsewhere" });
		this.marks = marks;
		this.#tint();
	}

	/** Begin to write at a place; returns what `write` continues. replace: characters after it
	 *  that the new text stands for. */
	begin(at, replace = 0) {
		const removed = this.text.slice(at, at + replace);
		const before = this.marks;
		const edit = { at, remove: replace, insert: "" };
		if (replace) {
			this.#put(edit);
			this.marks = moveMarks(before, edit);
		}
		this.latest = this.writing = { start: at, end: at, whole: true };
		this.#note(edit, removed, before, "writing");
		if (replace) this.#after();
		return this.writing;
	}

	/** The next piece of what is being written. */
	write(writing, piece) {
		const edit = { at: writing.end, remove: 0, insert: piece };
		const follow = writing.end === this.text.length && this.#isAtBottom();
		const before = this.marks;
		this.#put(edit);
		this.marks = addMark(moveMarks(before, edit), edit.at, edit.at + piece.length);
		const last = this.past[this.past.length - 1];
		if (last && last.writing === writing) {
			last.insert += piece;
			last.after = this.marks;
		} else this.#note(edit, "", before, "writing");
		writing.end += piece.length;
		if (follow) this.area.scrollTop = this.area.scrollHeight;
		this.#after();
	}

	/** A writing that brought nothing leaves no step behind. */
	finish(writing) {
		const last = this.past[this.past.length - 1];
		if (last && last.writing === writing && !last.insert && !last.removed) this.past.pop();
		if (this.writing === writing) this.writing = null;
	}

	#moveWriting(edit) {
		const writing = this.latest;
		if (!writing) return;
		if (edit.at < writing.end && edit.at + edit.remove > writing.start) writing.whole = false;
		else if (!edit.remove && edit.at > writing.start && edit.at < writing.end) writing.whole = false;
		writing.start = movePlace(writing.start, edit, true);
		writing.end = Math.max(writing.start, movePlace(writing.end, edit));
	}

	/** Show an edit in the textarea; the caret and what is seen stay. */
	#put(edit) {
		const { area } = this;
		const top = area.scrollTop;
		area.setRangeText(edit.insert, edit.at, edit.at + edit.remove, "preserve");
		if (area.scrollTop !== top) area.scrollTop = top;
		this.text = this.text.slice(0, edit.at) + edit.insert + this.text.slice(edit.at + edit.remove);
	}

	#isAtBottom() {
		const { area } = this;
		return area.scrollHeight - area.scrollTop - area.clientHeight < 60;
	}

	#after() {
		this.changed(this.text, this.marks);
		this.#tint();
	}

	// --- undo ---

	#note(edit, removed, before, kind) {
		const now = performance.now();
		const last = this.past[this.past.length - 1];
		this.future = [];
		if (kind === "typing" && last && last.kind === "typing" && now - last.time < JOIN_MS) {
			if (!edit.remove && edit.at === last.at + last.insert.length) {
				Object.assign(last, { insert: last.insert + edit.insert, after: this.marks, time: now });
				return;
			}
			if (!edit.insert && !last.insert && edit.at + edit.remove === last.at) {
				Object.assign(last, { at: edit.at, removed: removed + last.removed, after: this.marks, time: now });
				return;
			}
		}
		const step = { at: edit.at, removed, insert: edit.insert, before, after: this.marks, kind, time: now };
		if (kind === "writing") step.writing = this.writing;
		this.past.push(step);
		if (this.past.length > STEPS) this.past.shift();
	}

	get canUndo() {
		return this.past.length > 0;
	}

	get canRedo() {
		return this.future.length > 0;
	}

	undo() {
		const step = this.past.pop();
		if (!step) return;
		this.future.push(step);
		this.#step({ at: step.at, remove: step.insert.length, insert: step.removed }, step.before);
	}

	redo() {
		const step = this.future.pop();
		if (!step) return;
		this.past.push(step);
		this.#step({ at: step.at, remove: step.removed.length, insert: step.insert }, step.after);
	}

	#step(edit, marks) {
		this.#put(edit);
		this.#moveWriting(edit);
		this.marks = marks;
		const caret = edit.at + edit.insert.length;
		this.area.setSelectionRange(caret, caret);
		this.#after();
	}

	// --- the tint ---

	/** The first `count` characters are those the model will not see. */
	shade(count) {
		if (count === this.dropped) return;
		this.dropped = count;
		this.#tint();
	}

	/** Once a frame: the keys of one frame are painted together. */
	#tint() {
		this.frame ||= requestAnimationFrame(() => {
			this.frame = 0;
			this.#tintNow();
		});
	}

	#tintNow() {
		const wanted = (this.marks.length || this.dropped) && this.text.length <= TINT_MOST;
		if (!wanted) {
			if (this.rows.length) this.backdrop.replaceChildren();
			this.rows = [];
			return;
		}
		this.#fill(this.#paint());
		this.#scroll();
	}

	/** The rows as they should be: their text, and in which ranges of it they are painted. */
	#paint() {
		const rows = [];
		let at = 0;
		let next = 0;
		for (const text of this.text.split("\n")) {
			const end = at + text.length;
			while (next < this.marks.length && this.marks[next][1] <= at) next++;
			let look = "";
			for (let i = next; i < this.marks.length && this.marks[i][0] < end; i++) {
				look += `${Math.max(0, this.marks[i][0] - at)}-${Math.min(text.length, this.marks[i][1] - at)},`;
			}
			if (at < this.dropped) look += `d${Math.min(text.length, this.dropped - at)}`;
			rows.push({ text, look });
			at = end + 1;
		}
		return rows;
	}

	/** A letter and the end of the shade change far apart: rows are matched by text, then by look. */
	#fill(rows) {
		const { backdrop, rows: old } = this;
		const more = rows.length - old.length;
		const least = Math.min(rows.length, old.length);
		let start = 0;
		while (start < least && rows[start].text === old[start].text) start++;
		let end = rows.length;
		while (end > start + Math.max(more, 0) && rows[end - 1].text === old[end - 1 - more].text) end--;
		for (let i = end - more; i > start; i--) backdrop.children[i - 1].remove();
		const fragment = document.createDocumentFragment();
		fragment.append(...rows.slice(start, end).map(rowElement));
		backdrop.insertBefore(fragment, backdrop.children[start]);
		rows.forEach((row, i) => {
			const was = i < start ? old[i] : i < end ? row : old[i - more];
			if (was.look !== row.look) backdrop.children[i].replaceWith(rowElement(row));
		});
		this.rows = rows;
	}

	#scroll() {
		if (this.rows.length) this.backdrop.scrollTop = this.area.scrollTop;
	}
}

function rowElement({ text, look }) {
	const row = document.createElement("div");
	if (!look) {
		row.textContent = text || "\n";
		return row;
	}
	const cut = /d(\d+)$/.exec(look);
	let at = 0;
	const put = (end, name) => {
		if (end <= at) return;
		const part = document.createElement(name ? "mark" : "span");
		if (name) part.className = name;
		part.textContent = text.slice(at, end);
		row.append(part);
		at = end;
	};
	if (cut) put(Number(cut[1]), "dropped");
	for (const range of look.replace(/d\d+$/, "").split(",")) {
		const [start, end] = range.split("-").map(Number);
		if (!range || end <= at) continue;
		put(start, "");
		put(end, "written");
	}
	put(text.length, "");
	if (!text) row.textContent = "\n";
	return row;
}
