// Differences between two texts, and what they do to places in them. Pure.
// An edit is {at, remove, insert}: at `at`, `remove` code units go and `insert` comes.
// Lengths are UTF-16 code units; no edit ever cuts a surrogate pair in two.

const STEP = 2048;
const isHigh = (text, i) => (text.charCodeAt(i) & 0xfc00) === 0xd800;
const isLow = (text, i) => (text.charCodeAt(i) & 0xfc00) === 0xdc00;

/** The one edit that makes `after` of `before`; null if they are the same. */
export function difference(before, after) {
	if (before === after) return null;
	const most = Math.min(before.length, after.length);
	let start = 0;
	while (start + STEP <= most && before.slice(start, start + STEP) === after.slice(start, start + STEP)) start += STEP;
	while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start++;
	if (start > 0 && isHigh(before, start - 1)) start--;
	const rest = most - start;
	let end = 0;
	const same = (from, to) =>
		before.slice(before.length - to, before.length - from) === after.slice(after.length - to, after.length - from);
	while (end + STEP <= rest && same(end, end + STEP)) end += STEP;
	while (end < rest && before.charCodeAt(before.length - end - 1) === after.charCodeAt(after.length - end - 1)) end++;
	if (end > 0 && isLow(before, before.length - end)) end--;
	return { at: start, remove: before.length - end - start, insert: after.slice(start, after.length - end) };
}

/** The text after an edit. */
export function apply(text, edit) {
	return text.slice(0, edit.at) + edit.insert + text.slice(edit.at + edit.remove);
}

/** Where a place is after an edit. after: one at the edit's own place moves behind what came. */
export function movePlace(place, edit, after = false) {
	if (place < edit.at || (place === edit.at && !after)) return place;
	if (place < edit.at + edit.remove) return edit.at + (after ? edit.insert.length : 0);
	return place + edit.insert.length - edit.remove;
}

/** Ranges ([start, end], sorted) after an edit; what was inserted belongs to none. */
export function moveMarks(marks, edit) {
	if (!marks.length) return marks;
	const gone = edit.at + edit.remove;
	const by = edit.insert.length - edit.remove;
	const moved = [];
	const keep = (start, end) => {
		const last = moved[moved.length - 1];
		if (start >= end) return;
		if (last && last[1] === start) last[1] = end;
		else moved.push([start, end]);
	};
	for (const [start, end] of marks) {
		if (end <= edit.at) keep(start, end);
		else if (start >= gone) keep(start + by, end + by);
		else {
			keep(start, Math.min(end, edit.at));
			keep(Math.max(start, gone) + by, end + by);
		}
	}
	return moved;
}

/** `marks` with one more range. */
export function addMark(marks, start, end) {
	if (start >= end) return marks;
	const all = [...marks.map((m) => [...m]), [start, end]].sort((a, b) => a[0] - b[0]);
	const joined = [];
	for (const mark of all) {
		const last = joined[joined.length - 1];
		if (last && mark[0] <= last[1]) last[1] = Math.max(last[1], mark[1]);
		else joined.push(mark);
	}
	return joined;
}

/** What two people made of `base`, together. Where both changed the same place, both
 *  wordings are kept, theirs first, and `clash` says so. `edit` leads from theirs to the result. */
export function merge(base, ours, theirs) {
	const mine = difference(base, ours);
	const other = difference(base, theirs);
	if (!mine || ours === theirs) return { text: theirs, edit: null, clash: false };
	if (!other) return { text: ours, edit: mine, clash: false };
	// An answer that was lost on its way: theirs is the beginning of ours, or the other way round.
	if (mine.at === other.at && mine.remove === other.remove) {
		if (mine.insert.startsWith(other.insert)) return { text: ours, edit: difference(theirs, ours), clash: false };
		if (other.insert.startsWith(mine.insert)) return { text: theirs, edit: null, clash: false };
	}
	const mineEnd = mine.at + mine.remove;
	const otherEnd = other.at + other.remove;
	if (mineEnd <= other.at || otherEnd <= mine.at) {
		const at = mineEnd <= other.at ? mine.at : mine.at + other.insert.length - other.remove;
		const edit = { ...mine, at };
		return { text: apply(theirs, edit), edit, clash: false };
	}
	// Both changed one stretch of the base: ours, whole, goes behind theirs.
	const start = Math.min(mine.at, other.at);
	const end = Math.max(mineEnd, otherEnd);
	const own = base.slice(start, mine.at) + mine.insert + base.slice(mineEnd, end);
	const at = end + other.insert.length - other.remove;
	const edit = { at, remove: 0, insert: own };
	return { text: apply(theirs, edit), edit, clash: true };
}

const CONTEXT = 48;
const MOST_REMOVED = 100_000;

/** An edit that was not sent yet, with enough around it to find its place again. */
export function remember(base, edit, version) {
	const end = edit.at + edit.remove;
	return {
		...edit,
		version,
		removed: edit.remove <= MOST_REMOVED ? base.slice(edit.at, end) : null,
		before: base.slice(Math.max(0, edit.at - CONTEXT), edit.at),
		after: base.slice(end, end + CONTEXT),
	};
}

/** What a remembered edit is on `text` now: {edit}, {done: true} if it is there already, or
 *  {lost: true} if its place is not found. */
export function replay(text, version, kept) {
	const edit = { at: kept.at, remove: kept.remove, insert: kept.insert };
	if (version === kept.version) return { edit };
	const made = kept.before + kept.insert + kept.after;
	const from = kept.at - kept.before.length;
	if (made && text.startsWith(made, from)) return { done: true };
	if (kept.removed === null) return { lost: true };
	if (!kept.removed && text.startsWith(kept.before, from)) {
		// Its beginning may be there already.
		let there = 0;
		while (there < kept.insert.length && text[kept.at + there] === kept.insert[there]) there++;
		if (there && text.startsWith(kept.after, kept.at + there)) return { edit: { at: kept.at + there, remove: 0, insert: kept.insert.slice(there) } };
	}
	const old = kept.before + kept.removed + kept.after;
	if (!old) return text ? { lost: true } : { edit };
	const near = text.startsWith(old, from) ? from : text.indexOf(old);
	if (near < 0 || (near !== from && text.indexOf(old, near + 1) >= 0)) return { lost: true };
	return { edit: { ...edit, at: near + kept.before.length } };
}
