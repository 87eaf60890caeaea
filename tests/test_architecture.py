"""Which room may use which. The table is the architecture; the code has to follow it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ROOT / "installer"
SDKS = {"oci", "kubernetes", "textual", "questionary"}

# Room -> rooms of ours it may import. A room may always import itself.
MAY_IMPORT: dict[str, set[str]] = {
    "engine": set(),
    "answers": set(),
    "modules": {"answers"},
    "budget": {"modules", "answers"},
    "oracle": {"engine"},
    "kube": {"engine"},
    "registry": {"engine"},
    "smoke": {"engine"},
    "rehearsal": set(),
    "steps": {"engine", "oracle", "kube", "modules", "registry", "smoke"},
    "plan": {"answers", "modules", "budget"},
    "conversation": {"answers", "engine"},
    "prompts": {"answers", "engine", "conversation"},
    "cli": {"engine"},
    "__main__": {"cli"},
    "__init__": set(),
    "commands": {
        "answers", "budget", "cli", "conversation", "engine", "kube", "modules", "oracle",
        "plan", "prompts", "registry", "smoke", "steps",
    },
}  # fmt: skip

# Outside packages with one home each.
HOMES = {
    "oci": {"oracle"},
    "kubernetes": {"kube"},
    "jinja2": {"modules"},
    "questionary": {"prompts"},
    "pydantic": {"answers", "modules", "budget"},
    "textual": set(),
    "urllib3": {"registry"},
    "aiohttp": {"rehearsal", "kube"},
    "sqlite3": {"engine", "rehearsal"},
}


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def room_of(path: Path) -> str:
    """The folder below `installer`, or the module itself."""
    return path.relative_to(ROOMS).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file, also those inside functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            yield node.lineno, module
            # `from installer import engine` names the room after the import.
            if module == "installer":
                yield from ((node.lineno, f"installer.{name.name}") for name in node.names)


@pytest.mark.parametrize("path", python_files(ROOMS), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_uses_only_the_rooms_it_may(path: Path) -> None:
    room = room_of(path)
    assert room in MAY_IMPORT, f"say in this test what {room} may import"
    for line, name in imports(path):
        parts = name.split(".")
        assert parts[0] not in {"screens", "tests"}, f"{path}:{line} imports {name}"
        if parts[0] == "installer" and len(parts) > 1:
            allowed = MAY_IMPORT[room] | {room}
            assert parts[1] in allowed, f"{path}:{line}: {room} may not import {parts[1]}"


@pytest.mark.parametrize("path", python_files(ROOMS), ids=lambda p: str(p.relative_to(ROOT)))
def test_an_outside_package_lives_in_its_own_room(path: Path) -> None:
    for line, name in imports(path):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert room_of(path) in homes, f"{path}:{line}: {name} does not belong here"


def test_screens_leave_the_sdks_alone() -> None:
    for path in python_files(ROOT / "screens"):
        for line, name in imports(path):
            assert name.split(".")[0] not in {"oci", "kubernetes"}, f"{path}:{line}: {name}"


def test_no_function_is_named_handle_and_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    for folder in (ROOMS, ROOT / "screens"):
        for path in python_files(folder):
            assert path.stem not in drawers, path
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    assert node.name != "handle", f"{path}:{node.lineno}"


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for folder in (ROOMS, ROOT / "screens", ROOT / "tests")
        for path in python_files(folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_every_public_name_says_what_it_is_for() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for folder in (ROOMS, ROOT / "screens")
        for path in python_files(folder)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert silent == []


def loaded_by(*words: str) -> set[str]:
    """Which of the heavy packages a command line loads, in a clean interpreter."""
    code = (
        "import sys\n"
        "sys.argv = ['health-install', *sys.argv[1:]]\n"
        "from screens.start import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\nLOADED', *sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert "LOADED" in ended.stdout, ended.stderr
    return set(ended.stdout.rsplit("LOADED", 1)[1].split()) & SDKS


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("plan", "--help"),
        ("answers", "example"),
        ("answers", "schema"),
        ("plan", "--rehearse"),
        ("render", "--rehearse"),
    ],
    ids=" ".join,
)
def test_what_needs_no_sdk_loads_none(words: tuple[str, ...]) -> None:
    assert loaded_by(*words) == set()
