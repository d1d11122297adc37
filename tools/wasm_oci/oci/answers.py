"""What a registry's unwelcome answer means, in one line (distribution specification 1.1, "Error Codes")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from wasm_oci.errors import AuthError, FormatError, NotFoundError, RegistryError, WasmOciError, one_line
from wasm_oci.jsontext import parse_object
from wasm_oci.oci.transport import Answer, host_of, origin

if TYPE_CHECKING:
    from wasm_oci.oci.auth import Authenticator

_LONGEST = 200


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Says whether an answer is a web page."""
    return headers.get("Content-Type", "").lower().startswith("text/html") or body[:64].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )


def words_of(answer: Answer, hide: Callable[[str], str]) -> str:
    """Returns the registry's own error code and message, short and escaped, after `hide`; never a page's text."""
    if is_html(answer.headers, answer.body):
        return "an HTML page"
    try:
        errors = parse_object(answer.body, where="").get("errors")
    except FormatError:
        return one_line(hide(answer.body.decode("utf-8", "replace")).strip()[:_LONGEST])
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    words = [value for value in (first.get("code"), first.get("message")) if isinstance(value, str) and value]
    return one_line(hide(": ".join(words)))[:_LONGEST]


def failure(answer: Answer, *, step: str, where: str, registry: str, actions: str, auth: Authenticator) -> WasmOciError:
    """Returns the error for an answer that does not do what `step` asked for."""
    words = words_of(answer, auth.hide)
    said = f"status {answer.status}" + (f" ({words})" if words else "")
    elsewhere = origin(answer.url) != origin(registry)
    if answer.status in (401, 403) and not elsewhere:
        hint = auth.hint
        if answer.status == 403:
            hint = f"give this credential the right to {actions} (on ghcr.io: write access to the package)"
        return AuthError(f"{step}: {said}; asked for {actions}; credential: {auth.source}", where=where, hint=hint)
    answered = f"{host_of(answer.url)}, to which the registry redirects, answers {said}" if elsewhere else f"the registry answers {said}"
    what = f"{step}: {answered}"
    if answer.status == 404:
        return NotFoundError(what, where=where, hint="check the repository, tag and digest", status=404)
    if answer.status == 429:
        hint = "the registry limits requests: wait, or log in for a higher limit"
    elif answer.status >= 500:
        hint = "run again later: what is already there is not sent again"
    else:
        hint = "check the registry's address and what it supports"
    return RegistryError(what, where=where, hint=hint, status=answer.status)
