"""Mails and mailboxes: who wrote what and when, in every encoding mail has."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from assistant.errors import ReadError
from memory_store.models import Author, AuthorKind
from tests.ingestion.files import file_of, read, text_of


def mail(body: str = "The timing belt is due.\n", *, html: str = "", subject: str = "Car 车") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = '"Garage, Ann" <ann@garage.example>'
    message["To"] = "me@home.example"
    message["Date"] = "Mon, 05 May 2025 16:02:11 +0100"
    if body:
        message.set_content(body)
    if html:
        (message.add_alternative if body else message.set_content)(html, subtype="html")
    return message


def mailbox(*messages: EmailMessage) -> bytes:
    return b"".join(b"From me Mon May  5 16:02:11 2025\n" + message.as_bytes() + b"\n" for message in messages)


def test_a_mail_has_subject_sender_and_time() -> None:
    document, blocks = read(mail().as_bytes(), "a.eml")
    assert (document.title, document.author) == ("Car 车", "Garage, Ann")
    assert document.created_at == datetime(2025, 5, 5, 15, 2, 11, tzinfo=UTC)
    assert blocks[0].text.startswith("Subject: Car 车\nFrom: ")
    assert blocks[1].text == "The timing belt is due."


def test_the_plain_text_of_a_mail_is_preferred_and_html_read_where_there_is_none() -> None:
    both = read(mail(html="<p>markup</p>").as_bytes(), "a.eml")[1]
    alone = read(mail("", html="<table><tr><td>Code</td><td>4092</td></tr></table>").as_bytes(), "a.eml")[1]
    assert "markup" not in text_of(both)
    assert "Code | 4092" in text_of(alone)


def test_attachments_are_named() -> None:
    message = mail()
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="租约.pdf")
    message.add_attachment(mail(subject="Older"))
    names = read(message.as_bytes(), "a.eml")[1][-1].text
    assert names == "Attachment: 租约.pdf\nAttachment: forwarded message Older"


@pytest.mark.parametrize("charset", ["gb2312", "no-such-charset", "us-ascii"])
def test_a_body_is_read_in_spite_of_its_declared_charset(charset: str) -> None:
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    body = "家长会定于九月二十六日下午三点，请带上孩子的疫苗接种本。"
    assert read(head.encode() + body.encode("gb18030"), "a.eml")[1][-1].text == body


def test_what_has_no_headers_is_no_mail() -> None:
    with pytest.raises(ReadError, match="not a mail"):
        read("just words\n", "a.eml")


@pytest.mark.parametrize("header", ["From: \xff<a@", "Date: yesterday", "Date: Mon, 99 Foo 20255 99:99", "To: <<>>;,"])
def test_malformed_headers_do_not_stop_a_mail(header: str) -> None:
    data = b"Subject: x\n" + header.encode("latin-1") + b"\n\nthe body\n"
    assert read(data, "a.eml")[1][-1].text == "the body"


def test_each_message_of_a_mailbox_is_a_part_with_its_own_author_and_time() -> None:
    second = mail("Rehearsals on Thursdays.\n\n>From here on, bring a pencil.\n", subject="choir")
    second.replace_header("From", "alto@choir.example")
    _, blocks = read(mailbox(mail(), second), "a.mbox")
    body = [block for block in blocks if block.locator.part == "message 2: choir"]
    assert body[1].text == "Rehearsals on Thursdays."
    assert body[2].text == "From here on, bring a pencil."
    assert body[1].author == Author(AuthorKind.DOCUMENT, "alto@choir.example")
    assert body[1].created_at == datetime(2025, 5, 5, 15, 2, 11, tzinfo=UTC)


def test_a_mailbox_without_suffix_is_known_by_its_content() -> None:
    assert read(mailbox(mail()), "Inbox")[0].media_type == "application/mbox"


def test_a_mailbox_that_is_none_says_so() -> None:
    with pytest.raises(ReadError, match="not a mailbox"):
        read("just words\n", "a.mbox")


def test_a_mailbox_is_read_one_message_at_a_time() -> None:
    from assistant.ingestion.readers.registry import read_document
    from tests.ingestion.files import LIMITS

    blocks = read_document(file_of(mailbox(*[mail()] * 3), "a.mbox"), LIMITS).blocks
    assert next(blocks).locator.part == "message 1: Car 车"
