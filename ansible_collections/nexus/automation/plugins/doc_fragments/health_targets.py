# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that ask targets for their health or their metrics."""

from __future__ import annotations


class ModuleDocFragment:
    """Options documented once for all of them."""

    DOCUMENTATION = """
options:
  targets:
    description: Whom to ask. All are asked at once, within O(concurrency).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the target is called in results and messages.
        type: str
        required: true
      service:
        description: What kind of service it is; it gives the default of O(targets[].kind) and how metrics are read.
        type: str
        default: web
        choices: [web, proxy, postgresql, redis]
      kind:
        description:
          - How its health is checked. By default C(http) for V(web) and V(proxy), C(postgresql) and C(redis) for those.
          - V(http) gets one page; V(tcp) connects; V(command) runs a program such as C(pg_isready).
          - V(postgresql) logs in and runs O(targets[].query), which needs psycopg 3; V(redis) sends C(PING).
          - V(postgresql_ready) asks whether PostgreSQL takes connections, as C(pg_isready) does, and needs neither.
          - V(cloudwatch_alarm) asks Amazon CloudWatch whether O(targets[].alarm) is raised, which needs boto3.
        type: str
        choices: [cloudwatch_alarm, command, http, postgresql, postgresql_ready, redis, tcp]
      url:
        description:
          - For V(http), the page.
          - It takes the place of O(targets[].host), O(targets[].port), O(targets[].path) and O(targets[].tls).
        type: str
      host:
        description: Host name or address; for PostgreSQL also the directory of its Unix socket.
        type: str
        default: 127.0.0.1
      port:
        description: Port. By default 5432 for PostgreSQL and 6379 for Redis, required otherwise.
        type: int
      path:
        description: For V(http), the path of the page; by default V(/health) for V(web) and V(/) for V(proxy).
        type: str
      tls:
        description: For V(http), whether to speak HTTPS.
        type: bool
        default: false
      ca_file:
        description: A file with the certificates of the authorities to trust, instead of the system's.
        type: path
      verify_tls:
        description: Whether the server's certificate must be valid.
        type: bool
        default: true
      statuses:
        description: For V(http), the statuses of a healthy target. Redirects are not followed.
        type: list
        elements: int
        default: [200]
      contains:
        description: For V(http), a text the body must contain.
        type: str
      json_pointer:
        description: For V(http), where in the JSON body (RFC 6901) O(targets[].json_value) must be.
        type: str
      json_value:
        description: For V(http), the value that must be at O(targets[].json_pointer).
        type: raw
      command:
        description: For V(command), the program and its arguments, one list item each; no shell is involved.
        type: list
        elements: str
      alarm:
        description:
          - For V(cloudwatch_alarm), the name of the alarm.
          - One without data is not raised. One that does not exist is unhealthy.
        type: str
      region:
        description: For V(cloudwatch_alarm), the region of AWS that the alarm is in.
        type: str
      expected_rc:
        description: For V(command), the return code of a healthy target.
        type: int
        default: 0
      environment:
        description: For V(command), variables added to the environment.
        type: dict
      database:
        description: For PostgreSQL, the database; the user's name by default.
        type: str
      user:
        description: For PostgreSQL and Redis, the user to log in as.
        type: str
      password:
        description: For PostgreSQL and Redis, the password to log in with.
        type: str
      query:
        description: For V(postgresql), the query that must succeed.
        type: str
        default: SELECT 1
      metrics_path:
        description: For V(web), the path of its metrics, in Prometheus's text format or JSON.
        type: str
        default: /metrics
      admin:
        description: For V(proxy), the address of Caddy's admin API, C(host:port) or C(unix/<path>).
        type: str
      program:
        description: A program under supervision whose processes' CPU time and memory belong to the target's metrics.
        type: str
      pids:
        description: Further processes whose CPU time and memory belong to the target's metrics.
        type: list
        elements: int
        default: []
      timeout:
        description: Seconds that one try may take; O(timeout) by default.
        type: float
      retries:
        description: How often to try again; O(retries) by default.
        type: int
      interval:
        description: Seconds between two tries; O(interval) by default.
        type: float
      patience:
        description: Seconds from the first try on, after which there is no further one; O(patience) by default.
        type: float
  concurrency:
    description: How many targets are asked at the same time, at most.
    type: int
    default: 32
  limit:
    description:
      - Seconds that all targets may take together.
      - By default what the limits of the targets add up to.
    type: float
  timeout:
    description: Seconds that one try may take, for targets that do not say.
    type: float
    default: 5
  retries:
    description: How often a target that is not healthy is tried again, for targets that do not say.
    type: int
    default: 0
  interval:
    description: Seconds between two tries, for targets that do not say.
    type: float
    default: 1
  patience:
    description:
      - Seconds from the first try on, after which there is no further one, however many retries are left.
      - For targets that do not say. V(0) is no such limit.
    type: float
    default: 0
"""
