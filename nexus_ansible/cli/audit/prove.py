# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit prove`."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from nexus_ansible.cli.options import json_option, print_json
from nexus_ansible.project import find_project


@click.command(epilog="Example: nexus-ansible audit prove --check record-17.proof --key key.pub")
@click.argument("record", type=click.IntRange(min=0), required=False)
@click.option(
    "--check",
    "proof",
    type=click.File(errors="replace"),
    help="Check this proof instead of writing one; needs --key and no ledger.",
)
@click.option("--key", "key_file", type=click.File(errors="replace"), help="Public key of the ledger's owner.")
@click.option("--project", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The project.")
@json_option
def command(
    record: int | None,
    proof: TextIO | None,
    key_file: TextIO | None,
    project: Path | None,
    as_json: bool,
) -> None:
    """Write the proof that a record is in the ledger, or check one with the public key alone.

    The proof is a C2SP tlog-proof: it holds the record, and whoever has it needs nothing else of ours.
    """
    from nexus_ansible.ledger.proof import prove, verify_proof

    if proof is not None:
        if key_file is None:
            raise click.UsageError("--check needs --key: the public key of the ledger's owner")
        print_json(verify_proof(proof.read(), key_file.read().strip()))
        return
    if record is None:
        raise click.UsageError("name a record, or a proof to check")
    text = prove(find_project((project or Path.cwd()).resolve()).ledger, record)
    if as_json:
        print_json({"record": record, "proof": text})
    else:
        click.echo(text, nl=False)
