"""What counts as staying on this machine."""

from __future__ import annotations

import ssl

import httpx2
import pytest

from memory_store.network import client_options, display_url, host_of, is_loopback, without_secrets

LOOPBACK = [
    "http://127.0.0.1",
    "http://127.0.0.1:11434/v1",
    "https://127.255.255.254/v1",
    "http://localhost:1234/v1",
    "http://LOCALHOST:1234/v1",
    "http://[::1]:8080/v1",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://user:word@127.0.0.1/v1",
]
ELSEWHERE = [
    "https://api.openai.com/v1",
    "http://localhost.evil.com",
    "http://127.0.0.1.evil.com/v1",
    "http://127.0.0.1@evil.com/v1",
    "http://evil.com\\@127.0.0.1/",
    "http://evil.com@other@127.0.0.1/",
    "http://evil.com#@127.0.0.1/",
    "http://evil.com?@127.0.0.1/",
    "http://evil.com/127.0.0.1",
    "http://0.0.0.0:8080",
    "http://128.0.0.1",
    "http://192.168.1.5:11434",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::1%25eth0]/",
    "http://[::2]/",
    "http://localhost\u3002evil.com/",
    "http://１２７.0.0.1/",
    "http://127.0.0.1 .evil.com/",
    "http://127.0.0.1\n.evil.com/",
    "http://127.0.0.1:port/",
    "http://[::1/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "127.0.0.1:8080",
    "localhost",
    "",
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_addresses_of_this_machine_are_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_nothing_else_is_loopback(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_the_http_client_reads_the_same_host(url: str) -> None:
    host = httpx2.URL(url).host
    assert is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}")


def test_a_url_is_shown_without_secrets() -> None:
    assert display_url("https://me:hush@api.example.com:8443/v1/?key=hush#hush") == "https://api.example.com:8443/v1"
    assert display_url("http://[::1]:80/v1") == "http://[::1]:80/v1"
    assert "hush" not in display_url("http://hush:[")


def test_the_host_of_a_malformed_url_is_empty() -> None:
    assert host_of("https://API.openai.com/v1") == "api.openai.com"
    assert host_of("http://[::1") == ""


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@models.example/v1", "https://models.example/v1"),
        ("https://models.example/v1?key=secret&api-version=2", "https://models.example/v1"),
        ("https://models.example:noport@x/v1#secret", "https://x/v1"),
        ("http://me:secret@127.0.0.1:badport/v1", "http://127.0.0.1:badport/v1"),
        ("HTTPS://me:secret@models.example", "HTTPS://models.example"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("mail me@example.org?", "mail me@example.org?"),
    ],
)
def test_address_is_shown_without_what_may_be_a_key(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


def test_certificates_are_read_once_for_all_clients_and_servers_are_verified_with_them() -> None:
    page, model = (client_options(url) for url in ("https://a.example/page", "https://models.example/v1"))
    assert page["verify"] is model["verify"]
    assert page["verify"].verify_mode is ssl.CERT_REQUIRED
    assert page["verify"].check_hostname


def test_no_redirect_is_followed_and_nothing_of_the_environment_is_heard_on_loopback() -> None:
    assert {client_options(url)["follow_redirects"] for url in (LOOPBACK[0], ELSEWHERE[0])} == {False}
    assert not client_options(LOOPBACK[0])["trust_env"]
    assert client_options(ELSEWHERE[0])["trust_env"]
    assert client_options(LOOPBACK[0])["verify"] is not client_options(ELSEWHERE[0])["verify"]
