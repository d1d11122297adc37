"""Checks of what a component can reach, and of what changed against the version before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from wasm_oci.policy.finding import BUILD, PULL, Finding, listed, refused, unknown
from wasm_oci.policy.interfaces import Import, Interface, capabilities, is_known, split_name
from wasm_oci.policy.names import Glob
from wasm_oci.policy.scope import out_of_scope
from wasm_oci.policy.subject import UNKNOWN_VERSION, Subject
from wasm_oci.policy.versions import find_version

_LATER = (*BUILD, *PULL)
_WASM_TOOLS = "give wasm-tools with --wasm-tools PROGRAM, or put it on PATH"
_WORLDS = "name a world of WASI 0.2, or give what was found with --facts to `policy check`"


def _unlisted(subject: Subject, check: str) -> Iterable[Finding]:
    """Returns what denies where nobody can say all that a component reaches."""
    if subject.imports is None:
        return unknown(subject, check, "imports", "what it imports is")
    if subject.unlisted:
        what = f"what it imports cannot be listed: {listed(subject.unlisted)}"
        return refused(check, "imports", what, "build it with the tools of a released version of the component model")
    forms = [item for item in subject.imports if not is_known(item)]
    if forms:
        what = f"it imports {listed(forms)}, whose form is not known"
        return refused(check, "imports", what, "build it without imports of that form")
    return ()


def _without(wrong: Iterable[Import], other_versions: Iterable[Interface]) -> str:
    change = f"remove the import of {listed(dict.fromkeys(item.reached for item in wrong))}"
    versions = listed(other_versions, " or ")
    return f"{change}, or import {versions}" if versions else change


@dataclass(frozen=True, slots=True)
class AllowedImportsCheck:
    """All that a component may import itself."""

    allowed: tuple[Interface, ...]
    name: str = "import"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if problem := _unlisted(subject, self.name):
            return problem
        wrong = [item for item in subject.imports or () if not item.inside and not any(each.holds(item) for each in self.allowed)]
        if not wrong:
            return ()
        allowed = f"only {listed(self.allowed)}" if self.allowed else "nothing"
        what = f"it imports {listed(wrong)}; allowed is {allowed}"
        return refused(self.name, "imports", what, f"{_without(wrong, self._ranges(wrong))}, or add it to allowed_imports")

    def _ranges(self, wrong: Iterable[Import]) -> list[Interface]:
        """Which of them are allowed in other versions."""
        names = [split_name(item.reached)[0] for item in wrong]
        return [each for each in self.allowed if any(each.pattern.matches(name) for name in names)]


@dataclass(frozen=True, slots=True)
class DeniedImportsCheck:
    """What neither a component nor anything nested in it may import."""

    denied: tuple[Interface, ...]
    name: str = "import"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if problem := _unlisted(subject, self.name):
            return problem
        wrong = [(item, each) for item in subject.imports or () if (each := self._denied(item)) is not None]
        if not wrong:
            return ()
        rules = listed(dict.fromkeys(str(each) for _, each in wrong))
        what = f"it imports {listed(item for item, _ in wrong)}; denied is {rules}"
        return refused(self.name, "imports", what, _without((item for item, _ in wrong), ()))

    def _denied(self, item: Import) -> Interface | None:
        return next((each for each in self.denied if each.meets(item)), None)


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """What a component must export."""

    required: Interface
    name: str = "export"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.exports is None:
            return unknown(subject, self.name, "exports", "what it exports is")
        if any(self.required.holds(item) for item in subject.exports):
            return ()
        found = listed(item.reached for item in subject.exports) or "nothing"
        return refused(self.name, "exports", f"it exports {found}", f"export {self.required}")


@dataclass(frozen=True, slots=True)
class WorldCheck:
    """The worlds of which it must target one."""

    worlds: tuple[str, ...]
    name: str = "world"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.worlds is None:
            return [replace(each, change=_WORLDS) for each in unknown(subject, self.name, "worlds", "which worlds it targets is")]
        if set(self.worlds) & set(subject.worlds):
            return ()
        what = f"it targets {listed(subject.worlds) or 'none of the worlds'}"
        return refused(self.name, "worlds", what, f"build it for {listed(self.worlds, ' or ')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedImport:
    """An import that components may have from now on."""

    place: str
    """File and line."""
    interface: Interface
    components: tuple[Glob, ...]
    expires: datetime | None

    def holds(self, name: str, subject: Subject) -> bool:
        """Whether it approves an interface for a subject; one that expires needs the time, except at build."""
        return self.interface.pattern.matches(name) and not out_of_scope(subject, self.components, self.expires)

    def near(self, name: str, subject: Subject) -> str:
        """Returns why it does not approve an interface that it names; empty where it names another."""
        if not self.interface.pattern.matches(name):
            return ""
        return f"the approval at {self.place} {out_of_scope(subject, self.components, self.expires)}"


@dataclass(frozen=True, slots=True)
class NewImportsCheck:
    """What it imports and the version before does not. Only a registry knows that version."""

    approvals: tuple[ApprovedImport, ...]
    name: str = "new_import"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if problem := _unlisted(subject, self.name):
            return problem
        previous = subject.previous
        if previous is None or (previous.version and previous.imports is None):
            return unknown(subject, self.name, "previous", "what the version in the registry imports is", later=_LATER)
        if not previous.version:
            return ()
        before = capabilities(previous.imports or ())
        new = {name: item for name, item in capabilities(subject.imports or ()).items() if name not in before}
        wrong = [name for name in new if not any(each.holds(name, subject) for each in self.approvals)]
        if not wrong:
            return ()
        before_it = "the version before" if previous.version == UNKNOWN_VERSION else f"version {previous.version}"
        what = f"it newly imports {listed(wrong)}, which {before_it} does not"
        near = dict.fromkeys(filter(None, (each.near(name, subject) for name in wrong for each in self.approvals)))
        change = f"add an approval of {listed(wrong)} for {subject.path}, or remove the import"
        return refused(self.name, "imports", "; ".join((what, *near)), change)


@dataclass(frozen=True, slots=True)
class ApiChangeCheck:
    """Whether it can be used in place of the version before, where the major version is the same."""

    name: str = "api_change"

    def check(self, subject: Subject) -> Iterable[Finding]:
        previous = subject.previous
        if previous is None:
            return unknown(subject, self.name, "previous", "which version the registry has is", later=_LATER)
        if not previous.version:
            return ()
        before, now = find_version(previous.version), [find_version(text) for text in subject.releases]
        if before and now and all(version and version.major != before.major for version in now):
            return ()
        if subject.api_change is None:
            found = unknown(subject, self.name, "api_change", "whether its interfaces are compatible is", later=_LATER)
            return [replace(each, change=_WASM_TOOLS) for each in found]
        if subject.api_change == "compatible":
            return ()
        what = f"version {listed(subject.releases) or '(none)'} is not compatible with {previous.version}"
        what += f": {subject.api_problem}" if subject.api_problem else ""
        return refused(self.name, "api_change", what, "raise the major version, or keep what it exported and add no import")
