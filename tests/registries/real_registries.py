"""What real registries do in their own way, by public reports, as behaviours of the local registry."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from instruments.effects import Effect, Redirect, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry
from quirks import (
    KeepsTags,
    LosesSessions,
    NamesSubject,
    Refuses,
    StoredByAnother,
    SubjectForItsTag,
    WantsLogin,
    WantsTypes,
    error,
    without_header,
)

Behave = Callable[[RunningRegistry], None]

_MANIFEST = "/manifests/"
_TAG = r"/manifests/(?!sha256[:-])"


def _always(registry: RunningRegistry, method: str, path: str, effect: Effect) -> None:
    registry.faults.add(Fault(method=method, path=path, effect=effect, times=None))


def amazon_ecr(registry: RunningRegistry) -> None:
    """No Location with a manifest; OCI-Subject without a referrers API.

    https://github.com/apple/swift-container-plugin/pull/27 and https://github.com/sigstore/sigstore-js/pull/1183
    """
    registry.behave(referrers_api=False)
    registry.faults.add(Fault(method="PUT", path=_MANIFEST, effect=without_header("Location"), nth=2, times=None))
    _always(registry, "PUT", "/manifests/sha256:", NamesSubject())


def amazon_ecr_immutable(registry: RunningRegistry) -> None:
    """An existing tag is refused, also with the digest that it has.

    https://github.com/moby/buildkit/issues/3776 and https://github.com/aws/containers-roadmap/issues/2380
    """
    registry.behave(referrers_api=False)
    said = "The image tag 'v1' already exists in the 'hello' repository and cannot be overwritten because the repository is immutable."
    _always(registry, "PUT", _TAG, KeepsTags(status=400, body=error("TAG_INVALID", said)))


def github(registry: RunningRegistry) -> None:
    """No referrers API, and no OCI-Subject.

    https://github.com/dataaxiom/ghcr-cleanup-action/issues/13
    """
    registry.behave(referrers_api=False)


def github_redirecting(registry: RunningRegistry) -> None:
    """The referrers API redirects to the web site, with a shortened digest, and that limits requests.

    https://github.com/artifacthub/hub/issues/4785
    """
    registry.behave(referrers_api=False)
    elsewhere = f"http://localhost:{registry.port}/-/v2/packages/{quote('library/hello', safe='')}/sha256"
    _always(registry, "GET", "/referrers/", Redirect(url=elsewhere, status=303))
    _always(registry, "GET", "^/-/v2/", Reply(status=429, headers={"Retry-After": "60"}, body=b"Too many requests"))


def github_limiting(registry: RunningRegistry) -> None:
    """Too many requests are refused with 403, as if a right was missing.

    https://github.com/virtualcell/vcell/issues/1888
    """
    registry.behave(referrers_api=False)
    limited = Reply(
        status=403, body=error("DENIED", "permission_denied: You have exceeded a secondary rate limit. Please wait a few minutes")
    )
    for method, path in (("GET", ""), ("POST", ""), ("PUT", "/uploads/"), ("PUT", _MANIFEST), ("HEAD", "")):
        registry.faults.add(Fault(method=method, path=path, effect=limited))


def docker_hub(registry: RunningRegistry) -> None:
    """Too many requests, in plain text or as an error of the registry, until the client waits.

    https://github.com/docker/hub-feedback/issues/1907 and https://github.com/docker/hub-feedback/issues/2464
    """
    said = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
    registry.faults.add(Fault(nth=2, effect=Reply(status=429, headers={"Retry-After": "1"}, body=b"Too Many Requests (HAP429)")))
    registry.faults.add(Fault(nth=5, effect=Reply(status=429, body=error("TOOMANYREQUESTS", said))))


def gitlab(registry: RunningRegistry) -> None:
    """No referrers API; the fallback tag of a manifest that has none gives the manifest itself.

    https://github.com/oras-project/oras-go/issues/1396
    """
    registry.behave(referrers_api=False)
    _always(registry, "GET|HEAD", "/manifests/sha256-", SubjectForItsTag())


def google_artifact_registry(registry: RunningRegistry) -> None:
    """No referrers API, and tags that cannot be moved, the fallback tag among them.

    https://github.com/actions/attest-build-provenance/issues/80
    """
    registry.behave(referrers_api=False)
    said = "cannot update tag v1. The repository has enabled tag immutability"
    _always(registry, "PUT", r"/manifests/(?!sha256:)", KeepsTags(status=400, body=error("MANIFEST_INVALID", "manifest invalid", said)))


def azure(registry: RunningRegistry) -> None:
    """An upload whose connection broke is over; now and then the last request of an upload is answered 416.

    https://github.com/Azure/azure-sdk-for-js/issues/25448 and https://github.com/Azure/acr/issues/866
    """
    registry.faults.add(Fault(method="PUT", path="/uploads/", nth=3, effect=Reply(status=416)))
    _always(registry, "GET|PUT|PATCH", "/uploads/.", LosesSessions())


def harbor_immutable(registry: RunningRegistry) -> None:
    """A tag that a rule protects is refused with 412.

    https://github.com/goharbor/harbor/pull/9427
    """
    said = "Failed to process request due to 'hello:v1' configured as immutable."
    _always(registry, "PUT", _TAG, KeepsTags(status=412, body=error("PRECONDITION", said)))


def quay(registry: RunningRegistry) -> None:
    """OCI types have to be accepted by name; a subject is stored, without OCI-Subject.

    https://github.com/eclipse-che/che-plugin-registry/pull/2082 and https://github.com/opencontainers/distribution-spec/pull/563
    """
    registry.behave(referrers_api=False)
    _always(registry, "GET|HEAD", "/manifests/", WantsTypes())


def quay_closed(registry: RunningRegistry) -> None:
    """Only configurations of the types that its owner allows are taken.

    https://github.com/oras-project/oras/issues/738
    """
    _always(
        registry, "PUT", _MANIFEST, Refuses(body=error("MANIFEST_INVALID", "manifest invalid", {"message": "failed schema validation"}))
    )


def artifactory(registry: RunningRegistry) -> None:
    """The referrers API is there, and no fallback tag.

    https://github.com/oras-project/oras/issues/2047
    """


def artifactory_virtual(registry: RunningRegistry) -> None:
    """A tag that does not exist is refused with 403, where one repository behind the virtual one may not be read.

    https://github.com/google/go-containerregistry/pull/1691
    """
    _always(registry, "GET|HEAD", _TAG, Reply(status=403, body=error("DENIED", "Not Authorized")))


def nexus(registry: RunningRegistry) -> None:
    """The challenge is `BASIC`, without a content; a blob that another program stores at the same time is refused.

    https://github.com/dotnet/sdk-container-builds/issues/527 and https://github.com/sonatype/nexus-public/issues/967
    """
    registry.faults.add(Fault(method="PUT", path="/uploads/", effect=StoredByAnother()))
    _always(registry, "*", "", WantsLogin(challenge='BASIC realm="Sonatype Nexus Repository Manager"'))


def nexus_without_redeploy(registry: RunningRegistry) -> None:
    """A manifest that is there gets no further tag.

    https://github.com/GoogleContainerTools/jib/issues/3057
    """
    said = error("BLOB_UPLOAD_INVALID", "blob upload invalid", "Repository does not allow updating assets: hello")
    _always(registry, "PUT", _TAG, Reply(status=400, body=said))


MOVING: tuple[Behave, ...] = (amazon_ecr, github, github_redirecting, github_limiting, docker_hub, gitlab, azure, quay, artifactory, nexus)
"""Those that take everything."""
KEEPING: tuple[Behave, ...] = (amazon_ecr_immutable, google_artifact_registry, harbor_immutable)
"""Those that take everything but a tag that exists."""
REFUSING: dict[Behave, tuple[int, str]] = {
    quay_closed: (6, "MANIFEST_INVALID"),
    artifactory_virtual: (5, "DENIED"),
    nexus_without_redeploy: (6, "the tag does not exist"),
}
"""Those that do not take an image, and what is said of it: the exit code, and a part of the error."""
