"""How much energy a request takes: estimated for models of services, measured for those on this machine, or unknown."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assistant.llm.providers import service_at

if TYPE_CHECKING:
    from ecologits.model_repository import Model

# What EcoLogits calls the services, and those who make the models that others serve.
_PROVIDERS: Final = {"openai": "openai", "anthropic": "anthropic", "gemini": "google_genai", "mistral": "mistralai"}
_MAKERS: Final = {"google": "google_genai", "cohere": "cohere", "mistralai": "mistralai"} | _PROVIDERS
_ANY: Final = "huggingface_hub"
# EcoLogits counts what a model writes and not what it reads. By Epoch AI ("How much energy does ChatGPT use?", February
# 2025) a question to GPT-4o with an answer of 500 tokens takes 0.3 Wh, and one with 10,000 tokens more to read 2.5 Wh:
# 0.22 mWh for each that is read, 0.6 mWh for each that is written.
_INPUT_SHARE: Final = 0.37
_MWH_IN_A_KWH: Final = 1_000_000
_MICROJOULES_IN_A_MWH: Final = 3_600_000
_POWERCAP: Final = Path("/sys/class/powercap")


@dataclass(frozen=True, slots=True)
class Energy:
    """A range, in thousandths of a watt-hour, and how it was found."""

    low: int
    high: int
    method: str


def energy_of(name: str, base_url: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Energy | None:
    """Return what a request to a model of a service takes, by EcoLogits; None where it does not know the model.

    The low end counts what is written alone, with the least parameters that the model may have, as EcoLogits does; the
    high end what is read too, but for what the endpoint had read before. The first call takes a third of a second.
    """
    model = _find_model(name, base_url)
    if model is None:
        return None
    read = max(input_tokens - cached_tokens, 0)
    low = _kilowatt_hours(model, output_tokens)[0]
    high = _kilowatt_hours(model, output_tokens + _INPUT_SHARE * read)[1]
    method = f"EcoLogits {version('ecologits')}"
    return Energy(math.floor(low * _MWH_IN_A_KWH), math.ceil(high * _MWH_IN_A_KWH), method)


@lru_cache(maxsize=1024)
def _find_model(name: str, base_url: str) -> Model | None:
    kind = logging.getLoggerClass()
    try:
        from ecologits.model_repository import models
    finally:
        logging.setLoggerClass(kind)  # the package sets its own for the whole process
    found = (models.find_model(provider, called) for provider, called in _names(name, base_url))
    return next((model for model in found if model is not None), None)


def _names(name: str, base_url: str) -> Iterator[tuple[str, str]]:
    """Yield who may have a model, and how they call it."""
    service = service_at(base_url)
    if service is not None and service.id in _PROVIDERS:
        yield _PROVIDERS[service.id], name
    maker, _, own = name.partition("/")
    if maker in _MAKERS:
        yield _MAKERS[maker], own
        yield _MAKERS[maker], own.replace(".", "-")
    yield _ANY, name


def _kilowatt_hours(model: Model, tokens: float) -> tuple[float, float]:
    """Return the least and the most that writing so many tokens takes, with what the data centre adds."""
    from ecologits.impacts.llm import compute_llm_impacts
    from ecologits.tracers.utils import PROVIDER_CONFIG_MAP

    size: Any = model.architecture.parameters
    impacts = compute_llm_impacts(
        getattr(size, "active", size),
        getattr(size, "total", size),
        tokens,
        # What making the current takes is not asked for.
        if_electricity_mix_adpe=0,
        if_electricity_mix_pe=0,
        if_electricity_mix_gwp=0,
        if_electricity_mix_wue=0,
        datacenter_pue=PROVIDER_CONFIG_MAP[model.provider.value].datacenter_pue,
        datacenter_wue=0,
        tps=model.deployment.tps if model.deployment else None,
        ttft=model.deployment.ttft if model.deployment else None,
    )
    energy: Any = impacts.energy.value
    return float(getattr(energy, "min", energy)), float(getattr(energy, "max", energy))


class Rapl:
    """The counters of what the processors of this machine take, where the system lets them be read (Linux, RAPL)."""

    def __init__(self, folder: Path = _POWERCAP) -> None:
        self._folder = folder

    def read(self) -> dict[Path, int]:
        """Return what each processor's counter shows, in millionths of a joule; nothing where it can't be read."""
        found = {}
        try:
            # intel-rapl:0 is a whole processor, of AMD's too; intel-rapl:0:1 would be a part of it.
            for processor in self._folder.glob("intel-rapl:[0-9]*"):
                if processor.name.count(":") == 1:
                    found[processor] = int((processor / "energy_uj").read_text("ascii"))
        except (OSError, ValueError):
            return {}  # most systems keep them for root
        return found

    def since(self, before: Mapping[Path, int]) -> Energy | None:
        """Return what the processors took since a reading, whatever they did; None where that can't be read."""
        now = self.read()
        if not before or before.keys() != now.keys():
            return None
        taken = 0
        for processor, count in now.items():
            taken += count - before[processor]
            if count < before[processor]:  # the counter began anew
                try:
                    taken += int((processor / "max_energy_range_uj").read_text("ascii"))
                except (OSError, ValueError):
                    return None
        return Energy(taken // _MICROJOULES_IN_A_MWH, -(-taken // _MICROJOULES_IN_A_MWH), "RAPL")
