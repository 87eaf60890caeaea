"""Kubeconfig files of every usual kind, and complaints in our words."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.engine.errors import ClusterError
from installer.engine.masking import known_secrets
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from tests.kube.rehearsed import PACE, Rehearsed


def write(
    path: Path, user: dict[str, Any], server: str = "https://127.0.0.1:6443", **cluster: Any
) -> Path:
    """A kubeconfig with the contexts `one` (current) and `two`, both for the given user."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("one", "two")
        ],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def plugin(folder: Path, text: str) -> dict[str, Any]:
    """A user whose login is a program of ours."""
    program = folder / "login"
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": str(program), "args": ["token"]}}


def credential(**status: str) -> str:
    version = "client.authentication.k8s.io/v1"
    document = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"echo x >> $0.calls; cat <<'END'\n{json.dumps(document)}\nEND"


def test_the_rehearsal_s_own_kubeconfig_opens_the_cluster(kubernetes: Rehearsed) -> None:
    with Cluster(Connection.from_kubeconfig(kubernetes.kubeconfig), pace=PACE) as cluster:
        assert cluster.version().startswith("v1.")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ClusterError) as refused:
        Connection.from_kubeconfig("/nowhere/config")

    assert "/nowhere/config" in refused.value.what
    assert "cluster.kubeconfig" in refused.value.then


def test_without_a_path_the_environment_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "config", {"token": "t0ken"}, "https://127.0.0.1:7000")
    monkeypatch.setenv("KUBECONFIG", f"/nowhere:{path}")

    assert Connection.from_kubeconfig().server == "https://127.0.0.1:7000"


def test_a_missing_context_lists_those_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "config", {"token": "t0ken"})

    with pytest.raises(ClusterError) as refused:
        Connection.from_kubeconfig(path, "three")

    assert "'three'" in refused.value.what
    assert "one, two" in refused.value.why


@pytest.mark.parametrize("text", ["{", "just words", "contexts: 7", ""])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ClusterError) as refused:
        Connection.from_kubeconfig(path)

    assert str(path) in refused.value.what


def test_data_and_files_beside_the_kubeconfig_are_read(tmp_path: Path) -> None:
    (tmp_path / "client.key").write_bytes(b"the key")
    (tmp_path / "ca.crt").write_bytes(b"the authority")
    user = {
        "client-certificate-data": base64.b64encode(b"the certificate").decode(),
        "client-key": "client.key",
    }
    path = write(tmp_path / "config", user, **{"certificate-authority": "ca.crt"})

    connection = Connection.from_kubeconfig(path)

    assert connection.ca_pem == b"the authority"
    assert connection.certificate is not None
    assert connection.certificate.certificate_pem == b"the certificate"
    assert connection.certificate.key_pem == b"the key"
    assert "the key" not in repr(connection)


def test_a_token_file_is_read_anew_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n", encoding="utf-8")
    token = Connection.from_kubeconfig(write(tmp_path / "config", {"tokenFile": "token"})).token
    assert token is not None
    assert token() == "first"

    (tmp_path / "token").write_text("second\n", encoding="utf-8")

    assert token() == "second"


def test_a_plug_in_is_run_once_as_long_as_its_token_lasts(tmp_path: Path) -> None:
    user = plugin(
        tmp_path, credential(token="plugged-in", expirationTimestamp="2999-01-01T00:00:00Z")
    )
    token = Connection.from_kubeconfig(write(tmp_path / "config", user)).token
    assert token is not None

    assert [token(), token(), token()] == ["plugged-in"] * 3
    assert (tmp_path / "login.calls").read_text(encoding="utf-8") == "x\n"
    assert "plugged-in" not in known_secrets.mask("the token plugged-in")


def test_a_plug_in_s_ended_token_is_renewed(tmp_path: Path) -> None:
    user = plugin(
        tmp_path, credential(token="short-lived", expirationTimestamp="2001-01-01T00:00:00Z")
    )
    token = Connection.from_kubeconfig(write(tmp_path / "config", user)).token
    assert token is not None

    token()
    token()

    assert len((tmp_path / "login.calls").read_text(encoding="utf-8").split()) >= 2


def test_a_failing_plug_in_s_own_words_are_told(tmp_path: Path) -> None:
    user = plugin(tmp_path, "echo 'please log in first' >&2; exit 3")

    with pytest.raises(ClusterError) as refused:
        Connection.from_kubeconfig(write(tmp_path / "config", user))

    assert "please log in first" in refused.value.why
    assert str(tmp_path / "login") in refused.value.what


def test_a_plug_in_that_is_not_installed_is_named(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login"}}

    with pytest.raises(ClusterError) as refused:
        Connection.from_kubeconfig(write(tmp_path / "config", user))

    assert "no-such-login" in refused.value.what
    assert "not installed" in refused.value.what


def test_an_old_auth_provider_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as refused:
        Connection.from_kubeconfig(
            write(tmp_path / "config", {"auth-provider": {"name": "oidc", "config": {}}})
        )

    assert "oidc" in refused.value.why
    assert "exec plug-in" in refused.value.why
