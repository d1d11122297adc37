"""What a registry's unwelcome response means, in one line (distribution specification 1.1, "Error Codes")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from wasm_oci.errors import AuthError, FormatError, NotFoundError, RegistryError, WasmOciError, one_line
from wasm_oci.http.host import host_of, origin
from wasm_oci.http.messages import HttpResponse
from wasm_oci.jsontext import parse_object

if TYPE_CHECKING:
    from wasm_oci.registry.auth import Authenticator

_LONGEST = 200


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Says whether a response is a web page."""
    return headers.get("Content-Type", "").lower().startswith("text/html") or body[:64].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )


def words_of(response: HttpResponse, hide: Callable[[str], str]) -> str:
    """Returns the registry's own error code and message, short and escaped, after `hide`; never a page's text."""
    if is_html(response.headers, response.body):
        return "an HTML page"
    try:
        errors = parse_object(response.body, where="").get("errors")
    except FormatError:
        return one_line(hide(response.body.decode("utf-8", "replace")).strip()[:_LONGEST])
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    words = [value for value in (first.get("code"), first.get("message")) if isinstance(value, str) and value]
    return one_line(hide(": ".join(words)))[:_LONGEST]


def failure(response: HttpResponse, *, step: str, where: str, registry: str, actions: str, auth: Authenticator) -> WasmOciError:
    """Returns the error for a response that does not do what `step` asked for."""
    words = words_of(response, auth.hide)
    said = f"status {response.status}" + (f" ({words})" if words else "")
    elsewhere = origin(response.url) != origin(registry)
    if response.status in (401, 403) and not elsewhere:
        hint = auth.hint
        if response.status == 403:
            hint = f"give this credential the right to {actions} (on ghcr.io: write access to the package)"
        return AuthError(f"{step}: {said}; asked for {actions}; credential: {auth.source}", where=where, hint=hint)
    answered = f"{host_of(response.url)}, to which the registry redirects, answers {said}" if elsewhere else f"the registry answers {said}"
    what = f"{step}: {answered}"
    if response.status == 404:
        return NotFoundError(what, where=where, hint="check the repository, tag and digest", status=404)
    if response.status == 429:
        hint = "the registry limits requests: wait, or log in for a higher limit"
    elif response.status >= 500:
        hint = "run again later: what is already there is not sent again"
    else:
        hint = "check the registry's address and what it supports"
    return RegistryError(what, where=where, hint=hint, status=response.status)
