"""`keepsake tools` lists what a model may use, and has asked again about what was allowed for always."""

from __future__ import annotations

from memory_store import Store
from tests.cli.conftest import Shell
from tests.support.embedder import HashEmbedder


def test_what_is_allowed_for_always_is_listed_until_it_is_taken_back(keepsake: Shell) -> None:
    told = keepsake("tools", "list").out
    assert "remember" in told
    assert "ALWAYS ALLOWED" not in told
    with Store.open(keepsake.data, HashEmbedder()) as store:
        store.approvals.allow("0" * 64, "blog__post", "blog\x1b[2J")
    assert keepsake("tools", "list").out.splitlines()[-1].split()[:2] == ["blog__post", "blog"]
    listed = keepsake("tools", "list", "--json").json
    assert [(item["tool"], item["origin"]) for item in listed["allowed"]] == [("blog__post", "blog\x1b[2J")]
    assert {tool["name"]: tool["effect"] for tool in listed["tools"]}["remember"] == "write"
    assert keepsake("tools", "revoke", "blog__post").code == 0
    again = keepsake("tools", "revoke", "blog__post")
    assert (again.code, "was not allowed" in again.err) == (1, True)
