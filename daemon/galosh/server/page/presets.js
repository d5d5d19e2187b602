// Presets and prompts for the notebook and the chat, read anew whenever somebody looks.

import { call } from "./api.js";
import { el, later, memory } from "./dom.js";
import { language, t } from "./texts.js";
import { menu } from "./telling.js";

export const inTongue = (texts, otherwise = "") => texts[language()] ?? texts.en ?? otherwise;

/** A select with the sampler presets; what was chosen is remembered under `name`. */
export async function fillPresets(select, name) {
	const { samplers } = await call("GET", "/presets");
	const wanted = select.value || memory.get(name, "");
	select.replaceChildren(el("option", { value: "" }, t("preset.own")),
		...samplers.map((one) => el("option", { value: one.name }, inTongue(one.titles, one.name))));
	select.value = samplers.some((one) => one.name === wanted) ? wanted : "";
}

export function beginPresets(select, name) {
	select.addEventListener("change", () => memory.set(name, select.value));
	select.addEventListener("pointerdown", later(0, () => fillPresets(select, name)));
	return fillPresets(select, name);
}

/** A menu of the prompts of one kind; `take(prompt, title)` with the one that was chosen. */
export async function showPrompts(button, kind, take) {
	const { prompts } = await call("GET", "/presets");
	menu(button, prompts.filter((one) => one.kind === kind).map((one) => {
		const title = inTongue(one.titles, one.name);
		return { text: one.own ? `${title} (${t("prompts.own")})` : title, run: () => take(one, title) };
	}));
}
