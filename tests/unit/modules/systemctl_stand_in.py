# SPDX-License-Identifier: Apache-2.0
"""A stand-in for systemctl(1) and journalctl(1), for machines that systemd does not run.

It knows one service, `web`, keeps its state in the file UNITS/web and answers in the form of `systemctl show`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ACTIVE = {"start": "active", "restart": "active", "stop": "inactive"}


def main() -> int:
    """Do what the real program would print and leave behind."""
    if Path(sys.argv[0]).name == "journalctl":
        print("the last words of web")
        return 0
    state = Path(os.environ["UNITS"], "web")
    scope, verb, name = sys.argv[1], sys.argv[3], sys.argv[-1]
    with state.with_name("calls").open("a", encoding="utf-8") as calls:
        calls.write(f"{scope} {verb} {name}\n")
    known = name == "web"
    if verb == "show":
        active = state.read_text(encoding="utf-8") if known else "inactive"
        pid = os.environ["MAIN_PID"] if active == "active" else "0"
        load = "loaded" if known else "not-found"
        sub = "running" if active == "active" else "dead"
        print(f"Result=success\nMainPID={pid}\nLoadState={load}\nActiveState={active}\nSubState={sub}")
        print(f"ExecMainStartTimestampMonotonic={'1000000' if active == 'active' else '0'}")
        return 0
    if not known:
        print(f"Failed to {verb} {name}.service: Unit {name}.service not found.", file=sys.stderr)
        return 5
    if os.environ.get("BROKEN"):
        print("Job for web.service failed because the control process exited with error code.", file=sys.stderr)
        return 1
    state.write_text(ACTIVE[verb], encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
