"""What the client believes of a registry, and what it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.clients import REPOSITORY, client_of, put_blob
from fakes.timing import IMPATIENT
from fakes.web import Asked, reply, serve
from instruments.effects import Corrupt, Half, Hangup, Headers, Pretend, Redirect, Reply, Rewrite, Stall, Status, wrong_digest
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, NotFoundError, RegistryError, WasmOciError
from wasm_oci.http.messages import ConnectionLost
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.registry.blobs import blob_pieces, has_blob
from wasm_oci.registry.client import ACCEPT, RegistryClient
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.upload import Uploaded, upload_blob

BLOB = bytes(range(256)) * 40
DESCRIPTOR = Descriptor.of(BLOB, "application/wasm")
MANIFEST = Manifest(config=EMPTY, layers=(DESCRIPTOR,), artifact_type="application/vnd.test")
DIGEST = MANIFEST.descriptor().digest
HTML = Reply(status=200, headers={"Content-Type": "text/html"}, body=b"<html><b>log in</b></html>")


@pytest.fixture
def filled(client: RegistryClient, registry: RunningRegistry) -> RegistryClient:
    """A client of a registry that has the manifest as `v1`; nothing is on record yet."""
    put_blob(client, BLOB)
    put_blob(client, EMPTY_BLOB)
    client.put_manifest(DIGEST, MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    registry.requests.clear()
    return client


def lines(registry: RunningRegistry) -> list[str]:
    """Method and status of every request so far."""
    return [f"{record.method} {record.status}" for record in registry.requests]


def test_round_trip(filled: RegistryClient, registry: RunningRegistry) -> None:
    assert filled.find_manifest("v1") == filled.find_manifest(DIGEST) == MANIFEST.descriptor()
    assert filled.fetch_manifest("v1").data == MANIFEST.encode()
    assert b"".join(blob_pieces(filled, DESCRIPTOR)) == BLOB
    assert {record.headers["accept"] for record in registry.requests if "/manifests/" in record.path} == {ACCEPT}
    assert filled.tags() == ("v1",)
    assert filled.credential_source == "none (the registry did not ask)"


def test_what_is_not_there(client: RegistryClient) -> None:
    assert client.find_manifest("v1") is None
    assert not has_blob(client, DESCRIPTOR)
    with pytest.raises(NotFoundError, match="MANIFEST_UNKNOWN"):
        client.fetch_manifest("v1")
    with pytest.raises(NotFoundError):
        b"".join(blob_pieces(client, DESCRIPTOR))


def test_a_blob_that_is_there_is_not_sent_again(filled: RegistryClient, registry: RunningRegistry) -> None:
    assert put_blob(filled, BLOB) == Descriptor.of(BLOB, "application/octet-stream")
    assert lines(registry) == ["HEAD 200"]


def test_an_upload_has_a_length_and_no_chunks(client: RegistryClient, registry: RunningRegistry) -> None:
    assert upload_blob(client, DESCRIPTOR, lambda: iter((BLOB,))) == Uploaded(sent=len(BLOB))
    assert lines(registry) == ["HEAD 404", "GET 200", "GET 404", "POST 202", "PUT 201"]
    assert registry.requests[-1].headers["content-length"] == str(len(BLOB))
    assert "transfer-encoding" not in registry.requests[-1].headers


def test_an_empty_blob(client: RegistryClient) -> None:
    assert has_blob(client, put_blob(client, b""))


@pytest.mark.parametrize(
    "effect",
    [Hangup(), Hangup(stored=True), Reply(status=500), Reply(status=429), Reply(status=404), Reply(status=416), Stall(seconds=30)],
)
def test_a_lost_upload_is_begun_anew_with_a_new_session(client: RegistryClient, registry: RunningRegistry, effect: Hangup) -> None:
    fault = registry.faults.add(Fault(method="PUT", path="/uploads/", effect=effect))
    assert upload_blob(client, DESCRIPTOR, lambda: iter((BLOB,))).sent == len(BLOB)
    assert fault.hits == 1
    assert has_blob(client, DESCRIPTOR)
    sessions = [record.path for record in registry.requests if record.method == "PUT"]
    assert len(set(sessions)) == len(sessions)
    stored = isinstance(effect, Hangup) and effect.stored
    assert len(sessions) == (1 if stored else 2)


@pytest.mark.parametrize("effect", [Hangup(), Reply(status=503), Reply(status=404)])
def test_an_upload_that_is_always_lost_ends(client: RegistryClient, registry: RunningRegistry, effect: Hangup) -> None:
    fault = registry.faults.add(Fault(method="PUT", path="/uploads/", effect=effect, times=None))
    with pytest.raises(RegistryError, match=f"upload blob {DESCRIPTOR.digest}"):
        put_blob(client, BLOB)
    assert fault.hits == 3


def test_a_refused_upload_is_not_repeated(client: RegistryClient, registry: RunningRegistry) -> None:
    body = b'{"errors":[{"code":"SIZE_INVALID","message":"too large"}]}'
    fault = registry.faults.add(Fault(method="PUT", path="/uploads/", effect=Reply(status=413, body=body), times=None))
    with pytest.raises(RegistryError, match=r"status 413 \(SIZE_INVALID: too large\)"):
        put_blob(client, BLOB)
    assert fault.hits == 1


@pytest.mark.parametrize("there", [True, False])
def test_an_upload_that_is_refused_where_another_was_first_is_done(client: RegistryClient, registry: RunningRegistry, there: bool) -> None:
    effect = Status(status=400) if there else Reply(status=400)
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=effect))
    if there:
        assert put_blob(client, BLOB) == replace(DESCRIPTOR, media_type="application/octet-stream")
    else:
        with pytest.raises(RegistryError, match="status 400"):
            put_blob(client, BLOB)


def test_content_that_changed_on_disk_is_not_stored(client: RegistryClient, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(BLOB[:-1] + b"!")
    with pytest.raises(DigestError, match="content has digest"):
        upload_blob(client, DESCRIPTOR, lambda: iter((path.read_bytes(),)))
    assert not has_blob(client, DESCRIPTOR)


@pytest.mark.parametrize("status", [200, 301, 400])
def test_an_upload_that_does_not_open(client: RegistryClient, registry: RunningRegistry, status: int) -> None:
    registry.faults.add(Fault(method="POST", effect=Reply(status=status, body=b"<html>welcome</html>"), times=None))
    with pytest.raises(RegistryError, match=rf"open upload.*status {status} \(an HTML page\)"):
        put_blob(client, BLOB)


def test_an_upload_without_a_location(client: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="POST", effect=Headers(changes={"Location": None}), times=None))
    with pytest.raises(RegistryError, match="names no Location"):
        put_blob(client, BLOB)


@pytest.mark.parametrize("fragment", ["", "#part"])
def test_the_digest_is_appended_to_the_query_of_an_upload(fragment: str) -> None:
    def script(asked: Asked) -> bytes:
        verb = asked.line.split()[0]
        responses = {"HEAD": "404 None", "GET": "404 None", "POST": "202 Open", "PUT": "201 Made"}
        return reply(responses[verb], Location=f"/v2/uploads/1?_state=a%2Fb&x=1{fragment}") if verb == "POST" else reply(responses[verb])

    with serve(script) as web, client_of(web.host) as client:
        put_blob(client, BLOB)
        assert web.asked[-1].line == f"PUT /v2/uploads/1?_state=a%2Fb&x=1&digest={DESCRIPTOR.digest} HTTP/1.1"


def test_authorization_does_not_follow_an_upload_to_another_host() -> None:
    def script(asked: Asked) -> bytes:
        if "authorization" not in asked.headers:
            return reply("401 Who", WWW_Authenticate='Basic realm="x"')
        verb = asked.line.split()[0]
        return reply("202 Open", Location=f"http://{other.host}/up") if verb == "POST" else reply("404 None")

    credential = Credential(source="test", username="u", password="canary")
    with (
        serve(lambda asked: reply("201 Made")) as other,
        serve(script) as web,
        client_of(web.host, credential=credential) as client,
    ):
        put_blob(client, BLOB)
        assert [asked.line for asked in other.asked] == [f"PUT /up?digest={DESCRIPTOR.digest} HTTP/1.1"]
        assert "authorization" not in other.asked[0].headers
        assert "authorization" in web.asked[-1].headers


@pytest.mark.parametrize("status", [201, 202, 400, 401, 403, 404, 405, 416, 429, 500])
def test_a_mount_is_a_bonus(client: RegistryClient, registry: RunningRegistry, status: int) -> None:
    fault = registry.faults.add(
        Fault(method="POST", effect=Reply(status=status, headers={"Location": "/v2/x"}), times=3 if status > 416 else 1)
    )
    if status == 202:
        fault.times = 0
    uploaded = upload_blob(client, DESCRIPTOR, lambda: iter((BLOB,)), mount_from="library/base")
    assert uploaded == Uploaded(sent=len(BLOB)), "also where the registry says that it mounted what is not there"
    assert next(record.query for record in registry.requests if record.method == "POST") == {
        "mount": str(DESCRIPTOR.digest),
        "from": "library/base",
    }


def test_a_redirected_download_shows_no_authorization(filled: RegistryClient, registry: RunningRegistry) -> None:
    with start() as storage:
        with client_of(storage) as there:
            put_blob(there, BLOB)
        storage.requests.clear()
        registry.faults.add(Fault(method="GET", path="/blobs/", effect=Redirect(url=f"http://{storage.host}{{path}}?sig=canary")))
        assert b"".join(blob_pieces(filled, DESCRIPTOR)) == BLOB
        assert ["authorization" in record.headers for record in storage.requests] == [False]


@pytest.mark.parametrize("times", [1, 2])
def test_half_a_blob_is_completed(filled: RegistryClient, registry: RunningRegistry, times: int) -> None:
    registry.faults.add(Fault(method="GET", path="/blobs/", effect=Half(), times=times))
    assert b"".join(blob_pieces(filled, DESCRIPTOR)) == BLOB
    starts = [record.headers.get("range") for record in registry.requests]
    assert starts == [None, f"bytes={len(BLOB) // 2}-", f"bytes={len(BLOB) * 3 // 4}-"][: times + 1]


def test_losses_of_a_download_with_progress_between_them_do_not_add_up(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="GET", path="/blobs/", effect=Half(), times=4))
    with client_of(registry, limits=replace(IMPATIENT, upload_chunk=600)) as client:
        assert b"".join(blob_pieces(client, DESCRIPTOR)) == BLOB
    registry.faults.clear()
    registry.faults.add(Fault(method="GET", path="/blobs/", effect=Half(), times=4))
    with pytest.raises(ConnectionLost):
        b"".join(blob_pieces(filled, DESCRIPTOR))


def test_half_a_blob_for_ever_is_an_error(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="GET", path="/blobs/", effect=Half(), times=None))
    with pytest.raises(ConnectionLost, match="the connection was closed"):
        b"".join(blob_pieces(filled, DESCRIPTOR))


def test_a_registry_that_cannot_resume_is_read_from_the_beginning() -> None:
    def script(asked: Asked) -> bytes:
        whole = reply(body=BLOB)
        return whole if "range" in asked.headers else whole[: -len(BLOB) // 2]

    with serve(script) as web, client_of(web.host) as client:
        assert b"".join(blob_pieces(client, DESCRIPTOR)) == BLOB


def test_a_registry_that_resumes_elsewhere_is_refused() -> None:
    def script(asked: Asked) -> bytes:
        if "range" in asked.headers:
            return reply("206 Part", body=BLOB[7:], Content_Range=f"bytes 7-{len(BLOB) - 1}/{len(BLOB)}")
        return reply(body=BLOB)[: -len(BLOB) // 2]

    with serve(script) as web, client_of(web.host) as client, pytest.raises(RegistryError, match="resumed at the wrong place"):
        b"".join(blob_pieces(client, DESCRIPTOR))


@pytest.mark.parametrize(
    "effect",
    [
        Corrupt(position=5000),
        Reply(status=200, body=BLOB[:-1]),
        Reply(status=200, body=BLOB + b"!"),
        Reply(status=200, body=b""),
    ],
)
def test_other_content_is_never_a_blob(filled: RegistryClient, registry: RunningRegistry, effect: Reply) -> None:
    registry.faults.add(Fault(method="GET", path="/blobs/", effect=effect, times=None))
    with pytest.raises(DigestError) as caught:
        b"".join(blob_pieces(filled, DESCRIPTOR))
    assert caught.value.where == f"{registry.host}/{REPOSITORY}@{DESCRIPTOR.digest}"


def test_a_web_page_is_named_as_such(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(effect=HTML, times=None))
    for ask in (
        lambda: filled.find_manifest("v1"),
        lambda: filled.fetch_manifest("v1"),
        lambda: filled.fetch_manifest(DIGEST),
        lambda: has_blob(filled, DESCRIPTOR),
        lambda: b"".join(blob_pieces(filled, DESCRIPTOR)),
        filled.tags,
    ):
        with pytest.raises(RegistryError, match="an HTML page, not a registry's") as caught:
            ask()
        assert "log in<" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"not json", b'{"a":1,"a":2}'])
def test_a_manifest_is_a_json_object(filled: RegistryClient, registry: RunningRegistry, body: bytes) -> None:
    registry.faults.add(Fault(path="/manifests/", effect=Reply(status=200, body=body), times=None))
    with pytest.raises(RegistryError, match="fetch manifest v1: the response is"):
        filled.fetch_manifest("v1")


def test_a_manifest_with_another_digest_than_asked(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="GET", path="/manifests/", effect=Rewrite(change=lambda data: data + b" "), times=None))
    with pytest.raises(DigestError, match="the registry's content has digest"):
        filled.fetch_manifest(DIGEST)


def test_a_manifest_with_another_digest_than_claimed(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="GET", path="/manifests/", effect=wrong_digest()))
    with pytest.raises(DigestError, match=f"the content has digest {DIGEST}, the registry says"):
        filled.fetch_manifest("v1")


def test_a_head_with_another_digest_than_asked(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="HEAD", effect=wrong_digest(), times=None))
    with pytest.raises(DigestError):
        filled.find_manifest(DIGEST)
    with pytest.raises(DigestError):
        has_blob(filled, DESCRIPTOR)


def test_a_head_without_a_digest_is_followed_by_a_get(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="HEAD|GET", effect=Headers(changes={"Docker-Content-Digest": None}), times=None))
    assert filled.find_manifest("v1") == MANIFEST.descriptor()
    assert lines(registry) == ["HEAD 200", "GET 200"]


def test_a_malformed_digest_header(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(effect=Headers(changes={"Docker-Content-Digest": "sha256:ABC"})))
    with pytest.raises(RegistryError, match="Docker-Content-Digest is malformed"):
        filled.find_manifest("v1")


@pytest.mark.parametrize("between", [", ", ",", " , "])
def test_a_digest_header_that_a_proxy_doubled(filled: RegistryClient, registry: RunningRegistry, between: str) -> None:
    doubled = Headers(changes={"Docker-Content-Digest": between.join((str(DIGEST), str(DIGEST)))})
    registry.faults.add(Fault(method="HEAD|GET", effect=doubled, times=None))
    assert filled.find_manifest("v1") == MANIFEST.descriptor()
    assert filled.fetch_manifest("v1").descriptor == MANIFEST.descriptor()


def test_two_digests_in_a_header(filled: RegistryClient, registry: RunningRegistry) -> None:
    two = Headers(changes={"Docker-Content-Digest": f"{DIGEST}, sha256:{'0' * 64}"})
    registry.faults.add(Fault(method="HEAD|GET", effect=two, times=None))
    with pytest.raises(RegistryError, match="Docker-Content-Digest is malformed"):
        filled.fetch_manifest("v1")


def test_a_blob_of_another_size(filled: RegistryClient) -> None:
    with pytest.raises(DigestError, match=f"has {len(BLOB)} bytes there, not 7"):
        has_blob(filled, Descriptor(media_type="application/wasm", digest=DESCRIPTOR.digest, size=7))


def test_a_manifest_that_the_registry_rewrites(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="PUT", effect=Rewrite(change=lambda data: json.dumps(json.loads(data), indent=1).encode())))
    with pytest.raises(DigestError, match=f"the registry stored sha256:[0-9a-f]* instead of {DIGEST}"):
        filled.put_manifest("v2", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_of_a_manifest_has_many_names(filled: RegistryClient, registry: RunningRegistry, status: int) -> None:
    registry.faults.add(Fault(method="PUT", effect=Status(status=status)))
    filled.put_manifest("v2", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    assert filled.fetch_manifest("v2").data == MANIFEST.encode()


@pytest.mark.parametrize("status", [203, 204, 226])
def test_not_every_good_status_is_success_of_a_manifest(filled: RegistryClient, registry: RunningRegistry, status: int) -> None:
    registry.faults.add(Fault(method="PUT", effect=Status(status=status)))
    with pytest.raises(RegistryError, match=f"push manifest v2: the registry answers status {status}"):
        filled.put_manifest("v2", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)


@pytest.mark.parametrize("status", [400, 405, 406, 415, 422])
def test_a_refused_manifest_names_its_media_types(filled: RegistryClient, registry: RunningRegistry, status: int) -> None:
    registry.faults.add(Fault(method="PUT", effect=Reply(status=status, body=b'{"errors":[{"code":"MANIFEST_INVALID"}]}')))
    with pytest.raises(RegistryError) as caught:
        filled.put_manifest("v2", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    assert f"(MANIFEST_INVALID) (media type {MANIFEST_MEDIA_TYPE} with config {EMPTY.media_type})" in str(caught.value)
    assert (caught.value.reason, caught.value.status) == ("manifest_refused", status)
    assert str(caught.value).startswith(f"{registry.host}/{REPOSITORY}: ")


def test_a_refused_index_names_its_media_type(filled: RegistryClient, registry: RunningRegistry) -> None:
    registry.faults.add(Fault(method="PUT", effect=Reply(status=415)))
    with pytest.raises(RegistryError, match=r"media type application/vnd.oci.image.index"):
        filled.put_manifest("v2", Index().encode(), INDEX_MEDIA_TYPE)


def test_a_lost_manifest_is_sent_again(client: RegistryClient, registry: RunningRegistry) -> None:
    put_blob(client, BLOB)
    put_blob(client, EMPTY_BLOB)
    registry.faults.add(Fault(method="PUT", path="/manifests/", effect=Hangup(stored=True)))
    client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
    found = client.find_manifest("v1")
    assert found and found.digest == DIGEST


def test_a_pretended_upload_is_found_out_by_the_manifest(client: RegistryClient, registry: RunningRegistry) -> None:
    put_blob(client, EMPTY_BLOB)
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=Pretend()))
    put_blob(client, BLOB)
    with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
        client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)


def test_lists_go_on_over_pages() -> None:
    pages = {"/v2/library/hello/tags/list": ["b", "a"], "/v2/library/hello/tags/list?last=b": None, "/v2/more": ["c"]}

    def script(asked: Asked) -> bytes:
        path = asked.line.split()[1]
        body = json.dumps({"name": "library/hello", "tags": pages[path]}).encode()
        following = {
            "/v2/library/hello/tags/list": "/v2/library/hello/tags/list?last=b",
            "/v2/library/hello/tags/list?last=b": "https://internal.example/v2/more",
        }.get(path)
        return reply(body=body, Link=f'<{following}>; rel="next"') if following else reply(body=body)

    with serve(script) as web, client_of(web.host) as client:
        assert client.tags() == ("a", "b", "c")


_NEXT = "/v2/library/hello/tags/list?last=a"


@pytest.mark.parametrize(
    "link",
    [
        f'<{_NEXT}>; rel="next"',
        f"<{_NEXT}>;rel=next",
        f'{_NEXT}; rel="next"',
        '<?last=a>; rel="next"',
        f'<{_NEXT}>; REL = "Next"',
        f'<{_NEXT}>; title="a, b"; rel="next"',
        f'<{_NEXT}>; title="next; rel=\\"prev\\""; rel="next"',
        f'<{_NEXT}>; rel="prefetch next"; rel="prev"',
        f'</v2/first>; rel="first", <{_NEXT}>; rel="next", </v2/last>; rel="last"',
        f'</style.css>; rel=preload; as=style; nopush,, <{_NEXT}>; rel="next"',
    ],
)
def test_the_next_page_in_every_form_of_the_header(link: str) -> None:
    def script(asked: Asked) -> bytes:
        if "?" in asked.line:
            return reply(body=b'{"tags":["b"]}', Link='</v2/library/hello/tags/list>; rel="first"')
        return reply(body=b'{"tags":["a"]}', Link=link)

    with serve(script) as web, client_of(web.host) as client:
        assert client.tags() == ("a", "b")


@pytest.mark.parametrize(
    "link", ["", ", ,", "</style.css>; rel=preload", '</v2/x>; rel="prev"; title="next"', "<</v2/x>>; rel=prev", '<x>; a="']
)
def test_a_list_without_a_next_page(link: str) -> None:
    with serve(lambda asked: reply(body=b'{"tags":["a"]}', Link=link)) as web, client_of(web.host) as client:
        assert client.tags() == ("a",)


@pytest.mark.parametrize(
    ("link", "body", "problem"),
    [
        ('<</v2/x>>; rel="next"', b'{"tags":[]}', "Link to the next page of the list cannot be read"),
        ('</v2/x>; title="; rel="next"', b'{"tags":[]}', "Link to the next page of the list cannot be read"),
        ('</v2/library/hello/tags/list>; rel="next"', b'{"tags":[]}', "more than 100 pages"),
        ('<https://evil.example/>; rel="next"', b'{"tags":[]}', "the next page of the list is not on this registry"),
        ("", b'{"tags":"a"}', "holds no list of tags"),
        ("", b'{"tags":[1]}', "holds no list of tags"),
    ],
)
def test_lists_that_cannot_be_read(link: str, body: bytes, problem: str) -> None:
    with (
        serve(lambda asked: reply(body=body, Link=link)) as web,
        client_of(web.host) as client,
        pytest.raises(RegistryError, match=problem),
    ):
        client.tags()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down","detail":"secret"}]}', r"status 418 (TOOMANYREQUESTS: slow down);"),
        (b'{"errors":[{"code":7,"message":"x' + b"y" * 500 + b'"}]}', "status 418 (x" + "y" * 199 + ");"),
        (b'{"errors":[]}', "status 418;"),
        (b'{"errors":["x"]}', "status 418;"),
        (b"plain\nwords\x1b[31m", r"status 418 (plain\nwords\x1b[31m);"),
        (b"<!DOCTYPE html><p>hello", "status 418 (an HTML page);"),
        (b"", "status 418;"),
    ],
)
def test_what_a_registry_says_is_short_and_escaped(client: RegistryClient, registry: RunningRegistry, body: bytes, shown: str) -> None:
    registry.faults.add(Fault(effect=Reply(status=418, body=body)))
    with pytest.raises(WasmOciError) as caught:
        client.fetch_manifest("v1")
    assert shown in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_digest_that_nobody_has(client: RegistryClient) -> None:
    assert client.find_manifest(Digest.of(b"nobody")) is None
