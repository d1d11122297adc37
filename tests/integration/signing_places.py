"""Places of keys as people have them: a keychain that keeps files, and a real ssh-agent."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BACKEND = '''
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """One folder for a service, one file for a user."""

    priority = 1

    def get_password(self, service, username):
        path = Path(__file__).parent / service / username
        return path.read_text() if path.exists() else None

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError
'''


def keychain(folder: Path, service: str, user: str, password: bytes) -> dict[str, str]:
    """Returns the environment in which keyring finds a keychain with one entry, by its own configuration file."""
    (folder / "file_keyring.py").write_text(_BACKEND)
    (folder / service).mkdir()
    (folder / service / user).write_bytes(password)
    config = folder / "config" / "python_keyring" / "keyringrc.cfg"
    config.parent.mkdir(parents=True)
    config.write_text(f"[backend]\ndefault-keyring=file_keyring.FileKeyring\nkeyring-path={folder}\n")
    return {"XDG_CONFIG_HOME": str(folder / "config")}


@contextmanager
def ssh_agent() -> Iterator[str]:
    """Starts an ssh-agent and yields its socket, whose name must be short."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "agent"
        with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
            try:
                deadline = time.monotonic() + 20
                while not path.exists():
                    assert time.monotonic() < deadline, "ssh-agent makes no socket"
                    time.sleep(0.02)
                yield str(path)
            finally:
                process.terminate()
