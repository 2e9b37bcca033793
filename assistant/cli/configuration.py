"""`keepsake config`: see, write and check the settings."""

from __future__ import annotations

import difflib
import json
import os
from typing import Annotated, Any

import typer

from assistant import config, crash_log
from assistant.cli.context import invocation
from assistant.cli.output import print_json, say, show
from assistant.errors import ConfigError
from assistant.setting import all_settings, keep
from memory_store.network import without_secrets

_group = typer.Typer(help="See, write and check the settings.\n\nExample: keepsake config init", no_args_is_help=True)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="config")


@_group.command("show")
def show_(context: typer.Context, as_json: _Json = False) -> None:
    """Print the settings in force; of an address without what may be a key inside it.

    Example: keepsake config show
    """
    settings = _without_secrets(invocation(context).settings().as_table())
    if as_json:
        print_json(settings)
        return
    for name, value in settings.items():
        if isinstance(value, dict):
            show(f"\n[{name}]")
            for inner, setting in value.items():
                show(f"{inner} = {json.dumps(setting, ensure_ascii=False)}")
        else:
            show(f"{name} = {json.dumps(value, ensure_ascii=False)}")


def _without_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_secrets(value)
        if isinstance(value, dict)
        else without_secrets(value)
        if isinstance(value, str)
        else value
        for name, value in settings.items()
    }


@_group.command("init")
def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option(help="Replace the file if it exists.")] = False,
) -> None:
    """Write a configuration file with every setting at its default, each explained.

    Example: keepsake config init
    """
    path = config.config_path(invocation(context).config)
    if path.exists() and not force:
        raise ConfigError(f"{path} exists.", "Edit it, or give --force to replace it.")
    config.write_private(path, config.default_text())
    show(str(path))


@_group.command("set")
def set_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The setting, such as `recall.passages`.", show_default=False)],
    value: Annotated[str, typer.Argument(help="Its value; the parts of a list with commas.", show_default=False)],
) -> None:
    """Change one setting in the configuration file, whose comments stay.

    Example: keepsake config set chat.theme keepsake-light
    """
    settings = {item.full_name: item for item in all_settings()}
    if name not in settings:
        near = difflib.get_close_matches(name, settings, n=1, cutoff=0.5)
        raise ConfigError(
            f"{name} is not a setting.",
            f"Did you mean {near[0]}?" if near else "`keepsake config show` lists them, each as section.name.",
        )
    setting = settings[name]
    try:
        checked = setting.parse(value)
    except ValueError as error:
        raise ConfigError(f"{name} can't be {without_secrets(value)!r}: {error}.", setting.explanation) from error
    chosen = invocation(context)
    path = config.config_path(chosen.config)
    keep(path, setting.section, {setting.name: checked})
    say(f"{name} is kept in {path}.")
    if setting.is_overridden:
        say(f"The environment variable {setting.variable} overrides it.")


@_group.command("validate")
def validate(context: typer.Context) -> None:
    """Check the configuration file.

    Example: keepsake config validate
    """
    from assistant.tui import keymap

    chosen = invocation(context)
    problems = keymap.problems(chosen.settings().keys)
    path = config.config_path(chosen.config)
    if problems:
        told = " ".join(problems)
        raise ConfigError(f"The [keys] in {path} can't be in force: {told}", "F1 in the chat lists the names.")
    say(f"{path} is valid." if path.is_file() else f"There is no {path}; the defaults are in force.")


@_group.command("path")
def path_(context: typer.Context, as_json: _Json = False) -> None:
    """Print where the configuration, the data and the log of failures are.

    Example: keepsake config path
    """
    chosen = invocation(context)
    data = chosen.settings().data_folder
    paths = {"config": str(config.config_path(chosen.config)), "data": str(data), "log": str(data / crash_log.NAME)}
    if as_json:
        print_json(paths)
    else:
        for name, value in paths.items():
            show(f"{name}: {os.fspath(value)}")
