"""Finds out whether the cluster's network holds to network policies, by trying.

Nothing in the API tells: a network that ignores policies takes them without a word, as flannel does
in every cluster Oracle makes by its API. So two pods are made for a moment in a namespace of their
own, where a policy opens one of two ports, and one of them knocks at both ports of the other.

It never fails an installation: the platform runs either way, only less shielded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import InstallError, Stopped, Temporary
from installer.engine.state import State
from installer.engine.step import Condition, Context, Seen
from installer.kube.objects import Ref, at, ref_of
from installer.kube.removal import Owned
from installer.kube.secret_objects import SecretWanted
from installer.modules.secret_values import PULL_SECRET
from installer.modules.templates import container_security, pod_security
from installer.steps.kube_step import Body, Connect, KubeStep, ReadinessWatch

ENFORCEMENT = "network-rules"
_RESULT, _WHY, _NETWORK = "result", "why", "network"
ENFORCED, IGNORED, UNKNOWN = "enforced", "ignored", "unknown"
# What the knocking pod ends with.
EXIT_CODES = {0: ENFORCED, 10: IGNORED, 11: UNKNOWN}

_SCRATCH = "/tmp"  # noqa: S108 - a folder of the pod's own
_OPEN, _CLOSED = 8080, 8081
_LISTENER, _CALLER = "listener", "caller"
# Tells the pods apart for their policy, and a rehearsal what they are for.
PROBE_LABEL = "health-install/network-probe"
_USUALLY, _AT_MOST = 45.0, 1200.0

# Rules take some seconds to reach a machine, so a connection that should fail has a while to begin
# to; one that should work has to work first, or else nothing would be learned from a failure.
SCRIPT = """\
answers() { timeout 3 valkey-cli -h "$HOST" -p "$1" ping 2>/dev/null | grep -q PONG; }
tries=0
until answers "$OPEN"; do
  tries=$((tries + 1)); [ "$tries" -lt 10 ] || exit 11; sleep "$PAUSE"
done
tries=0
while answers "$CLOSED"; do
  tries=$((tries + 1)); [ "$tries" -lt 8 ] || exit 10; sleep "$PAUSE"
done
# One lost packet is no rule.
! answers "$CLOSED" || exit 10
answers "$OPEN" || exit 11
"""


@dataclass(frozen=True)
class NetworkProbe:
    """What to try with: an image that holds a small server and its client, as user and group.

    `login_of` is a namespace whose pods log in to a registry, where images need that.
    """

    image: str
    user: int
    group: int
    login_of: str = ""


def told(result: str, why: str = "") -> str:
    """What a result means, in plain words."""
    if result == ENFORCED:
        return "The network holds to the rules: what they forbid does not get through."
    if result == IGNORED:
        return (
            "Network rules are decoration here: the cluster's network ignores them, so that every "
            "pod can reach every other. Clusters Oracle makes, with flannel, all do; a network "
            "such as Calico would not. What asks for a password still does."
        )
    return f"Whether the network holds to the rules could not be found out: {why}"


def doubts(state: State) -> tuple[str, ...]:
    """What the last result says against relying on the rules; nothing where they hold."""
    result = state.recall(ENFORCEMENT, _RESULT)
    if result in (None, ENFORCED):
        return ()
    return (told(str(result), state.recall(ENFORCEMENT, _WHY) or ""),)


class Enforcement(KubeStep):
    """Tries the network once, and again when the parts that make it have changed."""

    id = ENFORCEMENT
    title = "Network rules are tried"
    usually = _USUALLY
    checks_only = True

    def __init__(self, connect: Connect, probe: NetworkProbe, needs: Sequence[str]) -> None:
        super().__init__(connect)
        self._probe = probe
        self.needs = tuple(needs)

    def look(self, ctx: Context) -> Seen:
        """Recall the last result, and see whether it is still about the same network."""
        result = ctx.recall(_RESULT)
        if result is None:
            return Seen(Condition.ABSENT, "not tried yet")
        if ctx.recall(_NETWORK) != self._network(ctx):
            words = "what runs on every machine has changed since the network was tried"
            return Seen(Condition.DIFFERENT, words, (words,))
        return Seen(Condition.AS_WANTED, told(result, ctx.recall(_WHY) or ""))

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Try it, take everything away again, and remember the result."""
        network = self._network(ctx)
        result, why = self._found_out(ctx)
        ctx.remember(_NETWORK, network)
        ctx.remember(_WHY, why)
        ctx.remember(_RESULT, result)
        ctx.note(told(result, why))

    def unmake(self, ctx: Context) -> None:
        """Nothing lasting was made."""

    def _found_out(self, ctx: Context) -> tuple[str, str]:
        try:
            try:
                self._take_away(ctx)
                return self._tried(ctx)
            finally:
                self._take_away(ctx)
        except (Stopped, Temporary):
            raise
        except InstallError as error:
            return UNKNOWN, " ".join(part for part in (error.what, error.why) if part)

    def _tried(self, ctx: Context) -> tuple[str, str]:
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        space = _space(ctx)
        cluster.apply([_namespace(space), *_policies(space)], stamp)
        self._lend_login(ctx, space)
        listener = self._pod(space, _LISTENER, _servers(self._probe.image))
        cluster.apply([listener], stamp)
        ReadinessWatch(cluster, stamp, ctx, [ref_of(listener)]).wait(_USUALLY)
        body = cluster.get(ref_of(listener)) or {}
        address = str(at(body, "status", "podIP", default=""))
        caller = self._pod(space, _CALLER, [_client(self._probe.image, address)])
        cluster.apply([caller], stamp)
        self._await_end(ctx, caller)
        code = _exit_code(cluster.get(ref_of(caller)) or {})
        result = EXIT_CODES.get(code, UNKNOWN) if code is not None else UNKNOWN
        if result != UNKNOWN:
            return result, ""
        if code == 11:
            return result, "not even the connection the rules allow came about"
        return result, f"the pod that tries ended with {code}"

    def _await_end(self, ctx: Context, body: Body) -> None:
        """Return when it is over, whatever it ended with."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)

        def reason() -> str | None:
            one = cluster.readiness(body, stamp)
            return None if one.done or one.failed else one.words

        ctx.wait("the pod that knocks", reason, every=2.0, usually=20.0, at_most=_AT_MOST)

    def _lend_login(self, ctx: Context, space: str) -> None:
        if not self._probe.login_of:
            return
        cluster = self.cluster(ctx)
        seen = cluster.secret(self._probe.login_of, PULL_SECRET)
        if seen is not None:
            kind = "kubernetes.io/dockerconfigjson"
            lent = SecretWanted(space, PULL_SECRET, seen.values, type=kind)
            cluster.create_secret(lent, self.stamp(ctx))

    def _take_away(self, ctx: Context) -> None:
        """Remove the namespace, which a run that was cut off may also have left; until gone."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        ref = Ref("v1", "Namespace", "", _space(ctx))
        body = cluster.get(ref)
        if body is not None and stamp.is_on(body):
            uid = str(at(body, "metadata", "uid", default=""))
            cluster.delete([Owned(ref, uid)], stamp, ctx.wait)

    def _network(self, ctx: Context) -> str:
        """What makes a network runs on every machine: a digest of the names of what does."""
        stamp = self.stamp(ctx)
        found = self.cluster(ctx).objects("apps/v1", "DaemonSet")
        names = sorted(ref_of(body).words for body in found if not stamp.is_on(body))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def _pod(self, space: str, role: str, containers: Sequence[Body]) -> dict[str, Any]:
        spec: dict[str, Any] = {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            # Should nobody ever come back to take it away, it ends by itself.
            "activeDeadlineSeconds": 3600,
            "restartPolicy": "Always" if role == _LISTENER else "Never",
            "securityContext": pod_security(self._probe.user, self._probe.group),
            "containers": list(containers),
            "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "4Mi"}}],
        }
        if self._probe.login_of:
            spec["imagePullSecrets"] = [{"name": PULL_SECRET}]
        metadata = {"name": role, "namespace": space, "labels": {PROBE_LABEL: role}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _space(ctx: Context) -> str:
    return f"health-probe-{ctx.installation.id}"


def _namespace(space: str) -> dict[str, Any]:
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": space, "labels": labels},
    }


def _policies(space: str) -> list[dict[str, Any]]:
    """Everything closed, then one port of the listener open to the caller and to nobody else."""
    listener, caller = ({"matchLabels": {PROBE_LABEL: role}} for role in (_LISTENER, _CALLER))
    ports = [{"protocol": "TCP", "port": _OPEN}]
    entry = {"from": [{"podSelector": caller}], "ports": ports}
    exits = {"to": [{"podSelector": listener}]}
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    one = {"podSelector": listener, "policyTypes": ["Ingress"], "ingress": [entry]}
    two = {"podSelector": caller, "policyTypes": ["Egress"], "egress": [exits]}
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": space},
            "spec": spec,
        }
        for name, spec in (("closed", closed), (_LISTENER, one), (_CALLER, two))
    ]


def _servers(image: str) -> list[dict[str, Any]]:
    """The same small server twice, ready only when it answers on its own machine."""
    return [
        _container(image, f"port-{port}", _server_command(port), readiness=port)
        for port in (_OPEN, _CLOSED)
    ]


def _server_command(port: int) -> list[str]:
    quiet = ["--save", "", "--appendonly", "no", "--dir", _SCRATCH, "--maxmemory", "1mb"]
    return ["valkey-server", "--port", str(port), "--protected-mode", "no", *quiet]


def _client(image: str, address: str) -> dict[str, Any]:
    body = _container(image, "knock", ["sh", "-c", SCRIPT])
    given = {"HOST": address, "OPEN": str(_OPEN), "CLOSED": str(_CLOSED), "PAUSE": "3"}
    body["env"] = [{"name": name, "value": value} for name, value in given.items()]
    return body


def _container(image: str, name: str, command: Sequence[str], readiness: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        # Without requests it finds room on a machine that is full.
        "securityContext": container_security(),
        "volumeMounts": [{"name": "tmp", "mountPath": _SCRATCH}],
    }
    if readiness:
        ask = ["valkey-cli", "-e", "-h", "127.0.0.1", "-p", str(readiness), "ping"]
        body["readinessProbe"] = {"exec": {"command": ask}, "periodSeconds": 2, "timeoutSeconds": 3}
    return body


def _exit_code(pod: Mapping[str, Any]) -> int | None:
    for status in at(pod, "status", "containerStatuses", default=[]):
        code = at(status, "state", "terminated", "exitCode")
        if code is not None:
            return int(code)
    return None
