"""What names, versions and imports mean to the naive evaluator. It shares no code with the product."""

from __future__ import annotations

import re
from typing import Any

Doc = dict[str, Any]


def glob(pattern: str, text: str) -> bool:
    """By trying everything, remembering nothing; a run of stars is one."""
    pattern = re.sub(r"\*+", "*", pattern)
    rows = [[False] * (len(text) + 1) for _ in range(len(pattern) + 1)]
    rows[0][0] = True
    for i, sign in enumerate(pattern, 1):
        rows[i][0] = sign == "*" and rows[i - 1][0]
        for j, character in enumerate(text, 1):
            if sign == "*":
                rows[i][j] = rows[i - 1][j] or rows[i][j - 1]
            else:
                rows[i][j] = rows[i - 1][j - 1] and sign in ("?", character)
    return rows[-1][-1]


def path_of(subject: Doc) -> str:
    return f"{subject['namespace']}/{subject['name']}" if subject.get("namespace") else str(subject["name"])


def is_component(pattern: str, subject: Doc) -> bool:
    return glob(pattern, path_of(subject) if "/" in pattern else subject["name"])


def plain_host(host: str) -> str:
    host = re.sub(r"^https?://", "", host.lower())
    host = re.sub(r":(80|443)$", "", host).replace("[0:0::1]", "[::1]")
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host


def is_registry(named: str, registry: Doc, subject: Doc) -> bool:
    host, _, prefix = named.partition("/")
    if "." not in host and ":" not in host and host != "localhost":
        return named in ("*", registry.get("name"))
    if named == registry.get("name") == "localhost" and re.match(
        r"(https?://)?(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?$", registry.get("host", "")
    ):
        return True
    whole = (registry["prefix"] + "/" if registry.get("prefix") else "") + path_of(subject) + "/"
    return plain_host(host) == plain_host(registry.get("host", "")) and whole.startswith(prefix + "/" if prefix else "")


SEMVER = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-]"
    r"[0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)


def order(version: str) -> list[Any] | None:
    """A list that sorts as versions do; those of a series begin with its pre-releases."""
    if found := SEMVER.fullmatch(version):
        pre = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split(".")] if found[4] else []
        return [int(found[1]), int(found[2]), int(found[3]), 0 if found[4] else 1, pre]
    if re.fullmatch(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?", version):
        numbers = [int(part) for part in version.split(".")]
        return [*numbers, *[0] * (3 - len(numbers)), 0, []]
    return None


def within(version: str, entry: Doc) -> bool:
    """Whether all that a version may stand for is in a range."""
    if "at_least" not in entry and "below" not in entry:
        return True
    first = order(version)
    if first is None:
        return False
    if "at_least" in entry and first < (order(entry["at_least"]) or []):
        return False
    if "below" not in entry:
        return True
    below = order(entry["below"]) or []
    if SEMVER.fullmatch(version):
        return first < below
    numbers = [int(part) for part in version.split(".")]
    numbers[-1] += 1
    return [*numbers, *[0] * (3 - len(numbers)), 0, []] <= below


def touches(version: str, entry: Doc) -> bool:
    """Whether anything that a version may stand for is in a range."""
    first = order(version)
    if first is None:
        return True
    if "below" in entry and first >= (order(entry["below"]) or []):
        return False
    if "at_least" not in entry:
        return True
    least = order(entry["at_least"]) or []
    if SEMVER.fullmatch(version):
        return first >= least
    numbers = [int(part) for part in version.split(".")]
    numbers[-1] += 1
    return [*numbers, *[0] * (3 - len(numbers)), 0, []] > least


def pattern_of(interface: str) -> str:
    return interface + "/*" if ":" in interface and "/" not in interface and not interface.endswith("*") else interface


def surely(name: str, entry: Doc) -> bool:
    before, _, version = name.partition("@")
    return glob(pattern_of(entry["interface"]), before) and within(version, entry)


WORD = "(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)"
LABEL = f"{WORD}(?:-(?:[0-9a-z]+|[0-9A-Z]+))*"
INTERFACE = f"{LABEL}(?::{LABEL})+(?:/{LABEL})+(?:@[0-9A-Za-z.+-]+)?"


def known(item: Doc) -> bool:
    plain = rf"(\[[a-z][a-z0-9-]*( [a-z]+)?\])?{LABEL}(\.{LABEL})?"
    names = [item["name"], item.get("interface") or item["name"]]
    return item.get("core", False) or all(re.fullmatch(plain, name) or re.fullmatch(INTERFACE, name) for name in names)


def listing_fails(subject: Doc) -> bool:
    return subject.get("imports") is None or bool(subject.get("unlisted")) or not all(map(known, subject["imports"]))


PREVIEW1 = {
    "fd_write": ["wasi:cli/stdin", "wasi:cli/stdout", "wasi:cli/stderr"],
    "random_get": ["wasi:random/random"],
    "path_open": ["wasi:filesystem/types"],
    "fd_readdir": ["wasi:filesystem/types"],
    "sock_send": ["wasi:sockets/tcp"],
    "proc_exit": ["wasi:cli/exit"],
}


def reached(item: Doc) -> list[tuple[str, str]]:
    if not item.get("core"):
        own = {item["name"], item.get("interface") or item["name"]}
        return [(name.partition("@")[0], name.partition("@")[2]) for name in own]
    module, _, function = item["name"].partition("/")
    if module in ("wasi_snapshot_preview1", "wasi_unstable"):
        return [(item["name"], ""), *((name, "") for name in PREVIEW1.get(function, ["wasi:*"]))]
    parts = item["name"].split("/")
    names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return [(name.partition("@")[0], name.partition("@")[2]) for name in names]


def denied_by(item: Doc, entry: Doc) -> bool:
    pattern = pattern_of(entry["interface"])
    for name, version in reached(item):
        stem = re.split(r"[*?]", pattern)[0]
        any_of_it = name == "wasi:*" and (stem.startswith("wasi:") or "wasi:".startswith(stem))
        if (glob(pattern, name) or any_of_it) and touches(version, entry):
            return True
    return False


def can_do(imports: list[Doc]) -> set[str]:
    found = set()
    for item in imports:
        for name, _ in reached(item):
            if not item.get("inside") or name == "wasi:*" or re.fullmatch(INTERFACE, name):
                found.add(name)
    return found
