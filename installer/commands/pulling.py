"""Looks images up for a plan: with the answers' login, and each only once in a run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from installer.answers.model import Answers
from installer.commands.secrets import resolved
from installer.modules.images import PlannedImage
from installer.plan import Plan
from installer.registry.client import Login, RegistryClient
from installer.registry.reference import DOCKER_HUB, Reference
from installer.registry.resolving import Resolution, Resolved, all_of, resolve
from installer.registry.troubles import RegistryTrouble
from installer.registry.wire import Wire


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

    def newest(self, images: Sequence[PlannedImage]) -> dict[str, str | RegistryTrouble]:
        """The digest each tag has now, by reference without our digest."""
        client = self._connected()
        tagged = [image.tagged for image in images if image.chosen]
        digests = all_of(lambda text: client.digest_now(Reference.parse(text)), tagged)
        return dict(zip(dict.fromkeys(tagged), digests, strict=True))

    def _asked(self, image: PlannedImage) -> str:
        return image.tagged if self._endpoint and image.locked else image.reference

    def _answered(
        self, references: Sequence[str], platforms: tuple[str, ...]
    ) -> dict[str, Resolved | RegistryTrouble]:
        new = [each for each in references if (each, platforms) not in self._known]
        passing: dict[str, Resolved | RegistryTrouble] = {}
        if new:
            client = self._connected()
            results = all_of(lambda text: resolve(client, text, platforms), new)
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


def step_images(plan: Plan) -> tuple[PlannedImage, ...]:
    """The images a run has to look up; none where the answers say that nothing is looked up."""
    return plan.images if plan.answers.images.check else ()
