# SPDX-License-Identifier: Apache-2.0
"""Archives of images are what the specifications say, and layers come out of others' archives unchanged."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.images.blobs import Blob, text_blob
from ansible_collections.nexus.automation.plugins.module_utils.images.config import Description, Settings
from ansible_collections.nexus.automation.plugins.module_utils.images.delivery import digest_in_file, remove_file
from ansible_collections.nexus.automation.plugins.module_utils.images.image import (
    Image,
    complete_archive,
    make_image,
    partial_archive,
)
from ansible_collections.nexus.automation.plugins.module_utils.images.layers import files_layer
from ansible_collections.nexus.automation.plugins.module_utils.images.names import parse_name
from ansible_collections.nexus.automation.plugins.module_utils.images.saved_layers import saved_layers

BASE_LAYERS = [text_blob(b"one" * 1000), text_blob(b"two" * 1000), text_blob(b"one" * 1000)]
DIFF_IDS = [layer.digest for layer in BASE_LAYERS]


@pytest.fixture
def image() -> Image:
    base = Description("sha256:base", "arm64", "v8", "linux", DIFF_IDS, {"Env": ["PATH=/bin"]})
    layers = [files_layer([{"path": path, "content": path, "mode": "0644"}]) for path in ("/etc/a", "/srv/b")]
    return make_image(parse_name("nexus/site:1.0"), base, layers, Settings(command=["run"]))


def _files(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {member.name: opened.extractfile(member).read() for member in opened if member.isreg()}


def _followed(files: Mapping[str, bytes], descriptor: Mapping[str, Any]) -> bytes:
    """What a descriptor points to, compared with its size and digest."""
    content = files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert descriptor["size"] == len(content)
    return content


def test_a_complete_archive_is_an_oci_image_layout(image: Image) -> None:
    files = _files(b"".join(complete_archive(image, BASE_LAYERS)))
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(files["index.json"])
    assert (index["schemaVersion"], index["mediaType"]) == (2, "application/vnd.oci.image.index.v1+json")
    (described,) = index["manifests"]
    assert described["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert described["annotations"]["io.containerd.image.name"] == "docker.io/nexus/site:1.0"
    assert described["annotations"]["org.opencontainers.image.ref.name"] == "1.0"
    manifest = json.loads(_followed(files, described))
    assert (manifest["schemaVersion"], manifest["mediaType"]) == (2, described["mediaType"])
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    config = json.loads(_followed(files, manifest["config"]))
    assert manifest["config"]["digest"] == image.id
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar"}
    layers = [_followed(files, layer) for layer in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    assert config["rootfs"]["diff_ids"] == image.diff_ids
    assert len(config["history"]) == len(layers)
    assert (config["architecture"], config["variant"], config["os"]) == ("arm64", "v8", "linux")


def test_a_complete_archive_is_what_docker_saves_too(image: Image) -> None:
    files = _files(b"".join(complete_archive(image, BASE_LAYERS)))
    (saved,) = json.loads(files["manifest.json"])
    assert saved["RepoTags"] == ["nexus/site:1.0"]
    assert f"sha256:{hashlib.sha256(files[saved['Config']]).hexdigest()}" == image.id
    assert [f"sha256:{hashlib.sha256(files[name]).hexdigest()}" for name in saved["Layers"]] == image.diff_ids


def test_an_archive_holds_each_blob_once_and_is_the_same_each_time(image: Image) -> None:
    archive = b"".join(complete_archive(image, BASE_LAYERS))
    assert archive == b"".join(complete_archive(image, BASE_LAYERS))
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        names = opened.getnames()
    assert names[:3] == ["oci-layout", "index.json", "manifest.json"]
    assert names[3:] == sorted(set(names[3:]))


def test_a_partial_archive_leaves_out_the_layers_of_the_base_alone(image: Image) -> None:
    files = _files(b"".join(partial_archive(image)))
    (saved,) = json.loads(files["manifest.json"])
    assert [name in files for name in saved["Layers"]] == [False, False, False, True, True]
    assert set(files) == {"manifest.json", saved["Config"], *saved["Layers"][3:]}


def _saved(entries: Mapping[str, bytes | str]) -> Iterator[bytes]:
    """An archive of files (bytes) and links (text), in pieces that respect nothing."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in entries.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    archive_bytes = packed.getvalue()
    return iter([archive_bytes[at : at + 777] for at in range(0, len(archive_bytes), 777)])


def _text(blob: Blob) -> bytes:
    return b"".join(blob.content.read())


def _document(*layers: str) -> bytes:
    return json.dumps([{"Config": "c.json", "RepoTags": None, "Layers": list(layers)}]).encode()


ONE, TWO, _ = map(_text, BASE_LAYERS)


@pytest.mark.parametrize(
    "entries",
    [
        # Docker before 25: a directory for each layer, and a link where a layer is there again.
        {
            "aa/VERSION": b"1.0",
            "aa/layer.tar": ONE,
            "bb/layer.tar": TWO,
            "cc/layer.tar": "../aa/layer.tar",
            "c.json": b"{}",
            "manifest.json": _document("aa/layer.tar", "bb/layer.tar", "cc/layer.tar"),
            "repositories": b"{}",
        },
        # Docker since 25, and with containerd's storage, where layers may be compressed.
        {
            "blobs/sha256/11": gzip.compress(ONE),
            "blobs/sha256/22": TWO,
            "index.json": b"{}",
            "manifest.json": _document("blobs/sha256/11", "blobs/sha256/22", "blobs/sha256/11"),
            "oci-layout": b"{}",
        },
        # Podman: the list comes first.
        {"manifest.json": _document("1.tar", "2.tar", "1.tar"), "1.tar": ONE, "2.tar": TWO, "aa/layer.tar": "../1.tar"},
    ],
    ids=["docker 20.10", "docker 25", "podman"],
)
def test_layers_come_out_of_what_engines_save(entries: Mapping[str, bytes | str], tmp_path: Path) -> None:
    with saved_layers(_saved(entries), DIFF_IDS, tmp_path) as layers:
        assert [_text(layer) for layer in layers] == [ONE, TWO, ONE]
        assert [layer.content.size for layer in layers] == [len(ONE), len(TWO), len(ONE)]
    assert list(tmp_path.iterdir()) == []


def test_layers_come_out_of_an_archive_of_our_own(image: Image, tmp_path: Path) -> None:
    archive = complete_archive(image, BASE_LAYERS)
    with saved_layers(archive, image.diff_ids, tmp_path) as layers:
        assert [layer.digest for layer in layers] == image.diff_ids


def test_layers_of_another_image_are_refused(tmp_path: Path) -> None:
    entries = {"1.tar": ONE, "manifest.json": _document("1.tar")}
    with (
        pytest.raises(AdapterError, match="wrote out another base than it described"),
        saved_layers(_saved(entries), DIFF_IDS, tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b"no archive at all" * 100],
        list(_saved({"1.tar": ONE})),
        list(_saved({"manifest.json": _document("1.tar")})),
        list(_saved({"manifest.json": b"[]"})),
        list(_saved({"manifest.json": b"{"})),
        list(_saved({"manifest.json": _document("1.tar"), "1.tar": gzip.compress(ONE)[:-9]})),
        list(_saved({"big": ONE * 10}))[:3],
    ],
    ids=["empty", "garbage", "no list", "no layer", "no image", "no JSON", "cut layer", "cut archive"],
)
def test_what_is_no_saved_image_is_refused(chunks: list[bytes], tmp_path: Path) -> None:
    with (
        pytest.raises(AdapterError, match="the engine wrote the base out as something else than an image"),
        saved_layers(iter(chunks), DIFF_IDS, tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def _write(path: Path, archive: bytes) -> None:
    path.write_bytes(archive)
    digest = hashlib.sha256(archive).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def test_a_file_is_known_by_the_image_it_holds(image: Image, tmp_path: Path) -> None:
    path = tmp_path / "site.tar"
    assert digest_in_file(path, image) is None
    archive = b"".join(complete_archive(image, BASE_LAYERS))
    _write(path, archive)
    assert digest_in_file(path, image) == hashlib.sha256(archive).hexdigest()
    renamed = make_image(parse_name("nexus/site:1.1"), image.base, image.layers, Settings(command=["run"]))
    assert renamed.id == image.id
    assert digest_in_file(path, renamed) is None
    changed = make_image(image.name, image.base, image.layers, Settings(command=["walk"]))
    assert digest_in_file(path, changed) is None


@pytest.mark.parametrize("damage", ["flip a byte", "cut the end", "remove the digest"])
def test_a_damaged_file_does_not_count(damage: str, image: Image, tmp_path: Path) -> None:
    path = tmp_path / "site.tar"
    archive = b"".join(complete_archive(image, BASE_LAYERS))
    _write(path, archive)
    if damage == "flip a byte":
        path.write_bytes(archive[:-3000] + bytes([archive[-3000] ^ 1]) + archive[-2999:])
    elif damage == "cut the end":
        path.write_bytes(archive[:-1])
    else:
        path.with_name("site.tar.sha256").unlink()
    assert digest_in_file(path, image) is None


@pytest.mark.parametrize("content", [b"no archive", b"", b"".join(_saved({"page": b"x"}))])
def test_another_file_does_not_count(content: bytes, image: Image, tmp_path: Path) -> None:
    _write(tmp_path / "site.tar", content)
    assert digest_in_file(tmp_path / "site.tar", image) is None


def test_a_file_goes_with_its_digest(tmp_path: Path) -> None:
    _write(tmp_path / "site.tar", b"x")
    remove_file(tmp_path / "site.tar")
    remove_file(tmp_path / "site.tar")
    assert list(tmp_path.iterdir()) == []
