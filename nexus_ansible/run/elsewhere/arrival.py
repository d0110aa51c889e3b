# SPDX-License-Identifier: Apache-2.0
"""What the job's container runs: `python3 -m nexus_ansible.run.elsewhere.arrival PARCEL PROJECT COMMAND...`.

It unpacks the project and is `nexus-ansible COMMAND...` from then on, for the person whom the variable NEXUS_PERSON
tells. Only who may make jobs in the namespace can say that, and the ledger keeps that it was a job that said so.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from nexus_ansible import __version__
from nexus_ansible.cli.main import main
from nexus_ansible.errors import RefusedError
from nexus_ansible.run.elsewhere.job_objects import PERSON
from nexus_ansible.run.elsewhere.parcel import unpack
from nexus_ansible.run.gate import Person, act_for


def arrive(parcel: Path, project: Path, argv: list[str]) -> NoReturn:
    """Unpack a parcel, whose parts are files in the order of their names, and run the command. Ends the process."""
    unpack(b"".join(path.read_bytes() for path in sorted(parcel.iterdir()) if path.is_file()), project)
    data = json.loads(os.environ.pop(PERSON))
    if (theirs := data.pop("version")) != __version__:
        print(  # noqa: T201 - the log of the container is where its caller looks
            f"The image has nexus-ansible {__version__}, the command comes from {theirs}.\n  Have the same for both.",
            file=sys.stderr,
        )
        sys.exit(RefusedError.exit_code)
    act_for(Person(**{**data, "groups": tuple(data["groups"])}))
    os.chdir(project)
    sys.argv[1:] = argv
    main()


if __name__ == "__main__":
    arrive(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
