"""Mails and mailboxes: who wrote what and when, in every encoding mail has."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from compressed_rtf import compress

from assistant.errors import ReadError
from memory_store.models import Author, AuthorKind
from tests.ingestion.compound import compound_file, outlook_mail
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
    assert "Code: 4092" in text_of(alone)


def test_what_is_attached_is_named_and_becomes_files_of_their_own() -> None:
    message = mail()
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="租约.pdf")
    message.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar")
    message.add_attachment(b"again", maintype="application", subtype="pdf", filename="../x/租约.pdf")
    document, blocks = read(message.as_bytes(), "a.eml")
    assert blocks[-1].text == "Attachment: 租约.pdf\nAttachment: invite.ics\nAttachment: 租约.pdf"
    assert [(one.path, one.suffix, one.open().read()) for one in document.attached] == [
        ("/home/me/a.eml!/租约.pdf", ".pdf", b"%PDF-"),
        ("/home/me/a.eml!/invite.ics", ".ics", b"BEGIN:VCALENDAR"),
        ("/home/me/a.eml!/租约 (2).pdf", ".pdf", b"again"),
    ]
    assert document.attached[0].modified_at == document.created_at


def test_a_file_in_the_text_of_an_old_mail_is_attached_to_it() -> None:
    body = "Hello.\n\nbegin 644 ../plan.txt\n%=V]R9',\n`\nend\n\nbegin 644 of a sentence\nthat goes on\n"
    document, blocks = read(f"Subject: x\n\n{body}", "a.eml")
    assert [(one.path, one.open().read()) for one in document.attached] == [("/home/me/a.eml!/plan.txt", b"words")]
    assert [block.text for block in blocks][1:] == [
        "Hello.",
        "begin 644 of a sentence\nthat goes on",
        "Attachment: plan.txt",
    ]


def test_a_forwarded_mail_is_one_of_its_own_with_what_is_attached_to_it() -> None:
    inner = mail("The deposit is due.\n", subject="Flat")
    inner.replace_header("From", "Omar <omar@home.example>")
    inner.add_attachment(b"words", maintype="text", subtype="plain", filename="a.txt")
    message = mail("")
    message.add_attachment(inner)
    document, blocks = read(message.as_bytes(), "a.eml")
    told = next(block for block in blocks if block.text == "The deposit is due.")
    assert (told.locator.part, told.author) == ("forwarded: Flat", Author(AuthorKind.DOCUMENT, "Omar"))
    assert [one.path for one in document.attached] == ["/home/me/a.eml!/a.txt"]


def test_text_behind_a_picture_is_read_too() -> None:
    message = mail("Before.\n")
    message.make_mixed()
    message.attach(_part("image/png", "x"))
    message.attach(_part("text/plain", "After."))
    document, blocks = read(message.as_bytes(), "a.eml")
    assert [block.text for block in blocks][1:3] == ["Before.", "After."]
    assert [part.part for part in document.left_out] == ["image/png"]


@pytest.mark.parametrize(("size", "named"), [(60_000, ["scan.jpg"]), (6_000, [])])
def test_a_picture_in_the_text_is_told_of_unless_it_is_small(size: int, named: list[str]) -> None:
    message = mail("See below.\n", html="<p>See below. <img src='cid:x'></p>")
    html = message.get_body(("html",))
    assert html is not None
    html.add_related(bytes(size), "image", "jpeg", cid="<x>", filename="scan.jpg")
    document, _ = read(message.as_bytes(), "a.eml")
    told = [part.part for part in document.left_out] + [one.path.rpartition("/")[2] for one in document.attached]
    assert told == named


def _part(kind: str, body: str) -> EmailMessage:
    part = EmailMessage()
    part["Content-Type"] = kind
    part.set_payload(body)
    return part


@pytest.mark.parametrize("plain", [" \n", "This message is in HTML format. Please use another program.\n"])
def test_html_is_read_where_the_plain_text_only_stands_in_for_it(plain: str) -> None:
    html = "<p>Your ferry leaves Kiel on 14 March at 18:45 from cabin deck seven.</p>"
    assert "ferry leaves Kiel" in text_of(read(mail(plain, html=html).as_bytes(), "a.eml")[1])


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("application/ms-tnef", "winmail.dat", "Outlook's own package"),
        ("application/octet-stream", "winmail.dat", "Outlook's own package"),
        ("application/pkcs7-mime", "smime.p7m", "encrypted"),
        ("application/x-nameless", "", "a part of 1 bytes"),
    ],
)
def test_a_part_that_is_not_read_is_named(kind: str, name: str, reason: str) -> None:
    message = mail()
    message.make_mixed()
    part = _part(kind, "x")
    if name:
        part["Content-Disposition"] = f'attachment; filename="{name}"'
    message.attach(part)
    (left_out,) = read(message.as_bytes(), "a.eml")[0].left_out
    assert left_out.part == (name or kind)
    assert left_out.reason.startswith(reason)


def test_a_head_with_a_line_that_is_no_field_is_read_all_the_same() -> None:
    head = "Received: from a\nquite Delivered-To: x@y.example\nFrom  : Ann <a@b.example>\nSubject: Roof\n leaks\n"
    document, blocks = read(f"{head}\nWords.\n", "a.eml")
    assert (document.title, document.author, blocks[-1].text) == ("Roof leaks", "Ann", "Words.")


@pytest.mark.parametrize(
    ("header", "sender", "sent"),
    [
        ("From: tim@a.example concierge@a.example", "tim@a.example", None),
        ("From: a@b.example\nDate: Mon, 30 Jun 3609 15:33:50 +0600", "a@b.example", None),
        ("From: (none)\nDate: Mon, 05 May 2025 16:02:11 +0100", None, datetime(2025, 5, 5, 15, 2, 11, tzinfo=UTC)),
    ],
)
def test_odd_senders_and_dates_give_what_they_hold(header: str, sender: str | None, sent: datetime | None) -> None:
    document, _ = read(f"Subject: x\n{header}\n\nWords.\n", "a.eml")
    assert (document.author, document.created_at) == (sender, sent)


REPORT = """Content-Type: multipart/report; boundary=A

--A
Content-Type: text/plain

Could not deliver.
--A
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; bo@x.example
Diagnostic-Code: smtp; 550 mailbox full

--A--
"""
PACKED = base64.b64encode(b"Subject: Flat\nFrom: Omar <o@home.example>\n\nThe deposit is due.\n").decode()


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (REPORT, ["Could not deliver.", "Reporting-MTA: dns; mx.example",
                  "Final-Recipient: rfc822; bo@x.example\nDiagnostic-Code: smtp; 550 mailbox full"]),
        ("Content-Type: multipart/mixed\n\nNo parts at all.\n", ["No parts at all."]),
        ("Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: text/plain\n\nNo end.", ["No end."]),
        (f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{PACKED}",
         ["Subject: Flat\nFrom: Omar <o@home.example>", "The deposit is due.", "Attachment: forwarded message Flat"]),
        ('Content-Type: text/plain; name="body.txt"\nContent-Disposition: inline; filename="body.txt"\n\nThe body.\n',
         ["The body."]),
    ],
)  # fmt: skip
def test_a_mail_of_odd_parts_is_read_whole(rest: str, words: list[str]) -> None:
    document, blocks = read(f"Subject: x\nFrom: Ann <a@b.example>\n{rest}", "a.eml")
    assert [block.text for block in blocks][1:] == words
    assert document.left_out == []


THREAD = """Then Tuesday.

On Sun, 4 Jan 2026 at 18:02, Lena Vogt <lena@home.example> wrote:
> Can you come
> on Tuesday?
>
> On Sat, Aki <aki@roofs.example> wrote:
>> The roof leaks.

See you.

-----Ursprüngliche Nachricht-----
Von: Omar
Gesendet: Freitag
An: Lena
Betreff: Dach

Was kostet es?
"""


def test_what_is_quoted_is_told_from_what_is_new_and_by_whom_it_was_written() -> None:
    told = {block.text: block for block in read(mail(THREAD).as_bytes(), "a.eml")[1]}
    authors = {text: block.author.name for text, block in told.items() if block.author and block.locator.part}
    assert authors["Can you come\non Tuesday?"] == "Lena Vogt"
    assert authors["The roof leaks."] == "Aki"
    assert authors["Was kostet es?"] == "Omar"
    assert told["See you."].locator.part is None
    assert told["Was kostet es?"].created_at is None


def test_a_ticket_is_no_quoted_mail() -> None:
    ticket = "Your trip:\n\nFrom: Hamburg\nTo: Kiel\nDate: 5 January\n\nSeat 14.\n"
    assert {block.locator.part for block in read(mail(ticket).as_bytes(), "a.eml")[1]} == {None}


def test_a_mailbox_holds_what_is_quoted_again_and_again_once() -> None:
    first = mail("The roof leaks at\nthe chimney. Can you come?\n")
    quote = "Am 5.1.2026 schrieb Ann <a@b.example>:\n> The roof leaks at the chimney.\n> Can\n> you come?\n"
    answers = [mail(f"Answer {n}.\n\n{quote}> Only quoted {n // 2}.\n") for n in range(4)]
    text = text_of(read(mailbox(first, *answers), "a.mbox")[1])
    assert text.count("chimney") == 3  # Where a mail quotes more than was read before, it is kept.
    assert [text.count(f"Only quoted {n}") for n in range(2)] == [1, 1]


def test_flowed_lines_are_joined() -> None:
    head = "Subject: x\nContent-Type: text/plain; format=flowed; delsp={}\n\n"
    body = "Open the valve \ncounter clock \nwise.\n> one \n> two\n-- \nAnn\n"
    plain = read(head.format("no") + body, "a.eml")[1]
    joined = read(head.format("yes") + body, "a.eml")[1]
    assert [block.text for block in plain][1:3] == ["Open the valve counter clock wise.", "one two"]
    assert joined[1].text == "Open the valvecounter clockwise."


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("王芳 合同".encode("gbk"), "王芳 合同"),
        ("王芳 合同".encode(), "王芳 合同"),
        (b"=?iso-8859-1?Q?=93blue=94?=", "“blue”"),
        (b"=?utf-8?B?546L?= =?utf-8?B?6I+?= =?utf-8?B?sw==?=", "王菳"),
        (b"=?ISO-2022-JP?B?GyRCLSEbKEI=?= 5", "① 5"),
        (b"=?gb2312?B?6UY=?=", "镕"),
    ],
)
def test_a_header_is_read_in_its_encoding(header: bytes, text: str) -> None:
    body = "\nContent-Type: text/plain; charset=gbk\n\n请在周五之前确认。\n".encode("gbk")
    document, _ = read(b"From: a@b.example\nSubject: " + header + body, "a.eml")
    assert document.title == text


def test_a_mail_of_apple_mail_is_read_without_what_stands_around_it() -> None:
    data = mail().as_bytes()
    blocks = read(f"{len(data)}\n".encode() + data + b"<?xml version='1.0'?><plist/>", "1.emlx")[1]
    assert [block.text for block in blocks][1:] == ["The timing belt is due."]


def test_a_mail_of_outlook_is_read_like_any_other() -> None:
    texts = {0x37: "Roof 屋顶", 0x1000: "The roof leaks.", 0x0C1A: "Ann Meyer", 0x5D01: "ann@x.example", 0x0E04: "Bo"}
    inner = outlook_mail({0x37: "Inner", 0x1000: "Told before.", 0x0C1A: "Cy"}, head=24)
    data = compound_file(outlook_mail(texts, attached={"plan.txt": b"words"}, inner=inner))
    document, blocks = read(data, "a.msg")
    assert (document.title, document.author) == ("Roof 屋顶", "Ann Meyer")
    assert document.created_at == datetime(2025, 1, 8, 5, tzinfo=UTC)
    assert [block.author.name for block in blocks if block.author and block.text == "Told before."] == ["Cy"]
    assert [one.path for one in document.attached] == ["/home/me/a.msg!/plan.txt"]


def test_a_mail_of_outlook_that_is_rich_text_alone_is_read() -> None:
    mail_of_outlook = outlook_mail({0x37: "x"})
    mail_of_outlook["__substg1.0_10090102"] = compress(b"{\\rtf1\\ansi The hall is booked.\\par}")
    assert "The hall is booked." in text_of(read(compound_file(mail_of_outlook), "a.msg")[1])


@pytest.mark.parametrize("cut", [600, 1600])
def test_a_torn_mail_of_outlook_is_an_error_that_says_so(cut: int) -> None:
    data = compound_file(outlook_mail({0x37: "x", 0x1000: "long " * 2000}))
    with pytest.raises(ReadError, match=r"damaged|not a mail"):
        read(data[:cut], "a.msg")


def test_a_sentence_that_begins_like_a_separator_separates_nothing() -> None:
    first = mail("Hi,\n\nFrom Monday on the code is 7788.\nNote: bring it.\n")
    box = mailbox(first, mail(subject="two")).replace(b">From Monday", b"From Monday")
    parts = {block.locator.part for block in read(box, "a.mbox")[1]}
    assert parts == {"message 1: Car 车", "message 2: two"}


def test_what_is_attached_to_a_mailbox_is_named_by_its_message() -> None:
    second = mail()
    second.add_attachment(b"words", maintype="text", subtype="plain", filename="a.txt")
    document, _ = read(mailbox(mail(), second), "a.mbox")
    assert [one.path for one in document.attached] == ["/home/me/a.mbox!/message 2/a.txt"]


@pytest.mark.parametrize("charset", ["gb2312", "no-such-charset", "us-ascii"])
def test_a_body_is_read_in_spite_of_its_declared_charset(charset: str) -> None:
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    body = "家长会定于九月二十六日下午三点，请带上孩子的疫苗接种本。"
    assert read(head.encode() + body.encode("gb18030"), "a.eml")[1][-1].text == body


@pytest.mark.parametrize(("name", "head"), [("a.eml", b"Subject: x\n\n"), ("a.html", b"<p>")])
def test_a_torn_character_is_marked_and_named(name: str, head: bytes) -> None:
    document, blocks = read(head + "家长会定于\u4e5d月".encode()[:-2] + "二十六日".encode(), name)
    assert "家长会定于九" in blocks[-1].text
    assert "\ufffd" in blocks[-1].text
    assert [part.reason for part in document.left_out] == ["damaged characters, shown as �"]


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
