# SPDX-License-Identifier: Apache-2.0
"""Where instances run. A runner is one file here and one entry below, or an entry point of another package.

A package brings one as `NAME = "module:object"` in the group `nexus_ansible.runners` of its entry points
(https://packaging.python.org/specifications/entry-points/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from nexus_ansible.compile.runners.aws import AwsRunner
from nexus_ansible.compile.runners.azure import AzureRunner
from nexus_ansible.compile.runners.docker import DockerRunner
from nexus_ansible.compile.runners.kubernetes import KubernetesRunner
from nexus_ansible.compile.runners.local import LocalRunner
from nexus_ansible.compile.runners.ssh import SshRunner
from nexus_ansible.errors import RegistryError
from nexus_ansible.registries.problems import unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from nexus_ansible.model.platform import Environment, Instance
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

ENTRY_POINTS = "nexus_ansible.runners"


class Runner(Protocol):
    """What a runner adds to an environment's inventory; its role places, drains, replaces and removes instances."""

    @property
    def role(self) -> str:
        """Full name of its role, such as `nexus.automation.runner_machine`."""
        ...

    @property
    def settings(self) -> Collection[str]:
        """Keys of the registry's environment that mean something to it, besides those of every environment."""
        ...

    @property
    def passes(self) -> Collection[str]:
        """Variables of the caller's environment that Ansible gets to see, such as `AWS_*`: where credentials are."""
        ...

    def requires(self, environment: Environment) -> Collection[str]:
        """What the control node must have besides this package, as Python imports it: `docker`, or for a collection
        `ansible_collections.community.docker`.
        """
        ...

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """What the environment at a path has wrong that no other runner would mind."""
        ...

    def variables(self, environment: Environment) -> Mapping[str, Any]:
        """Variables of all hosts."""
        ...

    def machines(self, environment: Environment) -> Mapping[str, Mapping[str, Any]]:
        """The computers, with their variables: hosts of the group `machines`."""
        ...

    def connection(self, environment: Environment) -> Mapping[str, Any]:
        """Variables of the groups `machines` and `services`: how Ansible reaches their hosts."""
        ...

    def placement(self, environment: Environment, instance: Instance) -> Mapping[str, Any]:
        """Variables of one instance: which machine it is on."""
        ...

    def addresses(self, environment: Environment) -> Collection[str]:
        """URLs at which people reach the environment, as far as the registries tell them."""
        ...

    def files(self, environment: Environment) -> Mapping[str, str]:
        """Text of further files, by their paths in the project, which `nexus_ansible.compile.paths` gives.

        Where the environment has a discovery, Ansible reads those beside the inventory in the order of their names, but
        for those in `.txt`. Others must be called so: their inventory may be used as a directory, too.
        """
        ...


RUNNERS: dict[str, Runner] = {
    "aws": AwsRunner(),
    "azure": AzureRunner(),
    "docker": DockerRunner(),
    "kubernetes": KubernetesRunner(),
    "local": LocalRunner(),
    "ssh": SshRunner(),
}


class RunnerError(RegistryError):
    """There is no such runner, or none that can be used. `what` and `hint` are those of a problem."""

    def __init__(self, what: str, hint: str) -> None:
        self.what, self.hint = what, hint
        super().__init__(f"{what}\n  {hint}")


def find_runner(name: str) -> Runner:
    """The runner of a name: a built-in one, else that of another package. Raises RunnerError."""
    return RUNNERS[name] if name in RUNNERS else _packaged_runner(name)


def runner_packages(names: Iterable[str]) -> list[str]:
    """Packages that bring runners of these names, each with its version; none for built-in ones."""
    return sorted({_package(point) for name in names if name not in RUNNERS for point in _entry_points(name)})


def _packaged_runner(name: str) -> Runner:
    found = _entry_points(name)
    if not found:
        from importlib.metadata import entry_points

        raise RunnerError(*unknown("runner", name, {*RUNNERS, *entry_points(group=ENTRY_POINTS).names}))
    if len(found) > 1:
        packages = " and ".join(_package(point) for point in found)
        raise RunnerError(f'runner "{name}" comes from {packages}', "Uninstall all but one of them.")
    (point,) = found
    source = f'runner "{name}" of {_package(point)}'
    try:
        runner: Runner = point.load()
    except (ImportError, AttributeError) as error:
        raise RunnerError(f"{source} cannot be loaded: {error}", "Install the package anew, or remove it.") from error
    missing = sorted(member for member in vars(Runner) if member[0] != "_" and not hasattr(runner, member))
    if missing:
        raise RunnerError(f"{source} lacks {', '.join(missing)}", "Install a version that fits this nexus-ansible.")
    return runner


def _entry_points(name: str) -> list[EntryPoint]:
    """Packages are asked only for names that are not built in, because that reads a file of each one installed."""
    from importlib.metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINTS, name=name), key=_package)


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
