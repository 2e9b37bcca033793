"""What of care the user wants."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CareSettings:
    """`resources` offers help lines, `note_often` a note when many days were heavy; `region` is a country's code.

    An empty region is that of the system.
    """

    resources: bool = True
    note_often: bool = True
    region: str = ""
