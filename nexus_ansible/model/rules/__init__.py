# SPDX-License-Identifier: Apache-2.0
"""Rules that no schema can express: one function each, one file for each registry they start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nexus_ansible.model.rules.environments import environment_rules
from nexus_ansible.model.rules.monitoring import monitoring_rules
from nexus_ansible.model.rules.security import security_rules
from nexus_ansible.model.rules.services import service_rules
from nexus_ansible.model.rules.workflows import added_workflows, workflow_rules
from nexus_ansible.registries.problems import Problem
from nexus_ansible.registries.references import malformed
from nexus_ansible.registries.registry_set import Registries

Rule = Callable[[Registries], Iterator[Problem]]
RULES: tuple[Rule, ...] = (malformed, service_rules, workflow_rules, monitoring_rules, security_rules)


def check_rules(registries: Registries, views: Mapping[str, Registries]) -> list[Problem]:
    """Every broken rule, in the registries themselves and as each environment sees them."""
    distinct = {id(view): view for view in (registries, *views.values())}
    problems = [problem for view in distinct.values() for rule in RULES for problem in rule(view)]
    for name, view in views.items():
        problems.extend(environment_rules(view, name))
        problems.extend(added_workflows(registries, view, name))
    return problems
