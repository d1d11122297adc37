"""Every limit of this package, in one place. Sizes are bytes, times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on what is read from files and from the network; the defaults are `LIMITS`."""

    chunk: int = MIB
    """How much of a stream is held in memory at a time."""

    wasm_file: int = 4 * GIB
    """A module or component, and any other blob."""
    wasm_sections: int = 1_000_000
    wasm_name: int = 100_000
    """A section's or import's name (the limit of wasmparser)."""
    wasm_imports: int = 100_000
    """Imports plus exports that are listed in a config."""
    wasm_name_bytes: int = 4 * MIB
    """The names of all imports and exports together, in UTF-8."""
    wasm_nested: int = 10_000
    """Modules and components inside a component."""
    wasm_depth: int = 32
    wasm_warnings: int = 20
    """Sections of unknown form that are named."""
    metadata_section: int = MIB

    signature_section: int = 4 * MIB
    signature_sets: int = 64
    """Sets of hashes in one signature section (the reader's limit of wasmsign2)."""
    signature_hashes: int = 64
    """Hashes in one set (the reader's limit of wasmsign2)."""
    signatures: int = 256
    """Signatures in one set (the reader's limit of wasmsign2)."""
    verifications: int = 4096
    """Signatures of one signature section or file that are tried, each key's counted."""
    all_verifications: int = 65_536
    """The same of all signatures of one file together: some seconds."""
    key_file: int = 64 * KIB
    passphrase: int = KIB
    bcrypt_rounds: int = 512
    """How often an OpenSSH key file may have its passphrase hashed (ssh-keygen: 24): some seconds."""
    pbkdf2_rounds: int = 10_000_000
    """The same of an encrypted PKCS#8 key (openssl: 2048)."""
    agent_message: int = 256 * KIB
    """One message of an ssh-agent (OpenSSH's own limit)."""
    agent_keys: int = 1024
    command_output: int = 4 * KIB
    """What a signing program may write to stdout, and how much of its stderr is looked at."""
    signer_time: float = 60.0
    """Longest wait for an agent or a signing program; its owner may have to confirm."""
    github_keys: int = MIB
    """The list of public keys of one account."""
    trusted_keys: int = 1024
    """Keys of one trust store."""
    config_file: int = MIB
    """A file that people write in YAML."""
    config_values: int = 20_000
    config_depth: int = 16
    policy_rules: int = 2000
    """Rules of one kind in a policy; denied digests and approvals too."""
    policy_entries: int = 1000
    """Entries of one list of a rule."""
    policy_records: int = 1_000_000
    """Lines of a file of decisions."""
    pattern_length: int = 1000
    """Characters of a regular expression: while it is parsed it may take much more memory than compiled."""
    pattern_memory: int = MIB
    """What a compiled regular expression may take."""

    manifest: int = 4 * MIB
    """A manifest or index (the distribution specification's recommendation)."""
    layout_index: int = 64 * MIB
    """The index.json of a layout, or of a repository of the local registry."""
    config_blob: int = 4 * MIB
    extracted_metadata: int = 64 * MIB
    request_file: int = 4 * MIB
    docker_config: int = MIB
    token_response: int = MIB
    error_body: int = 64 * KIB
    layout_manifests: int = 100_000
    """Manifests that a layout or an archive lists: a release of as many members as an index has may have ten signatures of each."""
    descriptors: int = 10_000
    """Layers of a manifest, or entries of an index."""
    annotations: int = 1024
    annotation_bytes: int = 256 * KIB
    """All annotation keys and values together."""
    tags: int = 100_000
    """Tags of one repository or layout."""
    listed_tags: int = 1000
    """Tags that are described in one run."""
    referrers: int = 1000
    """Entries of a registry's list of referrers that are looked at, those of the wanted type first."""
    referrer_bytes: int = 64 * MIB
    """All manifests together that are fetched to find those that refer to another one."""

    cache: int = 10 * GIB
    """What a cache on this machine keeps from run to run: some hundred large releases."""

    log_lock: float = 120.0
    """Longest wait for other processes that append to a log."""
    log_records: int = 256 * MIB
    """All records together that are appended in one step; they are in memory before the log is locked."""
    log_message: int = 2048
    """Characters of a text from outside, such as an error's, that a record of publishing keeps."""
    log_list: int = 50
    """Entries of a list, such as that of the tags, that a record of publishing keeps."""

    checked_early: int = 8 * MIB
    """Largest component whose content is compared with its signatures before anything is sent; that of a larger one is while it is sent,
    before its last piece."""

    statement: int = 16 * MIB
    """A signed statement about a manifest, such as a bill of materials."""
    statement_subjects: int = 1024
    subject_digests: int = 32
    """Subjects of one statement, and digests of one subject (the verifier's limits of sigstore-go)."""
    bundle: int = 24 * MIB
    """A bundle, which holds a statement in base64."""
    simple_signing: int = 64 * KIB
    """The payload of a signature in the form of cosign before version 3."""
    bundle_bytes: int = 256 * MIB
    """All bundles together that are fetched in one run."""

    small_blob: int = MIB
    """Largest blob that is sent again rather than asked for twice."""
    jobs: int = 8
    """Things that are done side by side at one registry or in one folder."""
    threads: int = 64
    """The same of all places together."""
    read_back: int = 64 * MIB
    """Largest blob that is read back whole after publishing; of a larger one the first and the last `read_back_end` bytes."""
    read_back_end: int = 64 * KIB
    certificate_files: int = 2000
    """Files of a folder of certificate authorities that are looked at."""
    certificate_file: int = 16 * MIB
    """One of these files."""
    redirects: int = 5
    upload_chunk: int = 5 * MIB
    """How much of a blob is sent in one request if the whole is refused as too large; halved while that is refused too."""
    upload_chunk_least: int = 256 * KIB
    """Smallest chunk, unless a registry asks for larger ones; a smaller blob is not split."""
    upload_chunk_most: int = 64 * MIB
    """Largest chunk that a registry may ask for; one is held in memory."""
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    """Longest silence of a registry inside one response."""
    response_time: float = 60.0
    """Longest time for a whole small response, and for each chunk of a large one."""
    slowest: float = 16.0 * KIB
    """Bytes in a second below which an upload or a download is given up, after `response_time` seconds."""
    run_grace: float = 600.0
    """What all requests of a run may take together, beside `run_request` for each and the time of their bytes at the rate `slowest`."""
    run_request: float = 1.0
    run_time: float = 12 * 3600.0
    """Longest time for all requests of a run, however much they move."""
    list_time: float = 300.0
    """Longest time for all pages of one list."""
    settle_time: float = 15.0
    """How long something that a registry accepted may take to appear."""
    challenge: int = 16 * KIB
    """Length of the WWW-Authenticate header that is looked at."""
    retries: int = 4
    """Further attempts after the first, for idempotent requests."""
    retries_limited: int = 16
    """The same after 429."""
    retry_base: float = 0.25
    retry_cap: float = 8.0
    retry_budget: float = 60.0
    """Longest total wait between the attempts of one request, and longest pause that a registry may ask for."""
    pause_budget: float = 120.0
    """Longest pauses of all requests to a host that a registry may ask for until it lets one through."""
    helper_timeout: float = 30.0
    """Longest run of a Docker credential helper."""
    wasm_tools_timeout: float = 60.0
    """Of each call that compares two components."""
    helper_output: int = 64 * KIB
    """What a Docker credential helper may write."""


LIMITS = Limits()


def with_timeout(limits: Limits, seconds: float | None) -> Limits:
    """Returns limits for registries that may be silent for so long; None changes nothing."""
    if seconds is None:
        return limits
    return replace(limits, read_timeout=seconds, response_time=max(seconds, limits.response_time))
