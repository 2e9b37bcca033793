"""The doctor's screen: each check of the memory, how it came out, what that means, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.content import Content

from assistant.display import plain
from assistant.failures import mend
from assistant.language import N_, NN_, _
from assistant.tui.actions import DOCTOR_ACTIONS, bindings_of
from assistant.tui.screens.browser import Browser
from memory_store import Store
from memory_store.health import Check, State, examine

_SIGNS: Final = {State.OK: ("✓", "$success"), State.ATTENTION: ("!", "$warning"), State.FAILED: ("✗", "$error")}
_WORDS: Final = {State.OK: N_("Well"), State.ATTENTION: N_("Goes on working"), State.FAILED: N_("Needs a repair")}
_ORDER: Final = (State.FAILED, State.ATTENTION, State.OK)


class DoctorScreen(Browser[Check, None]):
    """All checks, those that need something first. Nothing is changed by looking."""

    TITLE = N_("Doctor")
    NOUNS = NN_("{count} check", "{count} checks")
    EMPTY = N_("Looking over the memory…")
    ACTIONS = DOCTOR_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(DOCTOR_ACTIONS)

    def read(self, store: Store) -> Sequence[Check]:
        """Look over the memory."""
        return sorted(examine(store), key=lambda check: _ORDER.index(check.state))

    def identity(self, item: Check) -> str:
        """Return its name with what was found."""
        return f"{item.name} {item.finding}"

    def words(self, item: Check) -> str:
        """Return all that it says."""
        return f"{item.name} {item.finding} {item.meaning}"

    def line(self, item: Check) -> Content:
        """Return how it came out, and what was found."""
        finding = (f"\n  {plain(item.finding, one_line=True)}", "$foreground-muted")
        sign, colour = _SIGNS[item.state]
        return Content.assemble((f"{sign} ", f"bold {colour}"), item.name, finding)

    def detail(self, item: Check) -> Content:
        """Return what was found, what it means, what mends it."""
        sign, colour = _SIGNS[item.state]
        parts: list[tuple[str, str]] = [
            (item.name, "bold"),
            (f"\n\n{sign} {_(_WORDS[item.state])}", colour),
            (f"\n{plain(item.finding)}", "$foreground"),
        ]
        if item.meaning:
            parts.append((f"\n\n{plain(item.meaning)}", "$foreground-muted"))
        if to_do := mend(item):
            heading = _("What mends it")
            parts += [(f"\n\n{heading}\n", "bold"), (plain(to_do), "$accent")]
        return Content.assemble(*parts)

    async def do_examine(self) -> None:
        """Look it over again."""
        self.say(_("Looking over the memory…"))
        await self.reread()
        self.say(_("Looked over again."), kind="good")
