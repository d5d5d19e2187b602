"""Texts of the command `galosh`."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text
from galosh.base.messages.extra import cli_desktop, cli_notebook, cli_popup, cli_tray

_HELP: dict[str, Text] = {
    "cli.about": (
        "A language model on any old PC, with the PC kept usable.",
        "Языковая модель на любом старом компьютере, который остаётся пригодным для работы.",
    ),
    "cli.first": (
        'First steps: galosh setup; galosh ask "…"; galosh chat; galosh doctor where something '
        "does not work. galosh COMMAND --help says more.",
        'Первые шаги: galosh setup; galosh ask "…"; galosh chat; galosh doctor, если что-то не '
        "работает. Подробнее: galosh КОМАНДА --help.",
    ),
    "cli.usage": ("usage: ", "вызов: "),
    "cli.arguments": ("arguments", "аргументы"),
    "cli.options": ("options", "параметры"),
    "cli.help-help": ("show this help and exit", "показать эту справку и выйти"),
    "cli.help-id": (
        "a model's name, as galosh models shows it",
        "имя модели из списка galosh models",
    ),
    "cli.help-id-or-all": (
        "a model's name, as galosh models shows it (default: all)",
        "имя модели из списка galosh models (по умолчанию все)",
    ),
    "cli.help-gguf": (
        "a GGUF file, or the first of several parts",
        "файл GGUF или первая его часть",
    ),
    "cli.help-build": (
        "as galosh engine list shows it",
        "как в списке galosh engine list",
    ),
    "cli.help-setting": (
        "as galosh settings list shows it, for instance model.context_tokens",
        "как в списке galosh settings list, например model.context_tokens",
    ),
    "cli.help-value": ("the new value", "новое значение"),
    "cli.command": ("COMMAND", "КОМАНДА"),
    "cli.action": ("ACTION", "ДЕЙСТВИЕ"),
    "cli.help-json": (
        "one JSON document on stdout, texts on stderr",
        "один документ JSON в stdout, тексты в stderr",
    ),
    "cli.help-debug": ("show tracebacks", "показывать трассировки"),
    "cli.help-version": ("show the version and exit", "показать версию и выйти"),
    "cli.help-yes": ("ask nothing", "ничего не спрашивать"),
    "cli.help-starter-only": (
        "only the small starter model",
        "только небольшая начальная модель",
    ),
    "cli.help-setup-model": (
        "a model of the catalogue, or a GGUF file to use where it lies",
        "модель из каталога или файл GGUF, который останется на своём месте",
    ),
    "cli.help-no-tray": ("leave the desktop icon out", "без значка на рабочем столе"),
    "cli.help-trial-model": (
        "a GGUF file to try with (default: the starter model)",
        "файл GGUF для испытания (по умолчанию начальная модель)",
    ),
    "cli.help-model": (
        "which model answers (default: the one in use)",
        "какая модель отвечает (по умолчанию та, что в работе)",
    ),
    "cli.help-max": ("longest answer, in tokens", "наибольшая длина ответа в токенах"),
    "cli.help-think": (
        "let a model that thinks aloud do so first: better answers, later",
        "пусть рассуждающая модель сначала подумает: ответ лучше, но позже",
    ),
    "cli.help-no-think": ("answer at once", "отвечать сразу"),
    "cli.empty": (
        "(The model ended its answer before the first word. Ask in other words, or try another "
        "model: galosh models)",
        "(Модель закончила ответ, не начав его. Спросите иначе или попробуйте другую модель: "
        "galosh models)",
    ),
    "cli.thinking": ("Thinking … (Ctrl-C stops it)", "Думает … (Ctrl-C прервёт)"),
    "cli.thought": (
        "Thought for {took} ({words} words) before the answer; to leave that out: {hint}",
        "Думала {took} (слов: {words}) до ответа; чтобы без этого: {hint}",
    ),
    "cli.help-continue": (
        "go on with the last talk",
        "продолжить последний разговор",
    ),
    "cli.help-text": (
        "the question; what is piped in is appended",
        "вопрос; текст из канала добавляется в конец",
    ),
    "cli.help-source": (
        "a model id, hf:OWNER/REPO[:QUANT], https://…, pypi:PACKAGE==VERSION or a file",
        "имя модели, hf:ВЛАДЕЛЕЦ/РЕПОЗИТОРИЙ[:КВАНТ], https://…, pypi:ПАКЕТ==ВЕРСИЯ или файл",
    ),
    "cli.help-sha256": ("the file's SHA-256, to be checked", "SHA-256 файла для проверки"),
    "cli.help-output": (
        "where to put the file (default: galosh's models)",
        "куда положить файл (по умолчанию к моделям galosh)",
    ),
    "cli.help-connections": (
        "at most so many connections (1-8)",
        "не больше стольких соединений (1-8)",
    ),
    "cli.help-max-rate": (
        "at most so many bytes per second, like 500k or 2M",
        "не больше стольких байт в секунду, например 500k или 2M",
    ),
    "cli.help-detach": (
        "leave it to galosh in the background and return at once",
        "оставить загрузку galosh в фоне и сразу вернуться",
    ),
    "cli.help-pull-json": (
        "With --json stdout gets one JSON line per event; the last line is the result.",
        "С --json в stdout идёт строка JSON на каждое событие; последняя строка это результат.",
    ),
    "cli.help-download": (
        "its id, the beginning of it, or the source",
        "номер загрузки, его начало или источник",
    ),
    "cli.too-many-links": ("{text} is more than 8", "{text} больше 8"),
    "cli.not-a-rate": (
        "{text} is no speed; write it like 500k or 2M",
        "{text} не скорость; пишите, например, 500k или 2M",
    ),
    "cli.verb-pull": ("download a model", "загрузить модель"),
    "cli.verb-downloads": (
        "list, pause, resume, cancel downloads",
        "загрузки: список, пауза, отмена",
    ),
    "cli.verb-fit": (
        "whether a model fits this PC, and how fast: before any download",
        "поместится ли модель и как быстра будет: до загрузки",
    ),
    "cli.models-recommend": (
        "what suits this PC as it is now",
        "что подойдёт этому компьютеру сейчас",
    ),
    "cli.models-scan": (
        "find models of Ollama, LM Studio and others",
        "найти модели Ollama, LM Studio и других",
    ),
    "cli.help-recommend-all": ("every model of the catalogue", "все модели каталога"),
    "cli.help-recommend-online": (
        "read headers at the source where size alone does not decide (a few MB each)",
        "прочитать заголовки в источнике, где размера мало (по несколько МБ)",
    ),
    "cli.models-refresh": (
        "read the catalogue's sizes and hashes anew at their sources",
        "обновить размеры и хеши каталога по их источникам",
    ),
    "cli.help-scan-add": (
        "enter what was found, used where it lies",
        "добавить найденное, оставив на месте",
    ),
    "cli.help-ctx": (
        "context in tokens (default: the setting model.context_tokens)",
        "контекст в токенах (по умолчанию настройка model.context_tokens)",
    ),
    "cli.help-cache-type": (
        "kind of numbers in the KV cache: f16, q8_0, q4_0 … (default f16)",
        "вид чисел в KV-кэше: f16, q8_0, q4_0 … (по умолчанию f16)",
    ),
    "cli.help-no-engine": (
        "work memory out from the header alone, without asking the installed engine",
        "рассчитать память по одному заголовку, не спрашивая установленный движок",
    ),
    "cli.models-verify": (
        "hash models again, repair damaged ones",
        "проверить модели по хешу и исправить повреждённые",
    ),
    "cli.downloads-list": ("what is being downloaded", "что загружается"),
    "cli.downloads-pause": ("stop one until you resume it", "приостановить загрузку"),
    "cli.downloads-resume": ("go on with one", "продолжить загрузку"),
    "cli.downloads-cancel": (
        "end one and delete what was fetched",
        "отменить и удалить загруженное",
    ),
    "cli.downloads-remove": ("the same as cancel", "то же, что cancel"),
    "cli.help-lines": ("how many lines of each file", "сколько строк каждого файла"),
    "cli.help-keep-models": ("leave the models on disk", "оставить модели на диске"),
    "cli.not-positive": (
        "{text} is not a whole number above 0",
        "{text} не целое число больше 0",
    ),
    "cli.verb-setup": (
        "install, or repair what is there, step by step",
        "установить или починить, по шагам",
    ),
    "cli.verb-doctor": (
        "what works, what does not, and what to do about it",
        "что работает, что нет и что с этим делать",
    ),
    "cli.verb-hardware": (
        "what galosh found out about this PC",
        "что galosh узнала об этом компьютере",
    ),
    "cli.verb-models": (
        "models on this PC and models that would suit it",
        "модели на этом компьютере и те, что ему подойдут",
    ),
    "cli.verb-start": ("start galosh in the background", "запустить galosh в фоне"),
    "cli.verb-stop": ("stop galosh", "остановить galosh"),
    "cli.verb-restart": ("stop galosh and start it again", "перезапустить galosh"),
    "cli.verb-pause": (
        "give the model's memory back until `galosh resume`",
        "отдать память модели до команды `galosh resume`",
    ),
    "cli.verb-resume": ("answer again after a pause", "снова отвечать после паузы"),
    "cli.paused": (
        "The model's memory is free; nothing is answered until: galosh resume",
        "Память модели свободна; ответов не будет до команды: galosh resume",
    ),
    "cli.resumed": (
        "Questions are answered again; the model loads with the first one.",
        "Вопросы снова принимаются; модель загрузится с первым из них.",
    ),
    "cli.verb-status": (
        "whether galosh runs, with which model, at which address",
        "работает ли galosh, с какой моделью и по какому адресу",
    ),
    "cli.verb-logs": ("show the last log lines", "показать последние строки журналов"),
    "cli.verb-bench": ("measure the speed on this PC", "измерить скорость на этом компьютере"),
    "cli.help-bench-model": (
        "the model to measure (the one in use)",
        "какую модель измерять (ту, что в работе)",
    ),
    "cli.help-bench-runs": ("answers to measure (3)", "сколько ответов измерить (3)"),
    "cli.help-bench-anyway": ("measure although the PC is busy", "измерять, хотя компьютер занят"),
    "cli.bench-step-cold": (
        "First word of a model that is not loaded …",
        "Первое слово незагруженной модели …",
    ),
    "cli.bench-step-warm": (
        "First word of a prompt it has read …",
        "Первое слово на уже прочитанный запрос …",
    ),
    "cli.bench-step-wake": ("First word after a rest …", "Первое слово после отдыха …"),
    "cli.bench-step-run": ("Reading and writing …", "Чтение и письмо …"),
    "cli.bench-head": ("{model} on this PC:", "{model} на этом компьютере:"),
    "cli.bench-prefill": ("reads a prompt", "читает запрос"),
    "cli.bench-decode": ("writes", "пишет"),
    "cli.bench-cold": ("first word, model not loaded", "первое слово, модель не загружена"),
    "cli.bench-warm": ("first word, prompt known", "первое слово, запрос знаком"),
    "cli.bench-wake": ("first word after a rest", "первое слово после отдыха"),
    "cli.bench-rate": (
        "{median} tokens/s ({min} to {max})",
        "{median} токенов/с (от {min} до {max})",
    ),
    "cli.bench-forecast": (
        "forecast {low}–{high}, middle {mid}",
        "прогноз {low}–{high}, середина {mid}",
    ),
    "cli.bench-short": ("{milliseconds} ms", "{milliseconds} мс"),
    "cli.bench-no-forecast": ("no forecast", "прогноза нет"),
    "cli.bench-kept": (
        "Kept: later forecasts go by it.",
        "Сохранено: следующие прогнозы это учтут.",
    ),
    "cli.bench-was-busy": (
        "The PC was busy: on a quiet one it is faster.",
        "Компьютер был занят: в покое будет быстрее.",
    ),
    "cli.verb-serve": (
        "run in this terminal instead of in the background",
        "работать в этом терминале, а не в фоне",
    ),
    "cli.verb-ask": ("ask one question", "задать один вопрос"),
    "cli.verb-complete": ("names for a shell's completion", "имена для дополнения в оболочке"),
    "cli.verb-completions": (
        "a script that completes galosh's arguments in your shell",
        "сценарий дополнения аргументов galosh для вашей оболочки",
    ),
    "cli.completions-installed": (
        "Your shell completes galosh's commands from its next start on ({path}).",
        "После перезапуска оболочка будет дополнять команды galosh ({path}).",
    ),
    "cli.completions-use": (
        "To use it in this shell: {command}",
        "Чтобы применить в этой оболочке: {command}",
    ),
    "cli.verb-chat": ("talk in the terminal", "разговор в терминале"),
    "cli.verb-engine": (
        "the builds of llama.cpp that do the work",
        "сборки llama.cpp, которые выполняют работу",
    ),
    "cli.verb-env": (
        "lines that point other programs of this shell at galosh",
        "строки, по которым другие программы этой оболочки находят galosh",
    ),
    "cli.help-shell": (
        "for which shell: sh, fish, powershell, cmd",
        "для какой оболочки: sh, fish, powershell, cmd",
    ),
    "cli.env-use": ("To use them here: {command}", "Чтобы применить их здесь: {command}"),
    "cli.verb-presets": (
        "samplers, prompts and templates: shipped and your own",
        "настройки выборки, запросы и шаблоны: готовые и ваши",
    ),
    "cli.help-preset": (
        "a prompt (fix-grammar, translate …) or a sampler (precise, creative …); "
        "galosh presets lists them",
        "запрос (fix-grammar, translate …) или набор настроек (precise, creative …); "
        "список: galosh presets",
    ),
    "cli.help-sampler": (
        "a sampler preset; galosh presets lists them",
        "набор настроек выборки; список: galosh presets",
    ),
    "cli.presets-samplers": ("Samplers (-p NAME):", "Настройки выборки (-p ИМЯ):"),
    "cli.presets-actions": (
        "Prompts (galosh ask -p NAME, with text piped in or typed):",
        "Запросы (galosh ask -p ИМЯ; текст — из канала или набранный):",
    ),
    "cli.presets-starters": ("Starters for the notebook:", "Начала для тетради:"),
    "cli.presets-templates": (
        "Templates for models that bring none:",
        "Шаблоны для моделей без своего:",
    ),
    "cli.presets-own": (
        "Your own files go into {folder}:\n"
        "text-generation-webui's *.yaml as they stand, KoboldCpp's and SillyTavern's into\n"
        "samplers/, prompts into prompts/, templates into templates/.",
        "Свои файлы кладите в {folder}:\n"
        "*.yaml от text-generation-webui как есть, файлы KoboldCpp и SillyTavern в samplers/,\n"
        "запросы в prompts/, шаблоны в templates/.",
    ),
    "cli.presets-unknown": (
        "  {name}: these keys have no counterpart here: {keys}",
        "  {name}: этим ключам здесь ничто не соответствует: {keys}",
    ),
    "cli.chat-preset": ("Preset: {preset}", "Настройки: {preset}"),
    "cli.chat-saved": ("Saved to {path}.", "Сохранено в {path}."),
    "cli.verb-settings": ("show and change settings", "показать и изменить настройки"),
    "cli.verb-uninstall": (
        "remove galosh from this PC (asks first)",
        "удалить galosh с компьютера (сначала спросит)",
    ),
    "cli.models-list": ("what is on disk", "что есть на диске"),
    "cli.models-use": ("load this model", "загрузить эту модель"),
    "cli.models-add": ("enter a GGUF file, used where it lies", "добавить файл GGUF на месте"),
    "cli.models-template": (
        "show or choose the prompt template of a model",
        "показать или выбрать шаблон запроса модели",
    ),
    "cli.help-template": (
        "alpaca, vicuna, chatml … (galosh presets lists them); auto: let galosh choose",
        "alpaca, vicuna, chatml … (список: galosh presets); auto: пусть выберет galosh",
    ),
    "cli.models-remove": ("take a model out", "убрать модель"),
    "cli.engine-list": ("what is on disk", "что есть на диске"),
    "cli.engine-build": ("make one, or reuse a proven one", "собрать или взять проверенный"),
    "cli.engine-try": ("try one on this processor", "испытать на этом процессоре"),
    "cli.engine-gpu": (
        "measure whether the graphics processor helps",
        "измерить, помогает ли видеокарта",
    ),
    "cli.engine-use": ("switch to one that passed", "перейти на прошедший испытание"),
    "cli.verb-token": (
        "the token of other programs: show it, change it",
        "токен для других программ: показать, сменить",
    ),
    "cli.token-show": ("print it", "напечатать"),
    "cli.token-rotate": ("make a new one; the old one is refused", "новый; старый не примут"),
    "cli.token-rotated": (
        "The old token is refused from now on; the new one is in {path}. "
        "Programs get it from: galosh env",
        "Старый токен больше не принимается; новый лежит в {path}. Программам его даёт: galosh env",
    ),
    "cli.settings-list": ("all settings", "все настройки"),
    "cli.settings-get": ("one setting", "одна настройка"),
    "cli.settings-set": ("change one", "изменить одну"),
}

_RESULTS: dict[str, Text] = {
    "cli.label-why": ("Why: ", "Почему:"),
    "cli.label-kept": ("Kept:", "Сохранено:"),
    "cli.label-next": ("Next:", "Что делать:"),
    "cli.unknown": ("unknown", "неизвестно"),
    "cli.yes": ("yes", "да"),
    "cli.no": ("no", "нет"),
    "cli.interrupted": ("Stopped.", "Остановлено."),
    "cli.status-away": (
        "galosh is not running. It starts with the first question, or with: galosh start",
        "galosh не запущена. Она запустится при первом вопросе или командой: galosh start",
    ),
    "cli.status-running": ("galosh is running, process {pid}.", "galosh работает, процесс {pid}."),
    "cli.status-socket": ("Socket:  {socket}", "Сокет:   {socket}"),
    "cli.status-port": (
        "OpenAI:  http://127.0.0.1:{port}/v1  (the key is in {token})",
        "OpenAI:  http://127.0.0.1:{port}/v1  (ключ в файле {token})",
    ),
    "cli.status-model": (
        "Model:   {model} ({state}, {memory_bytes})",
        "Модель:  {model} ({state}, {memory_bytes})",
    ),
    "cli.status-template": ("Prompt:  {template}", "Запрос:  {template}"),
    "cli.template-model": ("its own template", "свой шаблон"),
    "cli.template-setting": (
        "template {template}: your choice",
        "шаблон {template}: ваш выбор",
    ),
    "cli.template-name": (
        "template {template}: its name says {word}",
        "шаблон {template}: в имени есть {word}",
    ),
    "cli.template-tokens": (
        "template {template}: its vocabulary has {word}",
        "шаблон {template}: в словаре есть {word}",
    ),
    "cli.template-architecture": (
        "template {template}: it is a {word} model",
        "шаблон {template}: это модель {word}",
    ),
    "cli.template-nothing": (
        "no template, and nothing tells which one: plain text",
        "нет шаблона, и ничто не говорит, какой нужен: простой текст",
    ),
    "cli.status-draft": (
        "{draft} guesses ahead for it, where that is faster.",
        "За неё вперёд угадывает {draft}, где так быстрее.",
    ),
    "cli.status-no-model": (
        "Model:   none loaded; it loads with the first question.",
        "Модель:  не загружена; загрузится при первом вопросе.",
    ),
    "cli.was-away": ("galosh was not running.", "galosh и не работала."),
    "cli.stopped": ("galosh has stopped.", "galosh остановлена."),
    "cli.was-running": (
        "galosh is already running, process {pid}.",
        "galosh уже работает, процесс {pid}.",
    ),
    "cli.started": ("galosh is running, process {pid}.", "galosh работает, процесс {pid}."),
    "cli.starting": ("Starting galosh …", "Запускаю galosh …"),
    "cli.cut-short": (
        "(cut at --max-tokens)",
        "(обрезано по --max-tokens)",
    ),
    "cli.no-logs": ("No logs in {folder} yet.", "Журналов в {folder} ещё нет."),
    "cli.models-none": (
        "No models yet. Run: galosh setup",
        "Моделей ещё нет. Выполните: galosh setup",
    ),
    "cli.models-used": ("{model} is loaded.", "{model} загружена."),
    "cli.models-added": (
        "Added as {model}; the file stays where it is.",
        "Добавлена как {model}; файл остаётся на своём месте.",
    ),
    "cli.models-removed": ("{model} was taken out.", "{model} убрана."),
    "cli.engine-none": (
        "No engines yet. Run: galosh setup",
        "Движков ещё нет. Выполните: galosh setup",
    ),
    "cli.engine-untried": ("not tried", "не испытан"),
    "cli.engine-ok": ("passed, {speed} tokens/s", "прошёл, {speed} токенов/с"),
    "cli.engine-failed": ("failed: {cause}", "не прошёл: {cause}"),
    "cli.engine-built": ("{build_id} is in use.", "{build_id} в работе."),
    "cli.engine-used": ("{build_id} is in use.", "{build_id} в работе."),
    "cli.engine-try-ok": (
        "{build_id} passed: {speed} tokens/s.",
        "{build_id} прошёл: {speed} токенов/с.",
    ),
    "cli.engine-try-failed": (
        "It failed: {cause}. {detail}",
        "Не прошёл: {cause}. {detail}",
    ),
    "cli.setting-set": ("{name} is {value}.", "{name}: {value}."),
    "cli.verdict-ok": ("ok", "ок"),
    "cli.verdict-warn": ("warn", "важно"),
    "cli.verdict-fail": ("FAIL", "СБОЙ"),
    "cli.doctor-healthy": ("Nothing is broken.", "Ничего не сломано."),
    "cli.doctor-sick": (
        "Something is broken: see the lines marked FAIL.",
        "Есть поломка: смотрите строки с пометкой СБОЙ.",
    ),
    "cli.chat-hello": (
        "Write a line and press Enter. /help lists commands, /exit leaves.",
        "Напишите строку и нажмите Enter. /help покажет команды, /exit завершит.",
    ),
    "cli.chat-help": (
        "/model [ID]        show or change the model\n"
        "/preset [NAME]     show or change the sampler\n"
        "/think on|off|auto whether a model that thinks aloud does so\n"
        "/system [TEXT]     what the model is told first; /system - takes it back\n"
        "/undo, /retry      take the last question back; answer it anew\n"
        "/save [FILE]       write the talk into a file; /load [FILE] goes on with one\n"
        "/clear             forget the talk\n"
        "/exit              leave (Ctrl-D too)\n"
        'A line that ends in \\ goes on in the next; """ begins and ends several lines.\n'
        "Ctrl-C stops an answer, not the program.",
        "/model [ID]        показать или сменить модель\n"
        "/preset [ИМЯ]      показать или сменить настройки выборки\n"
        "/think on|off|auto рассуждать ли модели вслух перед ответом\n"
        "/system [ТЕКСТ]    что модель узнаёт первым; /system - отменяет\n"
        "/undo, /retry      забрать последний вопрос; ответить на него заново\n"
        "/save [ФАЙЛ]       записать разговор в файл; /load [ФАЙЛ] продолжит его\n"
        "/clear             забыть разговор\n"
        "/exit              выйти (или Ctrl-D)\n"
        'Строка с \\ в конце продолжается в следующей; """ открывает и закрывает '
        "несколько строк.\n"
        "Ctrl-C обрывает ответ, а не программу.",
    ),
    "cli.chat-think": ("Thinking aloud: {now}", "Рассуждения вслух: {now}"),
    "cli.chat-system": ("Told first: {text}", "Сказано вначале: {text}"),
    "cli.chat-nothing": ("There is nothing to take back.", "Забирать нечего."),
    "cli.chat-undone": ("Taken back: {text}", "Забрано: {text}"),
    "cli.chat-loaded": (
        "{turns} turns from {path}; the talk goes on.",
        "Реплик из {path}: {turns}; разговор продолжается.",
    ),
    "cli.chat-unknown": (
        "There is no command {word}; /help lists them.",
        "Команды {word} нет; /help покажет все.",
    ),
    "cli.chat-model": ("Model: {model}", "Модель: {model}"),
    "cli.chat-default-model": ("the default one", "по умолчанию"),
    "cli.chat-cleared": ("Forgotten.", "Забыто."),
    "cli.chat-stopped": ("(stopped)", "(остановлено)"),
    "cli.verify-sound": ("sound: {path}", "исправен: {path}"),
    "cli.verify-unknown": (
        "not known what it should be; its SHA-256 is {sha256}: {path}",
        "неизвестно, каким он должен быть; его SHA-256 {sha256}: {path}",
    ),
    "cli.verify-repaired": (
        "was damaged, is repaired; {fetched_bytes} were fetched: {path}",
        "был повреждён, исправлен; загружено {fetched_bytes}: {path}",
    ),
    "cli.verify-damaged": ("damaged: {path}", "повреждён: {path}"),
    "cli.status-downloads": (
        "Downloads: {running} running, {waiting} waiting (galosh downloads)",
        "Загрузки: идёт {running}, ждёт {waiting} (galosh downloads)",
    ),
    "cli.status-swapped": (
        "{model} was downloaded, tried and made the default.",
        "Модель {model} загружена, проверена и стала основной.",
    ),
    "cli.pull-amount": (
        "{kept_bytes} of {size_bytes}, {share}",
        "{kept_bytes} из {size_bytes}, {share}",
    ),
    "cli.pull-speed": ("{speed}/s", "{speed}/с"),
    "cli.pull-left": ("{left} left", "осталось {left}"),
    "cli.pull-links": ("connections: {count}", "соединений: {count}"),
    "cli.pull-until": ("(next try at {clock})", "(следующая попытка в {clock})"),
    "cli.pull-swapping": ("being tried", "проверяется в работе"),
    "cli.pull-detached": (
        "It goes on in the background. See it with: galosh downloads ({id})",
        "Загрузка идёт в фоне. Посмотреть: galosh downloads ({id})",
    ),
    "cli.pull-done": ("Done: {file}", "Готово: {file}"),
    "cli.pull-done-model": (
        "Done. Use it with: galosh models use {model}",
        "Готово. Использовать: galosh models use {model}",
    ),
    "cli.pull-kept": ("Stopped; {kept_bytes} are kept.", "Остановлено; сохранено {kept_bytes}."),
    "cli.pull-kept-of": (
        "Stopped; {kept_bytes} of {size_bytes} are kept.",
        "Остановлено; сохранено {kept_bytes} из {size_bytes}.",
    ),
    "cli.pull-go-on": ("Go on with: galosh pull {source}", "Продолжить: galosh pull {source}"),
    "cli.downloads-none": ("Nothing is being downloaded.", "Ничего не загружается."),
    "cli.downloads-paused": (
        "{name} is paused; everything fetched is kept.",
        "{name}: приостановлено, загруженное сохранено.",
    ),
    "cli.downloads-resumed": ("{name} goes on.", "{name}: загрузка продолжается."),
    "cli.downloads-cancelled": (
        "{name} is cancelled and what was fetched is deleted.",
        "{name}: отменено, загруженное удалено.",
    ),
    "cli.downloads-resume-here": (
        "It goes on when galosh runs (galosh start), or at once with: galosh pull {source}",
        "Загрузка продолжится после galosh start, а сразу её продолжит: galosh pull {source}",
    ),
    "cli.leave-head": (
        "This goes ({size_bytes}):",
        "Будет удалено ({size_bytes}):",
    ),
    "cli.leave-kept": ("This stays: {path}", "Останется: {path}"),
    "cli.leave-question": ("Remove all of it? [y/N] ", "Удалить всё это? [д/Н] "),
    "cli.leave-declined": ("Nothing was removed.", "Ничего не удалено."),
    "cli.left": ("galosh is gone.", "galosh удалена."),
}

TEXTS: dict[str, Text] = {
    **_HELP,
    **_RESULTS,
    **cli_notebook.TEXTS,
    **cli_popup.TEXTS,
    **cli_desktop.TEXTS,
    **cli_tray.TEXTS,
}

ERRORS: dict[str, ErrorText] = {
    **cli_popup.ERRORS,
    "cli-not-saved": ErrorText(
        what=("The talk was not saved to {path}.", "Разговор не сохранён в {path}."),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        kept=(
            "The talk goes on; nothing was written.",
            "Разговор продолжается; ничего не записано.",
        ),
        next_step=("Name another file: /save FILE", "Назовите другой файл: /save ФАЙЛ"),
    ),
    "cli-not-loaded": ErrorText(
        what=("No talk was found in {path}.", "В {path} нет разговора."),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        kept=("The talk goes on as it was.", "Разговор продолжается как был."),
        next_step=(
            "Name a file that /save wrote: /load FILE",
            "Назовите файл, записанный командой /save: /load ФАЙЛ",
        ),
    ),
    "cli-bench-busy": ErrorText(
        what=("The speed was not measured.", "Скорость не измерена."),
        why=(
            "Other programs are using the processor now, and every number would be wrong.",
            "Процессор сейчас занят другими программами, любые числа были бы неверны.",
        ),
        next_step=(
            "Close them, or measure all the same: galosh bench --anyway",
            "Закройте их или измерьте всё равно: galosh bench --anyway",
        ),
    ),
    "cli-no-port": ErrorText(
        what=("galosh has no address for other programs.", "У galosh нет адреса для программ."),
        why=("api.tcp is off in {settings}.", "В {settings} выключено api.tcp."),
        next_step=(
            "Switch it on: galosh settings set api.tcp true; galosh restart",
            "Включите: galosh settings set api.tcp true; galosh restart",
        ),
    ),
    "cli-no-token": ErrorText(
        what=("There is no token yet.", "Токена пока нет."),
        why=("{path} is missing or not readable.", "{path} отсутствует или не читается."),
        next_step=("Run: galosh start", "Выполните: galosh start"),
    ),
    "cli-broke": ErrorText(
        what=(
            "The command failed in a way it was not built for.",
            "Команда завершилась непредусмотренным сбоем.",
        ),
        why=(
            "The cause, as the program names it: {reason}.",
            "Причина, как её называет программа: {reason}.",
        ),
        kept=("The details are in {log}.", "Подробности в {log}."),
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
    ),
    "cli-pull-cut-off": ErrorText(
        what=("The download can no longer be watched.", "За загрузкой больше нельзя следить."),
        why=("The daemon has stopped or restarted.", "Демон остановился или перезапустился."),
        kept=("Everything fetched so far is kept.", "Всё, что уже загружено, сохранено."),
        next_step=("Go on with: galosh pull {source}", "Продолжить: galosh pull {source}"),
        http_status=503,
    ),
    "cli-nothing-asked": ErrorText(
        what=("There was nothing to ask.", "Спрашивать было нечего."),
        why=(
            "Neither a text nor piped input was given.",
            "Не дано ни текста, ни данных из канала.",
        ),
        next_step=('Write the question: galosh ask "…"', 'Напишите вопрос: galosh ask "…"'),
        http_status=400,
        exit_code=2,
    ),
    "cli-engine-unknown": ErrorText(
        what=("There is no engine {build_id}.", "Движка {build_id} нет."),
        why=("On disk: {known}.", "На диске: {known}."),
        next_step=("Run: galosh engine build", "Выполните: galosh engine build"),
        http_status=404,
    ),
    "cli-no-trial-model": ErrorText(
        what=("There is no model to try an engine with.", "Нет модели, чтобы испытать движок."),
        why=("The starter model is not at {path}.", "Начальной модели нет по адресу {path}."),
        next_step=("Run: galosh setup", "Выполните: galosh setup"),
        http_status=404,
    ),
    "cli-needs-yes": ErrorText(
        what=("Nothing was removed.", "Ничего не удалено."),
        why=("There is no terminal to ask in.", "Нет терминала, в котором можно спросить."),
        next_step=("Run: galosh uninstall --yes", "Выполните: galosh uninstall --yes"),
        http_status=400,
        exit_code=2,
    ),
}
