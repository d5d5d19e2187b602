"""Texts of the engine part."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "engine.gpu-faster": (
        "{layers} of {most} layers go to {card}: measured {gain} times as fast, and the text is "
        "sound.",
        "{layers} из {most} слоёв идут на {card}: измерено, быстрее в {gain} раза, текст верный.",
    ),
    "engine.gpu-off": (
        "The processor alone: the setting engine.gpu is off.",
        "Только процессор: настройка engine.gpu выключена.",
    ),
    "engine.gpu-no-gpu": (
        "The processor alone: no graphics processor was found.",
        "Только процессор: видеокарта не найдена.",
    ),
    "engine.gpu-engine-cpu-only": (
        "The processor alone: this engine was built without support for {card}.",
        "Только процессор: этот движок собран без поддержки {card}.",
    ),
    "engine.gpu-memory-unknown": (
        "The processor alone: {card} does not say how much of its memory is free.",
        "Только процессор: {card} не сообщает, сколько памяти свободно.",
    ),
    "engine.gpu-does-not-fit": (
        "The processor alone: not even one layer fits into what is free on {card}.",
        "Только процессор: в свободную память {card} не помещается ни один слой.",
    ),
    "engine.gpu-not-faster": (
        "The processor alone: {card} was measured at {gain} times its speed, 1.2 would be worth "
        "it.",
        "Только процессор: {card} даёт {gain} его скорости, имеет смысл от 1.2.",
    ),
    "engine.gpu-garbage": (
        "The processor alone: with {card} the text made no sense ({detail}).",
        "Только процессор: с {card} текст бессмысленный ({detail}).",
    ),
    "engine.gpu-crashed": (
        "The processor alone: the trial with {card} ended badly ({detail}).",
        "Только процессор: проба с {card} сорвалась ({detail}).",
    ),
    "engine.gpu-spilled": (
        "The processor alone: what did not fit on {card} went into the PC's own memory.",
        "Только процессор: не поместившееся на {card} ушло в память компьютера.",
    ),
    "engine.gpu-cpu-trial-failed": (
        "The processor alone: there was nothing to compare {card} with ({detail}).",
        "Только процессор: сравнить {card} не с чем ({detail}).",
    ),
    "engine.step-waiting": (
        "Another galosh is building an engine; waiting for it",
        "Другой galosh уже собирает движок; ждём его",
    ),
    "engine.step-candidate": ("Next engine to try: {name}", "Следующий движок на пробу: {name}"),
    "engine.step-prebuilt": (
        "Looking for a ready-made engine ({index})",
        "Ищем готовый движок ({index})",
    ),
    "engine.step-tools": (
        "Fetching the build tools: {names}",
        "Скачиваем средства сборки: {names}",
    ),
    "engine.step-source": ("Fetching the engine's source: {name}", "Скачиваем исходники: {name}"),
    "engine.step-unpack": ("Unpacking the source", "Распаковываем исходники"),
    "engine.step-compile": (
        "Compiling the engine for this processor ({level}) with {compiler}",
        "Собираем движок под этот процессор ({level}), компилятор {compiler}",
    ),
    "engine.step-compile-slowly": (
        "The compiler ran out of memory; going on with one file at a time",
        "Компилятору не хватило памяти; продолжаем по одному файлу",
    ),
    "engine.step-install": ("Installing the engine: {name}", "Устанавливаем движок: {name}"),
    "engine.step-trial": (
        "Trying the engine {name} on this processor",
        "Проверяем движок {name} на этом процессоре",
    ),
    "engine.step-trial-failed": (
        "The engine {name} failed its trial ({reason}); taking the next one",
        "Движок {name} не прошёл проверку ({reason}); берём следующий",
    ),
    "engine.cause-illegal-instruction": (
        "this processor lacks an instruction it uses",
        "этот процессор не знает его команды",
    ),
    "engine.cause-segmentation-fault": (
        "it crashed with a memory access violation",
        "он упал при обращении к памяти",
    ),
    "engine.cause-abort": ("it stopped itself with an error", "он сам прервался с ошибкой"),
    "engine.cause-killed": (
        "the system ended it, usually for want of memory",
        "система его завершила, обычно из-за нехватки памяти",
    ),
    "engine.cause-garbage": ("the text it wrote makes no sense", "он выдал бессмысленный текст"),
    "engine.cause-timeout": ("it did not answer in time", "он не ответил вовремя"),
    "engine.cause-import-error": (
        "a library it needs is missing here",
        "здесь нет нужной ему библиотеки",
    ),
    "engine.cause-load-failed": (
        "it could not load the trial model",
        "он не смог загрузить пробную модель",
    ),
    "engine.step-ready": (
        "The engine {name} works: {decode_tps} tokens/s with the trial model",
        "Движок {name} работает: {decode_tps} токенов/с на пробной модели",
    ),
}

_EARLIER: Text = (
    "The engine in use so far stays in use.",
    "Прежний движок остаётся в работе.",
)
_RESUMES: Text = (
    "What is compiled so far is kept, and so is the engine in use.",
    "Уже собранное сохранено, прежний движок остаётся в работе.",
)

ERRORS: dict[str, ErrorText] = {
    "engine-build-failed": ErrorText(
        what=("The engine could not be compiled.", "Собрать движок не удалось."),
        why=("{compiler} said: {reason}", "{compiler} сообщает: {reason}"),
        kept=_RESUMES,
        next_step=(
            "Try once more: galosh engine build --fresh",
            "Попробуйте ещё раз: galosh engine build --fresh",
        ),
    ),
    "engine-no-candidate": ErrorText(
        what=(
            "No engine was found that works on this processor.",
            "Не нашлось движка, который работает на этом процессоре.",
        ),
        why=(
            "Instruction sets it lacks: {missing}. Tried: {tried}. Left out: {refused}.",
            "Ему не хватает наборов команд: {missing}. Испробовано: {tried}. Пропущено: {refused}.",
        ),
        kept=_EARLIER,
        next_step=(
            "Show what was found with: galosh doctor",
            "Посмотрите, что найдено: galosh doctor",
        ),
    ),
    "engine-disk-full": ErrorText(
        what=("The engine needs more room on the disk.", "Для движка не хватает места на диске."),
        why=(
            "{folder} has {free_bytes} free; {needed_bytes} are needed.",
            "В {folder} свободно {free_bytes}, нужно {needed_bytes}.",
        ),
        kept=_RESUMES,
        next_step=(
            "Free some space, then run: galosh engine build",
            "Освободите место и выполните: galosh engine build",
        ),
        http_status=507,
    ),
    "engine-index-unreachable": ErrorText(
        what=(
            "The package index did not deliver {purpose}.",
            "Хранилище пакетов не отдало {purpose}.",
        ),
        why=("pip said: {reason}", "pip сообщает: {reason}"),
        kept=_RESUMES,
        next_step=(
            "Check the internet connection (or pip's index and proxy), then run: "
            "galosh engine build",
            "Проверьте интернет (или адрес хранилища и прокси у pip) и выполните: "
            "galosh engine build",
        ),
        http_status=502,
    ),
    "engine-install-failed": ErrorText(
        what=("{purpose} could not be installed.", "Установить {purpose} не удалось."),
        why=("pip said: {reason}", "pip сообщает: {reason}"),
        kept=_RESUMES,
        next_step=("Try once more: galosh engine build", "Попробуйте ещё раз: galosh engine build"),
    ),
    "engine-venv-failed": ErrorText(
        what=(
            "Python could not make an environment in {folder}.",
            "Python не смог создать окружение в {folder}.",
        ),
        why=("It said: {reason}", "Его слова: {reason}"),
        kept=_EARLIER,
        next_step=(
            "Install Python's venv package (Debian, Ubuntu: sudo apt install python3-venv), then "
            "run: galosh engine build",
            "Установите пакет venv для Python (Debian, Ubuntu: sudo apt install python3-venv) и "
            "выполните: galosh engine build",
        ),
    ),
    "engine-pip-missing": ErrorText(
        what=(
            "The pip beside galosh cannot install into an engine.",
            "pip рядом с galosh не умеет ставить пакеты в движок.",
        ),
        why=(
            "pip 22.3 or newer is needed; found: {version}",
            "Нужен pip 22.3 или новее; найден: {version}",
        ),
        kept=_EARLIER,
        next_step=(
            "Repair the installation: python3 scripts/install.py",
            "Почините установку: python3 scripts/install.py",
        ),
    ),
    "engine-wheel-corrupt": ErrorText(
        what=("The package {file} arrived damaged.", "Пакет {file} пришёл повреждённым."),
        why=(
            "Its SHA-256 begins with {found}, not with {expected}.",
            "Его SHA-256 начинается с {found}, а не с {expected}.",
        ),
        kept=(
            "The damaged file was deleted; the engine in use so far stays in use.",
            "Повреждённый файл удалён; прежний движок остаётся в работе.",
        ),
        next_step=("Fetch it again: galosh engine build", "Скачайте заново: galosh engine build"),
    ),
    "engine-archive-unsafe": ErrorText(
        what=(
            "The engine's source was not unpacked.",
            "Исходный код движка не распакован.",
        ),
        why=(
            "{file} holds {member}, which would come to lie outside of its folder.",
            "В {file} есть {member}, который оказался бы вне своей папки.",
        ),
        kept=("Nothing was written.", "Ничего не записано."),
        next_step=(
            "Delete that file and run: galosh setup",
            "Удалите этот файл и выполните: galosh setup",
        ),
    ),
    "engine-trial-killed": ErrorText(
        what=(
            "The engine was ended from outside while it was being tried.",
            "Движок завершили извне во время проверки.",
        ),
        why=(
            "Usually the memory was full while it loaded {model}. {reason}",
            "Обычно это значит, что при загрузке {model} кончилась память. {reason}",
        ),
        kept=_EARLIER,
        next_step=(
            "Close some programs, then run: galosh engine build",
            "Закройте часть программ и выполните: galosh engine build",
        ),
    ),
    "engine-trial-load-failed": ErrorText(
        what=(
            "The engine could not load the trial model {model}.",
            "Движок не смог загрузить пробную модель {model}.",
        ),
        why=("It said: {reason}", "Его слова: {reason}"),
        kept=_EARLIER,
        next_step=(
            "Fetch the trial model again: galosh setup",
            "Скачайте пробную модель заново: galosh setup",
        ),
    ),
    "engine-unknown": ErrorText(
        what=("There is no engine {build_id}.", "Движка {build_id} нет."),
        why=("There are: {known}", "Есть: {known}"),
        kept=_EARLIER,
        next_step=("See the list: galosh engine list", "Посмотрите список: galosh engine list"),
        http_status=404,
    ),
    "engine-not-proven": ErrorText(
        what=("The engine {build_id} was not put to use.", "Движок {build_id} не включён."),
        why=(
            "It has not passed a trial on this processor.",
            "Он не прошёл проверку на этом процессоре.",
        ),
        kept=_EARLIER,
        next_step=(
            "Build one that does: galosh engine build",
            "Соберите рабочий: galosh engine build",
        ),
        http_status=409,
    ),
    "engine-busy": ErrorText(
        what=(
            "Another galosh is at work on the engines.",
            "С движками сейчас работает другой galosh.",
        ),
        why=("It did not finish within {wait_seconds}.", "Он не закончил за {wait_seconds}."),
        kept=_EARLIER,
        next_step=(
            "Try again when it is done: galosh engine list",
            "Повторите, когда он закончит: galosh engine list",
        ),
        http_status=409,
    ),
    "engine-worker-missing": ErrorText(
        what=("galosh's own files are incomplete.", "Файлы самого galosh неполны."),
        why=(
            "The worker that runs inside the engine is missing.",
            "Нет рабочего процесса, который выполняется в движке.",
        ),
        kept=_EARLIER,
        next_step=(
            "Repair the installation: python3 scripts/install.py",
            "Почините установку: python3 scripts/install.py",
        ),
    ),
}
