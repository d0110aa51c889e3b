# SPDX-License-Identifier: Apache-2.0
"""The command `nexus-ansible`: its subcommands, and the only place that catches errors."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from nexus_ansible import __version__
from nexus_ansible.cli.lazy import LazyCommands
from nexus_ansible.cli.options import notice
from nexus_ansible.cli.streams import open_standard_streams
from nexus_ansible.errors import NexusError

COMMANDS = {
    "init": "Make a project that applies as it stands.",
    "validate": "Check the five registries and tell every problem.",
    "compile": "Turn the registries into playbooks and inventories.",
    "plan": "Show what a deployment would run and change.",
    "apply": "Deploy an environment.",
    "run": "Run any workflow or pipeline.",
    "resume": "Go on with a run at the step where it failed.",
    "status": "Show instances, health, versions and the last runs.",
    "explain": "Tell where a value comes from.",
    "graph": "Draw services, waves and workflows.",
    "down": "Take an environment down.",
    "audit": "Read and verify the ledger.",
    "completion": "Print the completion script of a shell.",
}
UNEXPECTED = 3
INTERRUPTED = 130
OUTPUT_LOST = 1
COLLECT_AFTER = 50_000
"""New objects before the garbage collector looks at them; with Python's 700 it keeps working while modules load."""


@click.group(
    cls=LazyCommands,
    package="nexus_ansible.cli",
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: nexus-ansible apply production. Exit codes: 0 done, 1 output not written, 2 usage, 3 unexpected, "
    "4 invalid registry, 5 drift, 6 failed run, 7 refused, 8 timeout, 9 ledger integrity, 10 ledger completeness, "
    "130 interrupted.",
)
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """Five YAML registries, compiled to Ansible, run, and recorded in a ledger that anyone can verify."""


def main() -> NoReturn:
    """Run the command line and end the process with a documented exit code."""
    gc.set_threshold(COLLECT_AFTER)
    open_standard_streams()
    try:
        code = cli.main(prog_name="nexus-ansible", standalone_mode=False)
        sys.stdout.flush()  # at the end of the process nobody would be told that it failed
    except BrokenPipeError:
        _end(OUTPUT_LOST)
    except click.Abort:
        _end(INTERRUPTED, "interrupted")
    except click.ClickException as error:
        error.show()
        _end(error.exit_code)
    except KeyboardInterrupt:
        _end(INTERRUPTED, "interrupted")
    except NexusError as error:
        _end(error.exit_code, str(error))
    except Exception as error:  # noqa: BLE001 - the one place where everything ends
        _end(UNEXPECTED, f"unexpected {type(error).__name__}: {error}\n  The full report is in {_report()}.")
    _end(code or 0)  # click gives the code of its `Exit`, which --help and --json end with, instead of raising it


def _end(code: int, message: str = "") -> NoReturn:
    if message:
        notice(message)
    with suppress(OSError, NexusError):
        sys.stdout.flush()
    os._exit(code)  # every file is closed by now, and to take all modules apart takes longer than many a command


def _report() -> Path:
    """Write the traceback to a file that only its owner can read; return its path."""
    import tempfile
    import traceback

    state = Path.cwd() / ".nexus"
    directory = state if state.is_dir() and os.access(state, os.W_OK) else None
    descriptor, name = tempfile.mkstemp(dir=directory, prefix="nexus-ansible-error-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"nexus-ansible {__version__}\npython {sys.version}\n\n{traceback.format_exc()}")
    return Path(name)
