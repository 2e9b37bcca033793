"""`keepsake model`: set up, list, try, switch and remove who answers."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from assistant import config, model_setup
from assistant.cli.context import invocation
from assistant.cli.output import complain, print_json, say, show, table
from assistant.config import NamedModel, Settings
from assistant.errors import ConfigError, CredentialError, ModelError
from assistant.llm.detection import detect
from assistant.llm.prices import FREE
from assistant.llm.probing import ListedModel, Probe
from assistant.llm.providers import SERVICES
from assistant.llm.roles import FALLBACKS
from assistant.llm.settings import BatchShape
from memory_store.network import display_url, is_loopback

_group = typer.Typer(
    help="Set up, list, try and switch who answers.\n\nExample: keepsake model add openrouter", no_args_is_help=True
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Name = Annotated[str, typer.Argument(help="The model's name in `keepsake model list`.", show_default=False)]
_MOST_SHOWN: Final = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="model")


@_group.command("add")
def add(
    context: typer.Context,
    where: Annotated[
        str | None,
        typer.Argument(help="A service's name, an address, or a GGUF file.", show_default=False),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model, as it is called there.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="What to call it here.", show_default=False)] = None,
    key_env: Annotated[str, typer.Option(help="The environment variable that holds the key.", show_default=False)] = "",
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read the key from standard input.")] = False,
    context_tokens: Annotated[
        int | None, typer.Option(help="The context window; found by itself where it can be.", show_default=False)
    ] = None,
    batch: Annotated[
        BatchShape | None, typer.Option(help="Which batch API the endpoint has, for answers later.", show_default=False)
    ] = None,
    test: Annotated[bool, typer.Option(help="Ask it for a real answer before it is kept.")] = True,
) -> None:
    """Set up a model and have it answer: a service or address, its key, one of its models, a trial.

    With the name of a role (`fast`, `learn`, `later`) it takes that, and who answers stays. On a terminal what is
    missing is asked for. The key is typed unseen and kept in the system's keyring or in a file that only you can read,
    never in the settings.

    Example: keepsake model add http://127.0.0.1:11434 --model llama3.2
    """
    chosen = invocation(context)
    settings, file = chosen.settings(), config.config_path(chosen.config)
    typed = where or _asked_where()
    if typed.casefold().endswith(".gguf"):
        path = Path(typed).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(f"There is no file {path}.", _recommendation())
        found = NamedModel("embedded", path.stem, model_path=str(path), context_tokens=context_tokens or 8192)
        tried = asyncio.run(model_setup.try_again(settings, found)) if test else None
    else:
        endpoint = model_setup.endpoint(typed, key_env)
        given = _given_key(endpoint, key_stdin=key_stdin)
        endpoint = replace(endpoint, key=given or endpoint.key, batch=batch.value if batch else "")
        try:
            found, tried = asyncio.run(_found(endpoint, model, settings, context_tokens, test=test))
        except CredentialError as error:
            if endpoint.key is not None or not sys.stdin.isatty():
                raise
            complain(error)  # a server at home that wants one after all
            given = _typed_key(endpoint)
            endpoint = replace(endpoint, key=given)
            found, tried = asyncio.run(_found(endpoint, model, settings, context_tokens, test=test))
        if given:
            say(f"The key is kept in {model_setup.keep_endpoint_key(endpoint)}.")
    called = model_setup.free_name(settings, found, name or "")
    model_setup.keep_named(file, called, found)
    if tried is not None:
        _tell(tried)
    if called in FALLBACKS:
        show(f"{found.name} has the role {called} from now on. It reads {found.context_tokens:,} tokens.")
        return
    model_setup.keep_in_use(file, found)
    show(f"{called} answers from now on. It reads {found.context_tokens:,} tokens.")
    _warn_of_environment()


async def _found(
    endpoint: model_setup.Endpoint, name: str | None, settings: Settings, window: int | None, *, test: bool
) -> tuple[NamedModel, Probe | None]:
    """Return the model that is meant at an endpoint, and what a trial of it showed. Raises ModelError."""
    known: ListedModel | None = None
    if name is None:
        known = _choose(await model_setup.listed(endpoint), endpoint)
        name = known.name
    if test:
        say(f"Asking {name} at {display_url(endpoint.base_url)}…")
    tried = await model_setup.try_out(endpoint, name, settings) if test else None
    window = window or (tried.context_tokens if tried else None) or (known.context_tokens if known else None)
    return model_setup.named_model(endpoint, name, tried, window), tried


@_group.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List who does what, the models that are set up, and what else was found on this machine.

    A model whose name is that of a role (`chat`, `fast`, `learn`, `later`) has that role; others fall back.

    Example: keepsake model list
    """
    settings = invocation(context).settings()
    assigned = model_setup.assigned(settings)
    used = model_setup.in_use(settings)
    there = [(model.base_url, model.name) for model in settings.models.values()]
    others = [model for model in asyncio.run(detect()) if model.name and (model.base_url, model.name) not in there]
    if as_json:
        models = [
            {
                "name": name,
                "model": model.name,
                "endpoint": display_url(model.base_url) if model.base_url else None,
                "file": model.model_path or None,
                "context_tokens": model.context_tokens,
                "can": model.can,
                "in_use": name == used,
            }
            for name, model in settings.models.items()
        ]
        found = [{"model": model.name, "endpoint": model.base_url, "detail": model.detail} for model in others]
        roles = [
            {
                "role": item.role.value,
                "by": item.by.value if item.by else None,
                "model": item.name or None,
                "where": item.where or None,
                "local": item.is_private,
                "price": asdict(item.price) if item.price else None,
            }
            for item in assigned
        ]
        print_json({"roles": roles, "models": models, "found": found})
        return
    table(
        ["Role", "Who", "Where", "Price, per million tokens"],
        [(item.role.value, _who(item), _where(item), _price(item)) for item in assigned],
    )
    rows = [
        (
            "→" if name == used else "",
            name,
            f"{model.context_tokens:,}",
            " ".join(model.can),
            display_url(model.base_url) if model.base_url else model.model_path,
        )
        for name, model in settings.models.items()
    ]
    if rows:
        table(["", "Name", "Window", "Can", "Where"], rows)
    else:
        say("No model is set up. `keepsake model add` does that.")
    for model in others:
        say(f"Found: {model.name}, {model.detail}")
    if not rows and not others:
        say(_recommendation())


def _who(item: model_setup.Assigned) -> str:
    if item.by is None:
        return "nobody: no batch API is set up"
    stands_in = f" (as {item.by.value})" if item.by is not item.role else ""
    return f"{item.name or 'quotations'}{stands_in}"


def _where(item: model_setup.Assigned) -> str:
    return item.where or ("this machine" if item.by else "")


def _price(item: model_setup.Assigned) -> str:
    if item.by is None:
        return ""
    if item.price is None:
        return "not known"
    return "nothing" if item.price == FREE else f"${item.price.input:g} in, ${item.price.output:g} out"


@_group.command("use")
def use(context: typer.Context, name: _Name) -> None:
    """Have another model answer from now on; `quote` goes back to quotations.

    Example: keepsake model use llama3.2
    """
    chosen = invocation(context)
    file = config.config_path(chosen.config)
    if name == "quote":
        model_setup.keep_quoting(file)
    else:
        model_setup.keep_in_use(file, model_setup.find(chosen.settings(), name))
    show(f"{name} answers from now on.")
    _warn_of_environment()


@_group.command("test")
def try_(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A name in `keepsake model list`; else the one in use.", show_default=False)
    ] = None,
) -> None:
    """Ask a model for a real answer, see what its endpoint can, and remember that with its window.

    Example: keepsake model test
    """
    chosen = invocation(context)
    settings, file = chosen.settings(), config.config_path(chosen.config)
    called = name or model_setup.in_use(settings)
    found = model_setup.find(settings, called) if called else model_setup.as_named(settings.model)
    tried = asyncio.run(model_setup.try_again(settings, found))
    _tell(tried)
    found = replace(found, can=tried.can, context_tokens=tried.context_tokens or found.context_tokens)
    if called:
        model_setup.keep_named(file, called, found)
        if called == model_setup.in_use(settings):
            model_setup.keep_in_use(file, found)
    show(f"It reads {found.context_tokens:,} tokens.")


@_group.command("remove")
def remove(context: typer.Context, name: _Name) -> None:
    """Take a model out of the settings, and its key with it where nothing else is asked there.

    Example: keepsake model remove llama3.2
    """
    chosen = invocation(context)
    with_key = model_setup.remove(config.config_path(chosen.config), chosen.settings(), name)
    show(f"{name} is removed{', with the key of its endpoint' if with_key else ''}.")


def _asked_where() -> str:
    if not sys.stdin.isatty():
        services = ", ".join(service.id for service in SERVICES)
        raise ConfigError("Nothing was named to set up.", f"Give an address, a GGUF file, or one of: {services}.")
    found = [model for model in asyncio.run(detect()) if model.base_url and model.name]
    places = list(dict.fromkeys(model.base_url for model in found if model.base_url))
    lines = [*places, *(service.id for service in SERVICES)]
    for number, line in enumerate(lines, start=1):
        say(f"{number:>3}. {line}")
    if not places:
        say(_recommendation())
    typed = input("A number, an address or a GGUF file: ").strip()
    return lines[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(lines) else typed


def _given_key(endpoint: model_setup.Endpoint, *, key_stdin: bool) -> str | None:
    """Return a key that is given now; None where there is one already, or none is needed."""
    if key_stdin:
        return sys.stdin.readline().strip() or None
    if endpoint.key is not None or is_loopback(endpoint.base_url) or not sys.stdin.isatty():
        return None
    return _typed_key(endpoint)


def _typed_key(endpoint: model_setup.Endpoint) -> str | None:
    return getpass.getpass(f"The key of {endpoint.title} (it is not shown; Enter for none): ").strip() or None


def _choose(found: Sequence[ListedModel], endpoint: model_setup.Endpoint) -> ListedModel:
    """Return the only model of a list, or the one that is chosen on a terminal. Raises ModelError."""
    if len(found) == 1:
        return found[0]
    if not sys.stdin.isatty():
        names = ", ".join(model.name for model in found[:_MOST_SHOWN])
        more = f" … {len(found)} in all" if len(found) > _MOST_SHOWN else ""
        raise ModelError(f"{endpoint.title} has several models.", f"Name one with --model: {names}{more}.")
    shown = list(found)
    while len(shown) != 1:
        for number, model in enumerate(shown[:_MOST_SHOWN], start=1):
            say(f"{number:>3}. {model.name}  {_about(model)}")
        if len(shown) > _MOST_SHOWN:
            say(f"     … and {len(shown) - _MOST_SHOWN:,} more")
        typed = input("A number, or a part of the name: ").strip().casefold()
        if typed.isdecimal() and 0 < int(typed) <= min(len(shown), _MOST_SHOWN):
            return shown[int(typed) - 1]
        shown = [model for model in found if typed in model.name.casefold()] or list(found)
    return shown[0]


def _about(model: ListedModel) -> str:
    window = f"{model.context_tokens:,} tokens" if model.context_tokens else ""
    price = ""
    if model.price is not None:
        price = (
            "free" if model.price == FREE else f"${model.price.input:.2f} in, ${model.price.output:.2f} out per million"
        )
    return " · ".join(part for part in (window, price) if part)


def _tell(tried: Probe) -> None:
    """Print what came of a trial."""
    speed = f", {tried.tokens_per_s:.0f} tokens a second" if tried.tokens_per_s else ""
    show(f"It said: {' '.join(tried.answer.split())}")
    show(f"First word after {tried.first_s:.1f} s{speed}.")
    names = {"stream": "streaming", "schema": "JSON by a schema", "tools": "tools", "images": "images"}
    show(f"It can: {', '.join(names[item] for item in tried.can) or 'nothing beside answering'}.")


def _recommendation() -> str:
    """Return how someone with nothing installed gets a model, in three lines."""
    files = "; ".join(f"{size} of memory: {name} ({large})" for size, name, large in model_setup.RECOMMENDED)
    return (
        "Free on this machine: install Ollama from https://ollama.com, then `ollama pull qwen3:4b` and this again.\n"
        "Elsewhere, at a price: get a key from https://openrouter.ai/keys, then `keepsake model add openrouter`.\n"
        f"Or a file of your own with the extra `local`: {files}."
    )


def _warn_of_environment() -> None:
    names = [name for name in os.environ if name.upper().startswith("KEEPSAKE_MODEL__")]
    if names:
        complain(ConfigError(f"The environment overrides it: {', '.join(sorted(names))}.", "Unset these variables."))
