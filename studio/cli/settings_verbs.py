"""`studio settings`: what is set, by what, and to what else."""

from __future__ import annotations

import click

from studio.cli.frame import Frame, json_option, one_line, pass_frame, print_json
from studio.cli.say import say
from studio.reporting.terminal_text import printable
from studio.services import change_settings


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def settings(ctx: click.Context, as_json: bool) -> None:
    """List the settings that matter: their value, where it is from, and what they mean."""
    if ctx.invoked_subcommand is not None:
        return
    states = change_settings.setting_states(ctx.ensure_object(Frame).workspace.settings_file)
    if as_json:
        print_json(
            [
                {
                    "name": state.fact.name,
                    "value": state.value,
                    "default": state.default,
                    "source": state.source.value,
                    "meaning": state.fact.meaning,
                    "takes": state.fact.kind.value,
                    "effect": state.fact.effect.value,
                }
                for state in states
            ]
        )
        return
    for state in states:
        say(f"{state.fact.name:30} {one_line(state.value, 40) or state.fact.unset or '(empty)'}")
        say(f"    {state.fact.meaning} ({state.source.value}; felt {state.fact.effect.value})")


@settings.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--yes", is_flag=True, help="Do not ask before what is typed goes to a server.")
@pass_frame
def set_(frame: Frame, name: str, value: str, yes: bool) -> None:
    """Write the setting NAME to the workspace's studio.toml; its comments stay."""
    states = change_settings.setting_states(frame.workspace.settings_file)
    for state in states:
        sent = change_settings.would_send(state, value) if state.fact.name == name else ""
        if sent and not yes:
            click.confirm(f"{printable(sent)} Go on?", abort=True)
    change_settings.set_setting(frame.workspace.settings_file, name, value)
    _report(frame, name)


@settings.command()
@click.argument("name")
@pass_frame
def reset(frame: Frame, name: str) -> None:
    """Take the setting NAME out of studio.toml, so that its default holds."""
    change_settings.reset_setting(frame.workspace.settings_file, name)
    _report(frame, name)


@settings.command()
@json_option
@pass_frame
def keys(frame: Frame, as_json: bool) -> None:
    """List every action of the app and its key, by the name to use under [ui.keys] in studio.toml."""
    from studio.tui.key_names import all_keys

    found = all_keys(change_settings.remapped_keys(frame.workspace.settings_file))
    if as_json:
        print_json([{"name": one.name, "key": one.key, "default": one.default, "does": one.does} for one in found])
        return
    for one in found:
        was = f"  (instead of {one.default})" if one.key != one.default else ""
        say(f"{one.name:30} {one.key:24} {one.does}{was}")


def _report(frame: Frame, name: str) -> None:
    states = change_settings.setting_states(frame.workspace.settings_file)
    state = next(state for state in states if state.fact.name == name)
    value = one_line(state.value) or state.fact.unset or "(empty)"
    say(f"{name} = {value} ({state.source.value}), felt {state.fact.effect.value}")
