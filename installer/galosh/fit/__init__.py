"""Will it fit, how fast will it be: worked out from a model's header, before the download.

`make_report` says all of one model on this PC; `recommend` judges the whole catalogue.
The arithmetic is pure; `measure_bandwidth` measures and `ghost_load` asks the engine.
"""

from typing import TYPE_CHECKING

from galosh.base.late import late

if TYPE_CHECKING:
    from galosh.fit.ghost import HeaderPart, ghost_load
    from galosh.fit.ladder import Rung, first_that_fits, rungs, settings_for
    from galosh.fit.measure import measure_bandwidth
    from galosh.fit.memory import CACHE_TYPES, MemoryForecast, RunSettings, forecast_memory
    from galosh.fit.report import FitReport, make_report
    from galosh.fit.shape import read_shape
    from galosh.fit.suggest import Recommendation, recommend
else:
    __getattr__ = late(
        __name__,
        {
            "CACHE_TYPES": "memory",
            "FitReport": "report",
            "HeaderPart": "ghost",
            "MemoryForecast": "memory",
            "Recommendation": "suggest",
            "RunSettings": "memory",
            "Rung": "ladder",
            "first_that_fits": "ladder",
            "forecast_memory": "memory",
            "ghost_load": "ghost",
            "make_report": "report",
            "measure_bandwidth": "measure",
            "read_shape": "shape",
            "recommend": "suggest",
            "rungs": "ladder",
            "settings_for": "ladder",
        },
    )

__all__ = [
    "CACHE_TYPES",
    "FitReport",
    "HeaderPart",
    "MemoryForecast",
    "Recommendation",
    "RunSettings",
    "Rung",
    "first_that_fits",
    "forecast_memory",
    "ghost_load",
    "make_report",
    "measure_bandwidth",
    "read_shape",
    "recommend",
    "rungs",
    "settings_for",
]
