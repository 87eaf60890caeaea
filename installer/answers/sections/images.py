"""Where container images come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from installer.answers.asking import Ask, Section
from installer.answers.forms import Pairs, Secret, Switch, Text
from installer.answers.problems import refuse
from installer.answers.rules import cluster_names
from installer.answers.secret_reference import SecretRef
from installer.answers.sections.relevance import with_pull_user


class Images(Section):
    """Where container images come from."""

    registry: Annotated[
        str,
        Text(
            cluster_names.registry,
            cluster_names.REGISTRY_PATTERN,
            example="registry.example.org/health",
        ),
        Ask(
            "Registry",
            help="A registry of your own that mirrors all images, like "
            "registry.example.org/health. Empty takes each image from where its makers put it.",
            advanced=True,
        ),
    ] = ""
    pull_user: Annotated[
        str,
        Text(),
        Ask(
            "User name at the registry",
            help="Needed only when the registry asks for one. Empty pulls without a name.",
            advanced=True,
        ),
    ] = ""
    pull_password: Annotated[
        SecretRef | None,
        Secret(brought=True),
        Ask(
            "Password at the registry",
            help="Where the password or token is kept: env:NAME for an environment variable, "
            "file:PATH for a file, keyring:SERVICE/USER for this machine's keyring. It goes "
            "into the cluster and nowhere else.",
            secret=True,
            advanced=True,
            relevant=with_pull_user,
        ),
    ] = None
    pull_host: Annotated[
        str,
        Text(cluster_names.registry_host, cluster_names.REGISTRY_HOST_PATTERN, example="ghcr.io"),
        Ask(
            "Registry the user name is for",
            help="Its host alone, like ghcr.io or registry.example.org:5000. Empty means the "
            "registry above, or Docker Hub where none is named. No other registry is shown the "
            "password.",
            advanced=True,
            relevant=with_pull_user,
        ),
    ] = ""
    check: Annotated[
        bool,
        Switch(),
        Ask(
            "Look all images up first",
            help="Before anything is made, each image is looked up in its registry: whether it "
            "exists, is made for the machines, may be pulled, and how large it is; the very "
            "version found is then pinned. Switch it off where only the cluster reaches the "
            "registry. Then a wrong image shows itself only when its pod does not start.",
            advanced=True,
        ),
    ] = True
    overrides: Annotated[
        dict[str, str],
        Pairs(cluster_names.image_name, cluster_names.image, cluster_names.IMAGE_NAME_PATTERN),
        Ask(
            "Images of your own choice",
            help="Single images to take from elsewhere, each as name=image, for example "
            "postgresql=registry.example.org/postgresql:18.1. Names are those `health-install "
            "render` shows.",
            advanced=True,
        ),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _user_and_password_together(self) -> Images:
        if self.pull_user and self.pull_password is None:
            raise refuse(
                "A user name for the registry is given but no password; say where it is kept, "
                "like env:PULL_PASSWORD.",
                "images.pull_password",
                "images.pull_user",
            )
        if self.pull_password is not None and not self.pull_user:
            raise refuse(
                "A password for the registry is given but no user name.",
                "images.pull_user",
                "images.pull_password",
            )
        return self

    @property
    def login_host(self) -> str:
        """The host the user name is for, empty for Docker Hub."""
        return self.pull_host or self.registry.partition("/")[0]
