"""What is known about the user, on one page to scroll, each line with its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.core.profile import ProfileLine, ProfileSection, ProfileTopic
from assistant.display import day, plain
from assistant.language import N_, NN_, _, plural
from assistant.tui.screens.dialog import Dialog

_NAMES: Final = {
    ProfileTopic.YOU: N_("You"),
    ProfileTopic.PEOPLE: N_("People"),
    ProfileTopic.HOME: N_("Home"),
    ProfileTopic.WORK: N_("Work, study and money"),
    ProfileTopic.HEALTH: N_("Health and diet"),
    ProfileTopic.TASTES: N_("Tastes"),
    ProfileTopic.LEISURE: N_("Sport, hobbies and travel"),
    ProfileTopic.HABITS: N_("Things and habits"),
    ProfileTopic.OTHER: N_("Other"),
    ProfileTopic.GOALS: N_("Goals"),
    ProfileTopic.PLANS: N_("Plans"),
    ProfileTopic.NOTES: N_("Notes"),
}
_MORE: Final = NN_("… and {count} more: F2 lists it", "… and {count} more: F2 lists them")
EDIT: Final = "edit"
ANSWER: Final = "answer"
_QUESTIONS: Final = NN_("{count} question is open: a answers", "{count} questions are open: a answers")


class AboutMeScreen(Dialog[str | None]):
    """Shows the profile; returns `EDIT` to edit the page, `ANSWER` to answer what only the user can."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", f"chosen('{EDIT}')", "Edit", show=False),
        Binding("a", f"chosen('{ANSWER}')", "Answer", show=False),
    ]

    DEFAULT_CSS = """
    AboutMeScreen {
        & VerticalScroll { height: auto; max-height: 80vh; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { height: auto; margin: 0 0 1 0; }
    }
    """

    def __init__(self, sections: Sequence[ProfileSection], questions: int = 0, title: str | None = None) -> None:
        """With a title it is of an earlier day, and can't be edited."""
        super().__init__()
        self._questions = questions
        self._earlier = title
        self._sections = tuple(sections)

    def compose(self) -> ComposeResult:
        """Show each topic under its name."""
        with VerticalScroll(classes="dialog"):
            yield Static(self._earlier or _("What is known about you"), classes="dialog--title", markup=False)
            if not self._sections:
                yield Static(_("Nothing yet. Tell it something, or import documents."), markup=False)
            for section in self._sections:
                lines = [Content.styled(_(_NAMES[section.topic]), "bold $secondary"), *map(_described, section.lines)]
                if section.more:
                    lines.append(Content.styled(plural(*_MORE, section.more), "$foreground-muted"))
                yield Static(Content("\n").join(lines), markup=False)
            hints = [_("Esc closes") if self._earlier else _("e edits the page in your editor, Esc closes")]
            if self._questions:
                hints.insert(0, plural(*_QUESTIONS, self._questions))
            yield Static("\n".join(hints), classes="dialog--hint", markup=False)

    def action_chosen(self, what: str) -> None:
        """Close, and do this."""
        if not self._earlier and (what != ANSWER or self._questions):
            self.dismiss(what)


def _described(line: ProfileLine) -> Content:
    memory = line.memory
    where = ", ".join(f"“{plain(source, one_line=True)}”" for source in line.sources) or _("written by hand")
    marks = [_(name) for name, is_set in (("pinned", memory.pinned), ("private", memory.private)) if is_set]
    until = [_("until {day}").format(day=day(memory.valid_to))] if memory.valid_to else []
    goal = [plain(text, one_line=True) for text in (memory.why, memory.horizon) if text]
    about = " · ".join([day(line.since), where, *until, *goal, *marks])
    before = [_("before: {text}").format(text=plain(text, one_line=True)) for text in line.earlier]
    dim = [
        Content.styled(text, "$foreground-muted") for text in (f"\n  {about}", *(f"\n    {text}" for text in before))
    ]
    return Content.assemble("· ", plain(memory.text), *dim)
