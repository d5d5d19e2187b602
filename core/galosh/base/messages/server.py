"""Texts of the daemon's doors: what a client or a start hears when something is refused."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text
from galosh.base.messages.extra import server_page

TEXTS: dict[str, Text] = {
    "server.listening": (
        "galosh is listening: socket {socket}, port {port}. Stop it with Ctrl-C.",
        "galosh слушает: сокет {socket}, порт {port}. Остановить: Ctrl-C.",
    ),
    "server.notice-context-full": (
        "The context is full ({tokens} tokens), so the answer ends here. Delete text that is no "
        "longer needed, begin anew, or enlarge model.context_tokens.",
        "Контекст заполнен (токенов: {tokens}), поэтому ответ здесь кончается. Удалите ненужный "
        "текст, начните заново или увеличьте model.context_tokens.",
    ),
    "server.pull-ended": (
        "The download was ended from elsewhere ({state}); what was fetched is kept.",
        "Загрузку прервали извне ({state}); загруженное сохранено.",
    ),
    "server.stopped": ("galosh has stopped.", "galosh остановлен."),
    "server.holder.unknown": ("another program", "другая программа"),
    "server.holder": ("{name} (pid {pid})", "{name} (pid {pid})"),
    "server.kind.absent": ("nothing", "ничего"),
    "server.kind.boolean": ("true or false", "true или false"),
    "server.kind.integer": ("a whole number", "целое число"),
    "server.kind.number": ("a number", "число"),
    "server.kind.text": ("a text", "текст"),
    "server.kind.empty": ("an empty text", "пустой текст"),
    "server.kind.list": ("a list of {count}", "список из {count}"),
    "server.kind.object": ("an object", "объект"),
    "server.kind.other": ("something else", "что-то другое"),
    "server.want.integer": (
        "a whole number from {low} to {high}",
        "целое число от {low} до {high}",
    ),
    "server.want.number": ("a number from {low} to {high}", "число от {low} до {high}"),
    "server.want.boolean": ("true or false", "true или false"),
    "server.want.text": (
        "a text of valid Unicode, {low} to {high} characters",
        "текст из допустимых знаков Юникода, от {low} до {high} знаков",
    ),
    "server.want.object": ("an object with named fields", "объект с именованными полями"),
    "server.want.known": ("one of: {names}", "одно из: {names}"),
    "server.want.tools": ("a list of at most {high}", "список не длиннее {high}"),
    "server.want.name": (
        "a name of 1 to {high} letters, digits, _ . and -",
        "имя из 1–{high} латинских букв, цифр, _ . и -",
    ),
    "server.want.once": ("another name", "другое имя"),
    "server.want.arguments": (
        "a JSON object, whole or as text",
        "объект JSON, целиком или текстом",
    ),
    "server.want.shallow": (
        "at most {high} levels of nesting",
        "не более {high} уровней вложенности",
    ),
    "server.want.nothing": ("a field that galosh knows", "поле, известное galosh"),
    "server.want.messages": (
        "a list of {low} to {high} messages with role and content",
        "список от {low} до {high} сообщений с полями role и content",
    ),
    "server.want.content": (
        "a text, or a list of text parts",
        "текст или список текстовых частей",
    ),
    "server.want.prompt": (
        "one text, or a list with one text",
        "один текст или список с одним текстом",
    ),
    "server.want.edits": (
        "a list of 1 to {high} edits with at, remove and insert",
        "список из 1–{high} правок с полями at, remove и insert",
    ),
    "server.want.marks": (
        "a list of at most {high} pairs of places [start, end]",
        "список из не более чем {high} пар мест [начало, конец]",
    ),
    "server.want.stop": (
        "a text, or a list of at most {high} texts that are not empty",
        "текст или список из не более чем {high} непустых текстов",
    ),
    "server.want.bias": (
        "an object of at most {high} token numbers with a bias from -100 to 100",
        "объект из не более чем {high} номеров токенов со смещением от -100 до 100",
    ),
    "server.want.tokens": (
        "a list of at most {high} token numbers",
        "список из не более чем {high} номеров токенов",
    ),
    "server.want.texts": (
        "a text, or a list of 1 to {high} texts that are not empty",
        "текст или список из 1–{high} непустых текстов",
    ),
    "server.cannot.functions": (
        "the older fields are not read; `tools`, `tool_choice` and `tool_calls` are",
        "старые поля не читаются; читаются `tools`, `tool_choice` и `tool_calls`",
    ),
    "server.cannot.own_tools": (
        "only functions that the client runs can be offered",
        "предложить можно только функции, которые выполняет сам клиент",
    ),
    "server.cannot.form": (
        "an answer is held to a schema or may call functions, not both",
        "ответ либо следует схеме, либо может вызывать функции",
    ),
    "server.notice-call-broken": (
        "The model began to call a function, but what it wrote is no such call; it is in the "
        "answer as text.",
        "Модель начала вызывать функцию, но написанное — не вызов; оно осталось текстом в ответе.",
    ),
    "server.cannot.many": (
        "one request gives one answer",
        "на один запрос даётся один ответ",
    ),
    "server.cannot.media": (
        "the models here read text only, no pictures, sound or files",
        "модели здесь читают только текст, без картинок, звука и файлов",
    ),
    "server.cannot.echo": (
        "token probabilities are told of the answer, not of a repeated prompt",
        "вероятности токенов сообщаются для ответа, а не для повторённого запроса",
    ),
    "server.cannot.samplers": (
        "samplers run in a fixed order, and an answer ends where the model ends it",
        "порядок сэмплеров задан, а ответ кончается там, где его кончает модель",
    ),
    "server.cannot.tokens": (
        "token numbers are read and written by /tokenize and /detokenize alone, the plain way",
        "номера токенов читают и пишут только /tokenize и /detokenize, простым образом",
    ),
    "server.cannot.extra": (
        "only the text around the gap is read, no other files",
        "читается только текст вокруг пропуска, без других файлов",
    ),
    "server.cannot.files": (
        "a name is made from a model or a file that is there, with a system text and sampling",
        "имя создаётся из имеющейся модели или файла, с системным текстом и сэмплингом",
    ),
    "server.cannot.dimensions": (
        "vectors have the length that the model gives them",
        "длина векторов такая, какую даёт модель",
    ),
    "server.cannot.template": (
        "templates from outside are not accepted; the model's own is used",
        "шаблоны извне не принимаются; применяется шаблон модели",
    ),
    "server.cannot.context": (
        "a context is taken only as an answer of galosh gave it",
        "контекст принимается только таким, каким его дал ответ galosh",
    ),
    "server.cannot.context_raw": (
        "a raw prompt and one with a suffix begin a text; what was said before is part of it",
        "сырой запрос и запрос с suffix начинают текст; прежнее — часть его",
    ),
    "server.cannot.background": (
        "answers are given while the client waits",
        "ответ даётся, пока клиент ждёт",
    ),
    "server.cannot.remember": (
        "answers are not kept for later requests; send the whole talk",
        "ответы не хранятся для следующих запросов; присылайте разговор целиком",
    ),
    "server.cannot.grammar": (
        "grammars from outside are not accepted",
        "грамматики извне не принимаются",
    ),
}

ERRORS: dict[str, ErrorText] = {
    **server_page.ERRORS,
    "server-already-running": ErrorText(
        what=("galosh is already running.", "galosh уже работает."),
        why=("Its process is {pid}.", "Его процесс: {pid}."),
        kept=("The running one was left alone.", "Работающий процесс не тронут."),
        next_step=(
            "Use it as it is, or run: galosh restart",
            "Пользуйтесь им или выполните: galosh restart",
        ),
        http_status=409,
    ),
    "server-port-in-use": ErrorText(
        what=(
            "Port {port} is taken, so galosh did not start.",
            "Порт {port} занят, поэтому galosh не запущен.",
        ),
        why=("It is held by {holder}.", "Его держит {holder}."),
        next_step=(
            "Choose another with api.port in {settings} (0 means any free port).",
            "Задайте другой в api.port в {settings} (0 значит любой свободный).",
        ),
        http_status=409,
    ),
    "server-socket-failed": ErrorText(
        what=("The socket {path} could not be opened.", "Не удалось открыть сокет {path}."),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        next_step=(
            "Choose a folder that allows it with GALOSH_HOME.",
            "Задайте подходящую папку через GALOSH_HOME.",
        ),
    ),
    "server-bad-request": ErrorText(
        what=(
            "The request was refused because of its field {field}.",
            "Запрос отклонён из-за поля {field}.",
        ),
        why=(
            "It holds {value}; it must be {expected}.",
            "В нём {value}, а должно быть {expected}.",
        ),
        next_step=(
            "Correct that field and send the request again.",
            "Исправьте это поле и отправьте запрос снова.",
        ),
        http_status=400,
        exit_code=2,
    ),
    "server-bad-json": ErrorText(
        what=(
            "The request was refused: its body is not JSON that galosh reads.",
            "Запрос отклонён: тело не является JSON, который читает galosh.",
        ),
        why=("Reading stopped with: {reason}.", "Чтение остановилось: {reason}."),
        next_step=("Send one JSON object in UTF-8.", "Отправьте один объект JSON в UTF-8."),
        http_status=400,
        exit_code=2,
    ),
    "server-bad-http": ErrorText(
        what=(
            "The request was refused: it is not HTTP that galosh reads.",
            "Запрос отклонён: это не HTTP, который читает galosh.",
        ),
        why=("Reading stopped with status {status}.", "Чтение остановилось с кодом {status}."),
        next_step=(
            "Send a plain HTTP/1.1 request with fewer or shorter headers.",
            "Отправьте простой запрос HTTP/1.1 с меньшими заголовками.",
        ),
        http_status=400,
        exit_code=2,
    ),
    "server-unsupported": ErrorText(
        what=(
            "The request asks for {field}, which galosh does not do.",
            "В запросе есть {field}, чего galosh не умеет.",
        ),
        why=("Reason: {reason}.", "Причина: {reason}."),
        next_step=("Send the request without {field}.", "Отправьте запрос без {field}."),
        http_status=400,
        exit_code=2,
    ),
    "server-body-too-large": ErrorText(
        what=(
            "The request was refused because it is too large.",
            "Запрос отклонён: он слишком велик.",
        ),
        why=("At most {limit_bytes} are read.", "Читается не больше {limit_bytes}."),
        next_step=("Send a smaller request.", "Отправьте запрос поменьше."),
        http_status=413,
    ),
    "server-body-slow": ErrorText(
        what=(
            "The request was given up because it came too slowly.",
            "Запрос не дождались: он приходил слишком медленно.",
        ),
        why=(
            "Its body was not complete after {limit_seconds}.",
            "Тело не пришло целиком за {limit_seconds}.",
        ),
        next_step=("Send the request again.", "Отправьте запрос снова."),
        http_status=408,
    ),
    "server-media-type": ErrorText(
        what=(
            "The request was refused because of its content type.",
            "Запрос отклонён из-за типа содержимого.",
        ),
        why=(
            "It is {given}; it must be application/json, not compressed.",
            "Указано {given}, а нужно application/json без сжатия.",
        ),
        next_step=(
            "Send the header: Content-Type: application/json",
            "Добавьте заголовок: Content-Type: application/json",
        ),
        http_status=415,
    ),
    "server-forbidden": ErrorText(
        what=("The request was refused.", "Запрос отклонён."),
        why=(
            "It does not come from a local program of this user.",
            "Он пришёл не от локальной программы этого пользователя.",
        ),
        next_step=(
            "Use the address that `galosh status` shows.",
            "Используйте адрес, который показывает `galosh status`.",
        ),
        http_status=403,
    ),
    "server-unauthorized": ErrorText(
        what=(
            "The request was refused because it carries no right token.",
            "Запрос отклонён: в нём нет верного ключа.",
        ),
        why=(
            "This door needs the header Authorization: Bearer with the token.",
            "Здесь нужен заголовок Authorization: Bearer с ключом.",
        ),
        next_step=(
            "Take the token from the file `token` in galosh's config folder.",
            "Возьмите ключ из файла `token` в папке настроек galosh.",
        ),
        http_status=401,
    ),
    "server-not-found": ErrorText(
        what=("There is no such address in galosh.", "Такого адреса в galosh нет."),
        why=("Nothing answers there.", "Там ничего не отвечает."),
        next_step=("Use one of the addresses in docs/api.md.", "Возьмите адрес из docs/api.md."),
        http_status=404,
    ),
    "server-name-taken": ErrorText(
        what=("That name is a model's own.", "Это имя уже есть у модели."),
        why=("There is a model called {name}.", "Модель с именем {name} уже есть."),
        kept=("Nothing was changed.", "Ничего не изменено."),
        next_step=("Choose another name.", "Выберите другое имя."),
        http_status=409,
    ),
    "server-method": ErrorText(
        what=("That address does not answer {method}.", "Этот адрес не отвечает на {method}."),
        why=("It answers {allowed}.", "Он отвечает на {allowed}."),
        next_step=("Use {allowed}.", "Используйте {allowed}."),
        http_status=405,
    ),
    "server-stopping": ErrorText(
        what=(
            "The answer was ended because galosh is stopping.",
            "Ответ прерван: galosh останавливается.",
        ),
        why=("Somebody asked it to stop.", "Его попросили остановиться."),
        next_step=(
            "Start it again with `galosh start` and ask once more.",
            "Запустите снова: `galosh start`, и повторите вопрос.",
        ),
        http_status=503,
    ),
    "server-internal": ErrorText(
        what=("The daemon met an error of its own.", "В демоне произошла внутренняя ошибка."),
        why=("Kind: {kind}; mark in the log: {mark}.", "Вид: {kind}; метка в журнале: {mark}."),
        next_step=("Run: galosh logs", "Выполните: galosh logs"),
    ),
}
