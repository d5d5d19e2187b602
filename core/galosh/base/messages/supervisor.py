"""Texts about the engine process: loading, swapping, dying, waiting."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "supervisor.swapped-in": (
        "{model} has been downloaded and tried; it answers from now on.",
        "Модель {model} загружена и проверена; теперь отвечает она.",
    ),
    "supervisor.not-swapped-in": (
        "{file_name} has been downloaded, but the model in use before stays.",
        "Файл {file_name} загружен, но в работе остаётся прежняя модель.",
    ),
    "supervisor.notice-queue": (
        "Questions before this one: {before}.",
        "Вопросов перед этим: {before}.",
    ),
    "supervisor.notice-waking": (
        "The model is coming back into memory.",
        "Модель возвращается в память.",
    ),
    "supervisor.notice-again": (
        "The system ended the engine for want of memory; the question is asked again of {model} "
        "with smaller settings.",
        "Система завершила движок из-за нехватки памяти; вопрос задан модели {model} ещё раз "
        "с меньшими настройками.",
    ),
    "supervisor.notice-shorter": (
        "{model} needs {needed_bytes} and {free_bytes} may be taken now, so conversations are "
        "limited to {context_tokens} tokens instead of {wanted_tokens}.",
        "Модели {model} нужно {needed_bytes}, а занять сейчас можно {free_bytes}: длина разговора "
        "ограничена {context_tokens} токенами вместо {wanted_tokens}.",
    ),
    "supervisor.notice-coarser": (
        "{model} needs {needed_bytes} and {free_bytes} may be taken now, so its memory of the "
        "conversation is kept coarser (8 bits), with {context_tokens} tokens at most.",
        "Модели {model} нужно {needed_bytes}, а занять сейчас можно {free_bytes}: память "
        "разговора хранится грубее (8 бит), не более {context_tokens} токенов.",
    ),
    "supervisor.notice-instead": (
        "{model} needs {needed_bytes} and {free_bytes} may be taken now, so {instead} answers.",
        "Модели {model} нужно {needed_bytes}, а занять сейчас можно {free_bytes}, поэтому "
        "отвечает {instead}.",
    ),
    "supervisor.notice-template-name": (
        "{model} brings no prompt template; {template} is used, because its name says {word}. "
        "Another one: galosh models template {model_id} NAME",
        "У модели {model} нет своего шаблона запроса; взят {template}, потому что в её имени есть "
        "{word}. Другой: galosh models template {model_id} ИМЯ",
    ),
    "supervisor.notice-template-tokens": (
        "{model} brings no prompt template; {template} is used, because its vocabulary has {word}. "
        "Another one: galosh models template {model_id} NAME",
        "У модели {model} нет своего шаблона запроса; взят {template}, потому что в её словаре "
        "есть {word}. Другой: galosh models template {model_id} ИМЯ",
    ),
    "supervisor.notice-template-architecture": (
        "{model} brings no prompt template; {template} is used, because it is a {word} model. "
        "Another one: galosh models template {model_id} NAME",
        "У модели {model} нет своего шаблона запроса; взят {template}, потому что это модель "
        "{word}. Другой: galosh models template {model_id} ИМЯ",
    ),
    "supervisor.notice-template-nothing": (
        "{model} brings no prompt template, and nothing tells which one it wants: the talk is "
        "given to it as plain text, and answers may be poor. Choose one: "
        "galosh models template {model_id} NAME",
        "У модели {model} нет своего шаблона запроса, и ничто не говорит, какой ей нужен: разговор "
        "передаётся простым текстом, ответы могут быть хуже. Выберите шаблон: "
        "galosh models template {model_id} ИМЯ",
    ),
    "supervisor.notice-overridden": (
        "{model} needs {needed_bytes} and only {free_bytes} may be taken now; it is loaded because "
        "model.memory_override says so. The PC may become slow, and the system may end programs.",
        "Модели {model} нужно {needed_bytes}, а занять сейчас можно лишь {free_bytes}; она "
        "загружена, потому что так велит model.memory_override. Компьютер может начать тормозить, "
        "а система — завершать программы.",
    ),
}

_ASK_AGAIN = (
    "Ask again; the engine is started anew by itself.",
    "Повторите вопрос: движок запустится заново сам.",
)
_UP = (
    "Galosh itself goes on running; nothing else was stopped.",
    "Сам galosh работает дальше; больше ничего не остановлено.",
)

ERRORS: dict[str, ErrorText] = {
    "supervisor-no-engine": ErrorText(
        what=("There is no engine to run a model with.", "Нет движка, чтобы запустить модель."),
        why=(
            "No engine has been built and proven on this PC yet.",
            "На этом компьютере ещё не собран и не проверен ни один движок.",
        ),
        next_step=("Run: galosh setup", "Выполните: galosh setup"),
        http_status=503,
    ),
    "supervisor-no-model": ErrorText(
        what=("There is no model to answer with.", "Нет модели, которая могла бы ответить."),
        why=(
            "No sound model file is on this PC yet.",
            "На этом компьютере ещё нет ни одного исправного файла модели.",
        ),
        next_step=("Run: galosh setup", "Выполните: galosh setup"),
        http_status=503,
    ),
    "supervisor-model-broken": ErrorText(
        what=("The model {model_id} was not loaded.", "Модель {model_id} не загружена."),
        why=("Its file is not sound. {reason}", "Её файл повреждён или не подходит. {reason}"),
        kept=("The model in use before stays.", "Прежняя модель осталась в работе."),
        next_step=("Run: galosh models", "Выполните: galosh models"),
        http_status=409,
    ),
    "supervisor-model-bad": ErrorText(
        what=(
            "The model {model_id} is not being loaded any more.",
            "Модель {model_id} больше не загружается.",
        ),
        why=(
            "The engine died {deaths} times while loading it, last with {signal} ({line}).",
            "Движок упал при её загрузке {deaths} раз, последний раз: {signal} ({line}).",
        ),
        kept=_UP,
        next_step=(
            "Take another model with `galosh models use`, or try this one again the same way.",
            "Возьмите другую модель командой `galosh models use` или так же повторите с этой.",
        ),
        http_status=503,
    ),
    "supervisor-worker-memory": ErrorText(
        what=(
            "The engine ran out of memory with the model {model_id}.",
            "Движку не хватило памяти для модели {model_id}.",
        ),
        why=(
            "The system ended it: {signal} ({line}).",
            "Система завершила его: {signal} ({line}).",
        ),
        kept=_UP,
        next_step=(
            "Close other programs, or take a smaller model with `galosh models use`.",
            "Закройте другие программы или возьмите меньшую модель: `galosh models use`.",
        ),
        http_status=503,
    ),
    "supervisor-worker-instruction": ErrorText(
        what=("The engine does not fit this processor.", "Движок не подходит этому процессору."),
        why=(
            "It used an instruction that the processor lacks: {signal}, with {model_id}.",
            "Он применил команду, которой у процессора нет: {signal}, модель {model_id}.",
        ),
        kept=_UP,
        next_step=("Run: galosh engine build", "Выполните: galosh engine build"),
        http_status=503,
    ),
    "supervisor-worker-file-lost": ErrorText(
        what=(
            "The file of the model {model_id} changed while it was in use.",
            "Файл модели {model_id} изменился во время работы.",
        ),
        why=("The engine ended with {signal}.", "Движок завершился с {signal}."),
        kept=_UP,
        next_step=("Run: galosh models", "Выполните: galosh models"),
        http_status=503,
    ),
    "supervisor-worker-died": ErrorText(
        what=("The engine died.", "Движок упал."),
        why=(
            "It ended with {signal}, with the model {model_id}; its last words: {line}.",
            "Он завершился с {signal}, модель {model_id}; последние слова: {line}.",
        ),
        kept=_UP,
        next_step=_ASK_AGAIN,
        http_status=502,
    ),
    "supervisor-worker-killed": ErrorText(
        what=("The engine was ended from outside.", "Движок завершили извне."),
        why=(
            "Somebody or something sent it {signal}, with the model {model_id}.",
            "Кто-то или что-то послало ему {signal}, модель {model_id}.",
        ),
        kept=_UP,
        next_step=_ASK_AGAIN,
        http_status=502,
    ),
    "supervisor-worker-silent": ErrorText(
        what=("The engine fell silent and was ended.", "Движок замолчал и был завершён."),
        why=(
            "No sign of life for {silent_seconds}, with the model {model_id}.",
            "Нет признаков жизни в течение {silent_seconds}, модель {model_id}.",
        ),
        kept=_UP,
        next_step=_ASK_AGAIN,
        http_status=504,
    ),
    "supervisor-worker-garbled": ErrorText(
        what=(
            "The engine answered what nobody can read and was ended.",
            "Движок ответил неразборчиво и был завершён.",
        ),
        why=(
            "Its messages broke the protocol, with the model {model_id}.",
            "Его сообщения нарушили протокол, модель {model_id}.",
        ),
        kept=_UP,
        next_step=_ASK_AGAIN,
        http_status=502,
    ),
    "supervisor-worker-not-started": ErrorText(
        what=("The engine could not be started.", "Движок не удалось запустить."),
        why=("The system answered: {signal}.", "Ответ системы: {signal}."),
        kept=_UP,
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
        http_status=503,
    ),
    "supervisor-worker-unusable": ErrorText(
        what=("The engine on disk does not work.", "Движок на диске не работает."),
        why=(
            "It could not be used at all: {signal} ({line}).",
            "Его не удалось даже начать использовать: {signal} ({line}).",
        ),
        kept=_UP,
        next_step=("Run: galosh engine build", "Выполните: galosh engine build"),
        http_status=503,
    ),
    "supervisor-worker-template": ErrorText(
        what=(
            "The chat template of the model {model_id} did not come to an end.",
            "Шаблон диалога модели {model_id} не доходит до конца.",
        ),
        why=(
            "The engine ended itself because of it: {signal}.",
            "Из-за этого движок завершил себя: {signal}.",
        ),
        kept=_UP,
        next_step=(
            "Take another model with `galosh models use`.",
            "Возьмите другую модель: `galosh models use`.",
        ),
        http_status=503,
    ),
    "supervisor-worker-version": ErrorText(
        what=(
            "The engine and galosh do not understand each other.",
            "Движок и galosh не понимают друг друга.",
        ),
        why=(
            "The engine speaks version {theirs}, galosh version {ours}.",
            "Движок говорит на версии {theirs}, galosh на версии {ours}.",
        ),
        next_step=("Run: galosh engine build", "Выполните: galosh engine build"),
        http_status=503,
    ),
    "supervisor-worker-refused": ErrorText(
        what=("The engine refused.", "Движок отказал."),
        why=("It said {worker_code}: {reason}.", "Он сообщил {worker_code}: {reason}."),
        next_step=("Run: galosh doctor", "Выполните: galosh doctor"),
        http_status=502,
    ),
    "supervisor-queue-full": ErrorText(
        what=("Too many questions wait already.", "Уже ждёт слишком много вопросов."),
        why=("{waiting} are in line.", "В очереди: {waiting}."),
        next_step=("Ask again in a while.", "Повторите немного позже."),
        http_status=429,
    ),
    "supervisor-waited-too-long": ErrorText(
        what=("The question was not answered.", "На вопрос нет ответа."),
        why=(
            "It waited {waited_seconds} in line; {before} questions went before it still.",
            "Он ждал в очереди {waited_seconds}; впереди оставалось вопросов: {before}.",
        ),
        next_step=(
            "Ask again when fewer programs ask at the same time.",
            "Повторите, когда спрашивает меньше программ сразу.",
        ),
        http_status=503,
    ),
    "supervisor-request-unsendable": ErrorText(
        what=(
            "The question could not be handed to the engine.",
            "Вопрос не удалось передать движку.",
        ),
        why=("It cannot be written down: {reason}.", "Его нельзя записать: {reason}."),
        next_step=("Send a shorter or plainer one.", "Отправьте вопрос короче или проще."),
        http_status=400,
    ),
    "supervisor-reader-slow": ErrorText(
        what=("The answer was ended: nobody read it.", "Ответ прерван: его никто не читал."),
        why=(
            "{unread_events} pieces waited to be read.",
            "Непрочитанных частей: {unread_events}.",
        ),
        next_step=("Read the answer as it comes.", "Читайте ответ по мере поступления."),
        http_status=503,
    ),
    "supervisor-answer-ended": ErrorText(
        what=("The answer was ended.", "Ответ прерван."),
        why=(
            "A change of the model was asked for that should not wait.",
            "Запрошена смена модели без ожидания.",
        ),
        next_step=("Ask again.", "Повторите вопрос."),
        http_status=503,
    ),
    "supervisor-no-room": ErrorText(
        what=(
            "The model {model_id} was not loaded: there is no room for it.",
            "Модель {model_id} не загружена: для неё нет места в памяти.",
        ),
        why=(
            "Even with its smallest settings it needs {needed_bytes}; {free_bytes} may be taken "
            "now. The programs that hold most: {programs}.",
            "Даже с самыми малыми настройками ей нужно {needed_bytes}; занять сейчас можно "
            "{free_bytes}. Больше всего держат: {programs}.",
        ),
        kept=_UP,
        next_step=(
            "Close programs that hold {close_bytes} together, take a smaller model, or load it "
            "all the same, at the risk of a slow PC and of programs being ended by the system: "
            "galosh settings set model.memory_override true",
            "Закройте программы, занимающие вместе {close_bytes}, возьмите меньшую модель или "
            "загрузите её всё равно, рискуя торможением и завершением программ системой: "
            "galosh settings set model.memory_override true",
        ),
        http_status=503,
    ),
    "supervisor-never-room": ErrorText(
        what=(
            "The model {model_id} was not loaded: it is too large for this PC.",
            "Модель {model_id} не загружена: она слишком велика для этого компьютера.",
        ),
        why=(
            "Even with its smallest settings it needs {needed_bytes}; a model may take "
            "{most_bytes} here, so that the desktop keeps its part.",
            "Даже с самыми малыми настройками ей нужно {needed_bytes}; здесь модель может занять "
            "{most_bytes}, чтобы рабочему столу осталась его часть.",
        ),
        kept=_UP,
        next_step=(
            "Take a smaller model with `galosh models use`, or load it all the same, at the risk "
            "of a slow PC: galosh settings set model.memory_override true",
            "Возьмите меньшую модель (`galosh models use`) или загрузите её всё равно, рискуя "
            "торможением компьютера: galosh settings set model.memory_override true",
        ),
        http_status=503,
    ),
    "supervisor-no-room-beside": ErrorText(
        what=(
            "The model {model_id} does not fit beside the one in use.",
            "Модель {model_id} не помещается рядом с той, что в работе.",
        ),
        why=(
            "There is room for one of them at a time.",
            "Места хватает только для одной из них.",
        ),
        kept=("The model in use goes first.", "Сначала уйдёт модель, что в работе."),
        next_step=("Wait; it is done by itself.", "Подождите: это произойдёт само."),
        http_status=503,
    ),
    "supervisor-answer-cut": ErrorText(
        what=("The answer was cut off.", "Ответ оборван."),
        why=(
            "The system ended the engine of {model_id} for want of memory.",
            "Система завершила движок модели {model_id} из-за нехватки памяти.",
        ),
        kept=(
            "The words so far are kept; the next answer gets smaller settings.",
            "Слова до этого места сохранены; следующий ответ получит меньшие настройки.",
        ),
        next_step=("Ask again.", "Повторите вопрос."),
        http_status=503,
    ),
    "supervisor-memory-pressure": ErrorText(
        what=("The answer was ended early.", "Ответ прерван досрочно."),
        why=(
            "Other programs urgently needed memory, so the model gave its own back.",
            "Другим программам срочно понадобилась память, и модель отдала свою.",
        ),
        kept=("The words so far are kept.", "Слова до этого места сохранены."),
        next_step=(
            "Close a large program and ask again.",
            "Закройте большую программу и повторите вопрос.",
        ),
        http_status=503,
    ),
    "supervisor-paused": ErrorText(
        what=("Galosh is paused.", "Galosh на паузе."),
        why=(
            "It was asked to hold no memory until told otherwise.",
            "Его попросили не занимать память до особого распоряжения.",
        ),
        next_step=("Run: galosh resume", "Выполните: galosh resume"),
        http_status=503,
    ),
    "supervisor-stopping": ErrorText(
        what=("Galosh is stopping.", "Galosh останавливается."),
        why=("It was asked to.", "Его об этом попросили."),
        next_step=("Run: galosh start", "Выполните: galosh start"),
        http_status=503,
    ),
    "supervisor-list-unwritable": ErrorText(
        what=("The list of downloads could not be kept.", "Список загрузок не удалось сохранить."),
        why=("With {path} the system answered: {reason}.", "Для {path} ответ системы: {reason}."),
        kept=("Everything fetched so far is kept.", "Всё, что уже загружено, сохранено."),
        next_step=(
            "Make room there, or make the folder writable, and try again.",
            "Освободите там место или откройте запись в папку и повторите.",
        ),
        http_status=507,
    ),
    "supervisor-download-broke": ErrorText(
        what=(
            "The download ended in a way it was not built for.",
            "Загрузка завершилась непредусмотренным сбоем.",
        ),
        why=("The program names it: {reason}.", "Программа называет его так: {reason}."),
        kept=("Everything fetched so far is kept.", "Всё, что уже загружено, сохранено."),
        next_step=("Run: galosh logs", "Выполните: galosh logs"),
    ),
    "supervisor-swap-unwanted": ErrorText(
        what=("The model {model_id} did not take over.", "Модель {model_id} не заняла место."),
        why=("You have chosen {chosen} meanwhile.", "Тем временем вы выбрали {chosen}."),
        kept=("It is ready to be used.", "Она готова к работе."),
        next_step=("Run: galosh models use {model_id}", "Выполните: galosh models use {model_id}"),
        http_status=409,
    ),
    "supervisor-swap-silent": ErrorText(
        what=("The model {model_id} did not take over.", "Модель {model_id} не заняла место."),
        why=("It loaded but gave no answer.", "Она загрузилась, но не ответила."),
        kept=("The model in use before stays.", "Прежняя модель осталась в работе."),
        next_step=(
            "Run: galosh models verify {model_id}",
            "Выполните: galosh models verify {model_id}",
        ),
        http_status=502,
    ),
}
