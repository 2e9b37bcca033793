"""What a model costs: by the list where it is elsewhere, nothing where it is here, no guess where that isn't known."""

from __future__ import annotations

from assistant.llm.prices import FREE, Price, cost_of, price_of


def test_a_model_of_a_service_has_its_list_price() -> None:
    price = price_of("gpt-4o-mini", "https://api.openai.com/v1")
    assert price is not None
    assert (price.input, price.output) == (0.15, 0.6)
    assert price.cost(2_000_000, 500_000) == 600_000


def test_a_model_on_this_machine_is_free_whatever_its_name() -> None:
    assert price_of("gpt-4o-mini", "http://127.0.0.1:11434/v1") == FREE


def test_a_request_costs_what_its_tokens_do_those_read_before_less() -> None:
    openai = "https://api.openai.com/v1"
    assert cost_of("gpt-4o-mini", openai, 1_000_000, 1_000_000) == 750_000
    assert cost_of("gpt-4o-mini", openai, 1_000_000, 0, 1_000_000) == 75_000
    assert cost_of("gpt-4o-mini", openai, 10, 0, 50) == cost_of("gpt-4o-mini", openai, 10, 0, 10)
    assert cost_of("gpt-4o-mini", "https://models.example/v1", 10, 10) is None
    assert cost_of("gpt-4o-mini", None, 10, 10) == cost_of("gpt-4o-mini", "http://127.0.0.1:1/v1", 10, 10) == 0


def test_the_users_own_price_comes_before_the_lists_and_before_free() -> None:
    own = {"gpt-4o-mini": Price(1.0, 2.0)}
    for base_url in ("https://api.openai.com/v1", "http://127.0.0.1:1/v1", None):
        assert cost_of("gpt-4o-mini", base_url, 10, 10, 5, own) == 30


def test_what_the_list_does_not_know_has_no_price() -> None:
    assert price_of("gpt-4o-mini", "https://models.example/v1") is None
    assert price_of("no-such-model", "https://api.openai.com/v1") is None


def test_a_batch_costs_half_where_the_list_says_so_and_the_same_elsewhere() -> None:
    for name, base_url in (
        ("gpt-4o", "https://api.openai.com/v1"),
        ("claude-sonnet-4-5", "https://api.anthropic.com/v1"),
    ):
        usual, in_batch = (cost_of(name, base_url, 1_000_000, 1_000_000, in_batch=late) for late in (False, True))
        assert in_batch is not None
        assert usual == 2 * in_batch > 0
    deepseek = "deepseek-chat", "https://api.deepseek.com/v1", 1_000_000, 1_000_000
    assert cost_of(*deepseek, in_batch=True) == cost_of(*deepseek)
    own = {"gpt-4o": Price(1.0, 2.0)}
    assert cost_of("gpt-4o", "https://api.openai.com/v1", 10, 10, 0, own, in_batch=True) == 30
