"""What people's things depend on does not change unless the new value was confirmed by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from installer.engine.errors import AnswersError, ExitCode
from installer.engine.run import Result
from installer.engine.step import Condition
from installer.kube.objects import Ref
from installer.modules import catalogue
from installer.modules.hosts import LATE_DOMAIN
from installer.modules.lasting import Lasting
from installer.modules.rendering import Rendered
from installer.plan import make_plan
from installer.steps.front_door import PublicName
from installer.steps.kubernetes_part import kubernetes_part
from installer.steps.lasting import LASTING, LastingValues
from tests.kube.rehearsed import Body, claim, config_map, deployment
from tests.modules.conftest import answers_for
from tests.steps.kube.conftest import PART, Site

NAME = "LOGIN_NAME"


def login(site: Site, name: str) -> Body:
    """A workload that holds the name in a variable."""
    body = deployment(site.space, "login")
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": NAME, "value": name}]
    return body


def lasting(site: Site, confirmed: str = "") -> Lasting:
    return Lasting(
        kind="Deployment",
        namespace=site.space,
        name="login",
        variable=NAME,
        what="the name passkeys are bound to",
        because="All passkeys are lost.",
        option="modules.small.new_name",
        confirmed=confirmed,
    )


def rendered(site: Site, name: str, confirmed: str = "", settings: str = "one") -> Rendered:
    """One module whose login has this name."""
    small = site.small([config_map(site.space, "settings", key=settings)], [login(site, name)])
    return replace(small, lasting=(lasting(site, confirmed),))


def live_name(site: Site) -> str:
    """The name in the cluster."""
    body = site.cluster.get(Ref("apps/v1", "Deployment", site.space, "login"))
    assert body is not None
    return lasting(site).value_in(body)


def refusal(result: Result) -> AnswersError:
    assert isinstance(result.error, AnswersError), result.error
    return result.error


def test_a_first_installation_may_have_any_name(site: Site) -> None:
    assert site.install(rendered(site, "auth.example.org")).error is None
    assert site.install(rendered(site, "auth.example.org")).changed == 0


def test_another_name_is_refused_before_anything_is_changed(site: Site) -> None:
    site.install(rendered(site, "auth.example.org"))

    result = site.install(rendered(site, "auth.example.net", settings="two"))

    error = refusal(result)
    assert error.exit_code is ExitCode.ANSWERS
    assert "is auth.example.org and would become auth.example.net" in error.what
    assert error.why == "All passkeys are lost."
    assert "set modules.small.new_name to auth.example.net" in error.then
    assert "access.domain" in error.then
    assert live_name(site) == "auth.example.org"
    settings = site.cluster.get(Ref("v1", "ConfigMap", site.space, "settings"))
    assert settings is not None
    assert settings["data"] == {"key": "one"}


def test_nothing_is_applied_before_it_was_compared(site: Site) -> None:
    steps = {step.id: step for step in site.steps(rendered(site, "auth.example.org"), (PART,))}

    def comes_after(step: str) -> set[str]:
        needs = [need for need in steps[step].needs if need in steps]
        return {*needs, *(each for need in needs for each in comes_after(need))}

    for name in ("secrets", "small-0", "small-1", "tidy"):
        assert LASTING in comes_after(name), name


def test_a_plan_tells_it_beforehand(site: Site) -> None:
    site.install(rendered(site, "auth.example.org"))

    result = site.plan(rendered(site, "auth.example.net"))

    assert result.error is None
    assert result.seen["lasting"].condition is Condition.DIFFERENT
    assert "would become auth.example.net" in result.seen["lasting"].changes[0]


def test_a_name_that_was_confirmed_is_taken_and_confirms_no_other(site: Site) -> None:
    site.install(rendered(site, "auth.example.org"))

    confirmed = site.install(rendered(site, "auth.example.net", confirmed="auth.example.net"))
    assert confirmed.error is None
    assert live_name(site) == "auth.example.net"

    again = site.install(rendered(site, "auth.example.com", confirmed="auth.example.net"))
    assert "would become auth.example.com" in refusal(again).what
    assert live_name(site) == "auth.example.net"


def test_a_removal_does_not_mind(site: Site) -> None:
    site.install(rendered(site, "auth.example.org"))
    assert site.destroy(rendered(site, "auth.example.net")).error is None


@pytest.mark.parametrize(
    ("address", "refused"), [("192.0.2.7", False), ("192.0.2.8", True)], ids=["same", "another"]
)
def test_a_name_that_follows_from_the_address_lasts_too(
    site: Site, address: str, refused: bool
) -> None:
    site.install(rendered(site, "auth.192-0-2-7.sslip.io"))
    site.state.remember("front-door", "address", address)
    public = PublicName(LATE_DOMAIN, "sslip.io")
    late = rendered(site, f"auth.{LATE_DOMAIN}")
    steps = kubernetes_part(
        lambda _ctx: site.cluster, late, (PART,), 1, lambda _path: None, public=public
    )
    (step,) = (each for each in steps if isinstance(each, LastingValues))

    seen = step.look(site.runner(late)._context(step))

    wanted = Condition.DIFFERENT if refused else Condition.AS_WANTED
    assert seen.condition is wanted
    assert LATE_DOMAIN not in seen.words


def test_every_workload_and_variable_that_must_last_is_rendered() -> None:
    modules = catalogue()
    given = {module.name: {"enabled": True} for module in modules}
    plan = make_plan(answers_for(modules, access={"domain": "example.org"}, modules=given))
    found = {
        each.option: each.value_in(entry.body)
        for each in plan.rendered.lasting
        for entry in plan.rendered.objects
        if (entry.body["kind"], entry.body["metadata"]["name"]) == (each.kind, each.name)
    }
    assert found["modules.authentication.new_relying_party"] == "auth.example.org"
    assert all(found.values())
    assert len(found) == len(plan.rendered.lasting)


def test_data_does_not_move_to_another_volume_by_itself(site: Site) -> None:
    def on(volume: str) -> Rendered:
        return site.small(
            [claim(site.space, volume)], [deployment(site.space, "db", volume=volume)]
        )

    site.install(on("data"))
    looked = site.plan(on("own"))

    error = refusal(site.install(on("own")))

    assert f"Deployment {site.space}/db keeps its data on data and would look on own" in error.what
    assert "would begin empty" in error.why
    assert "storage_sharing" in error.then
    assert looked.seen[LASTING].condition is Condition.DIFFERENT
    assert site.cluster.get(Ref("v1", "PersistentVolumeClaim", site.space, "own")) is None
    assert site.install(on("data")).changed == 0
