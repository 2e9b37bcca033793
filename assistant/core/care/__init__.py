"""Care: plain, region-aware resources before the answer to a message that speaks of an emergency of the writer's."""

from __future__ import annotations

from assistant.core.care.needs import Need as Need
from assistant.core.care.needs import care_needed as care_needed
