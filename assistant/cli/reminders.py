"""`keepsake remind`: what is to be said once or again and again, kept from words, told where somebody looks."""

from __future__ import annotations

import difflib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assistant.cli import completing
from assistant.cli.asking import erase
from assistant.cli.context import invocation, opened_record, opened_store
from assistant.cli.output import iso, print_json, say, show
from assistant.core.conversation.reminders import Wish
from assistant.core.reminders.firing import describe_next, describe_untold, fire_due, next_times, zone_of
from assistant.core.reminders.handling import let_go_on, let_rest
from assistant.display import excerpt, plain
from memory_store import Schedule, Store, clock

_TEXT_CHARS = 70
_SHOWN = 3


class _Group(TyperGroup):
    """Takes what is no command as what is to be said: `keepsake remind "water the plants" --at "tomorrow 8:00"`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command that is left out."""
        slip = len(args) == 1 and difflib.get_close_matches(args[0], self.commands, 1, 0.75)
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h") and not slip:
            args = ["new", *args]
        return super().parse_args(ctx, args)


_group = typer.Typer(
    cls=_Group,
    help="Be reminded once or again and again: keep a reminder, or see, rest and erase those there are.\n\n"
    'Example: keepsake remind "water the plants" --every "Monday 8:00"',
    no_args_is_help=True,
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Id = Annotated[
    str,
    typer.Argument(
        metavar="REMINDER",
        help="The id in `keepsake remind list`, or its beginning.",
        show_default=False,
        autocompletion=completing.reminders,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="remind")


@_group.command("new")
def new(
    context: typer.Context,
    text: Annotated[
        list[str], typer.Argument(help="What is to be said; the time may stand in it.", show_default=False)
    ],
    at: Annotated[
        str, typer.Option("--at", metavar="WHEN", help='Once, such as "tomorrow 8:00".', show_default=False)
    ] = "",
    every: Annotated[
        str, typer.Option("--every", metavar="WHEN", help='Again and again: "Monday 8:00".', show_default=False)
    ] = "",
    zone: Annotated[
        str, typer.Option("--zone", help="Its zone, such as Europe/Berlin.", show_default="that of this machine")
    ] = "",
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="TASK", help="A task that is done anew each time.", show_default=False),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Keep it to this machine.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Keep a reminder, once you have seen in full when it comes. `keepsake remind TEXT` is the same.

    Example: keepsake remind new "call Ines" --at "Friday 15:00"
    """
    from assistant.cli.plain import run_in_lines

    with opened_store(context) as (store, settings):
        task_id = store.tasks.get(store.resolve(task)).id if task is not None else None
        wish = Wish(" ".join(text), at, every, zone, task_id, private, agreed=yes)
        run_in_lines(store, settings, lambda controller: controller.reminders.plan(wish, controller.session.models))


@_group.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List all reminders, the next first, after telling what was due and nobody was told of.

    Example: keepsake remind list
    """
    with opened_record(context) as store:
        fire_due(store, clock.now())
        if not as_json:
            _tell(store)
        found = store.schedules.all()
    if as_json:
        print_json({"reminders": [_as_json(schedule) for schedule in found]})
        return
    if not found:
        show('There are no reminders. `keepsake remind "water the plants" --every "Monday 8:00"` keeps one.')
    for schedule in found:
        show(f"{schedule.id}  {excerpt(schedule.text, _TEXT_CHARS)}")
        show(f"    {describe_next(schedule)}")


def _tell(store: Store) -> None:
    """Say what was due; where a chat tells at this moment, that does."""
    turn = store.schedules.take_turn()
    if turn is None:
        return
    with turn:
        for schedule in store.schedules.find_untold():
            say(describe_untold(schedule, clock.now()))
            store.schedules.note_told(schedule)


@_group.command("show")
def show_reminder(context: typer.Context, reminder: _Id, as_json: _Json = False) -> None:
    """Show a reminder with its next times.

    Example: keepsake remind show sch_k7
    """
    with opened_record(context) as store:
        schedule = _found(store, reminder)
    times = next_times(schedule.wall, schedule.rule, schedule.zone, clock.now(), _SHOWN) if schedule.next_at else []
    if as_json:
        print_json({**_as_json(schedule), "next": [iso(moment) for moment in times]})
        return
    show(plain(schedule.text))
    show(describe_next(schedule))
    for moment in times[1:]:
        show(f"then {moment.astimezone(zone_of(schedule.zone)):%Y-%m-%d %H:%M}")
    if schedule.task_id:
        show(f"does {schedule.task_id} anew")


@_group.command("pause")
def pause(context: typer.Context, reminder: _Id) -> None:
    """Let a reminder rest; what it misses meanwhile is never said.

    Example: keepsake remind pause sch_k7
    """
    with opened_record(context) as store:
        let_rest(store, _found(store, reminder))
    show("It rests. `keepsake remind resume` lets it go on.")


@_group.command("resume")
def resume(context: typer.Context, reminder: _Id) -> None:
    """Let a reminder go on with its next time.

    Example: keepsake remind resume sch_k7
    """
    with opened_record(context) as store:
        show(describe_next(let_go_on(store, _found(store, reminder), clock.now())))


@_group.command("remove")
def remove(
    context: typer.Context,
    reminder: _Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Erase a reminder from the disk, with its conversation and all that it said.

    Example: keepsake remind remove sch_k7
    """
    with opened_record(context) as store:
        schedule = _found(store, reminder)
        conversation_id = store.conversations.message(schedule.message_id).conversation_id
        erase(store, conversation_id, f"“{excerpt(schedule.text, _TEXT_CHARS)}”", yes=yes)


@_group.command("service")
def service(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[systemd|launchd|cron]", help="What starts it; none: that of this machine.", show_default=False
        ),
    ] = "",
) -> None:
    """Print what has the system run `keepsake task work` for you, which says reminders and does long tasks.

    Nothing is installed: what is printed says where it belongs.

    Example: keepsake remind service systemd
    """
    from assistant import config
    from assistant.core.reminders.service import SERVICES
    from assistant.mcp.installing import own_program

    named = kind or ("launchd" if sys.platform == "darwin" else "systemd")
    if named not in SERVICES:
        raise typer.BadParameter(f"{named} is none of {', '.join(SERVICES)}", param_hint="KIND")
    chosen = invocation(context)
    settings_file = config.config_path(chosen.config)
    options = ["--data-dir", str(chosen.settings().data_folder.absolute())]
    if settings_file.is_file():
        options += ["--config", str(settings_file.absolute())]
    found = SERVICES[named]
    show(found.write([*own_program(), *options, "task", "work"]).rstrip("\n"))
    say(f"It belongs into {found.place}. {found.afterwards}")


def _found(store: Store, named: str) -> Schedule:
    return store.schedules.get(store.resolve(named))


def _as_json(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "text": schedule.text,
        "state": schedule.state,
        "begins": schedule.begins,
        "zone": schedule.zone,
        "rule": schedule.rule,
        "task_id": schedule.task_id,
        "next_at": iso(schedule.next_at),
        "last_at": iso(schedule.last_at),
        "untold": schedule.untold,
    }
