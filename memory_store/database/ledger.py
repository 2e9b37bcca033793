"""The ledger: what each request to a model took and what it was for, and the budgets that no request may overstep.

Amounts are whole numbers: cost in millionths of a US dollar, energy in thousandths of a watt-hour.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from memory_store import ids
from memory_store.clock import as_local, now, to_text
from memory_store.database.connection import Database
from memory_store.database.rows import insert_values, read_row
from memory_store.errors import OverBudgetError
from memory_store.models import Purpose

# A request that is not over by then is none of a living process: answers end within minutes.
_ABANDONED_AFTER: Final = timedelta(hours=1)


class EntryState(StrEnum):
    """Where a request stands: under way, over, or never sent."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"


class Unit(StrEnum):
    """What a budget counts: millionths of a dollar, tokens both ways, thousandths of a watt-hour."""

    USD = "usd"
    TOKENS = "tokens"
    WH = "wh"


class Window(StrEnum):
    """What a budget is for: the present day or month of this machine, or one conversation."""

    DAY = "day"
    MONTH = "month"
    CHAT = "chat"


class Grouping(StrEnum):
    """What totals are made of."""

    MODEL = "model"
    ROLE = "role"
    CHAT = "chat"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request takes, or may take at most; None is not known.

    `cached_tokens` are those among the `input_tokens` that the endpoint had read before. `counted` says that the
    endpoint counted the tokens; else they are estimates. `energy_method` says how the range of energy was found.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int | None = None
    counted: bool = False
    cost: int | None = None
    energy_low: int | None = None
    energy_high: int | None = None
    energy_method: str | None = None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A request that is about to be made. `endpoint` is None for a model in process.

    `usage` is the most that it may take. The message that it is made for is kept with it if it is stored, and the
    conversation of that.
    """

    role: str
    purpose: Purpose
    model: str
    endpoint: str | None
    usage: Usage
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A request: while it is under way, what is reserved for it, then what it took."""

    id: str
    made_at: datetime
    role: str
    purpose: Purpose
    model: str
    endpoint: str | None
    conversation_id: str | None
    message_id: str | None
    state: EntryState
    input_tokens: int
    cached_tokens: int | None
    output_tokens: int
    counted: bool
    cost: int | None
    energy_low: int | None
    energy_high: int | None
    energy_method: str | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget: so much of a unit in a window."""

    window: Window
    unit: Unit
    amount: int

    def __str__(self) -> str:
        return f"{amount_text(self.unit, self.amount)} a {self.window}"


@dataclass(frozen=True, slots=True)
class Total:
    """What requests took together: known costs and energies, and of how many requests they are not known.

    `name` is what they have in common, `title` that of a conversation. `estimated` is how many requests have estimated
    tokens.
    """

    name: str
    title: str | None
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    estimated: int
    cost: int
    unpriced: int
    energy_low: int
    energy_high: int
    unmeasured: int

    @property
    def tokens(self) -> int:
        """Tokens both ways."""
        return self.input_tokens + self.output_tokens

    def amount(self, unit: Unit) -> int:
        """Return how much of a unit that is; of a range of energy its end."""
        return {Unit.USD: self.cost, Unit.TOKENS: self.tokens, Unit.WH: self.energy_high}[unit]


_SUMS: Final = (
    "count(*) AS requests, coalesce(sum(l.input_tokens), 0) AS input_tokens, "
    "coalesce(sum(l.cached_tokens), 0) AS cached_tokens, coalesce(sum(l.output_tokens), 0) AS output_tokens, "
    "count(*) - coalesce(sum(l.counted), 0) AS estimated, coalesce(sum(l.cost), 0) AS cost, "
    "count(*) - count(l.cost) AS unpriced, coalesce(sum(l.energy_low), 0) AS energy_low, "
    "coalesce(sum(l.energy_high), 0) AS energy_high, count(*) - count(l.energy_high) AS unmeasured "
    "FROM ledger AS l"
)
_DAY: Final = "date(l.made_at, 'localtime')"
_NAMES: Final = {
    Grouping.MODEL: "l.model",
    Grouping.ROLE: "l.role",
    Grouping.CHAT: "coalesce(l.conversation_id, '')",
    Grouping.DAY: _DAY,
}


class Ledger:
    """What can be asked of and done to the ledger. Safe from many threads and processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, entry: NewEntry, limits: Iterable[Limit] = (), moment: datetime | None = None) -> str:
        """Enter a request with the most that it may take; return its id. Call it before the request is sent.

        What other requests took, or have reserved, and this one stay within all limits together, whoever else reserves
        at the same time. Raises OverBudgetError where they would not, or where that can't be told.
        """
        with self._database.write() as connection:
            return reserve(connection, entry, limits, now() if moment is None else moment)

    def settle(self, identifier: str, usage: Usage) -> None:
        """Enter what a request took in place of what was reserved for it."""
        with self._database.write() as connection:
            settle(connection, identifier, usage)

    def release(self, identifier: str) -> None:
        """Give back what was reserved for a request that was not sent."""
        with self._database.write() as connection:
            release(connection, identifier)

    def of_message(self, message_id: str) -> list[LedgerEntry]:
        """Return the requests that were made for a message, the earliest first."""
        rows = self._database.fetch_all(
            "SELECT * FROM ledger WHERE message_id = ? AND state != 'released' ORDER BY made_at, id", (message_id,)
        )
        return [read_row(LedgerEntry, row) for row in rows]

    def latest(self, limit: int) -> list[LedgerEntry]:
        """Return the latest requests, the latest first."""
        rows = self._database.fetch_all("SELECT * FROM ledger ORDER BY made_at DESC, id LIMIT ?", (limit,))
        return [read_row(LedgerEntry, row) for row in rows]

    def totals(self, by: Grouping, since: datetime | None = None) -> list[Total]:
        """Return what requests took since a moment: days in their order, others by what they took, the most first."""
        order = "name" if by is Grouping.DAY else "cost DESC, input_tokens + output_tokens DESC, name"
        title = "(SELECT title FROM conversations WHERE id = l.conversation_id)" if by is Grouping.CHAT else "NULL"
        rows = self._database.fetch_all(
            f"SELECT {_NAMES[by]} AS name, {title} AS title, {_SUMS} WHERE l.state != 'released' AND l.made_at >= ? "
            f"GROUP BY name ORDER BY {order}",
            (to_text(since) if since else "",),
        )
        return [Total(**row) for row in map(dict, rows)]

    def spent(self, window: Window, conversation_id: str | None = None, moment: datetime | None = None) -> Total:
        """Return what requests took, or have reserved, in a window; that of a chat is the conversation's."""
        return self._database.fetch(_spent, window, conversation_id, moment or now())


def reserve(connection: sqlite3.Connection, entry: NewEntry, limits: Iterable[Limit], made_at: datetime) -> str:
    """Enter a request within the limits, in a transaction of the caller's; see `Ledger.reserve`."""
    _settle_abandoned(connection, made_at)
    identifier = ids.new_id(ids.LEDGER_ENTRY)
    message = connection.execute(
        "SELECT id, conversation_id FROM messages WHERE id = ?", (entry.message_id,)
    ).fetchone()
    message_id, conversation_id = message or (None, None)
    used: dict[Window, Mapping[Unit, int]] = {}
    for limit in limits:
        if limit.window is Window.CHAT and conversation_id is None:
            continue  # what is in no conversation that is kept
        if limit.window not in used:
            used[limit.window] = _used(connection, limit.window, conversation_id, made_at)
        _refuse_over(limit, entry, used[limit.window][limit.unit])
    whose = {"conversation_id": conversation_id, "message_id": message_id, "state": EntryState.RESERVED}
    told = {"role": entry.role, "purpose": entry.purpose, "model": entry.model, "endpoint": entry.endpoint}
    row = {"id": identifier, "made_at": to_text(made_at), **told, **whose, **asdict(entry.usage)}
    insert_values(connection, "ledger", row)
    return identifier


def settle(connection: sqlite3.Connection, identifier: str, usage: Usage) -> None:
    """Enter what a request took, in a transaction of the caller's."""
    amounts = asdict(usage)
    connection.execute(
        f"UPDATE ledger SET state = 'settled', {', '.join(f'{name} = :{name}' for name in amounts)} WHERE id = :id",
        {**amounts, "id": identifier},
    )


def release(connection: sqlite3.Connection, identifier: str) -> None:
    """Give back what was reserved, in a transaction of the caller's."""
    connection.execute("UPDATE ledger SET state = 'released' WHERE id = ?", (identifier,))


def window_start(window: Window, moment: datetime) -> datetime:
    """Return when the day or the month of a moment began on this machine."""
    local = as_local(moment).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    return (local.replace(day=1) if window is Window.MONTH else local).astimezone()


def amount_text(unit: Unit, amount: int) -> str:
    """Return an amount for a person: dollars to the cent or, of small ones, to two digits that count."""
    match unit:
        case Unit.USD:
            dollars = amount / 1_000_000
            digits = 2 if amount == 0 or amount >= 100_000 else 4 if amount >= 1_000 else 6
            return f"${dollars:,.{digits}f}"
        case Unit.TOKENS:
            return f"{amount:,} tokens"
        case Unit.WH:
            return f"{amount / 1000:,.{1 if amount >= 10_000 else 3}f} Wh"


def _settle_abandoned(connection: sqlite3.Connection, moment: datetime) -> None:
    """Take what was reserved for requests of processes that died as what they took: it may have been.

    What was handed in to be answered later is under way for a day.
    """
    connection.execute(
        "UPDATE ledger SET state = 'settled' WHERE state = 'reserved' AND made_at < ? "
        "AND NOT EXISTS (SELECT 1 FROM late_requests AS r WHERE r.ledger_id = ledger.id)",
        (to_text(moment - _ABANDONED_AFTER),),
    )


def _in_window(window: Window, conversation_id: str | None, moment: datetime) -> tuple[str, str | None]:
    """Return the condition of being in a window, and what stands for its sign."""
    if window is Window.CHAT:
        return "l.conversation_id = ?", conversation_id
    return "l.made_at >= ?", to_text(window_start(window, moment))


def _spent(connection: sqlite3.Connection, window: Window, conversation_id: str | None, moment: datetime) -> Total:
    where, value = _in_window(window, conversation_id, moment)
    query = f"SELECT ? AS name, NULL AS title, {_SUMS} WHERE l.state != 'released' AND {where}"
    return Total(**dict(connection.execute(query, (window.value, value)).fetchone()))


def _used(
    connection: sqlite3.Connection, window: Window, conversation_id: str | None, moment: datetime
) -> Mapping[Unit, int]:
    """Return how much of each unit is used or reserved in a window."""
    where, value = _in_window(window, conversation_id, moment)
    sums = connection.execute(
        "SELECT coalesce(sum(cost), 0), coalesce(sum(input_tokens + output_tokens), 0), coalesce(sum(energy_high), 0) "
        f"FROM ledger AS l WHERE l.state != 'released' AND {where}",
        (value,),
    ).fetchone()
    return dict(zip((Unit.USD, Unit.TOKENS, Unit.WH), sums, strict=True))


def _refuse_over(limit: Limit, entry: NewEntry, used: int) -> None:
    """Raise OverBudgetError if a request may overstep a limit of which so much is used."""
    usage = entry.usage
    wanted = {
        Unit.USD: usage.cost,
        Unit.TOKENS: usage.input_tokens + usage.output_tokens,
        Unit.WH: usage.energy_high,
    }[limit.unit]
    if wanted is None:
        what = "price" if limit.unit is Unit.USD else "energy"
        raise OverBudgetError(
            f"The {what} of “{entry.model}” is not known, so a budget of {limit} can't be held.", limit.window, what
        )
    if used + wanted > limit.amount:
        taken, most = amount_text(limit.unit, used), amount_text(limit.unit, wanted)
        told = f"{taken} are used or reserved, and it may take {most}."
        raise OverBudgetError(f"The budget of {limit} has no room for this request: {told}", limit.window)
