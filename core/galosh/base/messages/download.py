"""Texts of downloads: states, waits, failures. What finding a source may say is merged in.

A wait is an error that ends by itself: its next step says whether the user can shorten it.
"""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text
from galosh.base.messages.extra import download_sources

_KEPT: Text = (
    "{kept_bytes} of {file_name} are kept.",
    "{kept_bytes} из {file_name} сохранено.",
)
_ALL_KEPT: Text = (
    "Everything fetched so far is kept.",
    "Всё, что уже загружено, сохранено.",
)
_AGAIN: Text = ("Go on with: galosh pull {origin}", "Продолжить: galosh pull {origin}")
_BY_ITSELF: Text = (
    "Nothing to do: it tries again in {next_try_seconds}.",
    "Делать ничего не нужно: следующая попытка через {next_try_seconds}.",
)
_DROP: Text = (
    "Start over with: galosh downloads remove {key}",
    "Начать заново: galosh downloads remove {key}",
)

TEXTS: dict[str, Text] = {
    "download.state.new": ("waiting to start", "ждёт начала"),
    "download.state.resolving": ("finding the file", "поиск файла"),
    "download.state.reserving": ("reserving disk space", "выделение места на диске"),
    "download.state.fetching": ("downloading", "загрузка"),
    "download.state.waiting-network": ("waiting for the network", "ожидание сети"),
    "download.state.waiting-rate": ("the server asked to wait", "сервер просит подождать"),
    "download.state.waiting-disk": ("waiting for disk space", "ожидание места на диске"),
    "download.state.waiting-power": ("waiting for mains power", "ожидание питания от сети"),
    "download.state.waiting-metered": (
        "waiting for a line that is not metered",
        "ожидание безлимитного соединения",
    ),
    "download.state.paused": ("paused", "приостановлено"),
    "download.state.needs-user": ("needs you", "нужно ваше действие"),
    "download.state.verifying": ("checking", "проверка"),
    "download.state.repairing": ("repairing", "исправление"),
    "download.state.sealing": ("finishing", "завершение"),
    "download.state.done": ("done", "готово"),
    "download.state.quarantined": ("set aside: damaged", "отложено: повреждён"),
    "download.state.cancelled": ("cancelled", "отменено"),
    "download.notice.download-no-resume": (
        "This server cannot resume: after a break it sends the file from its start.",
        "Этот сервер не умеет продолжать: после обрыва он отдаёт файл с начала.",
    ),
    "download.notice.download-started-over": (
        "The file on the server was replaced meanwhile; the new one is fetched from its start.",
        "Файл на сервере тем временем заменили; новый загружается с начала.",
    ),
}

_WAITS: dict[str, ErrorText] = {
    "download-no-network": ErrorText(
        what=("There is no network.", "Нет сети."),
        why=("{host} could not be found: {reason}.", "Не найден {host}: {reason}."),
        kept=_ALL_KEPT,
        next_step=(
            "Connect to a network; the download goes on by itself.",
            "Подключитесь к сети, загрузка продолжится сама.",
        ),
        http_status=503,
    ),
    "download-host-unreachable": ErrorText(
        what=("{host} takes no connection.", "{host} не принимает соединение."),
        why=("The system says: {reason}.", "Ответ системы: {reason}."),
        kept=_ALL_KEPT,
        next_step=(
            "If other sites work, let {host} through your firewall or proxy.",
            "Если другие сайты работают, откройте {host} в брандмауэре или прокси.",
        ),
        http_status=503,
    ),
    "download-link-stalled": ErrorText(
        what=("The connection to {host} went silent.", "Соединение с {host} замолчало."),
        why=(
            "No byte came; the link was replaced.",
            "Данные перестали поступать, соединение заменено.",
        ),
        kept=_ALL_KEPT,
        next_step=_BY_ITSELF,
        http_status=503,
    ),
    "download-link-cut": ErrorText(
        what=("The connection to {host} was cut.", "Соединение с {host} оборвалось."),
        why=(
            "The line or the server ended it: {reason}.",
            "Его оборвала линия или сервер: {reason}.",
        ),
        kept=_ALL_KEPT,
        next_step=_BY_ITSELF,
        http_status=503,
    ),
    "download-slept": ErrorText(
        what=("The PC was asleep.", "Компьютер спал."),
        why=("All connections were made anew.", "Все соединения установлены заново."),
        kept=_ALL_KEPT,
        next_step=_BY_ITSELF,
        http_status=503,
    ),
    "download-sign-in": ErrorText(
        what=("This network wants you to sign in first.", "Эта сеть требует сначала войти."),
        why=(
            "In place of {host} a web page answered, as Wi-Fi sign-in pages do.",
            "Вместо {host} ответила веб-страница: так делают страницы входа в Wi-Fi.",
        ),
        kept=_ALL_KEPT,
        next_step=(
            "Sign in to the Wi-Fi in a browser; the download goes on by itself.",
            "Войдите в сеть Wi-Fi через браузер, загрузка продолжится сама.",
        ),
        http_status=503,
    ),
    "download-server-down": ErrorText(
        what=("{host} is out of order at the moment.", "{host} сейчас не работает."),
        why=("It answered {status}.", "Его ответ: {status}."),
        kept=_ALL_KEPT,
        next_step=_BY_ITSELF,
        http_status=503,
    ),
    "download-rate-held": ErrorText(
        what=("{host} asked all downloads to wait.", "{host} просит все загрузки подождать."),
        why=(
            "It answered {status}: too many requests from this address.",
            "Ответ {status}: слишком много запросов с этого адреса.",
        ),
        kept=_ALL_KEPT,
        next_step=_BY_ITSELF,
        http_status=429,
    ),
    "download-proxy-unreachable": ErrorText(
        what=("The proxy did not connect to {host}.", "Прокси не соединил с {host}."),
        why=("It says: {reason}.", "Его ответ: {reason}."),
        kept=_ALL_KEPT,
        next_step=(
            "Check HTTPS_PROXY; the download goes on by itself.",
            "Проверьте HTTPS_PROXY, загрузка продолжится сама.",
        ),
        http_status=503,
    ),
    "download-renewal-refused": ErrorText(
        what=("{host} refused a fresh link to the file.", "{host} не принял новую ссылку на файл."),
        why=("It answered {status}.", "Его ответ: {status}."),
        kept=_ALL_KEPT,
        next_step=(
            "If it goes on, let {host} through your firewall or proxy.",
            "Если это повторяется, откройте {host} в брандмауэре или прокси.",
        ),
        http_status=502,
    ),
    "download-source-wrong": ErrorText(
        what=(
            "{host} sent something other than was asked for.",
            "{host} прислал не то, что у него просили.",
        ),
        why=(
            "The reply was refused ({reason}), and no byte of it was written.",
            "Ответ отвергнут ({reason}), ни один байт из него не записан.",
        ),
        kept=_ALL_KEPT,
        next_step=(
            "Try again without a proxy, or take another source for the file.",
            "Попробуйте без прокси или возьмите другой источник файла.",
        ),
        http_status=502,
    ),
    "download-redirects": ErrorText(
        what=("{host} leads nowhere safe.", "{host} не ведёт ни к чему надёжному."),
        why=("A redirect was refused: {reason}.", "Переадресация отклонена: {reason}."),
        kept=_ALL_KEPT,
        next_step=("Check the address of the file.", "Проверьте адрес файла."),
        http_status=502,
    ),
    "download-page-instead": ErrorText(
        what=(
            "{host} sent a web page in place of the file.",
            "{host} прислал веб-страницу вместо файла.",
        ),
        why=(
            "The page came over a secure connection, so it is the site's own.",
            "Страница пришла по защищённому соединению, её отдал сам сайт.",
        ),
        kept=_ALL_KEPT,
        next_step=(
            "Open the address in a browser and copy the link of the file itself.",
            "Откройте адрес в браузере и скопируйте ссылку на сам файл.",
        ),
        http_status=502,
    ),
    "download-disk-small": ErrorText(
        what=("There is not enough room for {file_name}.", "Для {file_name} не хватает места."),
        why=(
            "{folder} has {free_bytes} free; {lacking_bytes} more is needed, counting other "
            "downloads and a reserve for the system.",
            "В {folder} свободно {free_bytes}; не хватает ещё {lacking_bytes} с учётом других "
            "загрузок и запаса для системы.",
        ),
        kept=_ALL_KEPT,
        next_step=(
            "Free some space; the download goes on by itself.",
            "Освободите место, загрузка продолжится сама.",
        ),
        http_status=507,
    ),
    "download-disk-full": ErrorText(
        what=("The disk is full.", "Диск заполнен."),
        why=("{folder} has {free_bytes} free.", "В {folder} свободно {free_bytes}."),
        kept=_ALL_KEPT,
        next_step=(
            "Free some space; the download goes on by itself.",
            "Освободите место, загрузка продолжится сама.",
        ),
        http_status=507,
    ),
}

_ENDS: dict[str, ErrorText] = {
    "download-stopped": ErrorText(
        what=("The download was stopped.", "Загрузка остановлена."),
        why=("You or the program asked for it.", "Так решили вы или программа."),
        kept=_KEPT,
        next_step=_AGAIN,
        exit_code=130,
    ),
    "download-paused": ErrorText(
        what=("The download is paused.", "Загрузка приостановлена."),
        why=("A pause was asked for.", "Была запрошена пауза."),
        kept=_KEPT,
        next_step=(
            "Go on with: galosh downloads resume {key}",
            "Продолжить: galosh downloads resume {key}",
        ),
    ),
    "download-cancelled": ErrorText(
        what=("The download was cancelled.", "Загрузка отменена."),
        why=(
            "A cancel was asked for; what was fetched is deleted.",
            "Была запрошена отмена; загруженное удалено.",
        ),
        next_step=(
            "Start it again with: galosh pull {origin}",
            "Начать снова: galosh pull {origin}",
        ),
    ),
    "download-needs-token": ErrorText(
        what=("{host} wants to know who you are.", "{host} хочет знать, кто вы."),
        why=(
            "It answered {status} for {file_name}: it is private, gated or not there.",
            "Ответ на запрос {file_name}: {status}. Файл закрыт, требует лицензии или его нет.",
        ),
        kept=_KEPT,
        next_step=(
            "Set HF_TOKEN to your access token and run: galosh pull {origin}",
            "Задайте в HF_TOKEN свой токен доступа и выполните: galosh pull {origin}",
        ),
        http_status=401,
    ),
    "download-token-denied": ErrorText(
        what=(
            "{host} does not accept the token that is set.",
            "{host} не принимает заданный токен.",
        ),
        why=("It answered {status} for {file_name}.", "Ответ на запрос {file_name}: {status}."),
        kept=_KEPT,
        next_step=(
            "Put a valid token into HF_TOKEN and run: galosh pull {origin}",
            "Задайте в HF_TOKEN действующий токен и выполните: galosh pull {origin}",
        ),
        http_status=401,
    ),
    "download-access-denied": ErrorText(
        what=(
            "{host} does not give {file_name} to this account.",
            "{host} не выдаёт {file_name} этой учётной записи.",
        ),
        why=(
            "It answered {status}: not granted, licence not accepted, or the token may not "
            "read it.",
            "Ответ {status}: доступ не дан, лицензия не принята или токену это не разрешено.",
        ),
        kept=_KEPT,
        next_step=(
            "Ask for access on the model's page, then run: galosh pull {origin}",
            "Запросите доступ на странице модели и выполните: galosh pull {origin}",
        ),
        http_status=403,
    ),
    "download-licence": ErrorText(
        what=(
            "{file_name} is given only to people who accepted its licence.",
            "{file_name} выдаётся только тем, кто принял лицензию.",
        ),
        why=("{host} answered {status}: gated.", "Ответ {host}: {status}, доступ по лицензии."),
        kept=_KEPT,
        next_step=(
            "Accept the licence on the model's page, set HF_TOKEN and run: galosh pull {origin}",
            "Примите лицензию на странице модели, задайте HF_TOKEN и выполните: "
            "galosh pull {origin}",
        ),
        http_status=403,
    ),
    "download-not-found": ErrorText(
        what=("{file_name} is not there any more.", "{file_name} больше нет на месте."),
        why=("{host} answered {status}.", "{host} ответил {status}."),
        kept=_KEPT,
        next_step=(
            "Look for another source: galosh models recommend",
            "Подберите другой источник: galosh models recommend",
        ),
        http_status=404,
    ),
    "download-refused": ErrorText(
        what=("{host} refused {file_name}.", "{host} отказал в {file_name}."),
        why=("It answered {status}.", "Его ответ: {status}."),
        kept=_KEPT,
        next_step=(
            "Get a fresh link from the site and run galosh pull with it.",
            "Возьмите на сайте новую ссылку и выполните galosh pull с ней.",
        ),
        http_status=403,
    ),
    "download-remote-changed": ErrorText(
        what=(
            "The file at {host} is not the one that was planned.",
            "Файл на {host} не тот, что был в плане.",
        ),
        why=(
            "Its size, ETag or hash has changed ({reason}).",
            "Изменился его размер, ETag или хеш ({reason}).",
        ),
        kept=_KEPT,
        next_step=_DROP,
        http_status=409,
    ),
    "download-plan-empty": ErrorText(
        what=("There is no source for {origin}.", "Для {origin} нет источника."),
        why=("No address covers the whole file.", "Ни один адрес не покрывает весь файл."),
        next_step=(
            "Choose another model: galosh models recommend",
            "Выберите другую модель: galosh models recommend",
        ),
        http_status=404,
    ),
    "download-length-unknown": ErrorText(
        what=("{file_name} may be incomplete.", "{file_name} может быть неполным."),
        why=(
            "The server stated neither length nor hash, and only the end of the connection "
            "ended the file.",
            "Сервер не назвал ни длины, ни хеша, и конец файла отмечен лишь концом связи.",
        ),
        kept=_KEPT,
        next_step=(
            "Give its hash: galosh pull {origin} --sha256 HASH",
            "Укажите его хеш: galosh pull {origin} --sha256 ХЕШ",
        ),
        http_status=502,
    ),
    "download-not-sound": ErrorText(
        what=("{file_name} is not a whole model.", "{file_name}: это не целая модель."),
        why=("{reason}", "{reason}"),
        kept=_KEPT,
        next_step=_DROP,
        http_status=502,
    ),
    "download-quarantined": ErrorText(
        what=(
            "{file_name} was set aside: its content is wrong.",
            "{file_name} отложен: его содержимое неверно.",
        ),
        why=(
            "Its SHA-256 is {found}, not {wanted}, after re-reading and fetching it again.",
            "SHA-256 файла {found}, а нужен {wanted}, и после перечитывания и повторной загрузки.",
        ),
        kept=("The file lies at {path}.", "Файл лежит в {path}."),
        next_step=_DROP,
        http_status=502,
    ),
    "download-file-too-large": ErrorText(
        what=(
            "{file_name} cannot be stored in {folder}.",
            "{file_name} нельзя сохранить в {folder}.",
        ),
        why=(
            "It has {size_bytes}; this filesystem (FAT32, as on many USB sticks) or a quota "
            "does not allow files that large.",
            "Размер {size_bytes}; эта файловая система (FAT32, как на многих флешках) или "
            "квота не допускает таких больших файлов.",
        ),
        kept=_KEPT,
        next_step=(
            "Choose a folder on another disk with --output, or GALOSH_HOME.",
            "Выберите папку на другом диске через --output или GALOSH_HOME.",
        ),
        http_status=507,
    ),
    "download-disk-broken": ErrorText(
        what=(
            "The disk did not keep what was written to it.",
            "Диск не сохранил записанное на него.",
        ),
        why=("In {folder} the system answered: {reason}.", "В {folder} ответ системы: {reason}."),
        kept=(
            "What was safely stored before is kept; the rest is fetched again.",
            "Надёжно записанное ранее сохранено, остальное загрузится снова.",
        ),
        next_step=(
            "Check the disk, or choose another with GALOSH_HOME.",
            "Проверьте диск или выберите другой через GALOSH_HOME.",
        ),
    ),
    "download-disk-readonly": ErrorText(
        what=("{file_name} cannot be written.", "{file_name} нельзя записать."),
        why=("In {folder} the system answered: {reason}.", "В {folder} ответ системы: {reason}."),
        kept=_ALL_KEPT,
        next_step=(
            "Make {folder} writable for you, or choose another with GALOSH_HOME.",
            "Откройте себе запись в {folder} или выберите другую через GALOSH_HOME.",
        ),
    ),
    "download-target-exists": ErrorText(
        what=("There is another file at {path}.", "В {path} уже лежит другой файл."),
        why=(
            "It has {size_bytes} and is not {file_name}; it was left alone.",
            "В нём {size_bytes}, и это не {file_name}; он не тронут.",
        ),
        next_step=(
            "Move it away or choose another place with --output.",
            "Уберите его или выберите другое место через --output.",
        ),
        http_status=409,
    ),
    "download-target-locked": ErrorText(
        what=(
            "{file_name} is complete but could not get its name.",
            "{file_name} загружен, но не получил своё имя.",
        ),
        why=("Another program holds {path}: {reason}.", "Файл {path} занят: {reason}."),
        kept=("All of it is kept and checked.", "Он сохранён и проверен целиком."),
        next_step=(
            "Close the program that uses it and run: galosh pull {origin}",
            "Закройте использующую его программу и выполните: galosh pull {origin}",
        ),
    ),
    "download-other-writer": ErrorText(
        what=(
            "Another galosh took this download over.",
            "Эту загрузку взял на себя другой galosh.",
        ),
        why=("Its mark is in the lock of {key}.", "В замке {key} стоит его отметка."),
        kept=_KEPT,
        next_step=_AGAIN,
        http_status=409,
    ),
    "download-unknown": ErrorText(
        what=("There is no download {key}.", "Загрузки {key} нет."),
        why=("Known ones: {known}.", "Известные: {known}."),
        next_step=("List them with: galosh downloads", "Показать список: galosh downloads"),
        http_status=404,
    ),
    "download-no-receipt": ErrorText(
        what=("{path} cannot be checked.", "{path} нельзя проверить."),
        why=(
            "No receipt lies beside it: it was not fetched by galosh.",
            "Рядом нет квитанции: файл загружен не программой galosh.",
        ),
        next_step=(
            "Fetch it with galosh pull to have it checked.",
            "Загрузите его через galosh pull, тогда он будет проверен.",
        ),
        http_status=404,
    ),
    "download-running": ErrorText(
        what=("{file_name} is being downloaded just now.", "{file_name} сейчас загружается."),
        why=("A running download cannot be removed.", "Идущую загрузку нельзя удалить."),
        next_step=(
            "End it with: galosh downloads cancel {key}",
            "Завершить: galosh downloads cancel {key}",
        ),
        http_status=409,
    ),
    "download-not-repairable": ErrorText(
        what=(
            "{file_name} is damaged and was left as it is.",
            "{file_name} повреждён и оставлен как есть.",
        ),
        why=(
            "Nobody offers the same bytes piece by piece, or the file is not galosh's own.",
            "Те же данные никто не отдаёт по частям, или это не собственный файл galosh.",
        ),
        next_step=(
            "Remove it and fetch it again with: galosh pull {origin}",
            "Удалите его и загрузите снова: galosh pull {origin}",
        ),
        http_status=409,
    ),
    "download-no-resume": ErrorText(
        what=("{host} cannot resume.", "{host} не умеет продолжать."),
        why=(
            "It sends the whole file for any part asked.",
            "На запрос любой части он отдаёт весь файл.",
        ),
        kept=_ALL_KEPT,
        next_step=_BY_ITSELF,
        http_status=502,
    ),
}

ERRORS: dict[str, ErrorText] = {**download_sources.ERRORS, **_WAITS, **_ENDS}
