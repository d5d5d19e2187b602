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
  const theme = get("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  root.lang = get("tongue") ?? (navigator.language.startsWith("ru") ? "ru" : "en");
})();
