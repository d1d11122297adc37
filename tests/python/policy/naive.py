"""An independent evaluator: what docs/policy.md says, written again over plain documents, as simply as possible and without any speed.

It shares no code with the product. It answers `allow` or `deny`, nothing else.
"""

from __future__ import annotations

import re
from typing import Any

from policy.naive_names import SEMVER, Doc, can_do, denied_by, glob, is_component, is_registry, listing_fails, order, pattern_of, surely

MEMBERS = [
    *("signing", "signature_types", "key_formats", "development_keys", "key_sources", "required_annotations", "forbidden_annotations"),
    *("versions", "allowed_imports", "denied_imports", "required_exports", "worlds", "new_imports", "api_changes", "max_size"),
    *("allowed_registries", "namespaces", "tags", "plain_http", "digest_pin", "statements"),
]
KINDS = {"signature_types": "signature_type", "key_formats": "key_format", "development_keys": "development_key"}


class Naive:
    """Decides about one subject."""

    def __init__(self, policy: Doc, subject: Doc, overrides: list[str]) -> None:
        self.policy, self.subject = policy, subject
        self.at, self.time = subject["at"], subject.get("time")
        asked = [each for each in policy.get("overrides", []) if each["name"] in overrides]
        self.lifted = {check for each in asked if self.applies(each) for check in each["checks"]}

    def decide(self) -> str:
        if self.policy.get("mode") == "warn":
            return "allow"
        for denied in self.policy.get("denied_digests", []):
            if "denied_digest" not in self.lifted and not self.digest_is_fine(denied["digest"]):
                return "deny"
        if self.nobody_speaks():
            return "deny"
        for rule, members in self.speaking():
            if rule.get("mode") != "warn" and any(not self.satisfied(rule, member) for member in members):
                return "deny"
        return "allow"

    def applies(self, override: Doc) -> bool:
        if not any(is_component(pattern, self.subject) for pattern in override["components"]):
            return False
        if "registries" in override and not self.is_in(override["registries"]):
            return False
        return self.not_expired(override["expires"])

    def is_in(self, registries: list[str]) -> bool:
        registry = self.subject.get("registry")
        return registry is not None and any(is_registry(each, registry, self.subject) for each in registries)

    def not_expired(self, day: str) -> bool:
        return self.at == "build" or (self.time is not None and self.time <= (day if "T" in day else day + "T23:59:59Z"))

    def matching(self) -> list[Doc]:
        found = []
        for rule in self.policy.get("components", []):
            if is_component(rule["pattern"], self.subject) and ("registries" not in rule or self.is_in(rule["registries"])):
                found.append(rule)
        return found + [rule for rule in self.policy.get("registries", []) if self.is_in([rule["registry"]])]

    def general(self, name: str) -> list[Doc]:
        rules = self.policy.get(name, [])
        return [rules] if isinstance(rules, dict) else rules

    def speaking(self) -> list[tuple[Doc, list[str]]]:
        rules = self.matching()
        taken = {member for rule in rules if rule.get("mode") != "warn" for member in rule}
        found = [(rule, [member for member in MEMBERS if member in rule]) for rule in [*rules, *self.general("always")]]
        for rule in self.general("default"):
            found.append((rule, [member for member in MEMBERS if member in rule and member not in taken]))
        return found

    def nobody_speaks(self) -> bool:
        registry = self.subject.get("registry")
        for rule in [*self.policy.get("components", []), *self.policy.get("registries", [])]:
            named = rule.get("registries", [rule["registry"]] if "registry" in rule else None)
            if named is None or ("pattern" in rule and not is_component(rule["pattern"], self.subject)) or self.is_in(named):
                continue
            entries = [each for each in named if re.fullmatch("[^.:/*]+", each) and each != "localhost"]
            hosts = [each for each in named if each not in entries and each == registry.get("name")] if registry else []
            if registry is None or hosts or (registry.get("name") is None and entries):
                return True
        return not any(members for _, members in self.speaking())

    def digest_is_fine(self, digest: str) -> bool:
        have = self.subject.get("digests") or []
        if not any(each.split(":")[0] == digest.split(":", maxsplit=1)[0] for each in have):
            return bool(self.at == "build")
        return digest not in have

    def valid(self, signer: Doc) -> bool:
        if signer.get("revoked"):
            return False
        if self.at == "build" or not (signer.get("not_before") or signer.get("not_after")):
            return True
        if self.time is None:
            return False
        full = {name: day if "T" in day else day + "T00:00:00Z" for name in ("not_before", "not_after") if (day := signer.get(name))}
        return bool(full.get("not_before", "") <= self.time <= full.get("not_after", "9"))

    def filters(self, *, only: str = "") -> list[tuple[str, Any]]:
        found = []
        for rule, members in self.speaking():
            if rule.get("mode") == "warn":
                continue
            for member, check in KINDS.items():
                if member in members and check not in self.lifted and (not only or only == member):
                    found.append((member, rule[member]))
        return found

    def fits(self, signer: Doc, member: str, value: Any) -> object:
        if member == "signature_types":
            return signer.get("signature", "embedded") in value
        if member == "key_formats":
            return signer.get("format", "compact") in value
        return value == "allowed" or not signer.get("development")

    def named(self, signers: list[Doc], keys: list[str] | None) -> int:
        if keys is None:
            return len({signer["key_id"] for signer in signers})
        ids = set()
        for key in keys:
            owners = {signer["key_id"] for signer in signers if key in signer.get("names", [])}
            if len(owners) == 1:
                ids |= owners
        return len(ids)

    def satisfied(self, rule: Doc, member: str) -> bool:
        return bool(getattr(self, member)(rule, rule[member]))

    def is_signed(self) -> bool:
        return bool(self.subject.get("signers") or self.subject.get("unverified"))

    def signing(self, rule: Doc, value: str) -> object:
        if "signing" in self.lifted:
            return True
        keys, least = rule.get("keys"), rule.get("threshold", 1)
        signers = self.subject.get("signers")
        if value == "optional" and keys is None and least == 1:
            return True
        if signers is None:
            if value == "optional" and not self.is_signed():
                return self.at == "build"
            return self.at == "build"
        if value == "optional" and not self.is_signed():
            return True
        good = [each for each in signers if self.valid(each) and all(self.fits(each, *one) for one in self.filters())]
        return self.named(good, keys) >= least

    def kind(self, member: str, value: Any, check: str) -> object:
        if check in self.lifted:
            return True
        if self.subject.get("signers") is None:
            return self.at == "build"
        return not self.is_signed() or any(self.valid(each) and self.fits(each, member, value) for each in self.subject["signers"])

    def signature_types(self, rule: Doc, value: Any) -> object:
        return self.kind("signature_types", value, "signature_type")

    def key_formats(self, rule: Doc, value: Any) -> object:
        return self.kind("key_formats", value, "key_format")

    def development_keys(self, rule: Doc, value: Any) -> object:
        return value == "allowed" or self.kind("development_keys", value, "development_key")

    def key_sources(self, rule: Doc, value: list[str]) -> object:
        if "key_source" in self.lifted:
            return True
        if self.subject.get("key_sources") is None:
            return self.at != "publish" or (not self.is_signed() and self.subject.get("signers") is not None)
        return set(self.subject["key_sources"]) <= set(value)

    def notes(self) -> dict[str, str] | None:
        found = self.subject.get("annotations")
        return None if found is None else {each["name"]: each["value"] for each in found}

    def required_annotations(self, rule: Doc, value: list[Doc]) -> object:
        if "annotation" in self.lifted:
            return True
        notes = self.notes()
        if notes is None:
            return False
        found = [(each, notes.get(each["name"], "")) for each in value]
        return all(text and ("matches" not in each or re.fullmatch(each["matches"], text)) for each, text in found)

    def forbidden_annotations(self, rule: Doc, value: list[Doc]) -> object:
        if "annotation" in self.lifted:
            return True
        found = self.subject.get("annotations")
        if found is None:
            return False
        pairs = [(each, note) for note in found for each in value if glob(each["name"], note["name"])]
        return not any("contains" not in each or re.search(each["contains"], note["value"]) for each, note in pairs)

    def versions(self, rule: Doc, value: str) -> object:
        if value == "any" or "version" in self.lifted:
            return True
        notes = self.notes()
        if notes is None or self.subject.get("version") is None:
            return False
        said = [notes.get("org.opencontainers.image.version", "")]
        if self.subject.get("tags"):
            first, *more = self.subject["tags"]
            said += [first, *(tag for tag in more if SEMVER.fullmatch(tag))]
        elif self.at == "build":
            return True
        elif not (self.at == "pull" and self.subject.get("pinned")):
            return False
        said += [self.subject["version"]] if self.subject["version"] else []
        return all(said) and len(set(said)) == 1

    def allowed_imports(self, rule: Doc, value: list[Doc]) -> object:
        if "import" in self.lifted:
            return True
        if listing_fails(self.subject):
            return False
        names = [item.get("interface") or item["name"] for item in self.subject["imports"] if not item.get("inside")]
        return all(any(surely(name, each) for each in value) for name in names)

    def denied_imports(self, rule: Doc, value: list[Doc]) -> object:
        if "import" in self.lifted:
            return True
        return not listing_fails(self.subject) and not any(denied_by(item, each) for item in self.subject["imports"] for each in value)

    def required_exports(self, rule: Doc, value: list[Doc]) -> object:
        exports = self.subject.get("exports")
        if "export" in self.lifted:
            return True
        names = [item.get("interface") or item["name"] for item in exports or []]
        return exports is not None and all(any(surely(name, each) for name in names) for each in value)

    def worlds(self, rule: Doc, value: list[str]) -> object:
        return "world" in self.lifted or bool(set(value) & set(self.subject.get("worlds") or []))

    def new_imports(self, rule: Doc, value: str) -> object:
        if value == "any" or "new_import" in self.lifted:
            return True
        if listing_fails(self.subject):
            return False
        previous = self.subject.get("previous")
        if previous is None or (previous.get("version") and previous.get("imports") is None):
            return self.at != "publish"
        if not previous.get("version"):
            return True
        new = can_do(self.subject["imports"]) - can_do(previous["imports"])
        return all(any(self.approves(each, name) for each in self.policy.get("approvals", [])) for name in new)

    def approves(self, approval: Doc, name: str) -> object:
        if not any(is_component(pattern, self.subject) for pattern in approval["components"]):
            return False
        return glob(pattern_of(approval["interface"]), name) and ("expires" not in approval or self.not_expired(approval["expires"]))

    def api_changes(self, rule: Doc, value: str) -> object:
        if value == "any" or "api_change" in self.lifted:
            return True
        previous = self.subject.get("previous")
        if previous is None:
            return self.at != "publish"
        if not previous.get("version"):
            return True
        tags = [tag for tag in self.subject.get("tags") or [] if SEMVER.fullmatch(tag)]
        other = (self.notes() or {}).get("org.opencontainers.image.version") or self.subject.get("version")
        own = tags or ([other] if other else [])
        before, *majors = [self.major(version) for version in (previous["version"], *own)]
        if before and majors and all(major and major != before for major in majors):
            return True
        if self.subject.get("api_change") is None:
            return self.at != "publish"
        return bool(self.subject["api_change"] == "compatible")

    def major(self, version: str) -> list[Any] | None:
        numbers = (order(version) or [])[:3] if SEMVER.fullmatch(version) else []
        first = next((index for index, number in enumerate(numbers) if number), 2)
        return numbers[: first + 1] + [0] * (2 - first) if numbers else None

    def max_size(self, rule: Doc, value: int) -> object:
        return "size" in self.lifted or (self.subject.get("size") is not None and self.subject["size"] <= value)

    def allowed_registries(self, rule: Doc, value: list[str]) -> object:
        registry = self.subject.get("registry")
        return "registry" in self.lifted or (registry is not None and any(is_registry(each, registry, self.subject) for each in value))

    def namespaces(self, rule: Doc, value: list[str]) -> object:
        return "namespace" in self.lifted or any(glob(each, self.subject.get("namespace", "")) for each in value)

    def tags(self, rule: Doc, value: Doc) -> object:
        if "tag" in self.lifted:
            return True
        if self.subject.get("tags") is None:
            return self.at == "build" or (self.at == "pull" and bool(self.subject.get("pinned")))
        for tag in self.subject["tags"]:
            if value.get("semver") and not SEMVER.fullmatch(tag):
                return False
            if "allowed" in value and not any(glob(each, tag) for each in value["allowed"]):
                return False
            if any(glob(each, tag) for each in value.get("denied", [])):
                return False
        return True

    def plain_http(self, rule: Doc, value: str) -> object:
        if value == "allowed" or "plain_http" in self.lifted:
            return True
        registry = self.subject.get("registry") or {}
        if registry.get("plain_http") is None:
            return self.at == "build"
        return not registry["plain_http"] or (value == "loopback" and registry.get("loopback", False))

    def digest_pin(self, rule: Doc, value: str) -> object:
        return value == "optional" or "digest_pin" in self.lifted or self.at != "pull" or bool(self.subject.get("pinned"))

    @staticmethod
    def is_of_type(found: str, wanted: str) -> bool:
        wanted = {"sign": "https://sigstore.dev/cosign/sign/v1", "spdxjson": "https://spdx.dev/Document"}.get(wanted, wanted)
        return found == wanted or (wanted == "https://spdx.dev/Document" and found.startswith(wanted + "/v"))

    def statements(self, rule: Doc, value: list[Doc]) -> object:
        if "statement" in self.lifted:
            return True
        if self.subject.get("statements") is None or self.subject.get("digests") is None:
            return self.at == "build"
        strict = self.filters(only="development_keys")
        for each in value:
            signers = [
                signer
                for statement in self.subject["statements"]
                if self.is_of_type(statement["predicate_type"], each["predicate_type"]) and statement["digest"] in self.subject["digests"]
                for signer in statement.get("signers", [])
                if self.valid(signer) and all(self.fits(signer, *one) for one in strict)
            ]
            if self.named(signers, each.get("keys")) < each.get("threshold", 1):
                return False
        return True


def naive_decision(policy: Doc, subject: Doc, overrides: list[str]) -> str:
    return Naive(policy, subject, overrides).decide()


ALLOW_EVERYTHING = {
    *(("plain_http", "allowed"), ("development_keys", "allowed"), ("versions", "any"), ("new_imports", "any")),
    *(("api_changes", "any"), ("digest_pin", "optional")),
}


def is_refused(policy: Doc) -> bool:
    """Whether a policy checks nothing, or asks for more keys than it names, so that nobody should decide by it."""
    rules = [*policy.get("components", []), *policy.get("registries", [])]
    rules += [
        rule
        for name in ("always", "default")
        if name in policy
        for rule in ([policy[name]] if isinstance(policy[name], dict) else policy[name])
    ]
    asked = [each for rule in rules for each in (rule, *rule.get("statements", []))]
    if any("keys" in each and each.get("threshold", 1) > len(set(each["keys"])) for each in asked):
        return True
    return not any((member, str(rule[member])) not in ALLOW_EVERYTHING for rule in rules for member in MEMBERS if member in rule)
