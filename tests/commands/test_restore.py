"""Which backup is meant, and what is said before anything is put back."""

from __future__ import annotations

import pytest

from installer.commands.passphrase import passphrase_of
from installer.commands.restore import BackupSet, _chosen, _proved, sets_in
from installer.engine.errors import AnswersError, ClusterError
from installer.modules import catalogue
from installer.plan import make_plan
from tests.modules.conftest import answers_for

PRINTED = """\
2026-11-20T021700Z\tunfinished\t4096 bytes
2026-11-18T021700Z\twhole\t5000000 bytes
2026-11-19T021700Z\twhole\t5100000 bytes
"""
NEWEST = BackupSet("2026-11-19T021700Z", True, 5_100_000)


def test_the_newest_whole_one_is_taken_and_an_unfinished_one_never() -> None:
    found = sets_in(PRINTED)
    assert [one.whole for one in found] == [False, True, True]
    assert _chosen(found, "") == NEWEST
    assert _chosen(found, "2026-11-18T021700Z").bytes == 5_000_000


@pytest.mark.parametrize("wanted", ["2026-11-20T021700Z", "yesterday"])
def test_one_that_is_not_there_or_not_whole_is_refused_with_those_that_are(wanted: str) -> None:
    with pytest.raises(AnswersError, match=f"There is no whole backup {wanted}") as caught:
        _chosen(sets_in(PRINTED), wanted)
    assert NEWEST.name in caught.value.why


def test_the_line_of_an_unfinished_one_says_what_it_is_worth() -> None:
    assert "cannot be brought back" in sets_in(PRINTED)[0].words
    assert NEWEST.words == "2026-11-19T021700Z         5.1 MB"


@pytest.mark.parametrize(("target", "there"), [("none", False), ("volume", True)])
def test_there_is_a_passphrase_where_backups_are_made(target: str, there: bool) -> None:
    chosen = {"disaster-recovery": {"target": target}, "health-services": {"enabled": False}}
    plan = make_plan(answers_for(catalogue(), target="existing", modules=chosen))
    assert (passphrase_of(plan) is not None) == there


def test_a_job_that_only_ended_proves_nothing() -> None:
    """As in a rehearsed cluster, which runs no programs."""
    with pytest.raises(ClusterError, match="nothing shows that it did its work"):
        _proved({"seal": "seal: ended with exit code 0"}, "is sent")
    printed = {"dump": "", "seal": "set 2026-11-19T021700Z is sent: 3 files"}
    assert _proved(printed, "is sent") == printed
