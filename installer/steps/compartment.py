"""Makes sure of the compartment that holds everything else."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.errors import AccountError, InstallError
from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.belongings import Belonging, Belongings
from installer.oracle.compartment import Compartments
from installer.oracle.leftovers import Leftovers
from installer.oracle.resource import Life, Resource, Started
from installer.oracle.wanted import is_ocid
from installer.steps.leftovers import sweep
from installer.steps.oracle_resource import OpenAccount, OracleResource

_PATIENCE = 900.0


def compartment_step(account: OpenAccount, wanted: str) -> Step:
    """The step for a compartment we make (a name) or were given (an OCID)."""
    return GivenCompartment(account, wanted) if is_ocid(wanted) else OwnCompartment(account, wanted)


class OwnCompartment(OracleResource[Resource]):
    """A compartment of our own below the tenancy, removed with the installation."""

    id = "compartment"
    title = "Compartment"
    group = "Account"
    needs = ("account", "limits")
    usually = 20.0
    noun = "compartment"
    kind = "compartment"
    suffix = ""
    at_most = 3 * 3600.0
    removal_usually = 300.0

    def __init__(self, account: OpenAccount, wanted: str) -> None:
        super().__init__(account)
        self._wanted = wanted

    def name(self, ctx: Context) -> str:  # noqa: ARG002
        """As in the answers."""
        return self._wanted

    def places(self) -> tuple[str, ...]:
        """It stands on the tenancy alone."""
        return ()

    def get(self, ctx: Context, resource_id: str) -> Resource | None:  # noqa: ARG002
        """By id."""
        return self._all().get(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[Resource]:  # noqa: ARG002
        """Below the tenancy."""
        return self._all().named(name)

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """In the home region."""
        return Started(self._all().create(name, self.tags(ctx), retry_token))

    def unmake(self, ctx: Context) -> None:
        """Remove it; but one in which others keep things is theirs from now on, and stays."""
        found, _ = self._find(ctx)
        if found is None:
            return
        # Usually long gone; but without its network nobody else would have looked for them.
        sweep(Leftovers(self.account()), ctx, found.id)
        others = Belongings(self.account()).inside(found.id).others(ctx.installation.id)
        if others:
            self._leave(ctx, found, others)
        else:
            self.remove(ctx, found)

    def _leave(self, ctx: Context, found: Resource, others: Sequence[Belonging]) -> None:
        self._all().let_go(found)
        ctx.note(
            f"The compartment {found.name} stays, without our tag, because it holds what is not "
            f"ours: {'; '.join(each.words for each in others)}. To install into it again, give "
            f"its OCID in place.compartment: {found.id}"
        )
        self._remember_nothing(ctx)

    def delete(self, ctx: Context, found: Resource) -> str:  # noqa: ARG002
        """Takes minutes, and fails when something is left inside."""
        return self._all().delete(found.id)

    def differences(self, ctx: Context, found: Resource) -> tuple[str, ...]:  # noqa: ARG002
        """A new compartment is not known to the other services at once."""
        service = self._all().known_everywhere(found.id)
        return (f"wait until Oracle's {service} service knows the compartment",) if service else ()

    def repair(self, ctx: Context, found: Resource) -> None:
        """Wait; there is nothing else to do about it."""

        def check() -> str | None:
            service = self._all().known_everywhere(found.id)
            if not service:
                return None
            return (
                f"Oracle's {service} service does not know it yet, or this user's policies do "
                "not allow that service in it"
            )

        ctx.wait(f"the compartment {found.name}", check, 5.0, 30.0, _PATIENCE)

    def not_gone(self, ctx: Context, found: Resource, work_request: str) -> str | None:
        """Oracle removes compartments in its own time and may give up."""
        now = self.get(ctx, found.id)
        if now is None or now.life is Life.GONE:
            return None
        trouble = self._all().removal_trouble(work_request)
        if trouble:
            raise InstallError(
                f"The compartment {found.name} could not be removed.",
                f"Oracle says: {trouble}",
                "Something that we did not make is still in it. Look into it in Oracle's console, "
                "remove or move what is there, and run the same command again.",
            )
        return f"it is {now.state}"

    def _all(self) -> Compartments:
        return Compartments(self.account())


class GivenCompartment(Step):
    """A compartment named by its OCID in the answers: used, never changed, never removed."""

    id = "compartment"
    title = "Compartment"
    group = "Account"
    needs = ("account", "limits")
    usually = 1.0
    checks_only = True

    def __init__(self, account: OpenAccount, ocid: str) -> None:
        self._account = account
        self._ocid = ocid

    def look(self, ctx: Context) -> Seen:
        """Raises AccountError when it cannot be used."""
        found = Compartments(self._account()).get(self._ocid)
        if found is None or found.life is not Life.THERE:
            state = f"It is {found.state}." if found else "Oracle does not show it to this user."
            raise AccountError(
                f"The compartment {self._ocid} cannot be used.",
                state,
                "Correct place.compartment, or give a name there to have a new compartment made.",
            )
        ctx.remember("id", found.id)
        return Seen(Condition.AS_WANTED, f"{found.name}, given and left as it is")

    def make(self, ctx: Context, seen: Seen) -> None:
        """Never needed: a look that is not content raises."""

    def unmake(self, ctx: Context) -> None:
        """Not ours to remove."""
