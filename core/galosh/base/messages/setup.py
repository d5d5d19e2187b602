"""Texts of the guided setup and of leaving; those of the doctor are merged in."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text
from galosh.base.messages.extra import setup_desktop, setup_doctor

_FOUND: dict[str, Text] = {
    "setup.head-found": ("This PC:", "Этот компьютер:"),
    "setup.head-plan": ("What will be done:", "Что будет сделано:"),
    "setup.head-next": ("Three things to try next:", "Что попробовать дальше:"),
    "setup.unknown": ("unknown", "неизвестно"),
    "setup.none": ("none", "нет"),
    "setup.in-container": ("in a container", "в контейнере"),
    "setup.found-system": ("System", "Система"),
    "setup.found-cpu": ("Processor", "Процессор"),
    "setup.found-memory": ("RAM", "Память (ОЗУ)"),
    "setup.found-swap": ("Swap", "Подкачка"),
    "setup.found-gpu": ("Graphics card", "Видеокарта"),
    "setup.found-disk": ("Disk", "Диск"),
    "setup.found-display": ("Display", "Экран"),
    "setup.cpu": (
        "{model}; {cores} cores, {threads} to be used; {sets}",
        "{model}; ядер {cores}, будет занято {threads}; {sets}",
    ),
    "setup.memory": (
        "{installed_bytes} installed, {available_bytes} available now",
        "установлено {installed_bytes}, сейчас доступно {available_bytes}",
    ),
    "setup.disk": ("{free_bytes} free {kind}", "свободно {free_bytes} {kind}"),
}

_VERDICTS: dict[str, Text] = {
    "setup.verdict-system-tested": (
        "galosh is tested on this kind of system.",
        "На таких системах galosh проверена.",
    ),
    "setup.verdict-system-untested": (
        "galosh is written for it but not yet tested there; the engine is tried before use.",
        "galosh написана и для неё, но там ещё не проверена; движок испытывается до работы.",
    ),
    "setup.verdict-cpu-fast": (
        "Good: it has the instructions that make answers quick.",
        "Хорошо: есть команды, с которыми ответы быстрые.",
    ),
    "setup.verdict-cpu-slow": (
        "Works, slowly: it lacks AVX2, so choose small models.",
        "Будет работать, но медленно: нет AVX2, выбирайте небольшие модели.",
    ),
    "setup.verdict-cpu-unknown": (
        "Its instruction sets could not be read; the engine's trial will find out.",
        "Наборы команд прочитать не удалось; это покажет испытание движка.",
    ),
    "setup.verdict-memory-good": (
        "Enough for everyday models.",
        "Достаточно для обычных моделей.",
    ),
    "setup.verdict-memory-small": (
        "Enough for small models.",
        "Достаточно для небольших моделей.",
    ),
    "setup.verdict-memory-tight": (
        "Just enough for the starter model; close other programs for more.",
        "Хватит только на начальную модель; закройте другие программы, чтобы стало больше.",
    ),
    "setup.verdict-memory-unknown": (
        "The available memory could not be measured.",
        "Измерить доступную память не удалось.",
    ),
    "setup.verdict-gpu-none": (
        "None needed: everything runs on the processor.",
        "И не нужна: всё работает на процессоре.",
    ),
    "setup.verdict-gpu-there": (
        "Seen. Whether it helps is measured: see the line “Engine uses”.",
        "Видна. Помогает ли она, решает измерение: смотрите строку «Движок использует».",
    ),
    "setup.verdict-disk-good": ("Enough.", "Достаточно."),
    "setup.verdict-disk-tight": (
        "Little: setup needs up to 2 GB for a while, and models need room too.",
        "Мало: установке на время нужно до 2 ГБ, и моделям тоже нужно место.",
    ),
    "setup.verdict-disk-unknown": (
        "Free space could not be measured.",
        "Измерить свободное место не удалось.",
    ),
    "setup.verdict-display-none": (
        "No display: everything works from the terminal.",
        "Экрана нет: всё работает из терминала.",
    ),
    "setup.verdict-display-there": (
        "Found; this version works from the terminal.",
        "Найден; эта версия работает из терминала.",
    ),
}

_STEPS: dict[str, Text] = {
    "setup.step-model": (
        "Starter model: {model}, {size_bytes}",
        "Начальная модель: {model}, {size_bytes}",
    ),
    "setup.step-engine": (
        "Engine, proven on this processor",
        "Движок, проверенный на этом процессоре",
    ),
    "setup.step-daemon": ("Start galosh in the background", "Запуск galosh в фоне"),
    "setup.step-answer": ("First question", "Первый вопрос"),
    "setup.step-done": ("{title}: done in {seconds}", "{title}: готово за {seconds}"),
    "setup.step-was-done": (
        "{title}: already done, checked in {seconds}",
        "{title}: уже сделано, проверено за {seconds}",
    ),
    "setup.plan-done": ("already done", "уже сделано"),
    "setup.plan-unknown": ("time unknown", "время неизвестно"),
    "setup.plan-estimate": ("up to {estimate_seconds}", "до {estimate_seconds}"),
    "setup.question-begin": ("Begin? [Y/n] ", "Начать? [Д/н] "),
    "setup.declined": (
        "Nothing was changed. Run the same command when you are ready.",
        "Ничего не изменено. Повторите команду, когда будете готовы.",
    ),
    "setup.fetched": (
        "{seen_bytes} of {total_bytes} fetched",
        "получено {seen_bytes} из {total_bytes}",
    ),
    "setup.fetched-some": ("{seen_bytes} fetched", "получено {seen_bytes}"),
    "setup.unpacking": ("unpacking and checking", "распаковка и проверка"),
    "setup.tray-no-display": (
        "There is no display here, so setup goes on without the icon.",
        "Экрана здесь нет, поэтому установка идёт без значка.",
    ),
    # English in both: the starter model knows no other language. It answers this wording
    # right and the better known one ("What is …?") with French nonsense, on any engine.
    "setup.first-question": ("Name the capital of France.", "Name the capital of France."),
    "setup.asking": ("Asking the model: {question}", "Вопрос модели: {question}"),
    "setup.queued": (
        "{title} ({size_bytes}) downloads in the background now; it is tried and takes over "
        "when it is there. See: galosh downloads",
        "{title} ({size_bytes}) загружается в фоне; когда загрузка закончится, модель будет "
        "проверена и начнёт отвечать. Посмотреть: galosh downloads",
    ),
    "setup.only-starter": (
        "As asked, only the starter model is set up; for a better one: galosh models recommend",
        "Как просили, установлена только начальная модель; подобрать лучше: "
        "galosh models recommend",
    ),
    "setup.hub-away": (
        "The model hub cannot be reached now, so the starter model stays; later: "
        "galosh pull {model_id}",
        "Сайт моделей сейчас недоступен, поэтому остаётся начальная модель; позже: "
        "galosh pull {model_id}",
    ),
    "setup.not-queued": ("{title} was not queued.", "{title}: загрузка не поставлена в очередь."),
    "setup.none-fits": (
        "No larger model fits in the memory that is free now, so the starter model stays.",
        "Более крупная модель не поместится в свободную сейчас память, поэтому остаётся начальная.",
    ),
    "setup.measured": (
        "Measured: {speed} tokens/s; memory in use: {memory_bytes}",
        "Измерено: {speed} токенов/с; занято памяти: {memory_bytes}",
    ),
    "setup.try-ask": (
        'galosh ask "Tell me a joke"          one question, one answer',
        'galosh ask "Tell me a joke"          один вопрос, один ответ',
    ),
    "setup.try-chat": (
        "galosh chat                          talk in the terminal",
        "galosh chat                          разговор в терминале",
    ),
    "setup.try-client": (
        "galosh status                        the address for any OpenAI client",
        "galosh status                        адрес для любого клиента OpenAI",
    ),
    "setup.path-line": (
        "The shell does not find `galosh` yet. Run this once and open a new terminal:\n"
        "    {line}\n  Until then type {command}",
        "Оболочка пока не находит `galosh`. Выполните один раз и откройте новый терминал:\n"
        "    {line}\n  До этого пишите {command}",
    ),
}

TEXTS: dict[str, Text] = {
    **_FOUND,
    **_VERDICTS,
    **_STEPS,
    **setup_doctor.TEXTS,
    **setup_desktop.TEXTS,
}

_KEPT: Text = (
    "What worked before still works; finished steps are kept.",
    "Всё прежнее работает; сделанные шаги сохранены.",
)

ERRORS: dict[str, ErrorText] = {
    **setup_desktop.ERRORS,
    "setup-busy": ErrorText(
        what=("Nothing was done.", "Ничего не сделано."),
        why=(
            "Another setup is running with {path}.",
            "В {path} уже идёт другая установка.",
        ),
        next_step=(
            "Wait until it has finished, then run: galosh setup",
            "Дождитесь её окончания и выполните: galosh setup",
        ),
        http_status=409,
    ),
    "setup-disk-short": ErrorText(
        what=(
            "There is not enough room on the disk that holds {path}.",
            "На диске, где {path}, не хватает места.",
        ),
        why=(
            "Setup needs {needed_bytes} for a while; {free_bytes} is free.",
            "Установке на время нужно {needed_bytes}; свободно {free_bytes}.",
        ),
        kept=_KEPT,
        next_step=(
            "Free some space there and run: galosh setup",
            "Освободите там место и выполните: galosh setup",
        ),
        http_status=507,
    ),
    "setup-index-away": ErrorText(
        what=("The model could not be fetched.", "Не удалось получить модель."),
        why=(
            "The package index did not answer: {reason}",
            "Сервер пакетов не ответил: {reason}",
        ),
        kept=_KEPT,
        next_step=(
            "Check the network (and `pip config list`, if you use a mirror), then run: "
            "galosh setup",
            "Проверьте сеть (и `pip config list`, если у вас зеркало), затем выполните: "
            "galosh setup",
        ),
        http_status=502,
    ),
    "setup-index-lacks": ErrorText(
        what=("The model could not be fetched.", "Не удалось получить модель."),
        why=(
            "The package index does not have {requirement}: {reason}",
            "На сервере пакетов нет {requirement}: {reason}",
        ),
        kept=_KEPT,
        next_step=(
            "Check with `pip config list` that the index is complete, then run: galosh setup",
            "Проверьте через `pip config list`, что сервер пакетов полон, затем выполните: "
            "galosh setup",
        ),
        http_status=502,
    ),
    "setup-pip-failed": ErrorText(
        what=("The model could not be fetched.", "Не удалось получить модель."),
        why=(
            "pip ended with status {status} at {requirement}: {reason}",
            "pip завершился с кодом {status} на {requirement}: {reason}",
        ),
        kept=_KEPT,
        next_step=("Run: galosh setup --debug", "Выполните: galosh setup --debug"),
        http_status=502,
    ),
    "setup-model-damaged": ErrorText(
        what=("{title} arrived damaged, twice.", "{title}: дважды пришла повреждённой."),
        why=(
            "The bytes out of {requirement} are not the pinned ones.",
            "Содержимое {requirement} не совпадает с эталоном.",
        ),
        kept=("The damaged files were removed.", "Повреждённые файлы удалены."),
        next_step=(
            "Check the network (a proxy that cuts large files is the usual cause), then run: "
            "galosh setup",
            "Проверьте сеть (чаще всего виноват прокси, обрезающий большие файлы), затем "
            "выполните: galosh setup",
        ),
        http_status=502,
    ),
    "setup-model-unknown": ErrorText(
        what=("There is no model named {model_id}.", "Модели {model_id} нет."),
        why=(
            "It is neither a file nor one of: {known}.",
            "Это не файл и не имя из списка: {known}.",
        ),
        kept=("Nothing was changed.", "Ничего не изменено."),
        next_step=(
            "Run galosh setup without --model, or with the path of a GGUF file.",
            "Запустите galosh setup без --model или укажите путь к файлу GGUF.",
        ),
        http_status=404,
    ),
    "setup-model-source": ErrorText(
        what=(
            "Setup cannot fetch {model_id} by itself.",
            "Установка не может сама получить {model_id}.",
        ),
        why=(
            "This version's setup fetches pinned packages of a Python index; the model "
            "comes from: {sources}.",
            "Установка этой версии берёт закреплённые пакеты сервера Python; модель же лежит "
            "здесь: {sources}.",
        ),
        kept=("Nothing was changed.", "Ничего не изменено."),
        next_step=(
            "Download its GGUF file, then run: galosh setup --model FILE",
            "Скачайте её файл GGUF, затем выполните: galosh setup --model ФАЙЛ",
        ),
        http_status=400,
    ),
    "setup-answer-empty": ErrorText(
        what=("The model gave no answer.", "Модель не дала ответа."),
        why=(
            "{model} ended its first answer without a word.",
            "{model} закончила первый ответ, не сказав ни слова.",
        ),
        kept=_KEPT,
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
    ),
    "setup-leave-foreign": ErrorText(
        what=("Nothing was removed.", "Ничего не удалено."),
        why=(
            "{folder} holds things that are not galosh's: {names}.",
            "В {folder} есть и чужое: {names}.",
        ),
        next_step=(
            "Stop galosh with `galosh stop` and delete its folders in {folder} yourself.",
            "Остановите galosh командой `galosh stop` и удалите её папки в {folder} сами.",
        ),
        http_status=409,
    ),
    "setup-leave-stuck": ErrorText(
        what=("Some of galosh could not be removed.", "Часть galosh удалить не удалось."),
        why=("Still there: {paths}.", "Осталось: {paths}."),
        kept=("Everything else is gone.", "Всё остальное удалено."),
        next_step=("Delete those by hand.", "Удалите это вручную."),
    ),
}
