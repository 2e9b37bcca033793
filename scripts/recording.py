"""Records the README's picture of an erasure: the real commands in a pseudo-terminal, on a folder of their own.

python scripts/recording.py     write docs/screenshots/erasure.svg; ids and times differ each time

Nothing is staged: what is typed runs, and what it prints is drawn, but for the temporary folder, which is shown as ~.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from assistant.core.conversation.forgetting import ERASE_WORD, UNREAD_SECONDS

ROOT: Final = Path(__file__).parents[1]
FILE: Final = ROOT / "docs" / "screenshots" / "erasure.svg"
SIZE: Final = (100, 45)  # columns, rows
NOTES: Final = {
    "house.md": "# The house\n\nOur spare key is with Ines at number 12. She waters the plants in July.\n",
    "old-flat.md": "# The old flat\n\nMr Teixeira still has our deposit of 900 euros.\n",
}
COMMANDS: Final = (
    "keepsake import notes",
    'keepsake search "Who has our deposit?" -k 1 | head -n 2',
    'keepsake forget --matching "old flat"',
    "keepsake receipts show {receipt}",
    'keepsake receipts check "Mr Teixeira still has our deposit of 900 euros."',
    "grep -ra Teixeira ~/.local/share/keepsake | wc -l",
)
QUESTION: Final = "anything else keeps it: "
PROMPT: Final = "\x1b[1;32m~ $\x1b[0m "
# The colours of the chat's dark theme.
THEME: Final = TerminalTheme(
    (18, 19, 24),
    (222, 222, 228),
    [
        *((36, 38, 46), (229, 115, 115), (129, 199, 132), (255, 213, 79)),
        *((100, 181, 246), (186, 104, 200), (77, 208, 225), (222, 222, 228)),
    ],
)
_PIECES: Final = re.compile(r"\r\n|\r|\x1b\[\d*A|\x1b\[2K|\x1b\[\?25[lh]|(?:(?!\r|\x1b\[(?:\d*A|2K|\?25))[\s\S])+")


def run(line: str, home: Path) -> str:
    """Type a command into a terminal of its own, answer its question with the word, and return what it printed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KEEPSAKE_")},
        "HOME": str(home),
        "KEEPSAKE_DATA_DIR": str(home / ".local" / "share" / "keepsake"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TERM": "xterm-256color",
    }
    process = subprocess.Popen(
        line, shell=True, stdin=theirs, stdout=theirs, stderr=theirs, cwd=home, env=environment, start_new_session=True
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the last writer has gone
            break
        if not piece:
            break
        printed += piece
        if printed.endswith(QUESTION.encode()):
            time.sleep(2 * UNREAD_SECONDS)  # nothing answers sooner
            os.write(ours, f"{ERASE_WORD}\n".encode())
    os.close(ours)
    if process.wait() != 0:
        raise SystemExit(f"{line} ended with {process.returncode}:\n{printed.decode()}")
    return printed.decode()


def on_screen(printed: str) -> list[str]:
    """Return the rows that are left when a terminal has drawn this: progress bars come and go."""
    rows, at = [""], 0
    for piece in _PIECES.findall(printed):
        if piece == "\r\n":
            at += 1
            rows += [""] if at == len(rows) else []
        elif piece.endswith("A"):
            at -= int(piece[2:-1] or 1)
        elif piece.startswith("\x1b[2K"):
            rows[at] = ""
        elif piece != "\r" and not piece.startswith("\x1b[?25"):
            rows[at] += piece
    while rows and not rows[-1]:
        rows.pop()
    return rows


def record(home: Path) -> list[str]:
    """Run all the commands and return the rows of the picture."""
    (home / "notes").mkdir()
    for name, text in NOTES.items():
        (home / "notes" / name).write_text(text, "utf-8")
    rows: list[str] = []
    receipt = ""
    for line in COMMANDS:
        typed = line.format(receipt=receipt[:10])
        printed = run(typed, home)
        if found := re.search(r"era_\w+", printed):
            receipt = found[0]
        rows += [PROMPT + typed, *on_screen(printed.replace(str(home), "~")), ""]
    return rows[:-1]


def main() -> None:
    """Write the picture. Fails if a row would be broken or the picture is too long to be looked at."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [Text.from_ansi(row) for row in record(Path(folder))]
    too_wide = [row.plain for row in rows if row.cell_len > SIZE[0]]
    if too_wide or len(rows) > SIZE[1]:
        raise SystemExit(f"{len(rows)} rows; too wide: {too_wide}")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=SIZE[0], file=nowhere, force_terminal=True, color_system="truecolor")
        for row in rows:
            console.print(row, highlight=False, no_wrap=True)
    FILE.write_text(console.export_svg(title="Keepsake", theme=THEME, unique_id="erasure"), "utf-8")
    print(f"Written: {FILE.name}, {len(rows)} rows")


if __name__ == "__main__":
    main()
