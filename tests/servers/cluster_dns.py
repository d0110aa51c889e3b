# SPDX-License-Identifier: Apache-2.0
"""Names of Services for a cluster that has no name server of its own.

It answers as https://github.com/kubernetes/dns/blob/master/docs/specification.md tells it of headless Services: with
the addresses of ready pods, and with that of one pod below its Service. Messages are those of RFC 1035, section 4.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.nexus.automation.plugins.module_utils.clusters.api import Cluster, connect_cluster

DOMAIN = "cluster.local"
PORT = 53
HEADER = struct.Struct("!6H")
QUESTION = struct.Struct("!2H")
ANSWER = struct.Struct("!3HLH")
IPV4 = 1
RESPONSE = 0x8400
NO_SUCH_NAME = 3
TTL_S = 1


@dataclass(frozen=True)
class Names:
    """The names that a cluster's Services have now."""

    cluster: Cluster

    def addresses(self, name: str) -> list[str] | None:
        """Addresses of the pods behind a name such as `backend.shop.svc.cluster.local`; None where there is no such."""
        head, _, rest = name.lower().rstrip(".").rpartition(f".svc.{DOMAIN}")
        *pod, service, namespace = head.split(".") if head and not rest else ("", "")
        found = self.cluster.get(f"/api/v1/namespaces/{namespace}/endpoints/{service}") if service else None
        if found is None:
            return None
        behind = [one for subset in found.get("subsets") or () for one in subset.get("addresses") or ()]
        return [one["ip"] for one in behind if not pod or one.get("hostname") == pod[0]]

    def answer(self, query: bytes) -> bytes:
        """The answer to a message with one question."""
        number, *_ = HEADER.unpack_from(query)
        labels, end = [], HEADER.size
        while length := query[end]:
            labels.append(query[end + 1 : end + 1 + length].decode("ascii"))
            end += 1 + length
        kind, of_class = QUESTION.unpack_from(query, end + 1)
        question = query[HEADER.size : end + 1 + QUESTION.size]
        found = self.addresses(".".join(labels))
        told = found if found and kind == IPV4 else []
        flags = RESPONSE | (NO_SUCH_NAME if found is None else 0)
        pointer = 0xC000 | HEADER.size
        records = [ANSWER.pack(pointer, kind, of_class, TTL_S, 4) + socket.inet_aton(address) for address in told]
        return HEADER.pack(number, flags, 1, len(records), 0, 0) + question + b"".join(records)


@contextlib.contextmanager
def serving_names(kubeconfig: Path, address: str) -> Iterator[None]:
    """Answer at an address of this machine until the block ends."""
    options = {"kubeconfig": str(kubeconfig), "context": None, "namespace": "default", "timeout": 10}
    names = Names(connect_cluster(options))

    class Answering(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, line = self.request
            line.sendto(names.answer(data), self.client_address)

    with socketserver.ThreadingUDPServer((address, PORT), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="cluster-dns")
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
