"""What each setting means, in plain words: for the page and for `galosh settings list`."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "settings.api.port": (
        "Port of this PC on which programs and the notebook page find galosh (0: any free one)",
        "Порт, на котором galosh находят программы и страница блокнота (0: любой свободный)",
    ),
    "settings.api.tcp": (
        "Listen on that port at all; the notebook page needs it",
        "Слушать ли этот порт; без него нет страницы блокнота",
    ),
    "settings.api.require_token": (
        "Ask programs for the token before they may ask a model",
        "Требовать ключ у программ, прежде чем они спросят модель",
    ),
    "settings.api.allowed_origins": (
        "Web pages that may ask a model; they still need the token",
        "Веб-страницы, которым можно спрашивать модель; ключ им всё равно нужен",
    ),
    "settings.api.allowed_hosts": (
        "Other names by which containers or a tunnel reach this port",
        "Другие имена, по которым этот порт находят контейнеры или туннель",
    ),
    "settings.model.default": (
        "Model to use where none is named (empty: galosh chooses)",
        "Модель, когда она не названа (пусто: выбирает galosh)",
    ),
    "settings.model.templates": (
        "Prompt templates chosen for models: MODEL=TEMPLATE",
        "Шаблоны запроса, выбранные для моделей: МОДЕЛЬ=ШАБЛОН",
    ),
    "settings.model.context_tokens": (
        "How many tokens of text a model keeps in view; more takes more memory",
        "Сколько токенов текста модель держит в виду; больше — больше памяти",
    ),
    "settings.model.idle_rest_seconds": (
        "After so many seconds without a question a model gives its working memory back (0: never)",
        "Через столько секунд без вопросов модель отдаёт рабочую память (0: никогда)",
    ),
    "settings.model.idle_unload_seconds": (
        "After so many seconds without a question a model is unloaded (0: never)",
        "Через столько секунд без вопросов модель выгружается (0: никогда)",
    ),
    "settings.model.memory_override": (
        "Load a model even where it does not fit into the memory that is free",
        "Загружать модель, даже если она не помещается в свободную память",
    ),
    "settings.model.preset": (
        "Sampler preset where none is named (auto: as the model's authors advise, else balanced)",
        "Настройки выборки, когда они не названы (auto: по совету авторов модели, иначе balanced)",
    ),
    "settings.prefix.keep": (
        "Keep what was read of a text, so that only new words are read the next time",
        "Запоминать прочитанный текст, чтобы в следующий раз читать только новые слова",
    ),
    "settings.prefix.memory_bytes": (
        "Memory for texts that were read, in bytes",
        "Память для прочитанных текстов, в байтах",
    ),
    "settings.prefix.disk_bytes": (
        "Disk space for texts that were read, in bytes",
        "Место на диске для прочитанных текстов, в байтах",
    ),
    "settings.engine.threads": (
        "Threads of the processor that a model uses (0: as many as suit this PC)",
        "Сколько потоков процессора берёт модель (0: сколько подходит компьютеру)",
    ),
    "settings.engine.on_battery": (
        "What a model does on battery: spare (half the threads) or full",
        "Что делает модель при работе от батареи: spare (половина потоков) или full",
    ),
    "settings.engine.draft_model": (
        "Small model that guesses ahead for a bigger one: auto, off, or a model",
        "Малая модель, угадывающая для большой: auto, off или модель",
    ),
    "settings.engine.gpu": (
        "Use the graphics card where a trial has shown that it pays",
        "Использовать видеокарту там, где проба показала выигрыш",
    ),
    "settings.history.keep": (
        "Keep talks on disk; off: new ones live in memory only, earlier ones stay",
        "Хранить разговоры на диске; выключено: новые живут только в памяти, прежние остаются",
    ),
    "settings.ask.preset": (
        "The sampler preset of a quick prompt that names none; empty: what the model's makers say",
        "Пресет семплера для быстрого вопроса без своего; пусто: как советуют создатели модели",
    ),
    "settings.tray.icon": (
        "The ink of the tray icon: auto (reads on any panel), light or dark",
        "Цвет значка в трее: auto (виден на любой панели), light (светлый) или dark (тёмный)",
    ),
    "settings.tray.notifications": (
        "Tell when a model is ready, a download is here, or memory was short",
        "Сообщать, когда модель готова, загрузка завершена или не хватило памяти",
    ),
    "settings.log.level": (
        "How much is written into the log; never a prompt or an answer",
        "Насколько подробен журнал; запросов и ответов в нём не бывает",
    ),
    "settings.hotkey.trigger": (
        "Keys that open the quick prompt everywhere (empty: none)",
        "Клавиши, открывающие быстрый вопрос в любой программе (пусто: нет)",
    ),
    "settings.popup.theme": (
        "Colours of the quick prompt",
        "Цвета окна быстрого вопроса",
    ),
    "settings.popup.screen_reader": (
        "Open the page in place of the quick prompt: screen readers can read it",
        "Открывать страницу вместо окна вопроса: её читают программы экранного доступа",
    ),
    "settings.download.connections": (
        "Connections of one download at a time",
        "Сколько соединений у одной загрузки сразу",
    ),
    "settings.download.max_rate_bytes": (
        "Bytes per second that downloads may use (0: no limit)",
        "Сколько байт в секунду могут занимать загрузки (0: без предела)",
    ),
    "settings.download.at_once": (
        "Downloads that run at the same time",
        "Сколько загрузок идёт одновременно",
    ),
    "settings.download.on_battery": (
        "What downloads do on battery",
        "Что делают загрузки при работе от батареи",
    ),
    "settings.download.on_metered": (
        "What downloads do on a connection that is paid for by volume",
        "Что делают загрузки на соединении с оплатой за объём",
    ),
}

ERRORS: dict[str, ErrorText] = {}
