"""Backups as they are planned and rendered, and the list of files a night makes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from installer.modules import ModulesInvalid, catalogue
from installer.modules.pod_security import violations
from installer.modules.releases import CHECKED_RELEASES
from installer.plan import Plan, make_plan
from tests.modules.conftest import Choose, answers_for
from tests.modules.selections import AROUND

VERSIONS = (CHECKED_RELEASES[0], CHECKED_RELEASES[-1])
S3 = {"target": "s3", "s3_endpoint": "https://s3.example.org", "s3_bucket": "far"}
SCRIPTS = Path(__file__).parents[2] / "assets/modules/disaster-recovery/files/backup"


def plan_with(options: Mapping[str, Any], **more: Any) -> Plan:
    """The plan of a free machine at Oracle with backups as told."""
    modules = {"disaster-recovery": options, "health-services": {"enabled": False}}
    given = {"target": "oke", "backups": {"bucket": True}, "modules": modules, **more}
    return make_plan(answers_for(catalogue(), **given), AROUND)


def bodies(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    return {
        entry.body["metadata"]["name"]: entry.body
        for entry in plan.rendered.objects
        if entry.module == "disaster-recovery" and entry.body["kind"] == kind
    }


def pod(job: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("options", [{"target": "oracle"}, S3, {"target": "volume"}], ids=str)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_target_fits_kubernetes_and_the_restricted_level(
    options: Mapping[str, Any], version: str
) -> None:
    plan = plan_with(options)
    for entry in plan.rendered.of_module("disaster-recovery").objects:
        kubernetes_validate.validate(entry.body, version, strict=True)
    for job in bodies(plan, "CronJob").values():
        assert violations(pod(job)) == ()
        for one in pod(job)["containers"]:
            assert one["resources"]["requests"]["cpu"] in ("5m", "20m")
            assert one["volumeMounts"]


def test_jobs_never_overlap_end_in_time_and_leave_little_behind() -> None:
    jobs = bodies(plan_with({"target": "oracle"}), "CronJob")
    assert jobs.keys() == {"backup", "restore-drill", "restore"}
    assert [name for name, job in jobs.items() if job["spec"]["suspend"]] == ["restore"]
    for job in jobs.values():
        spec = job["spec"]
        assert (spec["concurrencyPolicy"], spec["timeZone"]) == ("Forbid", "Etc/UTC")
        assert spec["startingDeadlineSeconds"] > 0
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 1)
        ends = spec["jobTemplate"]["spec"]
        assert ends["activeDeadlineSeconds"] > 0
        assert ends["ttlSecondsAfterFinished"] > 0
        assert ends["backoffLimit"] <= 1


def test_the_free_machine_has_room_for_them_and_nothing_costs_more() -> None:
    plan = plan_with({"target": "oracle"}, money={"accept_monthly_usd": 0})
    before = plan_with({"target": "none"})
    assert plan.verdict.fits
    for resource in ("CPU", "memory", "volumes"):
        assert plan.verdict.row(resource).used == before.verdict.row(resource).used
    assert plan.verdict.row("CPU").passing <= 45
    assert plan.verdict.bill.monthly_usd == before.verdict.bill.monthly_usd


def test_nothing_is_made_and_it_is_said_plainly_where_no_backup_is_wanted() -> None:
    plan = plan_with({})
    objects = plan.rendered.of_module("disaster-recovery").objects
    assert {entry.body["kind"] for entry in objects} <= {"Namespace"}
    assert "No backup is made: whoever loses the volume loses everything on it." in plan.text()


def test_what_stays_in_the_cluster_is_not_called_safe() -> None:
    assert "there is no copy outside" in plan_with({"target": "volume"}).text()


def test_the_person_is_told_of_the_passphrase_and_of_the_rights_of_the_key() -> None:
    told = plan_with({"target": "oracle"}).text()
    assert "Backups are worthless without their passphrase" in told
    assert "has all the rights of the user it was made for" in told


def test_a_bucket_at_oracle_that_nobody_makes_is_refused() -> None:
    with pytest.raises(ModulesInvalid, match=r"set backups\.bucket to true"):
        plan_with({"target": "oracle"}, backups={"bucket": False})


@pytest.mark.parametrize("missing", ["s3_endpoint", "s3_bucket"])
def test_a_bucket_of_ones_own_must_be_named(choose: Choose, missing: str) -> None:
    with pytest.raises(ModulesInvalid, match="Backups are to go to a bucket of yours, but"):
        plan_with({**S3, missing: ""})


def test_the_bucket_deletes_at_oracle_and_the_job_elsewhere() -> None:
    def told(options: Mapping[str, Any]) -> tuple[str, str]:
        job = bodies(plan_with(options, backups={"bucket": True, "keep_days": 12}), "CronJob")
        env = {one["name"]: one.get("value") for one in pod(job["backup"])["containers"][1]["env"]}
        return str(env["KEEP_DAYS"]), str(env["DELETES"])

    assert told({"target": "oracle", "keep_days": 99}) == ("12", "no")
    assert told({**S3, "keep_days": 99}) == ("99", "yes")
    assert told({**S3, "keep_days": 99, "s3_deletes": False}) == ("99", "no")


def test_only_the_way_back_may_write_to_the_object_store() -> None:
    jobs = bodies(plan_with({"target": "oracle"}), "CronJob")
    keys = {
        name: {
            item["key"]
            for volume in pod(job)["volumes"]
            if volume["name"] == "store"
            for item in volume["secret"]["items"]
        }
        for name, job in jobs.items()
    }
    reads = {"backup-access-key", "backup-secret-key"}
    assert keys == {
        "backup": reads,
        "restore-drill": reads,
        "restore": {"root-user", "root-password"},
    }


def test_no_variable_holds_a_password() -> None:
    """Keys and passphrase come as files: variables are seen by whoever may describe a pod."""
    for job in bodies(plan_with({"target": "oracle"}), "CronJob").values():
        for one in pod(job)["containers"]:
            for variable in one["env"]:
                secret = variable.get("valueFrom", {}).get("secretKeyRef", {})
                assert secret.get("key") in (None, "endpoint", "region", "bucket"), variable


@dataclass(frozen=True)
class Night:
    """What a night makes of copies and files."""

    sums: tuple[int, ...]
    todo: tuple[str, ...]
    places: Mapping[str, str]


def night(
    folder: Path,
    copies: Mapping[str, int],
    files: Mapping[str, tuple[int, str]],
    room: int = 10**9,
    most: int = 100,
) -> Night:
    """Runs the script that plans it, tonight being the 20th and copies too old before the 5th.

    `copies` are bytes by SET/NAME, `files` bytes and time by name; gives the sums and the names
    to send, and the set each file is found in.
    """
    awk = shutil.which("awk")
    if awk is None:
        pytest.skip("the program awk is not here: apt-get install mawk")
    (folder / "copies").write_text("".join(f"{name}\t{size}\n" for name, size in copies.items()))
    (folder / "files").write_text(
        "".join(f"{name}\t{size}\t{time}\n" for name, (size, time) in files.items())
    )
    for name in ("todo", "list"):
        (folder / name).write_text("")
    settings: dict[str, object] = {"set": "2026-11-20T020000Z", "refresh": "2026-11-05T020000Z"}
    settings |= {"brink": "2026-11-03T020000Z", "room": room}
    settings |= {"most": most, "todo": folder / "todo", "list": folder / "list"}
    words = [word for name, value in settings.items() for word in ("-v", f"{name}={value}")]
    script = str(SCRIPTS / "plan.awk")
    parts = ["copies=1", str(folder / "copies"), "copies=0", str(folder / "files")]
    ended = subprocess.run(
        [awk, *words, "-f", script, *parts], capture_output=True, text=True, check=True, timeout=30
    )
    listed = [line.split("\t") for line in (folder / "list").read_text().splitlines()]
    return Night(
        tuple(int(number) for number in ended.stdout.split()),
        tuple((folder / "todo").read_text().splitlines()),
        {name: place[8:10] for place, _, name in listed},
    )


EARLY = "2026-11-01 10:00:00"


def test_a_file_is_sent_when_it_is_new_changed_or_its_copy_about_to_go(tmp_path: Path) -> None:
    copies = {
        "2026-11-10T020000Z/kept": 5,
        "2026-11-10T020000Z/longer": 5,
        "2026-11-10T020000Z/changed": 5,
        "2026-11-04T020000Z/old": 5,
        "2026-11-04T020000Z/renewed": 5,
        "2026-11-12T020000Z/renewed": 5,
        "2026-11-10T020000Z/deleted": 5,
    }
    files = {
        "kept": (5, EARLY),
        "longer": (6, EARLY),
        "changed": (5, "2026-11-10 02:00:01"),
        "old": (5, EARLY),
        "renewed": (5, EARLY),
        "new, with a blank": (5, EARLY),
    }
    found = night(tmp_path, copies, files)
    assert found.todo == ("longer", "changed", "new, with a blank", "old")
    assert found.places == {
        "kept": "10", "longer": "20", "changed": "20", "old": "20", "renewed": "12",
        "new, with a blank": "20",
    }  # fmt: skip
    assert found.sums == (6, 4, 4 * (5 + 48) + 1, 0, 0, 0)


def test_the_very_first_night_sends_everything(tmp_path: Path) -> None:
    assert night(tmp_path, {}, {"a": (1, EARLY), "b": (2, EARLY)}).todo == ("a", "b")


def test_what_is_too_much_for_a_night_waits_with_the_new_ones_first(tmp_path: Path) -> None:
    copies = {"2026-11-04T020000Z/old": 5}
    files = {"old": (5, EARLY), "new": (5, EARLY), "newer": (5, EARLY)}
    found = night(tmp_path, copies, files, most=2)
    assert found.todo == ("new", "newer")
    assert found.sums[3:] == (1, 0, 0)
    # Its older copy still counts.
    assert found.places["old"] == "04"


def test_a_copy_that_would_be_gone_tomorrow_does_not_wait_unsaid(tmp_path: Path) -> None:
    copies = {"2026-11-02T020000Z/old": 5}
    found = night(tmp_path, copies, {"new": (5, EARLY), "old": (5, EARLY)}, most=1)
    assert found.sums[3:] == (1, 0, 1)


def test_what_finds_no_room_is_counted_and_not_listed(tmp_path: Path) -> None:
    files = {"small": (10, EARLY), "large": (10_000, EARLY), "tiny": (1, EARLY)}
    found = night(tmp_path, {}, files, room=200)
    assert found.todo == ("small", "tiny")
    assert found.sums[3:] == (0, 1, 0)
    assert found.places.keys() == {"small", "tiny"}


def test_a_month_of_nights_stays_within_what_oracle_gives_away() -> None:
    """31 nights of the most files, five objects, and a listing of all that were ever sent."""
    job = bodies(plan_with({"target": "oracle"}), "CronJob")["backup"]
    env = {one["name"]: one.get("value") for one in pod(job)["containers"][1]["env"]}
    listings = int(env["MOST_FILES"]) * 31 // 1000 + 2
    assert 31 * (int(env["MOST_FILES"]) + 5 + listings) <= 50_000
    assert int(env["MOST_BYTES"]) <= 20_000_000_000
