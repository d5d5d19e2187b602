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
    "fit.part.vocabulary": ("vocabulary", "словарь"),
    "fit.part.process": ("the program itself", "сама программа"),
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
