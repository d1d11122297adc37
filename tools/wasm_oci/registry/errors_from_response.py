"""What a registry's unwelcome response means, in one line (distribution specification 1.1, "Error Codes")."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Protocol

from wasm_oci.digest import Digest
from wasm_oci.errors import AuthError, FormatError, NotFoundError, RegistryError, TagConflictError, WasmOciError, one_line
from wasm_oci.http.host import host_of, origin
from wasm_oci.http.messages import HttpResponse
from wasm_oci.http.network_error import WITH_TLS
from wasm_oci.jsontext import parse_object
from wasm_oci.redaction import redacted

_LONGEST = 200
_TYPE_REFUSED = frozenset({400, 405, 406, 415, 422})
_TAG_KEPT = frozenset({400, 403, 405, 409, 412, 422})
_SAYS_KEPT = re.compile(
    r"(?<![a-z])immutab|can(?:'t|not| not) be (?:overwrit|overridden|moved)|(?:must|may) not be (?:overwrit|moved)"
    r"|not allow(?:ed to)? (?:overwrit|updating assets)"
)

_WANTS_TLS = re.compile(
    rb"HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port|plain HTTP to an SSL-enabled|host and port requires TLS"
)
"""What Go, nginx, Apache and Tomcat say to a client that speaks without TLS."""
_SAYS_FULL = re.compile(
    r"\bquota(?: [a-z]+){0,4} (?:exceeded|reached|full)|(?:exceed(?:s|ed)?|over|out of|not enough|insufficient)(?: [a-z]+){0,4} quota"
    r"|configured upper limit|storage limit|reached its limit|limit_?exceeded"
)
"""What Harbor, Quay, GitLab and Amazon ECR say, often with 403."""
_SAYS_READ_ONLY = re.compile(
    r"proxy project|pull[- ]through|(?:system|registry|repository|project) is [a-z ]*read[- ]only|read[-_ ]only[_ ]mode"
)
_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
_SEND_AGAIN = "run again: what the registry does not have is sent again"
_FULL = "free space in the registry, or raise its quota"
_READ_ONLY = "publish to a registry that may be written to: this one is a cache of another, or read-only"
_RULES = "sign or scan it as the rules of the registry's project ask, or have it exempted from them"
_SAYS_EXPIRED = re.compile(r"expired|re-?authenticat|invalid[ _]token|token[ _](?:is )?invalid", re.IGNORECASE)


class Login(Protocol):
    """What is known of the login that a registry refuses."""

    @property
    def credential_source(self) -> str:
        """Where the credential is from."""
        ...

    @property
    def hint(self) -> str:
        """What to do about a 401."""
        ...

    @property
    def rights(self) -> str:
        """What was asked for and, as far as it is known, granted."""
        ...


def is_html(response: HttpResponse) -> bool:
    """Says whether a response is a web page.

    Its content decides where there is any: Google Artifact Registry gives the type of a page to empty responses. Of one whose body
    still has to be read, the type decides.
    """
    typed = response.headers.get("Content-Type", "").lower().startswith("text/html")
    if response.wire is not None:
        return typed
    start = response.body[:64].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return start.startswith((b"<!doctype", b"<html")) or (typed and start.startswith(b"<"))


def _first_error(response: HttpResponse) -> Mapping[str, object]:
    """The first entry of the registry's own list of errors; raises FormatError where the body is something else."""
    errors = parse_object(response.body, where="").get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


def error_code(response: HttpResponse) -> str:
    """Returns the code of the registry's first error, empty where it names none."""
    try:
        code = _first_error(response).get("code")
    except FormatError:
        return ""
    return code if isinstance(code, str) else ""


def words_of(response: HttpResponse) -> str:
    """Returns the registry's own error code and message, short, escaped and without secrets that it was sent; never a page's text."""
    if is_html(response):
        return "an HTML page"
    try:
        first = _first_error(response)
    except FormatError:
        return one_line(redacted(response.body.decode("utf-8", "replace")).strip()[:_LONGEST])
    words = [value for value in (first.get("code"), first.get("message")) if isinstance(value, str) and value]
    return one_line(redacted(": ".join(words)))[:_LONGEST]


def _said(response: HttpResponse) -> str:
    """The status and, in brackets, the registry's own words."""
    words = words_of(response)
    return f"status {response.status}" + (f" ({words})" if words else "")


def says_expired(response: HttpResponse) -> bool:
    """Says whether a refusal is about a token or credential that is not valid any more, and not about a missing right.

    Amazon ECR Public answers 400 to such a token, others 403.
    """
    if response.status not in (400, 403):
        return False
    return _SAYS_EXPIRED.search(f"{response.headers.get('WWW-Authenticate', '')} {words_of(response)}") is not None


def missing_manifest(response: HttpResponse, name: object, *, where: str, host: str, may_hide: bool) -> NotFoundError:
    """Returns the error for a tag or digest that a registry does not find."""
    thing = f"manifest {name}" if isinstance(name, Digest) else f"tag {name}"
    if error_code(response) == "NAME_UNKNOWN":
        thing = "repository"
    words = words_of(response)
    hint = f"check the spelling, or run `wasm_oci list {where}`"
    if may_hide:
        hint += f"; if the repository is private, run `docker login {host}` first"
    return NotFoundError(f"{thing} not found" + (f" ({words})" if words else ""), where=where, hint=hint, status=404)


def hidden(response: HttpResponse, *, step: str, where: str, host: str, login: Login) -> AuthError:
    """Returns the error for "not found" by a registry that wants a login and got none: it may mean "not allowed"."""
    said = f"{_said(response)} without a login, which may mean that it is not there or that reading is not allowed"
    what = f"{step}: {said}; {login.rights}; credential: {login.credential_source}"
    hint = f"log in with `docker login {host}`, or name a variable in the registry's entry"
    return AuthError(what, where=where, hint=hint, status=response.status, code=error_code(response))


def refused_manifest(error: WasmOciError, response: HttpResponse, name: object, data: bytes, media_type: str) -> WasmOciError:
    """Returns what a refused manifest means: a tag that may not be moved, a media type that is not allowed, else `error`."""
    if isinstance(name, str) and _keeps_tag(response, f"{error.where}/{name}"):
        said = _said(response)
        hint = "publish under a new tag, or exempt this tag in the registry's rules for immutable tags"
        if name.startswith("sha256-"):
            hint = "exempt tags that begin with sha256- from the registry's rules for immutable tags: they list signatures"
        return TagConflictError(f"the registry refuses to move tag {name}: {said}", where=error.where, hint=hint)
    if not isinstance(error, RegistryError) or response.status not in _TYPE_REFUSED or error.reason != RegistryError.default_reason:
        return error
    return _refused_type(error, data, media_type)


def _keeps_tag(response: HttpResponse, names: str) -> bool:
    """Whether a tag's refusal says that tags are not moved; `names`, which it may quote, say nothing."""
    if response.status not in _TAG_KEPT or is_html(response):
        return False
    if not response.body.strip():
        return response.status in (409, 412)
    return _SAYS_KEPT.search(_without_names(response, names)) is not None


def _without_names(response: HttpResponse, names: str) -> str:
    """Returns what a response says, in lower case and without the parts of `names` that it may quote; nothing of a web page."""
    text = "" if is_html(response) else response.body.decode("utf-8", "replace").lower()
    quoted = sorted({names.lower().partition("/")[2].rpartition("/")[0], *names.lower().split("/")}, key=len, reverse=True)
    for name in filter(None, quoted):
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", "", text)
    return text


def _told(response: HttpResponse, *, where: str, writes: bool) -> tuple[str, str]:
    """Returns reason and remedy of a refusal that its words explain, whatever its status; both empty for another one."""
    code = error_code(response)
    if code == "PROJECTPOLICYVIOLATION":
        return "registry_rules", _RULES
    if writes and code in _MISSING:
        return "content_missing", _SEND_AGAIN
    text = _without_names(response, f"{where}/") if writes and 400 <= response.status != 429 else ""
    if _SAYS_FULL.search(text):
        return "quota", _FULL
    return ("read_only", _READ_ONLY) if _SAYS_READ_ONLY.search(text) else ("", "")


def _refused_type(error: RegistryError, data: bytes, media_type: str) -> RegistryError:
    """Names the media types of a refused manifest: many registries allow a list of their own."""
    config = parse_object(data, where="").get("config")
    inner = config.get("mediaType") if isinstance(config, dict) else None
    kinds = f"{media_type} with config {inner}" if inner else media_type
    hint = "check that the registry accepts OCI artifacts of this media type"
    return RegistryError(f"{error.what} (media type {kinds})", where=error.where, hint=hint, reason="manifest_refused", status=error.status)


def failure(
    response: HttpResponse, *, step: str, where: str, registry: str, actions: str, login: Login, writes: bool = False
) -> WasmOciError:
    """Returns the error for a response that does not do what `step` asked for."""
    said = _said(response)
    elsewhere = origin(response.url) != origin(registry)
    reason, hint = _told(response, where=where, writes=writes)
    if response.status in (401, 403) and not reason and not elsewhere:
        hint = login.hint
        if response.status == 403:
            hint = f"give this credential the right to {actions} (on ghcr.io: write access to the package)"
        what = f"{step}: {said}; {login.rights}; credential: {login.credential_source}"
        return AuthError(what, where=where, hint=hint, status=response.status, code=error_code(response))
    answered = f"{host_of(response.url)}, to which the registry redirects, answers {said}" if elsewhere else f"the registry answers {said}"
    what = f"{step}: {answered}"
    if reason:
        return RegistryError(what, where=where, hint=hint, reason=reason, status=response.status)
    if response.status == 404:
        hint = "check the repository's name" if error_code(response) == "NAME_UNKNOWN" else "check the repository, tag and digest"
        if writes:
            hint = "create the repository in the registry first, or check its name and that this credential may write to it"
        return NotFoundError(what, where=where, hint=hint, status=404)
    if response.status == 429:
        hint = "the registry limits requests: wait, or log in for a higher limit"
    elif response.status == 400 and _WANTS_TLS.search(response.body):
        hint = WITH_TLS
    elif response.status == 413:
        hint = "raise the limit for the size of a request in the registry and in the proxy before it"
    elif response.status == 507:
        hint = _FULL
    elif response.status == 405 and writes:
        hint = _READ_ONLY
    elif response.status >= 500:
        hint = "run again later: what is already there is not sent again"
    else:
        hint = "check the registry's address and what it supports"
    return RegistryError(what, where=where, hint=hint, status=response.status)
