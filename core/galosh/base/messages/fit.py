"""Texts of the forecast: will a model fit."""

from __future__ import annotations

from galosh.base.messages import ErrorText, Text

TEXTS: dict[str, Text] = {
    "fit.part.weights": ("weights", "веса"),
    "fit.part.repacked": ("second copy of the weights, rearranged for this processor",
                          "вторая копия весов, переложенная под этот процессор"),
    "fit.part.cache": ("memory of the conversation (KV cache)",
                       "память разговора (KV-кэш)"),
    "fit.part.state": ("state of the recurrent layers", "состояние рекуррентных слоёв"),
    "fit.part.compute": ("working space for computing", "рабочее место для вычислений"),
    "fit.part.prefixes": ("beginnings of conversations kept for later",
                          "начала разговоров, сохранённые на потом"),
    "fit.part.vocabulary": ("vocabulary", "словарь"),
    "fit.part.process": ("the program itself", "сама программа"),
    "fit.largest": ("← the largest part", "← больше всего"),
    "fit.model": ("{name}: {architecture}, {quantisation}, {billions} billion parameters",
                  "{name}: {architecture}, {quantisation}, {billions} млрд параметров"),
    "fit.settings": ("Context {context} tokens (it was trained for {trained}), cache {cache}, "
                     "answers at a time: {sequences}",
                     "Контекст {context} токенов (модель обучена на {trained}), кэш {cache}, "
                     "ответов сразу: {sequences}"),
    "fit.memory-head": ("Memory, calculated from the header:", "Память, расчёт по заголовку:"),
    "fit.memory-head-engine": ("Memory, counted by the installed engine:",
                               "Память, по счёту установленного движка:"),
    "fit.engine.ok": ("The engine was asked with these very settings; the formula agrees.",
                      "Движок спрошен с этими же настройками; формула с ним согласна."),
    "fit.engine.differs": (
        "The formula would have said {formula_bytes} for “{part}”, the engine {engine_bytes}; "
        "the engine's number counts.",
        "По формуле «{part}» — {formula_bytes}, у движка {engine_bytes}; считается число движка."),
    "fit.engine.too-old": (
        "The installed engine does not know this kind of model: it is too old for "
        "{architecture}. A newer one: galosh engine build --fresh",
        "Установленный движок не знает таких моделей: для {architecture} он слишком стар. "
        "Новый: galosh engine build --fresh"),
    "fit.engine.refused": ("The installed engine will not open this model ({detail}); the numbers "
                           "are by formula.",
                           "Установленный движок эту модель не открывает ({detail}); числа по "
                           "формуле."),
    "fit.engine.crashed": ("The installed engine broke down on this header ({detail}): do not "
                           "expect the model to run. The numbers are by formula.",
                           "На этом заголовке установленный движок упал ({detail}): модель вряд "
                           "ли заработает. Числа по формуле."),
    "fit.engine.timeout": ("The installed engine gave no answer within {detail}; the numbers are "
                           "by formula.",
                           "Движок не ответил за {detail}; числа по формуле."),
    "fit.engine.no-room": ("The engine could not be asked: the folder for temporary files cannot "
                           "hold an empty stand-in ({detail}). The numbers are by formula.",
                           "Движок спросить не удалось: папка временных файлов не вмещает "
                           "пустышку ({detail}). Числа по формуле."),
    "fit.engine.no-engine": ("The installed engine does not start ({detail}); the numbers are by "
                             "formula.",
                             "Установленный движок не запускается ({detail}); числа по формуле."),
    "fit.memory-guess": ("The working space is a cautious guess for this kind of model.",
                         "Рабочее место для такой модели оценено с запасом."),
    "fit.memory-sum": ("together at most {peak_bytes}, of which {lasting_bytes} must stay",
                       "всего не больше {peak_bytes}, из них постоянно {lasting_bytes}"),
    "fit.needed": ("Needed with 5 % and 64 MiB to spare: {needed_bytes}",
                   "Нужно с запасом 5 % и 64 МиБ: {needed_bytes}"),
    "fit.room-head": ("Memory of this PC:", "Память этого компьютера:"),
    "fit.room-installed": ("installed", "установлено"),
    "fit.room-limit": ("limit set for this container or session",
                       "предел контейнера или сеанса"),
    "fit.room-available": ("available now", "доступно сейчас"),
    "fit.room-reserve": ("kept for the desktop and its programs",
                         "оставлено рабочему столу и программам"),
    "fit.room-most": ("the most a model may take", "модель может занять не больше"),
    "fit.room-now": ("the most it may take now (90 % of what is available)",
                     "сейчас не больше (90 % доступного)"),
    "fit.room-commit": ("still promised by Windows (commit)",
                        "ещё обещает Windows (выделение)"),
    "fit.room-no-swap": ("Swap is not counted.", "Подкачка не считается."),
    "fit.verdict.fits": ("It fits now.", "Помещается уже сейчас."),
    "fit.verdict.fits-after-closing": (
        "It fits after closing programs that hold {close_bytes}.",
        "Поместится, если закрыть программы, занимающие {close_bytes}."),
    "fit.verdict.commit": (
        "It fits once Windows can promise {close_bytes} more: close programs or enlarge the "
        "paging file.",
        "Поместится, когда Windows сможет выделить ещё {close_bytes}: закройте программы или "
        "увеличьте файл подкачки."),
    "fit.verdict.no": ("It does not fit: at most {most_bytes} may go to a model here.",
                       "Не поместится: модели здесь можно отдать не больше {most_bytes}."),
    "fit.verdict.unknown": ("Cannot tell: this PC does not say how much memory it has ({why}).",
                            "Сказать нельзя: неизвестно, сколько здесь памяти ({why})."),
    "fit.speed": ("Writes about {low}–{high} tokens per second (middle {mid}; {basis}); "
                  "with the context full {full_low}–{full_high}.",
                  "Пишет примерно {low}–{high} токенов в секунду (середина {mid}; {basis}); "
                  "при полном контексте {full_low}–{full_high}."),
    "fit.speed-prompt": ("Reads a prompt at about {low}–{high} tokens per second "
                         "(middle {mid}; {basis}).",
                         "Читает запрос со скоростью примерно {low}–{high} токенов в секунду "
                         "(середина {mid}; {basis})."),
    "fit.first-answer": ("First word after a prompt of {tokens} tokens: about {answer_seconds} "
                         "({low_seconds} to {high_seconds}).",
                         "Первое слово после запроса в {tokens} токенов: примерно "
                         "{answer_seconds} (от {low_seconds} до {high_seconds})."),
    "fit.basis.measured here": ("measured here", "измерено здесь"),
    "fit.basis.calculated": ("calculated", "расчёт"),
    "fit.basis.typical": ("typical", "обычно"),
    "fit.speed-basis": ("Worked out from {token_bytes} read per token and what this PC's engine "
                        "does with such weights (memory gives {rate_bytes}/s), "
                        "{threads} threads.",
                        "Расчёт: {token_bytes} чтения на токен и скорость движка этого "
                        "компьютера с такими весами (память даёт {rate_bytes}/с), "
                        "потоков: {threads}."),
    "fit.speed-basis-typical": (
        "Worked out from {token_bytes} read per token and {rate_bytes}/s of memory speed, "
        "measured now with {threads} threads; exact once an engine is installed.",
        "Расчёт: {token_bytes} чтения на токен при скорости памяти {rate_bytes}/с, измерено "
        "сейчас, потоков: {threads}; точнее станет, когда будет установлен движок."),
    "fit.speed-runs": ("Corrected by {count} answers this PC has given.",
                       "Поправка по ответам этого компьютера: {count}."),
    "fit.no-speed.busy": ("Speed was not measured: the PC is busy with other work. "
                          "Try again when it is quiet.",
                          "Скорость не измерена: компьютер занят другой работой. "
                          "Повторите, когда он освободится."),
    "fit.no-speed.memory": ("Speed was not measured: too little memory is free.",
                            "Скорость не измерена: слишком мало свободной памяти."),
    "fit.no-speed.failed": ("Speed could not be measured on this system.",
                            "Скорость на этой системе измерить не удалось."),
    "fit.fetched": ("Of the model {fetched_bytes} were read over the network.",
                    "Из модели по сети прочитано {fetched_bytes}."),
    "fit.column.model": (" MODEL", " МОДЕЛЬ"),
    "fit.column.size": ("SIZE", "РАЗМЕР"),
    "fit.column.memory": ("MEMORY", "ПАМЯТЬ"),
    "fit.column.words": ("WORDS/S", "СЛОВ/С"),
    "fit.column.first": ("WAIT", "ЖДАТЬ"),
    "fit.column.good-at": ("GOOD AT", "ДЛЯ ЧЕГО"),
    "fit.group.fits": ("fits now:", "помещается сейчас:"),
    "fit.group.fits-after-closing": ("fits after closing programs:",
                                     "поместится, если закрыть программы:"),
    "fit.group.no": ("does not fit:", "не поместится:"),
    "fit.group.unknown": ("cannot tell:", "неизвестно:"),
    "fit.close-first": ("[free {close_bytes}]", "[ещё {close_bytes}]"),
    "fit.gone": ("not at its source any more", "в источнике её больше нет"),
    "fit.wait-seconds": ("{count} s", "{count} с"),
    "fit.wait-minutes": ("{count} min", "{count} мин"),
    "fit.more": (" … and {count} more: galosh models recommend --all",
                 " … и ещё {count}: galosh models recommend --all"),
    "fit.header-away": ("{model}: the header could not be read. {why}",
                        "{model}: заголовок не прочитан. {why}"),
    "fit.estimated": ("~ estimated from size; exact with --online. WAIT: after 2,000 tokens.",
                      "~ оценка по размеру; точно – с --online. ЖДАТЬ: после 2000 токенов."),
    "fit.best": ("* Recommended: {model}, with a context of {context} tokens.",
                 "* Рекомендуется: {model}, контекст {context} токенов."),
    "fit.best-next": ("To have it: galosh pull {model_id} (any other too, fitting or not)",
                      "Загрузить: galosh pull {model_id} (или любую другую, хоть и не "
                      "помещается)"),
    "fit.best-none": ("Nothing fits now. The smallest needs {needed_bytes}; to try one all the "
                      "same: galosh pull ID, then galosh models use ID",
                      "Сейчас не помещается ничего. Самой малой нужно {needed_bytes}; всё же "
                      "попробовать: galosh pull ID, затем galosh models use ID"),
    "fit.swap.enough": ("Swap: {on_disk_bytes} on disk, enough to survive a peak.",
                        "Подкачка: {on_disk_bytes} на диске, пик выдержит."),
    "fit.swap.small": ("Swap: {on_disk_bytes} on disk; {wanted_bytes} would survive a peak.",
                       "Подкачка: {on_disk_bytes} на диске; для пика нужно {wanted_bytes}."),
    "fit.swap.none": ("Swap: none. A peak would end a program; {wanted_bytes} would survive it.",
                      "Подкачки нет: пик закроет какую-нибудь программу; хватило бы "
                      "{wanted_bytes}."),
    "fit.swap.only-zram": (
        "Swap: zram only ({in_ram_bytes}), which lives in the same memory; {wanted_bytes} on disk "
        "would survive a peak.",
        "Подкачка: только zram ({in_ram_bytes}), он в той же памяти; для пика нужно "
        "{wanted_bytes} на диске."),
    "fit.swap.by-itself": (
        "Swap: the system makes it as needed ({on_disk_bytes} now); keep disk space free.",
        "Подкачка: система создаёт её сама (сейчас {on_disk_bytes}); оставьте место на диске."),
    "fit.swap.unknown": ("Swap: unknown.", "Подкачка: неизвестно."),
    "fit.swap-slow": ("The disk is a turning one: swapping will be felt.",
                      "Диск вращающийся: подкачка будет заметна."),
    "fit.swap-fix.linux": (
        "To have it, also after a restart:\n"
        "  sudo fallocate -l {gib}G /galosh.swap && sudo chmod 600 /galosh.swap && "
        "sudo mkswap /galosh.swap && sudo swapon /galosh.swap && "
        "echo '/galosh.swap none swap sw 0 0' | sudo tee -a /etc/fstab",
        "Чтобы она появилась и осталась после перезагрузки:\n"
        "  sudo fallocate -l {gib}G /galosh.swap && sudo chmod 600 /galosh.swap && "
        "sudo mkswap /galosh.swap && sudo swapon /galosh.swap && "
        "echo '/galosh.swap none swap sw 0 0' | sudo tee -a /etc/fstab"),
    "fit.swap-fix.btrfs": (
        "To have it, also after a restart:\n"
        "  sudo btrfs filesystem mkswapfile --size {gib}g /galosh.swap && "
        "sudo swapon /galosh.swap && "
        "echo '/galosh.swap none swap sw 0 0' | sudo tee -a /etc/fstab",
        "Чтобы она появилась и осталась после перезагрузки:\n"
        "  sudo btrfs filesystem mkswapfile --size {gib}g /galosh.swap && "
        "sudo swapon /galosh.swap && "
        "echo '/galosh.swap none swap sw 0 0' | sudo tee -a /etc/fstab"),
    "fit.swap-fix.zfs": (
        "To have it: ZFS cannot hold a swap file; a partition of its own is needed.",
        "Чтобы она появилась: на ZFS файл подкачки невозможен, нужен отдельный раздел."),
    "fit.swap-fix.wsl": (
        "To have it: put swap={gib}GB under [wsl2] in %UserProfile%\\.wslconfig, then in Windows:\n"
        "  wsl --shutdown",
        "Чтобы она появилась: swap={gib}GB в разделе [wsl2] файла %UserProfile%\\.wslconfig, "
        "затем в Windows:\n"
        "  wsl --shutdown"),
    "fit.swap-fix.container": (
        "To have it: only the host of this container can give it swap.",
        "Чтобы она появилась: её может дать только хозяин этого контейнера."),
    "fit.swap-fix.windows": (
        "To have it: run SystemPropertiesPerformance.exe, Advanced, Change…, tick "
        "“Automatically manage paging file size”",
        "Чтобы она появилась: SystemPropertiesPerformance.exe, «Дополнительно», «Изменить…», "
        "отметьте «Автоматически выбирать объём файла подкачки»"),
}  # fmt: skip

ERRORS: dict[str, ErrorText] = {
    "fit-no-forecast": ErrorText(
        what=("The memory this model needs cannot be worked out.",
              "Не удалось рассчитать, сколько памяти нужно модели."),
        why=("Its header does not give {missing} in a way this version understands.",
             "В заголовке нет данных «{missing}» в понятном этой версии виде."),
        next_step=("See which models suit this PC: galosh models recommend",
                   "Посмотрите, какие модели подойдут: galosh models recommend"),
        http_status=422,
    ),
}  # fmt: skip
