"""What no cluster does to a volume is refused before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from installer.engine.errors import AnswersError, ExitCode
from installer.engine.run import Result
from installer.engine.step import Condition
from installer.kube.objects import Ref
from installer.kube.stamp import Stamp
from installer.modules.rendering import HOLDS, Rendered
from installer.steps.volume_sizes import VOLUME_SIZES
from tests.kube.rehearsed import Body, claim, config_map, deployment, storage_class
from tests.steps.kube.conftest import Site


def volume(site: Site, size: str, kind: str = "", holds: str = "files, mails") -> Body:
    body = claim(site.space, "data")
    body["metadata"]["annotations"] = {HOLDS: holds}
    body["spec"]["resources"]["requests"]["storage"] = size
    if kind:
        body["spec"]["storageClassName"] = kind
    return body


def rendered(site: Site, wanted: Body, settings: str = "one") -> Rendered:
    return site.small(
        [config_map(site.space, "settings", key=settings), wanted],
        [deployment(site.space, "db", volume="data")],
    )


def refusal(result: Result) -> AnswersError:
    assert isinstance(result.error, AnswersError), result.error
    assert result.exit_code is ExitCode.ANSWERS
    return result.error


def settings_of(site: Site) -> Any:
    found = site.cluster.get(Ref("v1", "ConfigMap", site.space, "settings"))
    assert found is not None
    return found["data"]


def size_of(site: Site) -> str:
    found = site.cluster.get(Ref("v1", "PersistentVolumeClaim", site.space, "data"))
    assert found is not None
    return str(found["spec"]["resources"]["requests"]["storage"])


def test_a_smaller_volume_is_refused_before_anything_is_written_and_told_by_the_plan(
    site: Site,
) -> None:
    site.install(rendered(site, volume(site, "50Gi")))
    less = rendered(site, volume(site, "40Gi"), settings="two")

    looked = site.plan(less)
    error = refusal(site.install(less))

    words = f"PersistentVolumeClaim {site.space}/data is 50Gi and would become 40Gi"
    assert looked.seen[VOLUME_SIZES].condition is Condition.DIFFERENT
    assert looked.seen[VOLUME_SIZES].changes == (words,)
    assert error.what == f"{words}; nothing was changed."
    assert error.why == "No cluster makes a volume smaller."
    assert "sizes of what it holds (files, mails)" in error.then
    assert f"kubectl delete -n {site.space} persistentvolumeclaim data" in error.then
    assert (settings_of(site), size_of(site)) == ({"key": "one"}, "50Gi")


def test_a_volume_that_holds_less_than_before_just_stays_as_large(site: Site) -> None:
    site.install(rendered(site, volume(site, "50Gi")))

    result = site.install(rendered(site, volume(site, "40Gi", holds="files")))

    assert result.error is None
    assert size_of(site) == "50Gi"
    assert "volumes do not shrink" in site.said


@pytest.mark.parametrize("grows", [True, False])
def test_a_larger_volume_is_made_larger_where_its_storage_class_lets_it_grow(
    site: Site, grows: bool
) -> None:
    kind = f"kind-{site.installation.id}"
    site.cluster.apply([storage_class(kind, grows=grows)], Stamp("otherotherot", "other"))
    site.install(rendered(site, volume(site, "50Gi", kind)))
    more = rendered(site, volume(site, "60Gi", kind), settings="two")

    result = site.install(more)

    if grows:
        assert result.error is None
        assert size_of(site) == "60Gi"
        return
    error = refusal(result)
    assert error.why == f"The storage class {kind} does not let volumes grow."
    assert f"kubectl patch storageclass {kind}" in error.then
    assert (settings_of(site), size_of(site)) == ({"key": "one"}, "50Gi")


def test_a_claim_without_a_volume_yet_is_not_asked_to_change(site: Site) -> None:
    def unused(size: str) -> Rendered:
        body = volume(site, size, "oci-bv")
        return site.small([body])

    site.install(unused("50Gi"))

    error = refusal(site.install(unused("60Gi")))

    assert "before it has a volume" in error.why
    assert "It holds nothing yet" in error.then
    assert size_of(site) == "50Gi"


def test_another_kind_of_volume_is_refused(site: Site) -> None:
    site.install(rendered(site, volume(site, "50Gi", "oci-bv")))

    error = refusal(site.install(rendered(site, volume(site, "50Gi", "other"), settings="two")))

    assert "is of the storage class oci-bv and would become other" in error.what
    assert "cluster.storage_class to oci-bv" in error.then
    assert settings_of(site) == {"key": "one"}
