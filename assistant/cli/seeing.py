"""`keepsake context`: what a model would see of a question, and why."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import typer

from assistant.cli.context import opened_store
from assistant.cli.output import print_json, show
from assistant.cli.searching import reasons_line, source_line
from assistant.cli.turns import session_in, withheld_line
from assistant.core.events import PartKind, Recalled
from assistant.display import excerpt

_NAMES: Final = {
    PartKind.RULES: "Rules",
    PartKind.PINNED: "Pinned memories",
    PartKind.ATTACHED: "Attached",
    PartKind.RECALLED: "Recalled",
    PartKind.KNOWN: "Known of you",
    PartKind.GOALS: "Your goals",
    PartKind.TOUCHING: "What you said before that may touch it",
    PartKind.SUMMARIES: "Earlier chats, in short",
    PartKind.RECENT: "Recent messages",
    PartKind.RECIPE: "The recipe",
    PartKind.QUESTION: "The question",
}
# Why it is there, for what nobody had to look for.
_WHY: Final = {
    PartKind.ATTACHED: "attached",
    PartKind.KNOWN: "known of you, whatever is asked",
    PartKind.GOALS: "a goal of yours",
    PartKind.TOUCHING: "comes nearest to it",
    PartKind.RECALLED: "recalled",
}
_EXCERPT_CHARS: Final = 200


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("context")(context_)


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
                return await session.preview(question), session.answerer.info.context_tokens

        recalled, window = asyncio.run(seen())
    if as_json:
        print_json(_document(recalled, window))
        return
    show(f"About {recalled.context_tokens:,} of {window:,} tokens.")
    numbers = {source.hit.id: (source.number, source.hit) for source in recalled.sources}
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


def _document(recalled: Recalled, window: int) -> dict[str, Any]:
    reasons = {source.hit.id: reasons_line(source.hit) for source in recalled.sources}
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
