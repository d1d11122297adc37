"""The facts that are found out because a policy asks for them."""

from __future__ import annotations

from wasm_oci.policy.model import Policy
from wasm_oci.policy.subject import Subject
from wasm_oci.policy_facts.known_keys import KnownKeys, with_unknown_keys
from wasm_oci.policy_facts.world_facts import with_worlds


def with_asked_facts(policy: Policy, subject: Subject, known: KnownKeys) -> Subject:
    """Returns a subject with the worlds of the policy that it targets, and the names of keys in it that no known key has."""
    return with_unknown_keys(policy, with_worlds(policy, subject), known)
