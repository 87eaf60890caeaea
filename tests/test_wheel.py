"""The wheel that people install: complete, and it works where the sources are not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.person import ROOT, Person

pytestmark = pytest.mark.slow

PACKAGES = ("assets", "installer", "profiles", "screens")


@dataclass(frozen=True)
class Wheel:
    """A built wheel, and the folder it was installed into."""

    file: Path
    folder: Path

    @property
    def command(self) -> Path:
        """The program as people start it."""
        return self.folder / "bin" / "health-install"


def pip(*words: str) -> None:
    """Run pip without asking anybody outside."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index")
    ended = subprocess.run(
        [sys.executable, "-m", "pip", *words, *quiet], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """Built from the sources, then installed beside the libraries of this interpreter."""
    folder = tmp_path_factory.mktemp("wheel")
    built, installed = folder / "dist", folder / "installed"
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(ROOT))
    (file,) = built.glob("health_install-*.whl")
    pip("install", "--no-deps", "--target", str(installed), str(file))
    return Wheel(file, installed)


@pytest.fixture
def person(wheel: Wheel, tmp_path: Path) -> Person:
    """Somebody who has the wheel and not the sources."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    return Person(
        tmp_path / "person",
        command=(str(wheel.command),),
        cwd=elsewhere,
        extra={"PYTHONPATH": str(wheel.folder)},
    )


def test_everything_the_program_reads_is_in_it(wheel: Wheel) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = set(zipfile.ZipFile(wheel.file).namelist())
    assert wanted - names == set()
    others = {name for name in names - wanted if ".dist-info/" not in name}
    assert others == set()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_says_its_version_and_explains_itself(wheel: Wheel, person: Person) -> None:
    said = person.plain("--version")
    number = wheel.file.name.split("-")[1]
    assert (said.code, said.out) == (0, f"health-install {number}\n")
    told = person.plain("--help")
    assert told.code == 0
    assert "exit codes:" in told.out
    example = person.plain("answers", "example")
    assert example.code == 0
    assert example.out.startswith("# An example of all answers")


def test_it_runs_from_where_it_was_installed(wheel: Wheel, person: Person) -> None:
    code = "import assets, installer, profiles, screens as s; print(s.__file__, assets.__file__)"
    env = {**person.env(), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=person.cwd,
        env=env,
    )
    for place in ended.stdout.split():
        assert Path(place).is_relative_to(wheel.folder)


def test_a_whole_rehearsal_works_from_it(person: Person) -> None:
    ended = person.install()
    assert (ended.code, ended.finished["ending"]) == (0, "done"), ended.err
    assert person.install().finished["changed"] == 0
    removed = person.destroy()
    assert (removed.code, removed.finished["ending"]) == (0, "done")
