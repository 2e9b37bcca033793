"""A server of an earlier protocol that asks the user: python asking.py BIDDEN|UNBIDDEN|OPEN|END PARAMS…

The params are the JSON of an elicitation each. Its tool `ask` asks them all, and gives back what was answered. UNBIDDEN
asks them while its tools are listed, OPEN only says that they are to be opened first, and END ends once it has asked.
"""

from __future__ import annotations

import json
import sys
from typing import Any

behaviour, *given_params = sys.argv[1:]
asked = [json.loads(text) for text in given_params]
answers: list[Any] = []


def say(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def ask() -> None:
    for number, params in enumerate(asked):
        say(id=f"ask-{number}", method="elicitation/create", params=params)
        if behaviour == "END":
            sys.exit()
        answers.append(json.loads(sys.stdin.readline()).get("result"))


for line in sys.stdin:
    given = json.loads(line)
    if "id" not in given:
        continue
    match given["method"]:
        case "initialize":
            information = {"name": "asking", "version": "1"}
            result: dict[str, Any] = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": information,
            }
        case "tools/list":
            if behaviour == "UNBIDDEN":
                ask()
            hints = {"readOnlyHint": True}
            result = {"tools": [{"name": "ask", "inputSchema": {"type": "object"}, "annotations": hints}]}
        case "tools/call" if behaviour == "OPEN":
            say(id=given["id"], error={"code": -32042, "message": "first", "data": {"elicitations": asked}})
            continue
        case "tools/call":
            if behaviour != "UNBIDDEN":
                ask()
            result = {"content": [{"type": "text", "text": json.dumps(answers)}]}
        case _:
            say(id=given["id"], error={"code": -32601, "message": "unknown"})
            continue
    say(id=given["id"], result=result)
