"""Who may do what: accounts of the platform, and roles for people."""

from __future__ import annotations

import pytest

from tests.modules.accounts import RIGHTS, rights_in, rights_of
from tests.modules.selections import all_names, plan_of, selections
from tests.modules.test_network_rules import templates


@pytest.mark.parametrize("names", selections(), ids=lambda names: "+".join(names))
def test_every_account_may_do_what_the_reviewed_table_says_and_nothing_else(
    names: tuple[str, ...],
) -> None:
    plan = plan_of(*names)
    found = rights_of(entry.body for entry in plan.rendered.objects)
    there = {
        f"{entry.body['metadata']['namespace']}/{entry.body['metadata']['name']}"
        for entry in plan.rendered.objects
        if entry.body["kind"] == "ServiceAccount"
    }
    assert found == {account: RIGHTS[account] for account in RIGHTS.keys() & there}
    assert len(names) < len(all_names()) or RIGHTS.keys() <= there


@pytest.mark.parametrize("names", selections(), ids=lambda names: "+".join(names))
def test_only_accounts_with_rights_get_a_token(names: tuple[str, ...]) -> None:
    plan = plan_of(*names)
    for entry in plan.rendered.objects:
        if entry.body["kind"] == "ServiceAccount":
            assert entry.body["automountServiceAccountToken"] is False, entry.source
    for namespace, template in templates(plan.rendered):
        spec = template["spec"]
        account = f"{namespace}/{spec['serviceAccountName']}"
        assert spec["automountServiceAccountToken"] is (account in RIGHTS), account


def test_no_account_reads_secrets_or_has_every_right() -> None:
    for account, rights in RIGHTS.items():
        for right in rights:
            assert "*" not in right, account
            assert "secrets" not in right, account
            assert "cluster-admin" not in right, account


def test_no_container_runs_as_root_and_none_can_become_it() -> None:
    for _, template in templates(plan_of(*all_names(), switches=True).rendered):
        spec = template["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            security = {**spec["securityContext"], **container["securityContext"]}
            assert security["runAsUser"] > 0, container["name"]
            assert security["runAsNonRoot"] is True, container["name"]
            assert security["allowPrivilegeEscalation"] is False, container["name"]
            assert security["readOnlyRootFilesystem"] is True, container["name"]


def test_roles_for_people_are_made_only_when_asked_for() -> None:
    names = {
        entry.body["metadata"]["name"]
        for entry in plan_of(*all_names()).rendered.objects
        if entry.body["kind"] == "ClusterRole"
    }
    assert not names & {"health-platform-viewer", "health-platform-operator"}


def test_a_viewer_sees_no_secret_and_changes_nothing() -> None:
    roles = {
        entry.body["metadata"]["name"]: set(rights_in(entry.body["rules"]))
        for entry in plan_of(*all_names(), switches=True).rendered.objects
        if entry.body["kind"] == "ClusterRole"
    }
    viewer = roles["health-platform-viewer"]
    assert {right.split()[0] for right in viewer} == {"get", "list", "watch"}
    assert {"get pods/log", "list events", "get apps/deployments"} <= viewer
    for right in roles["health-platform-viewer"] | roles["health-platform-operator"]:
        assert "secrets" not in right
        assert "*" not in right
    assert not any("exec" in right or "portforward" in right for right in viewer)
    more = roles["health-platform-operator"] - viewer
    assert {"create pods/exec", "patch apps/deployments", "delete pods"} <= more
    assert not any("rolebindings" in right or "clusterroles" in right for right in more)
