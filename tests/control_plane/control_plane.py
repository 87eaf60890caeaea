"""Starts a real control plane on loopback: the programs of Kubernetes, without any kubelet."""

from __future__ import annotations

import contextlib
import ctypes
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.control_plane.binaries import Binaries
from tests.control_plane.certificates import Authority, new_key

# Generous: two cores shared with other tests may need a minute.
_PATIENCE = 180.0
_TOKENS = "tokens.csv"


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane and two ways in for its administrator: certificate and token."""

    server: str
    kubeconfig: Path
    token_kubeconfig: Path
    authority: Authority
    has_controllers: bool

    @property
    def ca_file(self) -> Path:
        """The certificate that signed all others."""
        return self.authority.ca_file


@contextlib.contextmanager
def running(
    binaries: Binaries, folder: Path, *, without: Sequence[str] = ()
) -> Iterator[ControlPlane]:
    """A control plane that lives as long as the block, without controllers of these names."""
    with contextlib.ExitStack() as stack:
        authority = Authority(folder)
        ports = free_ports(3)
        _start(stack, _etcd(binaries, folder, ports[0], ports[1]), folder / "etcd.log")
        server = f"https://127.0.0.1:{ports[2]}"
        admin = authority.issue("admin", "admin", "system:masters")
        token = _token(folder)
        _start(
            stack, _api_server(binaries, authority, ports[0], ports[2]), folder / "apiserver.log"
        )
        kubeconfig = _kubeconfig(folder, "admin", server, authority.ca_file, _certificate(admin))
        by_token = _kubeconfig(folder, "token", server, authority.ca_file, {"token": token})
        _await_ready(server, authority.ca_file, admin, folder / "apiserver.log")
        controllers = _start_controllers(stack, binaries, authority, server, without)
        yield ControlPlane(server, kubeconfig, by_token, authority, controllers)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _start(stack: contextlib.ExitStack, command: list[str], log: Path) -> None:
    output = stack.enter_context(log.open("wb"))
    program = subprocess.Popen(
        command, stdout=output, stderr=subprocess.STDOUT, preexec_fn=die_with_parent
    )
    stack.callback(_end, program)


def die_with_parent() -> None:
    """For a child about to start: end at once when the test run does, also when that is killed.

    An API server asked politely waits for its etcd, which may be gone before it.

    PR_SET_PDEATHSIG of prctl(2); other systems than Linux do without.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(timeout=20)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def _etcd(binaries: Binaries, folder: Path, client: int, peer: int) -> list[str]:
    return [
        str(binaries.etcd),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        # Nothing here must survive a power cut.
        "--unsafe-no-fsync",
    ]


def _api_server(binaries: Binaries, authority: Authority, etcd: int, port: int) -> list[str]:
    certificate, key = authority.issue("apiserver", "kube-apiserver")
    front, front_key = authority.issue("front-proxy", "front-proxy")
    accounts = new_key(authority.folder / "accounts.key")
    return [
        str(binaries.api_server),
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--client-ca-file={authority.ca_file}",
        # How it proves who is asking to the servers it passes questions on to.
        f"--proxy-client-cert-file={front}",
        f"--proxy-client-key-file={front_key}",
        f"--requestheader-client-ca-file={authority.ca_file}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--token-auth-file={authority.folder / _TOKENS}",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={accounts}",
        f"--service-account-signing-key-file={accounts}",
        "--allow-privileged=true",
        f"--cert-dir={authority.folder / 'unused'}",
    ]


def _start_controllers(
    stack: contextlib.ExitStack,
    binaries: Binaries,
    authority: Authority,
    server: str,
    without: Sequence[str],
) -> bool:
    if binaries.controller_manager is None or binaries.scheduler is None:
        return False
    folder = authority.folder
    for name, program, extra in (
        (
            "controller-manager",
            binaries.controller_manager,
            [
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={folder / 'accounts.key'}",
                f"--root-ca-file={authority.ca_file}",
                f"--controllers={','.join(('*', *(f'-{name}' for name in without)))}",
            ],
        ),
        ("scheduler", binaries.scheduler, []),
    ):
        login = authority.issue(name, f"system:kube-{name}")
        config = _kubeconfig(folder, name, server, authority.ca_file, _certificate(login))
        command = [
            str(program),
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_ports(1)[0]}",
            f"--cert-dir={folder / name}",
            *extra,
        ]
        _start(stack, command, folder / f"{name}.log")
    return True


def _certificate(login: tuple[Path, Path]) -> dict[str, str]:
    return {"client-certificate": str(login[0]), "client-key": str(login[1])}


def _token(folder: Path) -> str:
    token = secrets.token_urlsafe(24)
    path = folder / _TOKENS
    path.touch(mode=0o600)
    path.write_text(f'{token},admin,admin,"system:masters"\n', encoding="utf-8")
    return token


def _kubeconfig(folder: Path, user: str, server: str, ca_file: Path, login: dict[str, str]) -> Path:
    cluster = {"server": server, "certificate-authority": str(ca_file)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": user, "user": login}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
    }
    path = folder / f"{user}.kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def _await_ready(server: str, ca_file: Path, login: tuple[Path, Path], log: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca_file))
    context.load_cert_chain(*login)
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(f"{server}/readyz", context=context, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
    raise RuntimeError(f"the API server does not become ready; its log ends with:\n{tail}")
