"""Texts of the worker: loading a model, reading a prompt, writing an answer."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {}

_DOCTOR: Text = ("Run: galosh doctor", "Выполните: galosh doctor")
_AGAIN: Text = ("Ask the question again.", "Задайте вопрос ещё раз.")
_OTHER_MODEL: Text = (
    "Choose another model: galosh models",
    "Выберите другую модель: galosh models",
)
_WORKER_LIVES: Text = (
    "The model stays loaded and answers the next question.",
    "Модель осталась загруженной и ответит на следующий вопрос.",
)

ERRORS: dict[str, ErrorText] = {
    "worker-model-missing": ErrorText(
        what=("The model file {path} could not be opened.", "Файл модели {path} не открылся."),
        why=(
            "The system says: {reason}. An antivirus program may have moved it.",
            "Система сообщает: {reason}. Файл мог забрать антивирус.",
        ),
        next_step=(
            "See which models are on this PC: galosh models",
            "Посмотрите, какие модели есть на этом компьютере: galosh models",
        ),
    ),
    "worker-load-failed": ErrorText(
        what=("The model could not be loaded.", "Не удалось загрузить модель."),
        why=("The engine says: {reason}", "Движок сообщает: {reason}"),
        kept=("The file was left as it is.", "Файл оставлен как есть."),
        next_step=_OTHER_MODEL,
    ),
    "worker-load-cancelled": ErrorText(
        what=("Loading the model was stopped.", "Загрузка модели остановлена."),
        why=("It was cancelled before it was done.", "Её отменили до завершения."),
        next_step=(
            "Choose the model to run: galosh models use ID",
            "Выберите модель: galosh models use ID",
        ),
        http_status=503,
    ),
    "worker-context-failed": ErrorText(
        what=(
            "There was no room for the conversation's memory beside the model.",
            "Рядом с моделью не хватило памяти для разговора.",
        ),
        why=("The engine says: {reason}", "Движок сообщает: {reason}"),
        next_step=(
            "Set a shorter context, or choose a smaller model: galosh models",
            "Уменьшите контекст или выберите модель поменьше: galosh models",
        ),
        http_status=507,
    ),
    "worker-draft-vocabulary": ErrorText(
        what=(
            "The small model cannot guess for the large one: it has another vocabulary.",
            "Малая модель не может угадывать за большую: у неё другой словарь.",
        ),
        why=(
            "Its vocabulary has {tokens} tokens, that of the large one {wanted_tokens}, or the "
            "same number of others.",
            "В её словаре {tokens} токенов, у большой — {wanted_tokens}, либо столько же, но "
            "других.",
        ),
        kept=(
            "The large model answers as always, without those guesses.",
            "Большая модель отвечает как обычно, без таких догадок.",
        ),
        next_step=(
            "Name a small model of the same family, or let galosh choose: galosh settings "
            "engine.draft_model auto",
            "Назовите малую модель того же семейства или доверьте выбор galosh: galosh settings "
            "engine.draft_model auto",
        ),
        http_status=400,
    ),
    "worker-draft-unfit": ErrorText(
        what=(
            "The small model cannot guess for the large one.",
            "Малая модель не может угадывать за большую.",
        ),
        why=(
            "It cannot take a wrong guess back ({reason}).",
            "Она не умеет брать неверную догадку назад ({reason}).",
        ),
        kept=(
            "The large model answers as always, without those guesses.",
            "Большая модель отвечает как обычно, без таких догадок.",
        ),
        next_step=(
            "Name another small model, or let galosh choose: galosh settings "
            "engine.draft_model auto",
            "Назовите другую малую модель или доверьте выбор galosh: galosh settings "
            "engine.draft_model auto",
        ),
        http_status=400,
    ),
    "worker-out-of-memory": ErrorText(
        what=(
            "There was not enough memory for this question.",
            "Для этого вопроса не хватило памяти.",
        ),
        why=("The system refused to give more.", "Система отказалась выделить ещё."),
        kept=_WORKER_LIVES,
        next_step=(
            "Close a program that uses much memory and ask again.",
            "Закройте программу, занимающую много памяти, и спросите ещё раз.",
        ),
        http_status=507,
    ),
    "worker-no-model": ErrorText(
        what=(
            "The question came before a model was loaded.",
            "Вопрос пришёл раньше, чем загрузилась модель.",
        ),
        why=("The worker holds no model.", "В рабочем процессе нет модели."),
        next_step=_AGAIN,
        http_status=503,
    ),
    "worker-option-wrong": ErrorText(
        what=("The value of {name} cannot be used.", "Значение {name} не подходит."),
        why=("It is {value}; it must be {expected}.", "Там {value}, а должно быть {expected}."),
        kept=_WORKER_LIVES,
        next_step=("Correct {name} and ask again.", "Исправьте {name} и спросите ещё раз."),
        http_status=400,
    ),
    "worker-request-unknown": ErrorText(
        what=(
            "The daemon asked the worker for something it does not know.",
            "Служба попросила рабочий процесс о том, чего он не умеет.",
        ),
        why=(
            "The request is {name}; daemon and engine are of different versions.",
            "Запрос {name}: служба и движок разных версий.",
        ),
        next_step=(
            "Bring both to one version: galosh setup",
            "Приведите их к одной версии: galosh setup",
        ),
    ),
    "worker-text-broken": ErrorText(
        what=("The text holds half a character.", "В тексте есть половина символа."),
        why=(
            "In {name}, position {position}: a lone surrogate, which no text may hold.",
            "В {name}, позиция {position}: одиночный суррогат, каких в тексте не бывает.",
        ),
        kept=_WORKER_LIVES,
        next_step=(
            "Remove that character and ask again.",
            "Удалите этот символ и спросите ещё раз.",
        ),
        http_status=400,
    ),
    "worker-text-too-long": ErrorText(
        what=(
            "The text is too long to count its tokens.",
            "Текст слишком длинный, чтобы считать токены.",
        ),
        why=(
            "It has {size_bytes}; up to {limit_bytes} are counted at once.",
            "В нём {size_bytes}, за раз считается не больше {limit_bytes}.",
        ),
        next_step=("Count it in parts.", "Считайте его по частям."),
        http_status=413,
    ),
    "worker-prompt-too-long": ErrorText(
        what=(
            "The question with all that belongs to it is too long for the model.",
            "Вопрос вместе со всем, что к нему приложено, слишком длинный для модели.",
        ),
        why=(
            "It has at least {prompt_tokens} tokens; there is room for {context_tokens},"
            " the answer included.",
            "В нём не меньше {prompt_tokens} токенов, а места, вместе с ответом,"
            " на {context_tokens}.",
        ),
        kept=("Nothing was cut off or left out.", "Ничего не было обрезано или пропущено."),
        next_step=(
            "Shorten the text, or set a longer context in the settings.",
            "Сократите текст или увеличьте контекст в настройках.",
        ),
        http_status=400,
    ),
    "worker-prompt-empty": ErrorText(
        what=("There was nothing to continue.", "Нечего продолжать."),
        why=(
            "The prompt is empty, and this model has no token to begin a text with.",
            "Запрос пуст, а у этой модели нет токена для начала текста.",
        ),
        next_step=("Write at least one word.", "Напишите хотя бы одно слово."),
        http_status=400,
    ),
    "worker-tokenize-failed": ErrorText(
        what=(
            "The text could not be split into the model's tokens.",
            "Не удалось разбить текст на токены модели.",
        ),
        why=(
            "It has {size_bytes}; the engine gave up.",
            "В нём {size_bytes}; движок не справился.",
        ),
        kept=_WORKER_LIVES,
        next_step=("Shorten the text and ask again.", "Сократите текст и спросите ещё раз."),
    ),
    "worker-template-endless": ErrorText(
        what=(
            "The chat template in the model file never comes to an end.",
            "Шаблон беседы в файле модели не может завершиться.",
        ),
        why=("It was stopped after {limit_seconds}.", "Он остановлен через {limit_seconds}."),
        next_step=_OTHER_MODEL,
    ),
    "worker-no-filling": ErrorText(
        what=(
            "This model cannot fill in text between two others.",
            "Эта модель не умеет вставлять текст между двумя другими.",
        ),
        why=(
            "Its vocabulary has no marks for that (fill-in-the-middle).",
            "В её словаре нет для этого меток (fill-in-the-middle).",
        ),
        kept=_WORKER_LIVES,
        next_step=(
            "Ask without a suffix, or use a model made for code.",
            "Спросите без окончания (suffix) или возьмите модель для кода.",
        ),
        http_status=400,
    ),
    "worker-template-too-long": ErrorText(
        what=(
            "The chat template in the model file makes an endless text out of the question.",
            "Шаблон беседы в файле модели делает из вопроса бесконечный текст.",
        ),
        why=(
            "It was stopped after {characters} characters.",
            "Он остановлен после {characters} символов.",
        ),
        kept=_WORKER_LIVES,
        next_step=_OTHER_MODEL,
    ),
    "worker-template-broken": ErrorText(
        what=(
            "The chat template of the model does not work.",
            "Шаблон беседы этой модели не работает.",
        ),
        why=("It ended with {reason}.", "Он завершился ошибкой {reason}."),
        kept=_WORKER_LIVES,
        next_step=_OTHER_MODEL,
    ),
    "worker-template-refused": ErrorText(
        what=(
            "This model does not accept a conversation of this form.",
            "Эта модель не принимает беседу в таком виде.",
        ),
        why=("Its chat template says: {reason}", "Её шаблон беседы сообщает: {reason}"),
        kept=_WORKER_LIVES,
        next_step=(
            "Begin a new conversation with one question.",
            "Начните новую беседу с одного вопроса.",
        ),
        http_status=400,
    ),
    "worker-sampler-failed": ErrorText(
        what=("The next word could not be chosen.", "Не удалось выбрать следующее слово."),
        why=(
            "The engine could not make its sampler: {name}.",
            "Движок не смог создать выборщик: {name}.",
        ),
        kept=_WORKER_LIVES,
        next_step=(
            "Ask again with the standard sampling settings.",
            "Спросите ещё раз со стандартными настройками выборки.",
        ),
    ),
    "worker-schema-wrong": ErrorText(
        what=(
            "The form asked for the answer is no JSON schema.",
            "Заданная форма ответа — не схема JSON.",
        ),
        why=("At {path}: {keyword} has no meaning there.", "{path}: {keyword} здесь не годится."),
        next_step=("Correct the schema and ask again.", "Исправьте схему и спросите ещё раз."),
        http_status=400,
    ),
    "worker-schema-unsupported": ErrorText(
        what=(
            "The answer could not be promised in the form asked for.",
            "Ответ в заданной форме гарантировать нельзя.",
        ),
        why=(
            "At {path}: galosh cannot hold an answer to {keyword}.",
            "{path}: galosh не умеет соблюдать {keyword}.",
        ),
        next_step=(
            "Leave that out of the schema, check the answer for it yourself, and ask again.",
            "Уберите это из схемы, проверьте ответ сами и спросите ещё раз.",
        ),
        http_status=400,
    ),
    "worker-schema-too-big": ErrorText(
        what=(
            "The form asked for the answer is too large.",
            "Заданная форма ответа слишком велика.",
        ),
        why=(
            "At {path}: {keyword} may be {limit} at most.",
            "{path}: {keyword} — не больше {limit}.",
        ),
        next_step=("Make the schema smaller and ask again.", "Сократите схему и спросите ещё раз."),
        http_status=400,
    ),
    "worker-schema-impossible": ErrorText(
        what=(
            "No answer can have the form asked for.",
            "Ответа в заданной форме не бывает.",
        ),
        why=("At {path}: no value fits.", "{path}: ни одно значение не подходит."),
        next_step=("Correct the schema and ask again.", "Исправьте схему и спросите ещё раз."),
        http_status=400,
    ),
    "worker-grammar-stuck": ErrorText(
        what=(
            "The answer could not go on in the form asked for.",
            "Ответ не удалось продолжить в заданной форме.",
        ),
        why=(
            "The model has no word that the form allows at that place.",
            "У модели нет слова, которое форма допускает в этом месте.",
        ),
        kept=_WORKER_LIVES,
        next_step=(
            "Ask without the form, or choose another model: galosh models",
            "Спросите без формы или выберите другую модель: galosh models",
        ),
    ),
    "worker-decode-failed": ErrorText(
        what=(
            "The engine stopped in the middle of the answer.",
            "Движок остановился посреди ответа.",
        ),
        why=(
            "It reported status {status} after {held_tokens} tokens.",
            "Он сообщил состояние {status} после {held_tokens} токенов.",
        ),
        kept=("What was written so far is shown.", "Уже написанное показано."),
        next_step=_AGAIN,
    ),
    "worker-cancelled": ErrorText(
        what=("The request was cancelled.", "Запрос отменён."),
        why=("It was cancelled before it was done.", "Его отменили до завершения."),
        next_step=_AGAIN,
        http_status=499,
    ),
    "worker-busy": ErrorText(
        what=(
            "The model is answering and cannot rest now.",
            "Модель отвечает и не может сейчас отдыхать.",
        ),
        why=("An answer has not ended yet.", "Ответ ещё не закончен."),
        kept=_WORKER_LIVES,
        next_step=("Wait for the answer to end.", "Дождитесь конца ответа."),
        http_status=503,
    ),
    "worker-internal": ErrorText(
        what=("The worker made a mistake of its own.", "Сбой в самом рабочем процессе."),
        why=(
            "It is a {reason}; the place is in the log.",
            "Это {reason}; место указано в журнале.",
        ),
        kept=_WORKER_LIVES,
        next_step=("See the log: galosh logs", "Посмотрите журнал: galosh logs"),
    ),
    "worker-engine-broken": ErrorText(
        what=("The engine could not be started.", "Движок не запустился."),
        why=("Python reports: {reason}", "Python сообщает: {reason}"),
        next_step=(
            "Build it anew: galosh engine build",
            "Соберите его заново: galosh engine build",
        ),
    ),
    "worker-protocol": ErrorText(
        what=(
            "Daemon and worker did not understand each other.",
            "Служба и рабочий процесс не поняли друг друга.",
        ),
        why=(
            "A message was {reason}; nothing after it could be trusted.",
            "Сообщение оказалось {reason}; остальному нельзя доверять.",
        ),
        next_step=_DOCTOR,
    ),
}
