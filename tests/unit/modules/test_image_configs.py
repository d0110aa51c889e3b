# SPDX-License-Identifier: Apache-2.0
"""An image's configuration follows from its base, layers and settings alone, as a Dockerfile's would."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.images.config import (
    Settings,
    describe,
    image_settings,
    known_labels,
)
from ansible_collections.nexus.automation.plugins.module_utils.images.connection import connect_engine
from ansible_collections.nexus.automation.plugins.module_utils.images.engine import is_docker_with_own_storage
from ansible_collections.nexus.automation.plugins.module_utils.images.image import Image, make_image
from ansible_collections.nexus.automation.plugins.module_utils.images.layers import files_layer
from ansible_collections.nexus.automation.plugins.module_utils.images.names import parse_name

BASE_LAYER = "sha256:6f45ada28092667a20e0cf97473c2979afbac346abe3c26e89404248f63e3f1d"
INSPECTED = {
    "Id": "sha256:473c70e74c682deb5defecab5e25d9ed75fe140e7211e9d7ea7d364a3250235b",
    "RepoTags": ["debian:12"],
    "RepoDigests": ["debian@sha256:9becc981b87caede3318bf77a9c1178bee5ad43543ce54d80b0c53e480a71d5e"],
    "Created": "2026-11-24T03:16:10.095179536Z",
    "DockerVersion": "20.10.24+dfsg1",
    "Author": "somebody",
    "Config": {
        "Hostname": "0123456789ab",
        "User": "",
        "Env": ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"],
        "Cmd": ["bash"],
        "Image": "sha256:acc4c96b17b5",
        "Volumes": None,
        "Entrypoint": ["/entrypoint.sh"],
        "OnBuild": ["RUN true"],
        "Labels": {"maintainer": "somebody"},
        "ExposedPorts": {"443/tcp": {}},
    },
    "Architecture": "amd64",
    "Os": "linux",
    "Size": 164047116,
    "RootFS": {"Type": "layers", "Layers": [BASE_LAYER]},
}


def _image(inspected: dict[str, Any] | None = None, **settings: Any) -> Image:
    layer = files_layer([{"path": "/etc/site", "content": "x", "mode": "0644"}])
    return make_image(parse_name("site:1"), describe(inspected or INSPECTED), [layer], Settings(**settings))


def _config(image: Image) -> dict[str, Any]:
    return json.loads(b"".join(image.config.content.read()))


def test_the_configuration_has_what_the_specification_requires() -> None:
    image = _image()
    config = _config(image)
    assert (config["architecture"], config["os"], config["created"]) == ("amd64", "linux", "1970-01-01T00:00:00Z")
    assert config["rootfs"] == {"type": "layers", "diff_ids": [BASE_LAYER, image.layers[0].blob.digest]}
    assert len(config["history"]) == 2
    assert not any(step.get("empty_layer") for step in config["history"])
    assert config.keys() <= {"architecture", "config", "created", "history", "os", "rootfs", "variant", "author"}


def test_the_id_never_changes() -> None:
    """Images made by an earlier version, or on another machine, must keep their ids."""
    image = _image(
        env={"A": "b"}, command=["run"], labels={"nexus.release": "site-1"}, user="65534", working_dir="/srv"
    )
    assert image.id == "sha256:0aa7cc951c50d9dd780869ae68d154bc1d86448da6b1c9c9e239cc0549e11073"


def test_what_an_engine_adds_for_itself_changes_nothing() -> None:
    noisy = {
        **INSPECTED,
        "Id": "sha256:other",
        "Created": "2027-01-01T00:00:00Z",
        "RepoDigests": [],
        "DockerVersion": "",
        "Author": "",
        "Config": {**INSPECTED["Config"], "Hostname": "", "Image": "", "Volumes": {}, "OnBuild": None, "Tty": True},
    }
    assert _image(noisy).id == _image().id


@pytest.mark.parametrize(
    "change",
    [
        {"RootFS": {"Layers": [BASE_LAYER, BASE_LAYER]}},
        {"Architecture": "arm64"},
        {"Variant": "v8"},
        {"Config": {**INSPECTED["Config"], "Env": ["PATH=/bin"]}},
        {"Config": {**INSPECTED["Config"], "Entrypoint": None}},
    ],
    ids=str,
)
def test_what_an_image_takes_over_of_its_base_changes_its_id(change: dict[str, Any]) -> None:
    assert _image({**INSPECTED, **change}).id != _image().id


@pytest.mark.parametrize(
    ("setting", "value", "key", "expected"),
    [
        ("command", ["run", "--fast"], "Cmd", ["run", "--fast"]),
        ("env", {"Z": 1, "LANG": "C", "A": "b=c"}, "Env", ["PATH=/usr/bin:/bin", "LANG=C", "A=b=c", "Z=1"]),
        ("exposed_ports", ["8000", "053/udp"], "ExposedPorts", {"443/tcp": {}, "8000/tcp": {}, "53/udp": {}}),
        ("labels", {"a": "b"}, "Labels", {"maintainer": "somebody", "a": "b"}),
        ("labels", {"maintainer": "us"}, "Labels", {"maintainer": "us"}),
        ("stop_signal", "SIGINT", "StopSignal", "SIGINT"),
        ("user", "65534:65534", "User", "65534:65534"),
        ("working_dir", "/srv", "WorkingDir", "/srv"),
        ("healthcheck", {"test": ["NONE"]}, "Healthcheck", {"Test": ["NONE"]}),
        (
            "healthcheck",
            {"test": ["CMD", "check"], "interval": 0.5, "timeout": 2, "start_period": None, "retries": 3},
            "Healthcheck",
            {"Test": ["CMD", "check"], "Interval": 500_000_000, "Timeout": 2_000_000_000, "Retries": 3},
        ),
    ],
)
def test_settings_are_merged_into_those_of_the_base(setting: str, value: object, key: str, expected: object) -> None:
    before, after = _config(_image())["config"], _config(_image(**{setting: value}))["config"]
    assert after == {**before, key: expected}


def test_an_entrypoint_makes_the_command_of_the_base_void() -> None:
    assert _config(_image())["config"]["Cmd"] == ["bash"]
    alone = _config(_image(entrypoint=["run"]))["config"]
    assert (alone["Entrypoint"], "Cmd" in alone) == (["run"], False)
    both = _config(_image(entrypoint=["run"], command=["fast"]))["config"]
    assert (both["Entrypoint"], both["Cmd"]) == (["run"], ["fast"])
    assert _config(_image(command=["fast"]))["config"]["Entrypoint"] == ["/entrypoint.sh"]


def test_the_order_in_which_settings_are_told_changes_nothing() -> None:
    first = _image(env={"A": "1", "B": "2"}, labels={"a": "1", "b": "2"}, exposed_ports=["1", "2"])
    second = _image(env={"B": "2", "A": "1"}, labels={"b": "2", "a": "1"}, exposed_ports=["2", "1"])
    assert first.id == second.id


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("env", {"A": True}, "env: A is True, which is no text. Write it in quotes."),
        ("env", {"A": 1.5}, "env: A is 1.5, which is no text. Write it in quotes."),
        ("env", {"A=B": "c"}, "env: 'A=B' is no variable's name. Write a name without `=`."),
        ("labels", {"a": ["b"]}, r"labels: a is \['b'\], which is no text. Write it in quotes."),
        ("exposed_ports", ["http"], "exposed_ports: 'http' is no port."),
        ("exposed_ports", ["65536"], "exposed_ports: '65536' is no port."),
        ("exposed_ports", ["80/http"], "exposed_ports: '80/http' is no port."),
        ("healthcheck", {"test": ["curl", "x"]}, "must begin with CMD, CMD-SHELL or NONE"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, value: object, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        image_settings({}, Settings(**{setting: value}))


def test_an_image_is_told_from_others_by_what_an_engine_tells_of_it() -> None:
    image = _image(env={"A": "b"}, healthcheck={"test": ["NONE"]})
    config = _config(image)
    answer = {
        "Id": "sha256:the-manifest",
        "Architecture": "amd64",
        "Os": "linux",
        "Config": {**config["config"], "Image": "", "Volumes": None},
        "RootFS": {"Type": "layers", "Layers": config["rootfs"]["diff_ids"]},
    }
    assert describe(answer).is_same(image.description)
    assert not describe({**answer, "Architecture": "arm64"}).is_same(image.description)
    assert not describe({**answer, "RootFS": {"Layers": [BASE_LAYER]}}).is_same(image.description)
    assert not describe({**answer, "Config": {**config["config"], "User": "root"}}).is_same(image.description)


@pytest.mark.parametrize(
    ("base", "release_ids", "labels"),
    [
        ("debian:12", [], {"base.name": "debian:12"}),
        ("debian@sha256:01", [], {"base.name": "debian", "base.digest": "sha256:01"}),
        (
            "debian:12",
            ["my-site-1.0-rc1-4be7bda11a3c"],
            {"base.name": "debian:12", "title": "my-site", "version": "1.0-rc1", "revision": "4be7bda11a3c"},
        ),
        ("debian:12", ["handmade"], {"base.name": "debian:12"}),
        ("debian:12", ["a-1-4be7bda11a3c", "b-2-4be7bda11a3c"], {"base.name": "debian:12"}),
    ],
)
def test_labels_follow_from_names(base: str, release_ids: list[str], labels: dict[str, str]) -> None:
    expected = {f"org.opencontainers.image.{key}": value for key, value in labels.items()}
    release = {"nexus.release": ",".join(release_ids)} if release_ids else {}
    assert known_labels(base, release_ids) == {**expected, **release}


@pytest.mark.parametrize(
    ("text", "repository", "tag", "full"),
    [
        ("site", "site", "latest", "docker.io/library/site:latest"),
        ("site:1.0", "site", "1.0", "docker.io/library/site:1.0"),
        ("nexus/site:1.0", "nexus/site", "1.0", "docker.io/nexus/site:1.0"),
        ("docker.io/site:1.0", "docker.io/site", "1.0", "docker.io/library/site:1.0"),
        ("docker.io/nexus/site", "docker.io/nexus/site", "latest", "docker.io/nexus/site:latest"),
        ("localhost/site:1", "localhost/site", "1", "localhost/site:1"),
        ("localhost:5000/site", "localhost:5000/site", "latest", "localhost:5000/site:latest"),
        ("registry.example.com/a/b_c:x", "registry.example.com/a/b_c", "x", "registry.example.com/a/b_c:x"),
    ],
)
def test_names_are_completed(text: str, repository: str, tag: str, full: str) -> None:
    name = parse_name(text)
    assert (name.repository, name.tag, str(name), name.full) == (repository, tag, f"{repository}:{tag}", full)


@pytest.mark.parametrize(
    "text", ["", "Site", "site:", "site:a b", "site@sha256:01", "/site", "a//b", "site:" + "x" * 129]
)
def test_names_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(AdapterError, match="is no image's name"):
        parse_name(text)


def test_a_missing_library_is_named_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(AdapterError, match=r"required Python library \(docker\).*docker-py\.readthedocs\.io"):
        connect_engine({"docker_host": "unix:///nowhere"}).__enter__()


@pytest.mark.parametrize(
    ("component", "status", "own"),
    [
        ("Engine", [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]], True),
        ("Engine", None, True),
        ("Engine", [["driver-type", "io.containerd.snapshotter.v1"]], False),
        ("Podman Engine", [["Backing Filesystem", "extfs"]], False),
    ],
)
def test_only_docker_with_its_own_storage_takes_archives_without_the_base(
    component: str, status: list[list[str]] | None, own: bool
) -> None:
    version = {"Components": [{"Name": component, "Version": "1"}]}
    assert is_docker_with_own_storage(version, {"Driver": "overlay2", "DriverStatus": status}) == own
