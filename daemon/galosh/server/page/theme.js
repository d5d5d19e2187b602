// Before the first paint: the theme and the language that this browser was told to use.
(() => {
	const get = (name) => {
		try {
			return JSON.parse(localStorage.getItem(`galosh.${name}`));
		} catch {
			return null;
		}
	};
	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	const draw = () => {
		const told = get("theme");
		root.dataset.theme = told === "dark" || told === "light" ? told : dark.matches ? "dark" : "light";
	};
	draw();
	dark.addEventListener("change", draw);
	addEventListener("galosh-theme", draw);
	root.lang = get("tongue") ?? (navigator.language.startsWith("ru") ? "ru" : "en");
})();
