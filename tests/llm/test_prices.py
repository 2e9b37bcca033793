"""What a model costs: by the list where it is elsewhere, nothing where it is here, no guess where that isn't known."""

from __future__ import annotations

from assistant.llm.prices import FREE, price_of


def test_a_model_of_a_service_has_its_list_price() -> None:
    price = price_of("gpt-4o-mini", "https://api.openai.com/v1")
    assert price is not None
    assert (price.input, price.output) == (0.15, 0.6)
    assert price.cost(2_000_000, 500_000) == 600_000


def test_a_model_on_this_machine_is_free_whatever_its_name() -> None:
    assert price_of("gpt-4o-mini", "http://127.0.0.1:11434/v1") == FREE


def test_what_the_list_does_not_know_has_no_price() -> None:
    assert price_of("gpt-4o-mini", "https://models.example/v1") is None
    assert price_of("no-such-model", "https://api.openai.com/v1") is None
