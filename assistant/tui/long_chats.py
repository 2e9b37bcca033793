"""How much of a long chat is on the screen: its end at first, more when wanted, less once it has grown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant.tui.widgets.earlier import EarlierMessages

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

# Each frame lays out every message that is shown, so a long chat is shown from its end, and more of it when wanted.
SHOWN_AT_FIRST: Final = 20
SHOWN_MORE: Final = 40
MOST_SHOWN: Final = 60


async def put_away_old(chat: ChatScreen) -> None:
    """Take the oldest messages of a chat from the screen once there are many, unless they are being read."""
    transcript, spoken = chat.transcript, chat.transcript.spoken
    if chat.session is None or len(spoken) <= MOST_SHOWN or not transcript.is_vertical_scroll_end:
        return
    first = spoken[-SHOWN_AT_FIRST]
    places = {message.id: place for place, message in enumerate(chat.session.messages)}
    if first.message_id not in places:
        return  # not stored yet: with the next answer
    children = list(transcript.column.children)
    with chat.app.batch_update():
        await transcript.column.remove_children(children[: children.index(first)])
        await transcript.add(EarlierMessages(places[first.message_id]), before=0)
