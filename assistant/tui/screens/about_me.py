"""What is known about the user, on one page to scroll, each line with its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.core.profile import ProfileLine, ProfileSection
from assistant.display import day, plain
from assistant.language import N_, _
from assistant.tui.screens.dialog import Dialog
from memory_store.models import MemoryKind

NAMES: Final = {
    MemoryKind.FACT: N_("Facts"),
    MemoryKind.PREFERENCE: N_("Preferences"),
    MemoryKind.GOAL: N_("Goals"),
    MemoryKind.EVENT: N_("Events"),
    MemoryKind.NOTE: N_("Notes"),
}


class AboutMeScreen(Dialog[None]):
    """Shows the profile; corrections are made among the memories, where the history is."""

    DEFAULT_CSS = """
    AboutMeScreen {
        & VerticalScroll { height: auto; max-height: 80vh; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { height: auto; margin: 0 0 1 0; }
    }
    """

    def __init__(self, sections: Sequence[ProfileSection]) -> None:
        super().__init__()
        self._sections = tuple(sections)

    def compose(self) -> ComposeResult:
        """Show each kind under its name."""
        with VerticalScroll(classes="dialog"):
            yield Static(_("What is known about you"), classes="dialog--title", markup=False)
            if not self._sections:
                yield Static(_("Nothing yet. Tell it something, or import documents."), markup=False)
            for section in self._sections:
                lines = [Content.styled(_(NAMES[section.kind]), "bold $secondary"), *map(_described, section.lines)]
                yield Static(Content("\n").join(lines), markup=False)
            yield Static(_("/memory corrects and forgets. Esc closes"), classes="dialog--hint", markup=False)


def _described(line: ProfileLine) -> Content:
    memory = line.memory
    where = ", ".join(f"“{plain(one, one_line=True)}”" for one in line.sources) or _("written by hand")
    marks = [_(name) for name, is_set in (("pinned", memory.pinned), ("private", memory.private)) if is_set]
    about = " · ".join([day(line.since), where, *marks])
    before = [f"\n    {_('before')}: {plain(one, one_line=True)}" for one in line.earlier]
    dim = [Content.styled(one, "$foreground-muted") for one in (f"\n  {about}", *before)]
    return Content.assemble("· ", plain(memory.text), *dim)
