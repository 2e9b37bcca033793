"""[care] of the settings: what is offered where a message speaks of an emergency, or many of heavy days."""

# Annotations are not deferred here: what a setting may be is read from its field.

from dataclasses import dataclass
from typing import Annotated

from assistant.setting_values import Limits


@dataclass(frozen=True, slots=True)
class CareSettings:
    """[care]: `resources` offers help lines, `note_often` a note when many days were heavy; `region` is a country.

    An empty region is that of the system.
    """

    resources: bool = True
    note_often: bool = True
    region: Annotated[str, Limits(pattern="^([A-Za-z]{2})?$")] = ""
