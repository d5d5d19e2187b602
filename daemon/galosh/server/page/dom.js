// Building elements. Text goes in as text, never as markup.

/** An element. props: `class`, `data-…`, `aria-…`, `on…` listeners, anything else a property. */
export function el(tag, props = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(props)) {
		if (value === undefined || value === null) continue;
		if (name === "class") made.className = value;
		else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
		else if (name in made && !name.includes("-")) made[name] = value;
		else made.setAttribute(name, value);
	}
	made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
	return made;
}

/** Make `list` show these rows ({key, make}); a row whose key is there already stays the same
 *  element, so that a click that has begun on it ends on it. */
export function showRows(list, rows) {
	rows.forEach(({ key, make }, i) => {
		const there = list.children[i];
		if (there?.dataset.key === key) return;
		const made = make();
		made.dataset.key = key;
		if (there) there.replaceWith(made);
		else list.append(made);
	});
	while (list.children.length > rows.length) list.lastElementChild.remove();
}

export const byId = (id) => document.getElementById(id);

/** Call `work` once, `wait` ms after the last call. */
export function later(wait, work) {
	let timer = 0;
	return () => {
		clearTimeout(timer);
		timer = setTimeout(work, wait);
	};
}

/** One small value of this browser; storage may be full or forbidden. */
export const memory = {
	get(name, otherwise = null) {
		try {
			const text = localStorage.getItem(`galosh.${name}`);
			return text === null ? otherwise : JSON.parse(text);
		} catch {
			return otherwise;
		}
	},
	set(name, value) {
		try {
			if (value === null) localStorage.removeItem(`galosh.${name}`);
			else localStorage.setItem(`galosh.${name}`, JSON.stringify(value));
			return true;
		} catch {
			return false;
		}
	},
	names(prefix) {
		try {
			return Object.keys(localStorage)
				.filter((name) => name.startsWith(`galosh.${prefix}`))
				.map((name) => name.slice("galosh.".length));
		} catch {
			return [];
		}
	},
};

export async function copyText(text) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = el("textarea", { value: text, class: "aside" });
		document.body.append(area);
		area.select();
		document.execCommand("copy");
		area.remove();
	}
}
