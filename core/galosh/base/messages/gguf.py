"""Texts about model files: what they are and what is wrong with them."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    # What a file turned out to be: completes "This is ...".
    "gguf.kind.zip": ("a ZIP archive or a PyTorch checkpoint", "архив ZIP или файл весов PyTorch"),
    "gguf.kind.html": (
        "a web page, saved under a model's name",
        "веб-страница, сохранённая под именем модели",
    ),
    "gguf.kind.safetensors": (
        "a safetensors file, meant for other programs",
        "файл safetensors для других программ",
    ),
    "gguf.kind.pickle": (
        "a Python pickle such as PyTorch's .bin",
        "файл Python pickle, как .bin у PyTorch",
    ),
    "gguf.kind.git-lfs": (
        "a Git LFS pointer, a short note instead of the model",
        "указатель Git LFS: короткая записка вместо модели",
    ),
    "gguf.kind.json": (
        "a JSON text, often a server's error answer",
        "текст JSON, часто ответ сервера об ошибке",
    ),
    "gguf.kind.zeros": (
        "nothing but zeros at the start, as an unfinished download leaves it",
        "в начале одни нули: так выглядит недокачанный файл",
    ),
    "gguf.kind.empty": ("an empty file", "пустой файл"),
    "gguf.kind.unknown": ("of no known model format", "файл неизвестного формата"),
    "gguf.kind.no-architecture": (
        "a GGUF file that names no model architecture",
        "файл GGUF, в котором не указана архитектура модели",
    ),
    "gguf.kind.mmproj": (
        "the picture reader (mmproj) that goes beside a model",
        "дополнение к модели для чтения картинок (mmproj)",
    ),
    "gguf.kind.adapter": (
        "a LoRA adapter, which needs a model under it",
        "адаптер LoRA, которому нужна основная модель",
    ),
    "gguf.kind.imatrix": (
        "statistics for making a model smaller (imatrix)",
        "статистика для сжатия модели (imatrix)",
    ),
    "gguf.kind.image": (
        "a model that draws pictures and cannot talk",
        "модель для рисования: разговаривать она не умеет",
    ),
    "gguf.kind.no-weights": (
        "a GGUF file with a vocabulary and no weights",
        "файл GGUF со словарём, но без весов",
    ),
    # Why a GGUF file was refused.
    "gguf.reason.version": (
        "It is GGUF version {version}; the engine reads 2 and 3",
        "Это GGUF версии {version}; движок читает версии 2 и 3",
    ),
    "gguf.reason.type-removed": (
        "Its weights are stored as {type}, which the engine has dropped",
        "Веса записаны как {type}: движок больше не читает этот вид",
    ),
    "gguf.reason.type-unknown": (
        "Its weights are stored in a way (number {type}) that this version does not know",
        "Веса записаны способом номер {type}, который этой версии неизвестен",
    ),
    "gguf.reason.too-many-tensors": (
        "It claims {count} tensors; the limit is {limit}",
        "Заявлено тензоров: {count}; предел {limit}",
    ),
    "gguf.reason.too-many-entries": (
        "It claims {count} header entries; the limit is {limit}",
        "Заявлено записей заголовка: {count}; предел {limit}",
    ),
    "gguf.reason.too-many-dims": (
        "Tensor {name} claims {count} dimensions; the limit is {limit}",
        "У тензора {name} измерений {count}; предел {limit}",
    ),
    "gguf.reason.key-too-long": (
        "A name claims {size_bytes}; the limit is {limit_bytes}",
        "Длина имени {size_bytes}; предел {limit_bytes}",
    ),
    "gguf.reason.text-too-long": (
        "A text claims {size_bytes}; the limit is {limit_bytes}",
        "Длина текста {size_bytes}; предел {limit_bytes}",
    ),
    "gguf.reason.array-too-long": (
        "A list claims {count} items; the limit is {limit}",
        "В списке заявлено {count} элементов; предел {limit}",
    ),
    "gguf.reason.header-too-long": (
        "Its header does not end within {limit_bytes}",
        "Заголовок не кончается в пределах {limit_bytes}",
    ),
    "gguf.reason.key-twice": (
        "The entry {key} stands in it twice",
        "Запись {key} встречается дважды",
    ),
    "gguf.reason.value-type": (
        "The entry {key} has a value of unknown type {type}",
        "У записи {key} значение неизвестного вида {type}",
    ),
    "gguf.reason.tensor-twice": (
        "The tensor {name} stands in it twice",
        "Тензор {name} встречается дважды",
    ),
    "gguf.reason.tensor-shape": (
        "Tensor {name} has the impossible shape {dims}",
        "У тензора {name} невозможный размер {dims}",
    ),
    "gguf.reason.tensor-name": (
        "A tensor's name is longer than {limit_bytes}: {name}",
        "Имя тензора длиннее {limit_bytes}: {name}",
    ),
    "gguf.reason.tensor-row": (
        "The rows of tensor {name} do not fill whole {type} blocks",
        "Строки тензора {name} не делятся на блоки {type}",
    ),
    "gguf.reason.tensor-offset": (
        "Tensor {name} starts at byte {offset} instead of {want}",
        "Тензор {name} начинается с байта {offset}, а не {want}",
    ),
    "gguf.reason.alignment": (
        "Its alignment is {value}, which is no power of two",
        "Выравнивание {value} – не степень двойки",
    ),
    "gguf.reason.missing": ("The entry {key} is missing", "Нет записи {key}"),
    "gguf.reason.value": (
        "The entry {key} has the impossible value {value}",
        "У записи {key} невозможное значение {value}",
    ),
    "gguf.reason.array-length": (
        "The entry {key} has {count} values instead of {want}",
        "В записи {key} значений {count}, а нужно {want}",
    ),
    "gguf.reason.experts": (
        "It wants {used} experts at a time and has {count}",
        "Модель требует сразу {used} экспертов, а в ней их {count}",
    ),
    "gguf.reason.tokenizer": (
        "Its tokenizer {tokenizer} does not belong to a {architecture} model",
        "Токенизатор {tokenizer} не подходит модели {architecture}",
    ),
    "gguf.reason.tokens-empty": (
        "All {count} words of its vocabulary are empty",
        "Все слова словаря ({count}) пусты",
    ),
    "gguf.reason.token-long": (
        "A word of its vocabulary has {size_bytes}; the limit is {limit_bytes}",
        "Слово словаря занимает {size_bytes}; предел {limit_bytes}",
    ),
    "gguf.reason.token-twice": (
        "Its vocabulary holds “{token}” twice",
        "Слово «{token}» стоит в словаре дважды",
    ),
    "gguf.reason.token-bytes": (
        "Its vocabulary is no readable text near byte {position}",
        "Словарь нечитаем около байта {position}",
    ),
    "gguf.reason.split-name": (
        "It is part {index} of {count}, which its name {name} contradicts",
        "Это часть {index} из {count}, а имя {name} говорит о другом",
    ),
    "gguf.reason.split-order": (
        "The file in place {index} is not part {index} of {count}",
        "На месте {index} лежит не часть {index} из {count}",
    ),
    "gguf.reason.split-tensors": (
        "Its parts hold {count} tensors instead of {expected}",
        "В частях тензоров {count}, а должно быть {expected}",
    ),
}

_FETCH: Text = (
    "Fetch the file again: galosh pull SOURCE",
    "Скачайте файл заново: galosh pull ИСТОЧНИК",
)
_TODAY: Text = (
    "See what suits this PC: galosh models recommend",
    "Посмотрите, что подойдёт этому ПК: galosh models recommend",
)
_UNTOUCHED: Text = ("The file was left as it is.", "Файл не изменён.")

ERRORS: dict[str, ErrorText] = {
    "gguf-not-found": ErrorText(
        what=("There is no file {path}.", "Файла {path} нет."),
        why=(
            "It was moved, deleted, or set aside by an antivirus program.",
            "Его переместили, удалили или убрал антивирус.",
        ),
        next_step=(
            "See which models are here: galosh models",
            "Посмотрите, какие модели есть: galosh models",
        ),
        http_status=404,
    ),
    "gguf-not-a-file": ErrorText(
        what=("{path} cannot be a model.", "{path} не может быть моделью."),
        why=("It is a folder or a device, not a file.", "Это папка или устройство, а не файл."),
        next_step=("Name the .gguf file itself.", "Укажите сам файл .gguf."),
        http_status=400,
    ),
    "gguf-unreadable": ErrorText(
        what=("The file {path} could not be read.", "Файл {path} не читается."),
        why=("The system answered: {reason}.", "Ответ системы: {reason}."),
        kept=_UNTOUCHED,
        next_step=(
            "Allow yourself to read the file, or copy it to a healthy disk.",
            "Откройте себе доступ к файлу или скопируйте его на исправный диск.",
        ),
    ),
    "gguf-truncated": ErrorText(
        what=("The model file {path} is not complete.", "Файл модели {path} неполон."),
        why=(
            "It has {size_bytes}; at least {missing_bytes} of it is missing.",
            "В нём {size_bytes}; не хватает по меньшей мере {missing_bytes}.",
        ),
        kept=_UNTOUCHED,
        next_step=_FETCH,
        http_status=422,
    ),
    "gguf-not-a-model": ErrorText(
        what=(
            "{path} is not a model that galosh can run.",
            "{path} – не модель, которую может запустить galosh.",
        ),
        why=("This is {found}.", "Это {found}."),
        kept=_UNTOUCHED,
        next_step=_TODAY,
        http_status=422,
    ),
    "gguf-legacy": ErrorText(
        what=("{path} is a model in a format of 2023.", "{path} – модель в формате 2023 года."),
        why=(
            "It is {format}. The engine dropped that format in August 2023 for GGUF, which keeps "
            "the model's settings and vocabulary inside the file; no current engine reads the "
            "old one.",
            "Это {format}. В августе 2023 года движок отказался от этого формата ради GGUF, "
            "где настройки и словарь лежат в самом файле; нынешние движки старый не читают.",
        ),
        kept=_UNTOUCHED,
        next_step=(
            "Fetch today's equivalent, better on the same PC: galosh pull {heir}",
            "Загрузите современную замену для того же ПК: galosh pull {heir}",
        ),
        http_status=422,
    ),
    "gguf-big-endian": ErrorText(
        what=(
            "{path} is a model for another kind of computer.",
            "{path} – модель для компьютеров другого типа.",
        ),
        why=(
            "Its numbers are stored big-endian, as mainframes do; this PC is little-endian.",
            "Числа в ней записаны в обратном порядке (big-endian), как у мейнфреймов.",
        ),
        kept=_UNTOUCHED,
        next_step=(
            "Fetch the ordinary (little-endian) file of the same model: galosh pull SOURCE",
            "Скачайте обычный (little-endian) файл этой модели: galosh pull ИСТОЧНИК",
        ),
        http_status=422,
    ),
    "gguf-unsupported": ErrorText(
        what=(
            "The engine cannot run the model file {path}.",
            "Движок не может запустить файл модели {path}.",
        ),
        why=("{reason}.", "{reason}."),
        kept=_UNTOUCHED,
        next_step=_TODAY,
        http_status=422,
    ),
    "gguf-damaged": ErrorText(
        what=("The model file {path} is damaged.", "Файл модели {path} повреждён."),
        why=("{reason}.", "{reason}."),
        kept=_UNTOUCHED,
        next_step=_FETCH,
        http_status=422,
    ),
    "gguf-part-missing": ErrorText(
        what=("The model {path} is not complete.", "Модель {path} неполна."),
        why=(
            "It is split, and its part {part} is not beside it.",
            "Она из нескольких частей, и рядом нет части {part}.",
        ),
        kept=("The other parts were left as they are.", "Остальные части не изменены."),
        next_step=(
            "Fetch the missing part into the same folder: galosh pull SOURCE",
            "Скачайте недостающую часть в ту же папку: galosh pull ИСТОЧНИК",
        ),
        http_status=422,
    ),
    "gguf-not-first-part": ErrorText(
        what=(
            "{path} is a later part of a split model.",
            "{path} – не первая часть модели из нескольких файлов.",
        ),
        why=(
            "The engine starts from the first part and finds the others itself.",
            "Движок начинает с первой части и сам находит остальные.",
        ),
        next_step=("Name the first part: {first}", "Укажите первую часть: {first}"),
        http_status=422,
    ),
}
