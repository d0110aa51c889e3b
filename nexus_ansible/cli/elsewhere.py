# SPDX-License-Identifier: Apache-2.0
"""`--on`: give a command to a control node elsewhere, as it would be given to the one here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from nexus_ansible.cli.options import notice

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Platform
    from nexus_ansible.project import Project

KUBERNETES_JOB = "kubernetes-job"
_HERE = {"on", "project"}


class MovableCommand(click.Command):
    """A command with the option `--on`. Which environment's control node it is for, the command's own options tell."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        told = "Run this on the environment's control_node: a Job in a cluster."
        self.params.append(click.Option(["--on"], type=click.Choice([KUBERNETES_JOB]), help=told))

    def invoke(self, ctx: click.Context) -> Any:
        """Run it here, or give it away and end with the exit code that it had there."""
        if ctx.params.pop("on") is None:
            return super().invoke(ctx)
        code = _give_away(ctx)
        if code:
            raise click.exceptions.Exit(code)
        return None


def _give_away(ctx: click.Context) -> int:
    from nexus_ansible.compile.project import check_project
    from nexus_ansible.run.elsewhere.control_node import control_node_of
    from nexus_ansible.run.elsewhere.job import Errand, run_in_job
    from nexus_ansible.run.elsewhere.parcel import pack
    from nexus_ansible.run.gate import this_person

    project: Project = ctx.params["project"]
    platform = check_project(project).platform
    environment = _environment(platform, ctx.params.get("environment") or ctx.params.get("env"))
    node = control_node_of(environment, platform.policies[environment.name].resources)
    argv = words(ctx)
    if ctx.params.get("yes") is False and not ctx.params.get("check") and sys.stdin.isatty():
        what = f"Run `{' '.join(argv)}` in {node.namespace}, and approve yourself what needs an approval?"
        click.confirm(what, abort=True, err=True)
        argv = words(ctx, "--yes")
    errand = Errand(argv, this_person(), pack(project.root, [node.kubeconfig] if node.kubeconfig else []))
    if node.kubeconfig:
        node = replace(node, kubeconfig=str(project.root / Path(node.kubeconfig).expanduser()))
    show = _Split(bool(ctx.params.get("as_json")))
    try:
        return run_in_job(node, errand, show.line, notice)
    finally:
        show.flush()


def words(ctx: click.Context, *further: str) -> list[str]:
    """The command as it was given, but for what concerns only this machine, and with further options."""
    return [*ctx.command_path.split()[1:], *further, *_given(ctx)]


def _given(ctx: click.Context) -> Iterator[str]:
    positional = []
    for parameter in ctx.command.params:
        name = str(parameter.name)
        if name in _HERE or ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(parameter, click.Option):
            yield from _option(parameter, ctx.params[name])
        else:
            positional.append(str(ctx.params[name]))
    if positional:
        yield from ("--", *positional)


def _option(option: click.Option, value: Any) -> Iterator[str]:
    name = next(name for name in option.opts if name.startswith("--"))
    if option.is_flag:
        yield name if value else option.secondary_opts[0]
    elif option.count:
        yield from [name] * value
    else:
        for one in value if option.multiple else [value]:
            yield f"{name}={one.name if isinstance(option.type, click.File) else one}"


def _environment(platform: Platform, name: str | None) -> Environment:
    from nexus_ansible.errors import RefusedError
    from nexus_ansible.registries.problems import unknown

    known = platform.environments
    if name:
        if name not in known:
            raise RefusedError("\n  ".join(unknown("environment", name, known)))
        return known[name]
    able = [environment for environment in known.values() if environment.control_node]
    if len(able) != 1:
        names = ", ".join(environment.name for environment in able) or "none"
        raise RefusedError(f"Which control node? Environments that have one: {names}.\n  Name one of them.")
    return able[0]


class _Split:
    """What a job prints, results and messages in one stream, onto this command's standard output and error.

    JSON for machines is what comes last, from a line that is an opening bracket on.
    """

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._result: list[str] = []

    def line(self, text: str) -> None:
        """Take a line."""
        if not self._as_json:
            click.echo(text)
            return
        if text in {"{", "["}:
            self._tell()
        if text in {"{", "["} or self._result:
            self._result.append(text)
        else:
            notice(text)

    def flush(self) -> None:
        """There is no more."""
        if self._result:
            click.echo("\n".join(self._result))

    def _tell(self) -> None:
        for text in self._result:
            notice(text)
        self._result.clear()
