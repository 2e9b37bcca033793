"""`keepsake context` and `keepsake about-me`: what a model would see of a question, and what is known of the user."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import typer

from assistant.cli.context import opened_store
from assistant.cli.output import memory_json, print_json, show
from assistant.cli.searching import reasons_line, source_line
from assistant.cli.turns import session_in, withheld_line
from assistant.core.events import PartKind, Recalled
from assistant.core.profile import profile
from assistant.display import day, excerpt, plain

_NAMES: Final = {
    PartKind.RULES: "Rules",
    PartKind.PINNED: "Pinned memories",
    PartKind.ATTACHED: "Attached",
    PartKind.RECALLED: "Recalled",
    PartKind.KNOWN: "Known of you",
    PartKind.GOALS: "Your goals",
    PartKind.SUMMARIES: "Earlier chats, in short",
    PartKind.RECENT: "Recent messages",
    PartKind.QUESTION: "The question",
}
# Why it is there, for what nobody had to look for.
_WHY: Final = {
    PartKind.ATTACHED: "attached",
    PartKind.KNOWN: "known of you, whatever is asked",
    PartKind.GOALS: "a goal of yours",
    PartKind.RECALLED: "recalled",
}
_EXCERPT_CHARS: Final = 200


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("context")(context_)
    app.command("about-me")(about_me)


def context_(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What would be asked.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print what the model would see of a question, why each passage was found, and how many tokens each part takes.

    Private passages are in it only where the configured model is on this machine. Nothing is stored and nothing sent.

    Example: keepsake context "Who has our spare key?"
    """
    with opened_store(context) as (store, settings):
        store.embed_pending()

        async def seen() -> tuple[Recalled, int]:
            async with session_in(store, settings, None) as session:
                return await session.preview(question), session.model.context_tokens

        recalled, window = asyncio.run(seen())
    if as_json:
        print_json(_document(recalled, window))
        return
    show(f"About {recalled.context_tokens:,} of {window:,} tokens.")
    numbers = {hit.id: (number, hit) for number, hit in enumerate(recalled.hits, start=1)}
    for kind, name in _NAMES.items():
        parts = [part for part in recalled.parts if part.kind is kind]
        if not parts:
            continue
        show(f"\n{name}  ({sum(part.tokens for part in parts):,} tokens)")
        for part in parts:
            number, hit = numbers.get(part.id or "", (0, None))
            show(f"{f'[{number}]' if hit else '·'} {excerpt(part.text, _EXCERPT_CHARS)}  ({part.tokens:,})")
            if hit is not None:
                show(f"    {source_line(hit)}")
                show(f"    {reasons_line(hit) or _WHY[kind]}  {hit.id}")
    if recalled.withheld:
        show(f"\n{withheld_line(recalled.withheld)}")


def about_me(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print what is known about you as a page of Markdown, each line with its source and what it took the place of.

    Private memories are in it: it is printed here and sent nowhere.

    Example: keepsake about-me
    """
    with opened_store(context) as (store, _):
        sections = profile(store)
    if as_json:
        print_json(
            {
                "memories": [
                    {**memory_json(line.memory), "from": list(line.sources), "earlier": list(line.earlier)}
                    for section in sections
                    for line in section.lines
                ]
            }
        )
        return
    show("# What is known about you")
    if not sections:
        show("\nNothing yet. Tell it something, or import documents.")
    for section in sections:
        show(f"\n## {section.kind.value.capitalize()}s\n")
        for line in section.lines:
            where = ", ".join(f"“{one}”" for one in line.sources) or "written by hand"
            marks = "".join(f", {name}" for name in ("pinned", "private") if getattr(line.memory, name))
            show(f"- {plain(line.memory.text, one_line=True)} ({day(line.since)}, from {where}{marks})")
            for text in line.earlier:
                show(f"  - before: {plain(text, one_line=True)}")


def _document(recalled: Recalled, window: int) -> dict[str, Any]:
    reasons = {hit.id: reasons_line(hit) for hit in recalled.hits}
    return {
        "tokens": recalled.context_tokens,
        "context_tokens": window,
        "parts": [
            {
                "kind": part.kind.value,
                "id": part.id,
                "tokens": part.tokens,
                "text": part.text,
                "why": reasons.get(part.id or ""),
            }
            for part in recalled.parts
        ],
    }
