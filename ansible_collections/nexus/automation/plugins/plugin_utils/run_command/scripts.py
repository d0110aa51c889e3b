# SPDX-License-Identifier: Apache-2.0
"""The shell scripts that run on the machine; they need sh, the core utilities, setsid(1), and curl or python3.

The API is given the loader only. It fetches the steps, which are an object in the store that is deleted afterwards, and
carries the result back as another. So the API's records hold neither the command nor its input nor its output.

A warden, in a session of its own, waits until the loader is gone: it holds the reading end of a pipe that the loader
has open. However the loader ends (the cloud's agents kill it on cancelling and on running out of time, some of them
without its children), the warden ends the command and removes every file.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

NO_SCRATCH = 91
NO_CARRIER = 92
NOT_DOWNLOADED = 93
NOT_UPLOADED = 94
NO_SUCH_FILE = 95
NOT_WRITTEN = 96
URL = "NEXUS_URL"
_SCRATCH = "/tmp/nexus-run-command."  # noqa: S108 - made with mkdir, under a name that nobody can guess

_PYTHON_CARRIER = """
import os, shutil, sys, urllib.request as http
method, path, header = sys.argv[1:]
url = os.environ["NEXUS_CARRY"]
if method == "PUT":
    with open(path, "rb") as source:
        request = http.Request(url, source, method="PUT", headers={"Content-Type": "application/octet-stream"})
        request.add_header("Content-Length", str(os.stat(path).st_size))
        if header:
            request.add_header(*header.split(": "))
        http.urlopen(request, timeout=60).close()
else:
    with http.urlopen(url, timeout=60) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)
    if os.stat(path).st_size != int(source.headers["Content-Length"]):
        sys.exit("the answer was cut short")
"""

_WARDEN = """
while read -r line; do :; done
if [ -s "$1/group" ]; then
  group=$(cat "$1/group"); tries=0
  kill -s TERM -- "-$group"
  while kill -s 0 -- "-$group" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -s KILL -- "-$group"
fi
rm -rf "$1"
"""

_LOADER = """#!/bin/sh
nexus_url=$NEXUS_URL; unset NEXUS_URL
nexus_scratch=@SCRATCH@
nexus_mask=$(umask); umask 077
if [ -z "${HOME:-}" ]; then HOME=$(getent passwd "$(id -u)" | cut -d: -f6); export HOME; fi
nexus_carry() {
  if command -v curl > /dev/null; then
    if [ "$1" = PUT ]; then set -- --upload-file "$2" "$3"; else set -- --output "$2" "$3"; fi
    printf 'url = "%s"\\n' "$3" | curl --config - --globoff --fail --silent --show-error --retry 3 \\
      --connect-timeout 20 ${nexus_header:+--header "$nexus_header"} "$1" "$2"
  elif command -v python3 > /dev/null; then
    NEXUS_CARRY=$3 python3 -c @PYTHON@ "$1" "$2" "${nexus_header:-}"
  else
    echo "this machine has neither curl nor python3" >&2; exit @NO_CARRIER@
  fi
}
mkdir "$nexus_scratch" && mkfifo "$nexus_scratch/life" || exit @NO_SCRATCH@
echo $$ > "$nexus_scratch/loader"
setsid sh -c @WARDEN@ nexus-warden "$nexus_scratch" < "$nexus_scratch/life" > /dev/null 2>&1 &
exec 9> "$nexus_scratch/life"
nexus_carry GET "$nexus_scratch/job" "$nexus_url" || exit @NOT_DOWNLOADED@
nexus_lines=@LINES@
head -n "$nexus_lines" "$nexus_scratch/job" > "$nexus_scratch/steps"
. "$nexus_scratch/steps"
"""

_STOP = """#!/bin/sh
loader=@SCRATCH@/loader
if [ -s "$loader" ]; then kill -s KILL "$(cat "$loader")"; fi
"""

# The command is no background process of the shell: those ignore interrupts, and hand that down to all they start.
_EXECUTE = """tail -n "+$((nexus_lines + 1))" "$nexus_scratch/job" > "$nexus_scratch/data"
head -c @COMMAND@ "$nexus_scratch/data" > "$nexus_scratch/command"
tail -c "+$((@COMMAND@ + 1))" "$nexus_scratch/data" > "$nexus_scratch/stdin"
cd "${HOME:-/}" || cd /
( umask "$nexus_mask"; exec setsid sh -c @BEGIN@ "$nexus_scratch" ) \\
  < "$nexus_scratch/stdin" > "$nexus_scratch/stdout" 2> "$nexus_scratch/stderr" 9>&-
nexus_status=$?
rm "$nexus_scratch/group"
{ printf '%d %d\\n' "$nexus_status" "$(wc -c < "$nexus_scratch/stdout")"
  cat "$nexus_scratch/stdout" "$nexus_scratch/stderr"; } > "$nexus_scratch/result"
nexus_header=@HEADER@
nexus_carry PUT "$nexus_scratch/result" @RESULT_URL@ || exit @NOT_UPLOADED@
exit 0
"""

_BEGIN = """echo $$ > "$0/group"; exec sh "$0/command" """

_RECEIVE = """nexus_carry GET @PATH@ @FILE_URL@ || exit @NOT_WRITTEN@
exit 0
"""

_SEND = """if [ ! -f @PATH@ ]; then echo "no such file" >&2; exit @NO_SUCH_FILE@; fi
nexus_header=@HEADER@
nexus_carry PUT @PATH@ @FILE_URL@ || exit @NOT_UPLOADED@
exit 0
"""

_CODES = {
    "NO_SCRATCH": str(NO_SCRATCH),
    "NO_CARRIER": str(NO_CARRIER),
    "NOT_DOWNLOADED": str(NOT_DOWNLOADED),
    "NOT_UPLOADED": str(NOT_UPLOADED),
    "NO_SUCH_FILE": str(NO_SUCH_FILE),
    "NOT_WRITTEN": str(NOT_WRITTEN),
}


@dataclass(frozen=True)
class Steps:
    """What the loader fetches: shell, and after its last line the data that it works on."""

    shell: bytes
    data: bytes = b""

    @property
    def content(self) -> bytes:
        """Both, as one object."""
        return self.shell + self.data


def loader(job: str, steps: Steps) -> str:
    """The script for the API; it expects the address of `steps` in the variable URL."""
    return _filled(
        _LOADER,
        SCRATCH=_SCRATCH + job,
        PYTHON=shlex.quote(_PYTHON_CARRIER),
        WARDEN=shlex.quote(_WARDEN),
        LINES=str(steps.shell.count(b"\n")),
    )


def stop(job: str) -> str:
    """A script that ends the loader of a job, and with it whatever it started."""
    return _filled(_STOP, SCRATCH=_SCRATCH + job)


def execute(command: bytes, stdin: bytes, result_url: str, header: str) -> Steps:
    """Steps that run a command and carry back its exit code, output and errors, see `result`."""
    shell = _filled(
        _EXECUTE,
        COMMAND=str(len(command)),
        BEGIN=shlex.quote(_BEGIN),
        HEADER=shlex.quote(header),
        RESULT_URL=shlex.quote(result_url),
    )
    return Steps(shell.encode(), command + stdin)


def result(content: bytes) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of what `execute` carried back. Raises ValueError when it is not that."""
    numbers, _, streams = content.partition(b"\n")
    code, length = (int(number) for number in numbers.split())
    return code, streams[:length], streams[length:]


def receive(path: str, url: str) -> Steps:
    """Steps that write an object to a file."""
    return _for_file(_RECEIVE, path, url, "")


def send(path: str, url: str, header: str) -> Steps:
    """Steps that make an object of a file."""
    return _for_file(_SEND, path, url, header)


def _for_file(text: str, path: str, url: str, header: str) -> Steps:
    shell = _filled(text, PATH=shlex.quote(path), FILE_URL=shlex.quote(url), HEADER=shlex.quote(header))
    return Steps(shell.encode("utf-8", "surrogateescape"))


def _filled(text: str, **values: str) -> str:
    known = _CODES | values
    return re.sub("@([A-Z_]+)@", lambda found: known[found[1]], text)
