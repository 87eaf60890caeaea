"""The catalogue: every folder of `assets/modules` that holds a `module.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from installer.answers.module_questions import ModuleQuestions, OptionSpec, SecretQuestion
from installer.modules.closed import read_closed
from installer.modules.conditions import OptionValue
from installer.modules.description import ModuleFile, OptionEntry, SecretEntry
from installer.modules.images import ImageLock, LockedImage, read_lock
from installer.modules.problems import ModulesInvalid, Problem, refuse
from installer.modules.secret_values import SecretSpec, SecretValue


@dataclass(frozen=True, eq=False)
class Module:
    """One module as read from its folder; compared by identity, since it is read once."""

    name: str
    folder: Traversable
    file: ModuleFile
    images: Mapping[str, LockedImage]
    secrets: tuple[SecretSpec, ...]
    questions: ModuleQuestions

    @property
    def title(self) -> str:
        """The module's name for people."""
        return self.file.title

    @property
    def namespace(self) -> str:
        """The namespace used where a template or a claim names none; empty without any."""
        return self.file.namespaces[0].name if self.file.namespaces else ""

    @cached_property
    def sees(self) -> tuple[str, ...]:
        """The modules whose options its templates and conditions may ask about."""
        return tuple(dict.fromkeys((*self.file.needs, *self.file.looks_at)))

    @property
    def profile_defaults(self) -> Mapping[str, Mapping[str, OptionValue]]:
        """Other defaults by profile: {"small": {"modules.infrastructure.x": value}}."""
        defaults: dict[str, dict[str, OptionValue]] = {}
        for option in self.file.options:
            for profile, value in option.profiles.items():
                defaults.setdefault(profile, {})[f"modules.{self.name}.{option.name}"] = value
        return defaults

    def text_of(self, path: str) -> str:
        """The text of a file in the module's folder, read once like the module itself.

        Raises ModulesInvalid when it is missing.
        """
        if path not in self._texts:
            try:
                text = self.folder.joinpath(*path.split("/")).read_text(encoding="utf-8")
            except (FileNotFoundError, IsADirectoryError):
                missing = Problem(f"{self.name}/{path}", "the file is missing")
                raise ModulesInvalid([missing]) from None
            self._texts[path] = text
        return self._texts[path]

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {}


def catalogue(root: Path | None = None) -> tuple[Module, ...]:
    """All modules, each after those it needs.

    `root` is a folder with `modules/` and `images.lock.yaml`; without it the installer's own assets
    are read. Raises ModulesInvalid with the mistakes of all modules at once. Read once per root.
    """
    return _read(root)


@lru_cache(maxsize=8)
def _read(root: Path | None) -> tuple[Module, ...]:
    base: Traversable = files("assets") if root is None else root
    lock = read_lock(base / "images.lock.yaml")
    found: list[Module] = []
    problems: list[Problem] = []
    for folder in sorted((base / "modules").iterdir(), key=lambda entry: entry.name):
        if not folder.is_dir() or not (folder / "module.yaml").is_file():
            continue
        try:
            found.append(_module(folder, lock))
        except ModulesInvalid as error:
            problems.extend(error.problems)
    problems.extend(_unknown_modules(found))
    refuse(problems)
    return _in_order_of_needs(found)


def _module(folder: Traversable, lock: ImageLock) -> Module:
    shown = f"{folder.name}/module.yaml"
    file = read_closed(ModuleFile, folder / "module.yaml", shown)
    known = lock.by_name()
    mistakes = file.mistakes() + [
        f"images: {image.name} is not in images.lock.yaml"
        for image in file.images
        if image.name not in known
    ]
    mistakes += [
        f"templates: {template.file} does not exist"
        for template in file.templates
        if not (folder / template.file).is_file()
    ]
    refuse([Problem(shown, mistake) for mistake in mistakes])
    return Module(
        name=folder.name,
        folder=folder,
        file=file,
        images={image.name: known[image.name] for image in file.images},
        secrets=tuple(_secret(folder, file, entry) for entry in file.secrets),
        questions=_questions(folder.name, file),
    )


def _secret(folder: Traversable, file: ModuleFile, entry: SecretEntry) -> SecretSpec:
    values = []
    for value in entry.values:
        text = value.text
        if value.file:
            text = folder.joinpath("files", *value.file.split("/")).read_text(encoding="utf-8")
        path = _question_id(entry.id, value.key, value.question_id) if value.question else ""
        question = f"{folder.name}.{path}" if path else ""
        values.append(
            SecretValue(
                value.key,
                value.make,
                text,
                question,
                shape=value.shape,
                required=value.required,
                by=value.by,
            )
        )
    namespace = entry.namespace or (file.namespaces[0].name if file.namespaces else "")
    return SecretSpec(folder.name, entry.id, namespace, entry.name, tuple(values))


def _question_id(secret: str, key: str, wanted: str) -> str:
    return f"{secret}.{wanted or key.replace('-', '_').replace('.', '_')}"


def _questions(name: str, file: ModuleFile) -> ModuleQuestions:
    secrets = tuple(
        SecretQuestion(
            id=_question_id(entry.id, value.key, value.question_id),
            title=value.question.title,
            help=value.question.help,
        )
        for entry in file.secrets
        for value in entry.values
        if value.question
    )
    return ModuleQuestions(
        name=name,
        title=file.title,
        purpose=file.purpose,
        needs=file.needs,
        enabled=file.enabled,
        options=tuple(_option(option) for option in file.options),
        secrets=secrets,
    )


def _option(option: OptionEntry) -> OptionSpec:
    scale = 2**30 if option.kind == "size" else 1
    return OptionSpec(
        name=option.name,
        kind=option.kind,
        default=option.default,
        title=option.title,
        help=option.help,
        choices=option.choices,
        minimum=None if option.minimum is None else option.minimum * scale,
        maximum=None if option.maximum is None else option.maximum * scale,
        pattern=option.pattern,
        must=option.must,
        costs=option.costs,
    )


def _unknown_modules(modules: Sequence[Module]) -> list[Problem]:
    names = {module.name for module in modules}
    return [
        Problem(f"{module.name}/module.yaml", f"{other} is not a module")
        for module in modules
        for other in (*module.file.needs, *module.file.looks_at)
        if other not in names
    ]


def _in_order_of_needs(modules: Sequence[Module]) -> tuple[Module, ...]:
    ordered: list[Module] = []
    pending = list(modules)
    while pending:
        names = {module.name for module in pending}
        ready = next((m for m in pending if not names.intersection(m.file.needs)), None)
        if ready is None:
            circle = ", ".join(sorted(names))
            raise ModulesInvalid([Problem("modules", f"{circle} need each other in a circle")])
        ordered.append(ready)
        pending.remove(ready)
    return tuple(ordered)
