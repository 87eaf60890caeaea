"""Looks images up for a plan: with the answers' login, and each only once in a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from installer.answers.model import Answers
from installer.budget.quantities import show_bytes
from installer.commands.secrets import resolved
from installer.conversation import Finding
from installer.engine.errors import AnswersError, InstallError
from installer.modules.images import KnownImage, PlannedImage
from installer.oracle.doctor import Diagnosis, Level, bad
from installer.plan import Plan
from installer.registry.client import Login, RegistryClient
from installer.registry.reference import DOCKER_HUB
from installer.registry.remedies import remedy
from installer.registry.resolving import Resolution, Resolved, resolve_each
from installer.registry.troubles import RegistryTrouble
from installer.registry.wire import Wire
from installer.steps.images import learned, not_known, refusal, warnings

_NOT_LOOKED_UP = (
    "No image is looked up, as images.check says: a wrong one shows itself only when its pod does "
    "not start."
)


@dataclass(frozen=True)
class Found:
    """What was learned of images, and what a person should know of it."""

    known: tuple[KnownImage, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ImageNow:
    """A planned image, what comes of pulling it at this moment, and what its tag points to."""

    image: PlannedImage
    pulled: Resolved | RegistryTrouble
    tag: Resolved | RegistryTrouble

    @property
    def newer(self) -> str:
        """The digest its tag has moved to, empty where it has not."""
        if isinstance(self.tag, RegistryTrouble) or not self.image.digest:
            return ""
        return "" if self.tag.digest == self.image.digest else self.tag.digest


class Pulls:
    """Asks registries. Thread-safe; what was found, or cannot be found, is not asked for again.

    With an `endpoint` a rehearsed registry there is asked in place of all others.
    """

    def __init__(self, answers: Answers, endpoint: str = "") -> None:
        self._answers = answers
        self._endpoint = endpoint
        self._client: RegistryClient | None = None
        self._known: dict[tuple[str, tuple[str, ...]], Resolved | RegistryTrouble] = {}
        self._guard = threading.Lock()

    def fits(self, answers: Answers) -> bool:
        """Whether these answers log in as those it was made with."""
        return _login_of(answers) == _login_of(self._answers)

    def look_up(self, images: Sequence[PlannedImage], platforms: Sequence[str]) -> Resolution:
        """Every image, by its reference without our digest. Raises AnswersError for a password
        that is not where the answers say."""
        with self._guard:
            asked = {self._asked(image): image for image in images}
            told = self._answered(tuple(asked), tuple(platforms))
        found, troubles = [], []
        for reference, image in asked.items():
            answer = told[reference]
            if isinstance(answer, RegistryTrouble):
                troubles.append(answer)
            else:
                # A rehearsed registry cannot have the bytes that the lock file's digest stands for.
                digest = image.digest if self._endpoint and image.locked else answer.digest
                found.append(replace(answer, reference=image.tagged, digest=digest))
        return Resolution(tuple(found), tuple(troubles))

    # -- for people ---------------------------------------------------------------------------

    def find(self, plan: Plan) -> Found:
        """Look up what the plan does not know yet; whatever is wrong is among the findings."""
        return self._found(plan)[0]

    def find_or_wait(self, plan: Plan) -> Found:
        """The same. Raises Temporary, or another error that says when to come back, where nothing
        but that is wrong."""
        found, error = self._found(plan)
        if error is not None and not isinstance(error, AnswersError):
            raise error
        return found

    def examine(self, plan: Plan) -> Iterator[Diagnosis]:
        """The same as findings of an examination."""
        try:
            found, error = self._found(plan)
        except AnswersError as missing:
            # The password is not where the answers say.
            yield bad(missing)
            return
        if error is not None:
            yield bad(error)
            return
        for each in found.findings:
            yield Diagnosis(Level.GOOD if each.good else Level.HINT, each.words)

    def now(self, plan: Plan) -> tuple[ImageNow, ...]:
        """Every image as its registry has it at this moment, whatever is remembered."""
        images = [image for image in plan.images if image.chosen]
        tagged = self._fresh([image.tagged for image in images], plan.platforms)
        pinned = [image for image in images if self._apart(image, tagged[image.tagged])]
        exact = self._fresh([image.reference for image in pinned], plan.platforms)
        return tuple(
            ImageNow(image, exact.get(image.reference, tagged[image.tagged]), tagged[image.tagged])
            for image in images
        )

    def _apart(self, image: PlannedImage, tag_now: Resolved | RegistryTrouble) -> bool:
        """Whether what is pinned must be asked for by itself."""
        if not image.digest or (self._endpoint and image.locked):
            return False
        return isinstance(tag_now, RegistryTrouble) or tag_now.digest != image.digest

    def _fresh(
        self, references: Sequence[str], platforms: Sequence[str]
    ) -> dict[str, Resolved | RegistryTrouble]:
        names = list(dict.fromkeys(references))
        told = resolve_each(self._connected(), names, platforms)
        return dict(zip(names, told, strict=True))

    def _found(self, plan: Plan) -> tuple[Found, InstallError | None]:
        if not plan.answers.images.check:
            return Found((), (Finding(True, _NOT_LOOKED_UP),)), None
        images = [image for image in plan.images if image.chosen]
        unknown = not_known(images, plan.facts.images, plan.platforms)
        told = self.look_up(unknown, plan.platforms)
        error = refusal(told, len(images))
        findings = [
            Finding(False, f"Image {each.subject}: {each.why}. {remedy(each)}")
            for each in told.troubles
        ]
        if not findings:
            findings.append(Finding(True, _all_well(images, told, plan)))
        findings += [Finding(False, words) for words in warnings(images)]
        return Found(learned(told), tuple(findings)), error

    # -- asking -------------------------------------------------------------------------------

    def _asked(self, image: PlannedImage) -> str:
        return image.tagged if self._endpoint and image.locked else image.reference

    def _answered(
        self, references: Sequence[str], platforms: tuple[str, ...]
    ) -> dict[str, Resolved | RegistryTrouble]:
        new = [each for each in references if (each, platforms) not in self._known]
        passing: dict[str, Resolved | RegistryTrouble] = {}
        if new:
            client = self._connected()
            results = resolve_each(client, new, platforms)
            for text, told in zip(new, results, strict=True):
                if isinstance(told, RegistryTrouble) and told.kind.passing:
                    passing[text] = told
                    continue
                self._known[text, platforms] = told
                if isinstance(told, Resolved):
                    # The plan made of it will name it with its digest.
                    self._known[f"{text}@{told.digest}", platforms] = told
        return {each: passing.get(each) or self._known[each, platforms] for each in references}

    def _connected(self) -> RegistryClient:
        if self._client is None:
            user, password = self._answers.images.pull_user, self._answers.images.pull_password
            logins = []
            if user and password is not None:
                host = self._answers.images.login_host or DOCKER_HUB
                logins.append(Login(host, user, resolved(password) or ""))
            self._client = RegistryClient(Wire(self._endpoint), logins)
        return self._client


def _login_of(answers: Answers) -> tuple[str, str, str]:
    asked = answers.images
    return asked.login_host, asked.pull_user, str(asked.pull_password or "")


def newest_of(told: Sequence[ImageNow]) -> tuple[KnownImage, ...]:
    """What tags are at this moment; what the answers name by its digest stays as it is."""
    tags = [each.tag for each in told if isinstance(each.tag, Resolved)]
    return learned(Resolution(tuple(each for each in tags if "@" not in each.reference)))


def _all_well(images: Sequence[PlannedImage], told: Resolution, plan: Plan) -> str:
    where = f" for {', '.join(plan.platforms)}" if plan.platforms else ""
    if not told.found:
        return f"All {len(images)} images are known{where}, each by its digest."
    new = sum(max((size for _, size in each.compressed), default=0) for each in told.found)
    count = len(told.found)
    rest = f", {len(images) - count} are known already" if count < len(images) else ""
    return f"{count} images can be pulled{where}, {show_bytes(new, up=True)} to download{rest}."
