"""The last page: how it ended, where things answer, what to do next."""

from __future__ import annotations

from installer.commands.going_back import way_back
from installer.commands.logins import kubectl_of, login_lines
from installer.commands.parking import going_on
from installer.commands.passphrase import passphrase_of
from installer.commands.public_names import front_address, public_hosts
from installer.commands.sources import Case
from installer.conversation import Conclusion, Endpoint, Failure
from installer.engine.events import Ending
from installer.engine.run import Result
from installer.engine.state import remembered
from installer.modules.choices import applying
from installer.modules.description import EndpointEntry
from installer.modules.rendering import gives_way
from installer.plan import Plan

DOMAIN = "svc.cluster.local"


def conclude(case: Case, plan: Plan, result: Result) -> Conclusion:
    """Put a run's result into words."""
    error = result.error
    return Conclusion(
        ending=result.ending,
        exit_code=int(result.exit_code),
        words=_words(result),
        endpoints=_endpoints(case, plan) if error is None else (),
        what_next=_next_steps(case, plan, result),
        failure=Failure(error.what, error.why, error.then) if error else None,
        answers_file=str(case.home.answers) if case.home.answers.exists() else "",
        log_file=str(case.home.log),
        remarks=_remarks(case) if error is None else (),
        logins=login_lines(case, plan) if error is None else (),
    )


def _remarks(case: Case) -> tuple[str, ...]:
    """That rules of the network are ignored, which nothing else would ever show."""
    # Here and not above: it loads an SDK, which by now is loaded.
    from installer.steps.enforcement import doubts

    with remembered(case.home.state) as state:
        return doubts(state) if state else ()


def _words(result: Result) -> str:
    if result.error is not None:
        return result.error.what
    if result.ending is Ending.NOTHING_TO_DO:
        return "Nothing changed: everything is as wanted."
    return f"Done. {result.changed} steps changed something."


def _endpoints(case: Case, plan: Plan) -> tuple[Endpoint, ...]:
    outside = tuple(
        Endpoint(one.title, f"https://{one.host}", "from outside")
        for one in public_hosts(plan, front_address(case.home))
    )
    return outside + tuple(
        Endpoint(entry.title, _address(namespace, entry), "inside the cluster")
        for namespace, entry in _inside(plan)
    )


def _inside(plan: Plan) -> tuple[tuple[str, EndpointEntry], ...]:
    """Every endpoint of what is ours to run, and the namespace it is in."""
    return tuple(
        (entry.namespace or module.namespace, entry)
        for module in plan.modules
        if not gives_way(module, plan.facts)
        for entry in applying(plan.answers, module, module.file.endpoints)
    )


def page_lines(case: Case, plan: Plan) -> tuple[str, ...]:
    """How to open the pages that have no public name; nobody opens those of a rehearsal."""
    if case.rehearsal:
        return ()
    kubectl = kubectl_of(case, plan)
    return tuple(
        f"Open {entry.title} at {entry.scheme}://127.0.0.1:{entry.port} while this runs: "
        f"{kubectl} -n {namespace} port-forward service/{entry.service} {entry.port}"
        for namespace, entry in _inside(plan)
        if entry.people and not entry.host
    )


def _address(namespace: str, entry: EndpointEntry) -> str:
    return f"{entry.scheme}://{entry.service}.{namespace}.{DOMAIN}:{entry.port}"


def _next_steps(case: Case, plan: Plan, result: Result) -> tuple[str, ...]:
    if result.ending is Ending.PARKED:
        return going_on(case)
    back = way_back(case.home, result.ending, _flags(case))
    return (*_what_next(case, plan), *back) if result.error is None else back


def _flags(case: Case) -> str:
    """What a command needs to mean this installation."""
    name = f" --name {case.name}" if case.name != "health" else ""
    return f"{' --rehearse' if case.rehearsal else ''}{name}"


def _what_next(case: Case, plan: Plan) -> tuple[str, ...]:
    flags = _flags(case)
    keep: tuple[str, ...] = ()
    if passphrase_of(plan) is not None:
        keep = (
            "Keep the passphrase of the backups outside the cluster, for nothing opens them "
            f"without it: health-install restore --passphrase{flags}",
        )
    return (
        *keep,
        *page_lines(case, plan),
        f"See what is there and whether it is well: health-install status{flags}",
        f"Repeat without questions: health-install --headless {case.home.answers}{flags}",
        f"Remove everything again: health-install destroy{flags}",
    )
