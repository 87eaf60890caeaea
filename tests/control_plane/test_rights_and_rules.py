"""Rights and network rules of the whole platform, judged by the real API server."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.stamp import Stamp
from installer.plan import Plan
from tests.control_plane.control_plane import ControlPlane
from tests.kube.rehearsed import impatient
from tests.modules.accounts import OURS, RIGHTS
from tests.modules.selections import all_names, plan_of

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

RBAC = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount")
# What programs with too many rights are found with. "ours" is asked in every namespace of ours.
TEMPTING = {
    *(f"{verb} secrets{place}" for verb in ("get", "list") for place in ("", ": ours")),
    *(
        "create pods: ours",
        "create pods/exec: ours",
        "delete pods: ours",
        "list pods",
        "list nodes",
    ),
    *(
        "get configmaps: kube-system",
        "list configmaps: ours",
        "get nodes/proxy",
        "get nodes/metrics",
    ),
    *("create serviceaccounts/token: ours", "update nodes", "impersonate users", "list namespaces"),
    "create rbac.authorization.k8s.io/clusterrolebindings",
    "bind rbac.authorization.k8s.io/clusterroles",
    "patch apps/deployments: ours",
    "list secrets: kube-system",
    "list pods: default",
}


@pytest.fixture(scope="module")
def whole() -> Plan:
    """Every module, with every switch on that may be."""
    return plan_of(*all_names(), switches=True)


@pytest.fixture
def installed(cluster: Cluster, whole: Plan) -> Iterator[tuple[str, ...]]:
    """Namespaces, accounts and rights of all of it; gives the accounts."""
    stamp = Stamp(new_installation_id(), "health")
    bodies = [entry.body for entry in whole.rendered.objects]
    cluster.apply([body for body in bodies if body["kind"] == "Namespace"], stamp)
    cluster.apply([body for body in bodies if body["kind"] in RBAC], stamp)
    yield tuple(
        f"{body['metadata']['namespace']}/{body['metadata']['name']}"
        for body in bodies
        if body["kind"] == "ServiceAccount"
    )
    cluster.delete_all(stamp, impatient)


class Asking:
    """Asks the API server what an account may do, as a SubjectAccessReview."""

    def __init__(self, plane: ControlPlane) -> None:
        document = yaml.safe_load(plane.token_kubeconfig.read_text(encoding="utf-8"))
        self._token = document["users"][0]["user"]["token"]
        self._url = f"{plane.server}/apis/authorization.k8s.io/v1/subjectaccessreviews"
        self._context = ssl.create_default_context(cafile=str(plane.ca_file))

    def may(self, account: str, right: str, space: str) -> bool:
        """Whether the account has the right in a namespace; everywhere, when that is empty."""
        verb, _, what = right.partition(" ")
        head, _, name = what.rpartition("/")
        group, resource, sub = ("", what, "") if not head else (head, name, "")
        if head and "." not in head and head not in ("apps", "batch", "autoscaling"):
            group, resource, sub = "", head, name
        asked = {"verb": verb, "group": group, "resource": resource, "subresource": sub}
        if space:
            asked["namespace"] = space
        user = "system:serviceaccount:" + account.replace("/", ":")
        groups = ["system:serviceaccounts", "system:authenticated"]
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, "resourceAttributes": asked},
        }
        request = urllib.request.Request(
            self._url,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            method="POST",
        )
        with urllib.request.urlopen(request, context=self._context, timeout=30) as answer:
            return bool(json.load(answer)["status"]["allowed"])


def places(right: str) -> tuple[str, list[str]]:
    """The right without its place, and the namespaces to ask about."""
    words, _, place = right.partition(": ")
    return words, sorted(OURS) if place == "ours" else [place]


def test_every_account_may_do_exactly_what_the_reviewed_table_says(
    control_plane: ControlPlane, installed: tuple[str, ...]
) -> None:
    asking = Asking(control_plane)
    everything = {right for rights in RIGHTS.values() for right in rights} | TEMPTING
    plain = [right for right in everything if not right.startswith("ROLE ")]
    assert len(installed) > 15
    assert RIGHTS.keys() <= set(installed)
    wrong = []
    for account in installed:
        given = RIGHTS.get(account, set())
        for right in plain:
            words, spaces = places(right)
            # What is given everywhere is given in each namespace.
            expected = right in given or words in given
            for space in spaces:
                if asking.may(account, words, space) != expected:
                    wrong.append((account, right, space, expected))
    assert wrong == []


def test_the_metrics_server_may_ask_who_is_who_and_nobody_else_may(
    control_plane: ControlPlane, installed: tuple[str, ...]
) -> None:
    asking = Asking(control_plane)
    rights = (
        "create authentication.k8s.io/tokenreviews",
        "create authorization.k8s.io/subjectaccessreviews",
    )
    for account in installed:
        for right in rights:
            expected = account == "health-system/metrics-server"
            assert asking.may(account, right, "") == expected, (account, right)


def test_the_api_server_accepts_every_object_of_rules_roles_and_metrics(
    cluster: Cluster, whole: Plan, installed: tuple[str, ...]
) -> None:
    modules = ("security", "metrics-server")
    bodies = [
        entry.body
        for entry in whole.rendered.objects
        if entry.module in modules and entry.body["kind"] not in (*RBAC, "Namespace")
    ]
    # By dry runs: an APIService without anything behind it would trouble the tests beside.
    found = cluster.compare(bodies, Stamp(new_installation_id(), "other"))
    kinds = {ref.kind for ref in found.absent}
    assert len(found.absent) == len(bodies)
    assert {"NetworkPolicy", "APIService", "Deployment", "Service"} <= kinds
