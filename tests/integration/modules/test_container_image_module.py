# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.container_image through ansible-playbook and a real engine, every step twice."""

from __future__ import annotations

import base64
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.images.connection import connect_engine
from ansible_collections.nexus.automation.plugins.module_utils.images.delivery import bring_to_engine
from ansible_collections.nexus.automation.plugins.module_utils.images.engine import Engine as ImageEngine
from ansible_collections.nexus.automation.plugins.module_utils.images.order import fetch_base, read_order
from tests.servers.docker import LABEL, Engine
from tests.servers.images import PYTHON, provide
from tests.servers.playbook import PlaybookRun, run_tasks
from tests.servers.ports import free_port
from tests.servers.registry import Registry, running_registry
from tests.servers.tls import CertificateAuthority, make_authority
from tests.servers.tls_tunnel import tunnel

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("systemd")]

MODULE = "nexus.automation.container_image"
SHOW = "import os; print(open('link').read(), open('/etc/site/a').read(), os.getuid(), os.getgid(), os.environ['A'])"
DEFAULTS = {"pull": "missing", "sha256": None, "files": None, "artefact": None, "dest": None}


@dataclass(frozen=True)
class Workshop:
    """A source, its artefacts, and the options of an image made of them."""

    engine: Engine
    base: str
    directory: Path
    mark: str

    @property
    def name(self) -> str:
        """What the image is called."""
        return f"{self.mark}/site:1.0"

    @property
    def artefact(self) -> dict[str, Any]:
        """The task that packs the source."""
        source, dest = str(self.directory / "source"), str(self.directory / "artefacts")
        options = {"name": "site", "version": "1.0", "source": source, "dest": dest}
        return {"name": "Pack", "nexus.automation.artefact": options, "register": "packed"}

    def options(self, **changed: Any) -> dict[str, Any]:
        """The options of the image."""
        files = [{"path": "/etc/site/a", "content": "told"}]
        return {
            "docker_host": self.engine.host,
            "name": self.name,
            "base": self.base,
            "layers": [{"artefact": "{{ packed.path }}", "dest": "/srv/site"}, {"files": files}],
            "command": ["python3", "-c", SHOW],
            "env": {"A": "b"},
            "labels": {"nexus.test": self.mark},
            "user": "65534:65534",
            "working_dir": "/srv/site",
            **changed,
        }

    def task(self, title: str, /, check_mode: bool = False, **changed: Any) -> dict[str, Any]:
        """A task for the image."""
        return {"name": title, MODULE: self.options(**changed), **({"check_mode": True} if check_mode else {})}

    def run(self, *tasks: dict[str, Any], pack: bool = True) -> PlaybookRun:
        """Pack the source and run tasks."""
        return run_tasks(self.directory / "run", [*([self.artefact] if pack else []), *tasks])

    def id_of(self, name: str) -> str:
        """The id that the engine has under a name; empty when it has none."""
        return self.engine.attempt("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


@pytest.fixture
def workshop(docker_engine: Engine, tmp_path: Path) -> Iterator[Workshop]:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "page").write_text("first", encoding="utf-8")
    (source / "link").symlink_to("page")
    (source / "sub" / ("länge" * 25)).write_text("x", encoding="utf-8")
    mark = f"nexus-test-{uuid.uuid4().hex[:12]}"
    yield Workshop(docker_engine, provide(docker_engine, PYTHON), tmp_path, mark)
    if left := docker_engine.docker("images", "--all", "--quiet", "--filter", f"label=nexus.test={mark}").split():
        docker_engine.docker("image", "rm", "--force", *dict.fromkeys(left))


@pytest.fixture
def light(workshop: Workshop) -> Workshop:
    """The same on a base of one file, for images that need not run."""
    content = workshop.directory / "base"
    content.mkdir()
    (content / "below").write_text(workshop.mark, encoding="utf-8")
    packed = shutil.make_archive(str(content), "tar", content)
    name = f"{workshop.mark}/base:1"
    workshop.engine.docker("import", "--change", f"LABEL nexus.test={workshop.mark}", packed, name)
    return replace(workshop, base=name)


@pytest.fixture(scope="module")
def registry(docker_engine: Engine) -> Iterator[Registry]:
    with running_registry(docker_engine) as registry:
        yield registry


def test_an_image_is_made_once_and_runs(workshop: Workshop) -> None:
    check = {"test": ["CMD", "true"], "interval": 1.5}
    more = {"healthcheck": check, "exposed_ports": ["8000"]}
    run = workshop.run(
        workshop.task("Make (check)", check_mode=True, **more),
        workshop.task("Make", **more),
        workshop.task("Make (check again)", check_mode=True, **more),
        workshop.task("Make (again)", **more),
    )
    assert run.returncode == 0, run.output
    predicted, made, again = run.named("Make (check)"), run.named("Make"), run.named("Make (again)")
    assert (predicted.changed, made.changed, again.changed) == (True, True, False)
    assert not run.named("Make (check again)").changed
    assert predicted.result["id"] == made.result["id"] == again.result["id"] == workshop.id_of(workshop.name)
    assert (predicted.result["size"], made.result["size"]) == (None, again.result["size"])
    shown = workshop.engine.docker("run", "--rm", "--label", LABEL, workshop.name)
    assert shown == "first told 65534 65534 b"
    (inspected,) = json.loads(workshop.engine.docker("image", "inspect", workshop.name))
    assert inspected["Config"]["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 1_500_000_000}
    assert inspected["Config"]["ExposedPorts"] == {"8000/tcp": {}}
    release_id = run.named("Pack").result["release_id"]
    assert inspected["Config"]["Labels"]["nexus.release"] == release_id
    assert inspected["Config"]["Labels"]["org.opencontainers.image.version"] == "1.0"
    assert inspected["Config"]["Labels"]["org.opencontainers.image.base.name"] == workshop.base
    assert inspected["RootFS"]["Layers"] == [layer["digest"] for layer in made.result["layers"]]
    assert [layer["origin"] for layer in made.result["layers"]][-2:] == [f"{release_id} in /srv/site", "/etc/site/a"]


def test_the_id_is_the_same_when_it_is_made_anew_and_of_a_copy(light: Workshop) -> None:
    first = light.run(light.task("Make"), light.task("Remove", state="absent"))
    assert light.id_of(light.name) == ""
    packed = Path(first.named("Pack").result["path"])
    copy = Path(shutil.copytree(packed.parent, light.directory / "copy")) / packed.name
    layers = [{"artefact": str(copy), "dest": "/srv/site/"}, *light.options()["layers"][1:]]
    second = light.run(light.task("Make", layers=layers), pack=False)
    assert second.named("Make").changed
    assert second.named("Make").result["id"] == first.named("Make").result["id"] == light.id_of(light.name)


def test_removing_twice_changes_once_and_says_so_before(light: Workshop) -> None:
    run = light.run(
        light.task("Make"),
        light.task("Remove (check)", check_mode=True, state="absent"),
        light.task("Remove", state="absent"),
        light.task("Remove (again)", state="absent"),
    )
    assert run.returncode == 0, run.output
    changes = [run.named(name).changed for name in ("Remove (check)", "Remove", "Remove (again)")]
    assert changes == [True, True, False]


def test_check_mode_makes_nothing_and_takes_an_artefact_that_is_not_built_as_good(light: Workshop) -> None:
    run = run_tasks(light.directory / "run", [light.artefact, light.task("Make")], "--check", "--diff")
    assert run.returncode == 0, run.output
    assert run.named("Make").changed
    assert run.named("Make").result["id"] is None
    assert light.id_of(light.name) == ""
    shown = run_tasks(
        light.directory / "run",
        [{**light.artefact, "check_mode": False}, light.task("Make")],
        "--check",
        "--diff",
    )
    assert shown.named("Make").result["id"] in shown.output
    assert '+        "User": "65534:65534"' in shown.output
    assert light.id_of(light.name) == ""


def test_the_name_moves_with_the_artefact_and_the_old_image_stays(workshop: Workshop) -> None:
    old = workshop.run(workshop.task("Make")).named("Make").result["id"]
    (workshop.directory / "source" / "page").write_text("second", encoding="utf-8")
    run = workshop.run(workshop.task("Make"), workshop.task("Make (again)"))
    new = run.named("Make").result["id"]
    assert (run.named("Make").changed, run.named("Make (again)").changed) == (True, False)
    assert new != old
    assert (workshop.id_of(workshop.name), workshop.id_of(old)) == (new, old)
    assert run.named("Make").result["diff"]["before"]["id"] == old
    assert workshop.engine.docker("run", "--rm", "--label", LABEL, workshop.name).startswith("second ")
    assert workshop.engine.docker("run", "--rm", "--label", LABEL, old).startswith("first ")
    workshop.run(workshop.task("Remove", state="absent"))
    assert (workshop.id_of(new), workshop.id_of(old)) == ("", old)


def test_an_image_that_only_lost_its_name_gets_it_back(light: Workshop) -> None:
    made = light.run(light.task("Make")).named("Make").result["id"]
    light.engine.docker("tag", light.name, f"{light.mark}/other:1")
    light.engine.docker("image", "rm", light.name)
    again = light.run(light.task("Make")).named("Make")
    assert (again.changed, again.result["id"], light.id_of(light.name)) == (True, made, made)


def test_an_engine_that_wants_whole_archives_gets_them(workshop: Workshop, tmp_path: Path) -> None:
    made = workshop.run(workshop.task("Make"), workshop.task("Remove", state="absent"))
    options: dict[str, Any] = dict.fromkeys(("entrypoint", "exposed_ports", "healthcheck", "stop_signal"))
    options.update(workshop.options(pull="never"))
    options["layers"] = [{**DEFAULTS, **layer} for layer in options["layers"]]
    options["layers"][0]["artefact"] = made.named("Pack").result["path"]
    options["layers"][1]["files"] = [{**file, "mode": "0644"} for file in options["layers"][1]["files"]]
    connection = {"docker_host": workshop.engine.host, "timeout": 60, "tls": False, "validate_certs": False}
    with connect_engine(connection) as engine:
        order = read_order(options)
        base, _ = fetch_base(engine, order, check_mode=False)
        assert base is not None
        image = order.image(base)
        found = bring_to_engine(_WithoutLayers(engine.client, engine.host), image, tmp_path)
    assert found.id == image.id == made.named("Make").result["id"]
    assert workshop.engine.docker("run", "--rm", "--label", LABEL, workshop.name).startswith("first told")


class _WithoutLayers(ImageEngine):
    """The engine as if its storage were containerd's."""

    def keeps_layers(self) -> bool:
        return False


def test_a_file_is_written_once_is_the_same_anywhere_and_can_be_loaded(light: Workshop) -> None:
    one, two = str(light.directory / "images" / "one.tar"), str(light.directory / "images" / "two.tar")
    run = light.run(
        light.task("Write (check)", check_mode=True, archive=one),
        light.task("Write", archive=one),
        light.task("Write (again)", archive=one),
        light.task("Write elsewhere", archive=two),
    )
    assert run.returncode == 0, run.output
    written = run.named("Write")
    changes = [run.named(name).changed for name in ("Write (check)", "Write", "Write (again)")]
    assert changes == [True, True, False]
    assert run.named("Write (check)").result["digest"] is None
    assert run.named("Write elsewhere").result["digest"] == written.result["digest"]
    assert Path(one).read_bytes() == Path(two).read_bytes()
    assert sorted(path.name for path in Path(one).parent.iterdir()) == [
        "one.tar",
        "one.tar.sha256",
        "two.tar",
        "two.tar.sha256",
    ]
    assert light.id_of(light.name) == ""
    assert light.engine.docker("load", "--input", one) == f"Loaded image: {light.name}"
    assert light.id_of(light.name) == written.result["id"]


def test_a_damaged_file_is_written_anew_and_can_be_removed(light: Workshop) -> None:
    path = light.directory / "one.tar"
    first = light.run(light.task("Write", archive=str(path))).named("Write").result["digest"]
    with path.open("r+b") as stream:
        stream.seek(-2_000, 2)
        stream.write(b"damage")
    run = light.run(
        light.task("Write", archive=str(path)),
        light.task("Remove (check)", check_mode=True, archive=str(path), state="absent"),
        light.task("Remove", archive=str(path), state="absent", docker_host="unix:///nowhere"),
        light.task("Remove (again)", archive=str(path), state="absent"),
    )
    assert run.returncode == 0, run.output
    assert (run.named("Write").changed, run.named("Write").result["digest"]) == (True, first)
    changes = [run.named(name).changed for name in ("Remove (check)", "Remove", "Remove (again)")]
    assert changes == [True, True, False]
    assert not list(light.directory.glob("one.tar*"))


def test_an_image_is_pushed_once(light: Workshop, registry: Registry) -> None:
    name = f"{registry.address}/{light.mark}/site"
    push = {"name": f"{name}:1.0", "push": True, "credentials": registry.credentials}
    run = light.run(
        light.task("Push (check)", check_mode=True, **push),
        light.task("Push", **push),
        light.task("Push (again)", **push),
        light.task("Push (check again)", check_mode=True, **push),
        light.task("Push as another", **{**push, "name": f"{name}:1.1"}),
    )
    assert run.returncode == 0, run.output
    changes = [run.named(task).changed for task in ("Push (check)", "Push", "Push (again)", "Push (check again)")]
    assert changes == [True, True, False, False]
    assert run.named("Push as another").changed
    pushed = run.named("Push").result["pushed"]
    assert pushed.startswith(f"{name}@sha256:")
    assert run.named("Push (again)").result["pushed"] == pushed
    assert run.named("Push as another").result["pushed"] == pushed
    assert registry.credentials["password"] not in run.output


def test_a_wrong_password_is_told_without_the_password(light: Workshop, registry: Registry) -> None:
    wrong = {"username": "nexus", "password": "wrong-battery"}
    name = f"{registry.address}/{light.mark}/site:1.0"
    failed = light.run(light.task("Push", name=name, push=True, credentials=wrong)).named("Push")
    assert failed.outcome == "failed"
    assert failed.message.startswith(f"The engine at {light.engine.host} cannot push {name}: ")
    assert failed.message.endswith("Check the name, and log in to its registry if it asks for that.")
    assert "wrong-battery" not in json.dumps(failed.result)


def test_a_base_is_fetched_when_it_must_be(
    light: Workshop, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credentials are those that `docker login` left."""
    base = f"{registry.address}/{light.mark}/base:1"
    push = {"name": base, "push": True, "credentials": registry.credentials}
    first = light.run(light.task("Push", **push)).named("Push").result["id"]
    light.engine.docker("image", "rm", base)
    login = base64.b64encode(":".join(registry.credentials.values()).encode()).decode()
    (light.directory / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": login}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(light.directory))
    layers = [{"files": [{"path": "/etc/site/b", "content": "above"}]}]
    on_top = {"base": base, "layers": layers}
    run = light.run(
        light.task("Make (check)", check_mode=True, **on_top),
        light.task("Make", **on_top),
        light.task("Make (again)", pull="always", **on_top),
    )
    assert run.returncode == 0, run.output
    assert run.named("Make (check)").result["base"] is None
    assert run.named("Make").result["base"] == first
    assert not run.named("Make (again)").changed
    (light.directory / "source" / "page").write_text("moved", encoding="utf-8")
    second = light.run(light.task("Push", **push)).named("Push").result["id"]
    light.engine.docker("tag", first, base)
    run = light.run(light.task("Make", **on_top), light.task("Make (anew)", pull="always", **on_top))
    assert run.named("Make").result["base"] == first
    assert (run.named("Make (anew)").changed, run.named("Make (anew)").result["base"]) == (True, second)


def test_a_base_that_is_not_there_is_named_with_what_to_do(light: Workshop) -> None:
    base = f"127.0.0.1:{free_port()}/nowhere:1"
    run = light.run(
        {**light.task("Make", base=base, pull="never"), "ignore_errors": True},
        {**light.task("Make (pull)", base=base), "ignore_errors": True},
    )
    assert run.named("Make").message == (
        f"The engine at {light.engine.host} has no image {base}. "
        f"Load it with `docker load` or `docker pull {base}`, or set `pull: missing`."
    )
    fetched = run.named("Make (pull)").message
    assert fetched.startswith(f"The engine at {light.engine.host} cannot pull {base}: ")
    assert "connection refused" in fetched


def test_an_engine_that_does_not_answer_is_named(light: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    socket, port = f"unix://{light.directory}/no.sock", free_port()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    by_environment = light.task("Make (environment)")
    del by_environment[MODULE]["docker_host"]
    run = light.run(
        {**light.task("Make", docker_host=socket), "ignore_errors": True},
        {**by_environment, "ignore_errors": True},
    )
    assert run.named("Make").message.startswith(f"No Docker engine answers at {socket}: ")
    assert run.named("Make (environment)").message.startswith(f"No Docker engine answers at tcp://127.0.0.1:{port}: ")


def test_options_that_make_no_sense_are_told(light: Workshop) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"base": None}, "`base` is empty. Name the image to build on."),
        ({"name": "Site:1"}, "'Site:1' is no image's name."),
        ({"layers": [{"dest": "/srv"}]}, "one of the following is required: artefact, files found in layers"),
        ({"layers": [{"artefact": "/a.tar.gz"}]}, "missing parameter(s) required by 'artefact': dest found in layers"),
        ({"layers": [{"artefact": "/a.tar.gz", "dest": "/srv"}]}, "/a.tar.gz is no artefact. Build it with"),
        ({"push": True, "archive": "/tmp/x"}, "`push` takes an image from the engine"),
        ({"env": {"A": True}}, "env: A is True, which is no text."),
    ]
    tasks = [{**light.task(str(number), **changed), "ignore_errors": True} for number, (changed, _) in enumerate(cases)]
    run = light.run(*tasks)
    for number, (_, message) in enumerate(cases):
        assert message in run.named(str(number)).message
    assert light.id_of(light.name) == ""


def test_an_engine_behind_tls_is_believed_when_its_certificate_is(
    light: Workshop, certificate_authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = light.directory / "certificates"
    folder.mkdir()
    for name, path in (
        ("ca.pem", certificate_authority.ca_file),
        ("cert.pem", certificate_authority.certificate),
        ("key.pem", certificate_authority.key),
    ):
        shutil.copy(path, folder / name)
    (light.directory / "strangers").mkdir()
    stranger = make_authority(light.directory / "strangers")
    given = {"client_cert": str(certificate_authority.certificate), "client_key": str(certificate_authority.key)}
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger.ca_file))
    with tunnel(light.engine.host.partition("unix://")[2], certificate_authority) as port:
        there = {"docker_host": f"tcp://127.0.0.1:{port}"}
        run = light.run(
            light.task("Make", **there, validate_certs=True),
            light.task("Make (again)", **there, tls=True, **given),
            {**light.task("Make (no TLS)", **there), "ignore_errors": True},
            {
                **light.task("Make (distrust)", **there, validate_certs=True, ca_path=str(stranger.ca_file)),
                "ignore_errors": True,
            },
        )
    assert (run.named("Make").changed, run.named("Make (again)").changed) == (True, False)
    assert light.id_of(light.name) == run.named("Make").result["id"]
    for refused in ("Make (no TLS)", "Make (distrust)"):
        assert run.named(refused).message.startswith(f"No Docker engine answers at {there['docker_host']}: ")
    assert "CERTIFICATE_VERIFY_FAILED" in run.named("Make (distrust)").message
