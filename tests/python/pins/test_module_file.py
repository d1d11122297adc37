"""MODULE.bazel: which tags are read, what is refused, and that an edit changes the digest and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError, WasmOciError
from wasm_oci.pins.module_file import ModuleFile, find_module_file, read_module_file

OLD, NEW = Digest.of(b"old"), Digest.of(b"new")
EXTENSION = 'oci_wasm = use_extension("@rules_wasm_oci//wasm:extensions.bzl", "wasm")\n'
FULL = f"""module(name = "ours")  # é, and a comment

{EXTENSION}
oci_wasm.pull(
    name = "hello",
    digest = "{OLD}",  # pinned
    image = "ghcr.io/my-org/hello",
    lock = "//:wasm_oci.lock.json",
    policy = "//policies:pull.yaml",
    public_keys = ["//keys:release.pub", ":other.pub"],
    tag = "1.2.3",
    threshold = 2,
)
use_repo(oci_wasm, "hello")
"""


def read(folder: Path, text: str) -> ModuleFile:
    path = folder / "MODULE.bazel"
    path.write_bytes(text.encode())
    return read_module_file(path)


def test_what_a_tag_says(tmp_path: Path) -> None:
    (pull,) = read(tmp_path, FULL).pulls
    assert (pull.name, pull.image, pull.tag, pull.digest) == ("hello", "ghcr.io/my-org/hello", "1.2.3", OLD)
    assert (pull.lock, pull.policy) == (tmp_path / "wasm_oci.lock.json", tmp_path / "policies/pull.yaml")
    assert pull.public_keys == (tmp_path / "keys/release.pub", tmp_path / "other.pub")
    assert (pull.trusted_keys, pull.threshold, pull.verify) == (None, 2, True)
    assert pull.where == f"{tmp_path}/MODULE.bazel: line 5: oci_wasm.pull(name = 'hello')"


def test_only_the_digest_changes(tmp_path: Path) -> None:
    module = read(tmp_path, FULL)
    assert module.with_digests({"hello": NEW}).decode() == FULL.replace(str(OLD), str(NEW))
    assert module.with_digests({}) == module.data


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'oci_wasm.pull(\n    name = "a",\n    image = "h.io/a",\n    tag = "1",\n)\n',
            f'oci_wasm.pull(\n    name = "a",\n    digest = "{NEW}",\n    image = "h.io/a",\n    tag = "1",\n)\n',
        ),
        ('oci_wasm.pull(name = "é", image = "h.io/a")\n', f'oci_wasm.pull(name = "é", digest = "{NEW}", image = "h.io/a")\n'),
        ('oci_wasm.pull(image = "h.io/a",\n  name = "a")\n', f'oci_wasm.pull(digest = "{NEW}", image = "h.io/a",\n  name = "a")\n'),
        ('oci_wasm.pull(name = "a", digest = "", image = "h.io/a")\n', f'oci_wasm.pull(name = "a", digest = "{NEW}", image = "h.io/a")\n'),
        (
            'oci_wasm.pull(name = "a", digest = "sha256:" "' + "0" * 64 + '", image = "h.io/a")\n',
            f'oci_wasm.pull(name = "a", digest = "{NEW}", image = "h.io/a")\n',
        ),
    ],
)
def test_where_a_new_digest_goes(tmp_path: Path, before: str, after: str, line_end: str) -> None:
    module = read(tmp_path, (EXTENSION + before).replace("\n", line_end))
    assert module.with_digests({module.pulls[0].name: NEW}).decode() == (EXTENSION + after).replace("\n", line_end)


def test_several_tags_and_variables(tmp_path: Path) -> None:
    text = EXTENSION + 'dev = use_extension("//wasm:extensions.bzl", "wasm", dev_dependency = True)\n'
    text += 'oci_wasm.pull(name = "a", image = "h.io/a")\ndev.pull(name = "b", image = "h.io/b")\n'
    text += 'oci = use_extension("@rules_oci//oci:extensions.bzl", "oci")\noci.pull(name = "c", image = "h.io/c", platforms = [])\n'
    module = read(tmp_path, text)
    assert [pull.name for pull in module.pulls] == ["a", "b"]
    changed = module.with_digests({"a": OLD, "b": NEW}).decode()
    assert f'"a", digest = "{OLD}"' in changed
    assert f'"b", digest = "{NEW}"' in changed


@pytest.mark.parametrize(
    ("label", "file"),
    [
        ("//:a.pub", "a.pub"),
        (":a.pub", "a.pub"),
        ("a.pub", "a.pub"),
        ("@//:a.pub", "a.pub"),
        ("@@//keys:a/b.pub", "keys/a/b.pub"),
        ("//keys", "keys/keys"),
    ],
)
def test_labels_of_files(tmp_path: Path, label: str, file: str) -> None:
    (pull,) = read(tmp_path, EXTENSION + f'oci_wasm.pull(name = "a", image = "h.io/a", trusted_keys = "{label}")\n').pulls
    assert pull.trusted_keys == tmp_path / file


@pytest.mark.parametrize("label", ["@other//:a.pub", "@other", "//:../a.pub", "//../x:a", "//:", "///etc:passwd", "//a:/etc/passwd"])
def test_labels_of_what_is_elsewhere(tmp_path: Path, label: str) -> None:
    with pytest.raises(UsageError, match="is not a file of this module"):
        read(tmp_path, EXTENSION + f'oci_wasm.pull(name = "a", image = "h.io/a", trusted_keys = "{label}")\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("module(name = ", "this is not Starlark"),
        ("\0", "this is not Starlark"),
        ("x = " + "(" * 5000, "this is not Starlark"),
        ("a = 1\rb = 2\n", "carriage return alone"),
        ("", "it pulls no component"),
        (EXTENSION, "it pulls no component"),
        (EXTENSION + 'oci_wasm.pull("a")', "arguments must have names"),
        (EXTENSION + 'oci_wasm.pull(name = "a", name = "b", image = "h.io/a")', "each once"),
        (EXTENSION + "oci_wasm.pull(**x)", "arguments must have names"),
        (EXTENSION + 'oci_wasm.pull(image = "h.io/a")', "name is missing"),
        (EXTENSION + 'oci_wasm.pull(name = "a")', "image is missing"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = HOST + "/a")', "image is not written as a text"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a", threshold = "2")', "threshold is not written as a whole number"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a", verify = 0)', "verify is not written as True or False"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a", public_keys = [1])', "public_keys is not written as a list"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a", tags = "1")', "unknown attribute 'tags'; did you mean tag"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a", digest = "sha256:1")', "digest"),
        (EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a")\n' * 2, "two tags have the name 'a'"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(WasmOciError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert isinstance(caught.value, FormatError | UsageError)


def test_the_nearest_module_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no MODULE\.bazel here or above"):
        find_module_file(Path("/proc"))
    (tmp_path / "MODULE.bazel").touch()
    (tmp_path / "a/b").mkdir(parents=True)
    assert find_module_file(tmp_path / "a/b") == tmp_path / "MODULE.bazel"
    part = tmp_path / "a/pulls.MODULE.bazel"
    part.write_text(EXTENSION + 'oci_wasm.pull(name = "a", image = "h.io/a", trusted_keys = "//:t.yaml")\n')
    assert read_module_file(part).pulls[0].trusted_keys == tmp_path / "t.yaml"


RENOVATE_EXTENSION = re.compile(r'^(oci\w*)\s*=\s*use_extension\(\s*"[^"]+",\s*"[^"]+"', re.M)
RENOVATE_TAG = r"^{}\.pull\((?P<arguments>(?:\s*\w+\s*=\s*[^,()]+(?:,|\s*(?=\))))+)\s*\)"


def as_renovate_reads(text: str) -> list[dict[str, str]]:
    """What the bazel-module manager of Renovate finds: variables that begin with `oci`, tags `pull`, string literals."""
    found = []
    for variable in RENOVATE_EXTENSION.findall(text):
        for tag in re.finditer(RENOVATE_TAG.format(variable), re.sub(r"#.*", "", text), re.M):
            found.append(dict(re.findall(r'\b(name|image|tag|digest)\s*=\s*"([^"]*)"', tag["arguments"])))
    return found


def test_renovate_finds_what_update_wrote(tmp_path: Path) -> None:
    before = FULL.replace(f'    digest = "{OLD}",  # pinned\n', "").replace(', ":other.pub"', "")
    written = read(tmp_path, before).with_digests({"hello": OLD}).decode()
    (found,) = as_renovate_reads(written)
    assert found == {"name": "hello", "image": "ghcr.io/my-org/hello", "tag": "1.2.3", "digest": str(OLD)}
    renewed = written.replace(found["tag"], "1.3.0").replace(found["digest"], str(NEW))
    (pull,) = read(tmp_path, renewed).pulls
    assert (pull.tag, pull.digest) == ("1.3.0", NEW)
    assert as_renovate_reads(written.replace("oci_wasm", "wasm")) == [], "the variable must begin with `oci`"
