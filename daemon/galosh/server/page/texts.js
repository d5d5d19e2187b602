// Every text of the page, English and Russian side by side. `{name}` is filled in by `t`.

export const TEXTS = {
  "skip": ["To the sheet", "К листу"],
  "tabs": ["Views", "Разделы"],
  "tab.notebook": ["Notebook", "Блокнот"],
  "tab.chat": ["Chat", "Чат"],
  "tab.models": ["Models", "Модели"],
  "tab.settings": ["Settings", "Настройки"],
  "theme": ["Theme", "Тема"],
  "theme.auto": ["Theme: as the system", "Тема: как в системе"],
  "theme.dark": ["Theme: dark", "Тема: тёмная"],
  "theme.light": ["Theme: light", "Тема: светлая"],
  "keys.open": ["Keys", "Клавиши"],
  "keys": ["Keys", "Клавиши"],
  "close": ["Close", "Закрыть"],
  "cancel": ["Cancel", "Отмена"],
  "dismiss": ["Got it", "Понятно"],
  "undo.it": ["Undo", "Вернуть"],
  "retry": ["Try again", "Повторить"],
  "copy": ["Copy", "Копировать"],
  "copied": ["Copied", "Скопировано"],
  "menu.none": ["Nothing here yet", "Здесь пока пусто"],

  "locked.title": ["This page needs to be opened by galosh", "Эту страницу открывает galosh"],
  "locked.why": [
    "It can read and change everything galosh keeps, so it opens only by a link that works once. Yours was used already, has run out, or belongs to another browser.",
    "Она читает и меняет всё, что хранит galosh, поэтому открывается только по одноразовой ссылке. Ваша уже использована, устарела или выдана другому браузеру."],
  "locked.next": ["Type in a terminal:", "Наберите в терминале:"],
  "locked.tray": ["or choose “Notebook” in the tray icon's menu.", "или выберите «Блокнот» в меню значка в трее."],
  "locked.kept": ["What you typed and was not saved yet is kept in this browser.", "То, что вы набрали и что ещё не сохранено, хранится в этом браузере."],
  "away": [
    "galosh does not answer. You can go on typing: it is kept in this browser and saved as soon as galosh is back. Start it with: galosh start",
    "galosh не отвечает. Печатать можно дальше: текст хранится в этом браузере и сохранится, как только galosh вернётся. Запустить: galosh start"],
  "back": ["galosh is back; everything is saved.", "galosh снова здесь; всё сохранено."],
  "trouble": ["Something went wrong in the page", "Ошибка на странице"],
  "trouble.next": ["Reload the page; your text is kept.", "Обновите страницу; текст сохранён."],

  "sheets": ["Sheets", "Листы"],
  "search": ["Search sheets", "Поиск по листам"],
  "sheet": ["Sheet: all that the model knows", "Лист: всё, что знает модель"],
  "sheet.hold": ["Write a beginning…", "Напишите начало…"],
  "sheet.title": ["Name of the sheet", "Название листа"],
  "sheet.new": ["New", "Новый"],
  "sheet.new.title": ["New sheet (Alt+N)", "Новый лист (Alt+N)"],
  "sheet.untitled": ["Untitled", "Без названия"],
  "sheet.none": ["No sheet has this in it.", "Такого нет ни в одном листе."],
  "sheet.characters": ["{count} characters", "Знаков: {count}"],
  "saved": ["Saved", "Сохранено"],
  "saving": ["Saving…", "Сохраняю…"],
  "unsaved": ["Kept in this browser", "Хранится в браузере"],
  "import": ["Import", "Импорт"],
  "import.title": ["A text file becomes a new sheet", "Текстовый файл станет новым листом"],
  "import.large": ["This file is too long for a sheet: {size}. Up to 8 MB fit.", "Файл слишком велик для листа: {size}. Помещается до 8 МБ."],
  "export": ["Export", "Экспорт"],
  "export.title": ["The sheet as a text file", "Лист как текстовый файл"],
  "delete": ["Delete", "Удалить"],
  "delete.title": ["The sheet goes to the bin; it can be undone", "Лист отправится в корзину; это можно отменить"],
  "deleted": ["“{title}” is in the bin for 30 days.", "«{title}» 30 дней пробудет в корзине."],
  "sheet.gone": ["This sheet was deleted elsewhere. What is on the screen is kept as a new sheet.", "Этот лист удалили в другом месте. То, что на экране, сохранено новым листом."],
  "sheet.clash": ["The same place was changed here and elsewhere. Both wordings are kept, one after the other.", "Одно и то же место изменили здесь и в другом окне. Сохранены оба варианта, один за другим."],
  "sheet.recovered": ["Recovered: {title}", "Восстановлено: {title}"],
  "sheet.lost": ["Unsaved words of a closed tab did not fit into the sheet as it is now. They are in a new sheet: “{title}”.", "Несохранённые слова закрытой вкладки не подошли к нынешнему листу. Они в новом листе «{title}»."],
  "prompts": ["Beginnings", "Начала"],
  "prompts.own": ["yours", "ваше"],

  "writing": ["Writing", "Письмо"],
  "generate": ["Generate", "Продолжить"],
  "generate.title": ["Go on with the text (Ctrl+Enter)", "Продолжить текст (Ctrl+Enter)"],
  "stop": ["Stop", "Стоп"],
  "stop.title": ["Stop writing (Esc)", "Остановить (Esc)"],
  "regenerate": ["Again", "Заново"],
  "regenerate.title": ["Another wording of the last piece (Ctrl+Shift+Enter)", "Переписать последний кусок (Ctrl+Shift+Enter)"],
  "word": ["Word", "Слово"],
  "word.title": ["One more word (Alt+W)", "Ещё одно слово (Alt+W)"],
  "line": ["Line", "Строка"],
  "line.title": ["To the end of the line (Alt+L)", "До конца строки (Alt+L)"],
  "choices": ["Choices", "Варианты"],
  "choices.title": ["Three short continuations to choose from (Alt+C)", "Три коротких продолжения на выбор (Alt+C)"],
  "choices.pick": ["Choose with 1, 2, 3 or a click; Esc leaves.", "Выберите клавишей 1, 2, 3 или щелчком; Esc закрывает."],
  "choices.same": ["This preset leaves nothing to chance, so they are alike.", "В этом наборе нет случайности, поэтому варианты одинаковы."],
  "undo": ["Undo", "Отменить"],
  "undo.title": ["Take back the last step (Ctrl+Z)", "Отменить последний шаг (Ctrl+Z)"],
  "redo": ["Redo", "Вернуть"],
  "redo.title": ["Bring it back (Ctrl+Y)", "Вернуть отменённое (Ctrl+Y)"],
  "chances": ["Tokens", "Токены"],
  "chances.title": ["How sure the model was of each token (Alt+K)", "Насколько модель была уверена в каждом токене (Alt+K)"],
  "chances.none": ["Nothing was generated on this sheet since the page was opened.", "С открытия страницы на этом листе ничего не создано."],
  "chances.hint": ["Each token with how sure the model was of it. Arrow keys go from one to the next.", "Каждый токен и уверенность модели в нём. Стрелки ведут от одного к другому."],
  "chances.cut": ["Only the last {count} are shown.", "Показаны только последние {count}."],
  "chances.token": ["Token", "Токен"],
  "chances.chance": ["Chance", "Вероятность"],
  "chances.taken": ["taken", "выбран"],
  "from": ["Go on", "Продолжать"],
  "from.end": ["at the end", "с конца"],
  "from.caret": ["at the cursor", "от курсора"],
  "most": ["At most", "Не больше"],
  "most.tokens": ["{count} tokens", "{count} токенов"],
  "most.open": ["until it ends", "пока не кончит"],
  "preset": ["Preset", "Набор"],
  "preset.own": ["the model's own", "как у модели"],
  "counts.label": ["How full the context is", "Заполнение контекста"],
  "counts.exact": ["{count} of {most} tokens", "Токенов: {count} из {most}"],
  "counts.about": ["about {count} of {most} tokens", "Токенов: около {count} из {most}"],
  "counts.alone": ["about {count} tokens", "Токенов: около {count}"],
  "counts.over": ["{count} of {most} tokens: the shaded beginning is not seen", "Токенов: {count} из {most}; затенённое начало не видно модели"],

  "told.empty": ["The sheet is empty. Write a beginning, or take one from “Beginnings”.", "Лист пуст. Напишите начало или возьмите его в «Началах»."],
  "told.nothing": ["The model wrote nothing: it takes the text for finished. Add a few words, or a new line, and go on.", "Модель ничего не написала: она считает текст законченным. Добавьте пару слов или новую строку и продолжите."],
  "told.ended": ["The model ended here.", "Здесь модель закончила."],
  "told.limit": ["{count} tokens written. Go on: Ctrl+Enter.", "Написано токенов: {count}. Дальше: Ctrl+Enter."],
  "told.stopped": ["Stopped. What was written stays.", "Остановлено. Написанное осталось."],
  "told.cut": ["The answer ended because galosh went away. What was written stays.", "Ответ прервался: galosh не отвечает. Написанное осталось."],
  "told.speed": ["{speed} tokens/s", "{speed} токенов/с"],
  "told.place": ["Waiting; answers before this one: {count}", "Жду; ответов впереди: {count}"],
  "told.reading": ["Reading…", "Читаю…"],
  "told.writing": ["Writing…", "Пишу…"],
  "full.what": ["The context is full.", "Контекст заполнен."],
  "full.why": ["The text has {count} tokens; the model holds {most} with its answer.", "В тексте {count} токенов; модель вмещает {most} вместе с ответом."],
  "full.next": ["Go on from the end that fits (the beginning stays on the sheet, unseen by the model), shorten the text, or set a longer context.", "Продолжите с конца, который помещается (начало останется на листе, но модель его не увидит), сократите текст или увеличьте контекст."],
  "full.go": ["Go on from the end that fits", "Продолжить с конца, который помещается"],
  "full.settings": ["Longer context…", "Увеличить контекст…"],
  "hint.what": ["A blank sheet, and the sheet is all the model knows.", "Чистый лист, и этот лист — всё, что знает модель."],
  "hint.how": [
    "Write a beginning and press Ctrl+Enter: the model goes on from the end of the text, and the end weighs most. It remembers nothing else. Change what it wrote, take it back (Ctrl+Z), ask again. Every key is saved.",
    "Напишите начало и нажмите Ctrl+Enter: модель продолжит с конца текста, и конец весит больше всего. Больше она ничего не помнит. Правьте написанное, отменяйте (Ctrl+Z), просите заново. Сохраняется каждая буква."],

  "chats": ["Conversations", "Разговоры"],
  "chat.search": ["Search conversations", "Поиск по разговорам"],
  "chat.title": ["Name of the conversation", "Название разговора"],
  "chat.untitled": ["New conversation", "Новый разговор"],
  "chat.log": ["Conversation", "Разговор"],
  "chat.empty": ["Ask something. The model sees this conversation and nothing else.", "Спросите что-нибудь. Модель видит только этот разговор."],
  "chat.words": ["Your question (Enter sends, Shift+Enter: a new line)", "Ваш вопрос (Enter отправляет, Shift+Enter: новая строка)"],
  "chat.send": ["Send", "Отправить"],
  "chat.save": ["Save", "Сохранить"],
  "chat.you": ["You", "Вы"],
  "chat.model": ["Model", "Модель"],
  "chat.edit": ["Edit", "Изменить"],
  "chat.thoughts": ["Thoughts", "Размышления"],
  "chat.thinking": ["Thinking…", "Думаю…"],
  "chat.think": ["may think first", "можно подумать"],
  "chat.earlier": ["Earlier version", "Предыдущий вариант"],
  "chat.later": ["Later version", "Следующий вариант"],
  "chat.prompts": ["Prompts", "Запросы"],
  "chat.cut": ["The oldest {count} turns were left out: the conversation is longer than the context.", "Разговор длиннее контекста; старейших реплик не учтено: {count}."],
  "chat.cut.go": ["Answer without the oldest turns", "Ответить без старейших реплик"],
  "chat.unkept": ["Not kept: history is switched off", "Не хранится: история выключена"],

  "status": ["State", "Состояние"],
  "status.no-model": ["no model in memory", "модель не загружена"],
  "status.starting": ["starting", "запускается"],
  "status.loading": ["loading", "загружается"],
  "status.ready": ["ready", "готова"],
  "status.busy": ["answering", "отвечает"],
  "status.resting": ["resting", "отдыхает"],
  "status.unloading": ["leaving memory", "освобождает память"],
  "status.killing": ["being restarted", "перезапускается"],
  "status.backoff": ["being restarted", "перезапускается"],
  "status.failed": ["failed", "сбой"],
  "status.asleep": ["asleep, wakes by itself", "спит, проснётся сама"],
  "status.paused": ["paused", "на паузе"],
  "status.memory": ["Memory", "Память"],
  "status.speed": ["Speed", "Скорость"],
  "status.queue": ["Waiting", "В очереди"],
  "status.downloads": ["Downloads", "Загрузки"],
  "status.pressure": ["The PC is short of memory", "Компьютеру не хватает памяти"],
  "status.why": ["Why?", "Почему?"],

  "unit.kb": ["{n} kB", "{n} КБ"],
  "unit.mb": ["{n} MB", "{n} МБ"],
  "unit.gb": ["{n} GB", "{n} ГБ"],

  "key.generate": ["go on with the text / send the question", "продолжить текст / отправить вопрос"],
  "key.stop": ["stop; close what is open", "остановить; закрыть открытое"],
  "key.again": ["another wording of the last piece", "переписать последний кусок"],
  "key.word": ["one more word", "ещё слово"],
  "key.line": ["to the end of the line", "до конца строки"],
  "key.choices": ["three continuations to choose from", "три продолжения на выбор"],
  "key.tokens": ["tokens and their chances", "токены и вероятности"],
  "key.undo": ["undo, redo", "отменить, вернуть"],
  "key.new": ["new sheet or chat", "новый лист или чат"],
  "key.search": ["search", "поиск"],
  "key.tab": ["the four views", "четыре раздела"],
  "key.help": ["this list", "этот список"],
};

let tongue = document.documentElement?.lang === "ru" ? 1 : 0;
export const language = () => (tongue ? "ru" : "en");
export function speak(name) {
  tongue = name === "ru" ? 1 : 0;
  document.documentElement.lang = language();
}

/** A text in the reader's language. */
export function t(key, facts = {}) {
  const pair = TEXTS[key];
  if (!pair) return key;
  return pair[tongue].replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}
export const has = (key) => key in TEXTS;

/** A whole number, and a number of bytes, as they are written here. */
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
export function bytes(value) {
  if (value >= 1e9) return t("unit.gb", { n: number(value / 1e9, 1) });
  if (value >= 1e6) return t("unit.mb", { n: number(value / 1e6) });
  return t("unit.kb", { n: number(Math.max(1, value / 1e3)) });
}

/** Fill every element that names its text. */
export function fillTexts(root = document) {
  const put = (name, set) => {
    for (const one of root.querySelectorAll(`[data-${name}]`)) set(one, t(one.dataset[name]));
  };
  put("t", (one, text) => (one.textContent = text));
  put("title", (one, text) => (one.title = text));
  put("label", (one, text) => one.setAttribute("aria-label", text));
  put("hold", (one, text) => (one.placeholder = text));
}
