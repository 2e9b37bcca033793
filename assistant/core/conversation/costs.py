"""Puts into words what requests to models took: of an answer, of a chat, of the day and the month, and of budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from assistant.core.conversation.skin import Report
from assistant.display import plain
from assistant.language import N_, NN_, _, plural
from memory_store import LedgerEntry, Limit, Total, Unit, Window, amount_text
from memory_store.models import Purpose

if TYPE_CHECKING:
    from memory_store import Store
    from memory_store.models import Message

_REQUESTS: Final = NN_("{count} request", "{count} requests")
_UNPRICED: Final = NN_("the price of {count} more is not known", "the prices of {count} more are not known")
_UNMEASURED: Final = NN_("that of {count} more is not known", "those of {count} more are not known")
_WINDOWS: Final = {Window.CHAT: N_("This chat"), Window.DAY: N_("Today"), Window.MONTH: N_("This month")}
_BUDGETS: Final = {
    Window.CHAT: N_("Budget of a chat"),
    Window.DAY: N_("Budget of a day"),
    Window.MONTH: N_("Budget of a month"),
}
_PURPOSES: Final = {
    Purpose.ANSWER: N_("answer"),
    Purpose.TITLE: N_("title"),
    Purpose.SUMMARY: N_("summary"),
    Purpose.LEARN: N_("learning"),
    Purpose.SPLIT: N_("question in parts"),
    Purpose.MISSING: N_("what is missing"),
    Purpose.CHECK: N_("check against the sources"),
    Purpose.EMBED: N_("vectors"),
    Purpose.TASK: N_("task"),
    Purpose.PLAN: N_("plan"),
    Purpose.CARDS: N_("cards"),
    Purpose.HINT: N_("hints"),
}


def report_costs(store: Store, conversation_id: str | None, limits: Sequence[Limit]) -> Report:
    """Return what a conversation, this day and this month took, and how much of each budget is used."""
    windows = [window for window in _WINDOWS if window is not Window.CHAT or conversation_id is not None]
    spent = {window: store.ledger.spent(window, conversation_id) for window in windows}
    lines = [f"{_(_WINDOWS[window])}: {describe_total(total)}" for window, total in spent.items()]
    lines += [describe_budget(limit, spent[limit.window]) for limit in limits if limit.window in spent]
    hint = _("`keepsake cost --by chat` lists it by chat; also by model, role, day.")
    return Report("\n".join(lines), hint)


def report_cost_of(store: Store, message: Message) -> Report:
    """Return what was asked of models for a message, and for the question that it answers."""
    entries = store.ledger.of_message(message.id)
    if message.parent_id is not None and entries:
        entries = [*store.ledger.of_message(message.parent_id), *entries]
    if not entries:
        return Report(_("Nothing was asked of a model for this message."))
    return Report("\n".join(map(describe_entry, entries)))


def describe_total(total: Total) -> str:
    """Return what requests took together, on one line."""
    parts = [plural(*_REQUESTS, total.requests)]
    if total.requests:
        parts += [
            describe_tokens(total.input_tokens, total.cached_tokens, total.output_tokens, counted=not total.estimated),
            describe_cost(total),
            describe_energy(total),
        ]
    return ", ".join(parts)


def describe_tokens(input_tokens: int, cached_tokens: int | None, output_tokens: int, *, counted: bool) -> str:
    """Return tokens both ways, with what the endpoint had read before, and whether they are estimates."""
    told = _("{input:,} tokens in").format(input=input_tokens)
    if cached_tokens:
        told += " " + _("({cached:,} read before)").format(cached=cached_tokens)
    told += ", " + _("{output:,} out").format(output=output_tokens)
    return told if counted else told + " " + _("(estimated)")


def describe_cost(total: Total) -> str:
    """Return what requests cost, and of how many that is not known."""
    if total.unpriced == total.requests:
        return _("price not known")
    told = amount_text(Unit.USD, total.cost)
    return f"{told} ({plural(*_UNPRICED, total.unpriced)})" if total.unpriced else told


def describe_energy(total: Total) -> str:
    """Return the range of energy that requests took, and of how many it is not known."""
    if total.unmeasured == total.requests:
        return _("energy not known")
    told = _range(total.energy_low, total.energy_high)
    return f"{told} ({plural(*_UNMEASURED, total.unmeasured)})" if total.unmeasured else told


def describe_budget(limit: Limit, total: Total) -> str:
    """Return how much of a budget is used."""
    used = amount_text(limit.unit, total.amount(limit.unit))
    amount = amount_text(limit.unit, limit.amount)
    return _("{budget}: {used} of {amount} used").format(budget=_(_BUDGETS[limit.window]), used=used, amount=amount)


def describe_entry(entry: LedgerEntry) -> str:
    """Return what one request was for and what it took, on one line."""
    tokens = describe_tokens(entry.input_tokens, entry.cached_tokens, entry.output_tokens, counted=entry.counted)
    cost = _("price not known") if entry.cost is None else amount_text(Unit.USD, entry.cost)
    energy = _("energy not known")
    if entry.energy_low is not None and entry.energy_high is not None:
        energy = f"{_range(entry.energy_low, entry.energy_high)} ({entry.energy_method})"
    return f"{_(_PURPOSES[entry.purpose])}: {plain(entry.model, one_line=True)}, {tokens}, {cost}, {energy}"


def _range(low: int, high: int) -> str:
    highest = amount_text(Unit.WH, high)
    return highest if low == high else f"{amount_text(Unit.WH, low).removesuffix(' Wh')}–{highest}"
