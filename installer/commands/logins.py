"""Where the passwords are: a line for each login, with the command that prints what is needed."""

from __future__ import annotations

import shlex
from pathlib import Path

from installer.commands.sources import Case
from installer.modules.logins import Login, logins_of
from installer.plan import Plan, on_oracle

# In the language of kubectl's templates.
_NEW_LINE = r'{{"\n"}}'


def login_lines(case: Case, plan: Plan) -> tuple[str, ...]:
    """A line for each login a person may need; holds no value of any Secret."""
    # The cluster of a rehearsal ends with its run; kubectl would ask another one.
    by = "in a real installation this prints" if case.rehearsal else "this prints"
    kubectl = kubectl_of(case, plan)
    return tuple(
        f"{_words(login)}; {by} {'them' if login.user_key else 'it'}: {_command(kubectl, login)}"
        for login in logins_of(plan.answers, plan.modules, plan.rendered.secrets)
    )


def kubectl_of(case: Case, plan: Plan) -> str:
    """kubectl as it reaches the cluster of the installation."""
    words = ["kubectl"]
    cluster = plan.answers.cluster
    if case.rehearsal:
        return words[0]
    if on_oracle(plan.answers):
        words += ["--kubeconfig", str(case.home.kubeconfig)]
        return shlex.join(words)
    if cluster.kubeconfig:
        words += ["--kubeconfig", str(Path(cluster.kubeconfig).expanduser())]
    if cluster.context:
        words += ["--context", cluster.context]
    return shlex.join(words)


def _words(login: Login) -> str:
    place = f"the Secret {login.namespace}/{login.secret}"
    if login.user_key:
        return (
            f"{login.title}: user name and password are {login.user_key} and {login.key} in {place}"
        )
    return f"{login.title}: user {login.user}, and the password is {login.key} in {place}"


def _command(kubectl: str, login: Login) -> str:
    # Unlike a JSON path this form takes keys with dots, and it decodes without another program.
    values = " ".join(f'{{{{index .data "{key}" | base64decode}}}}' for key in login.keys)
    read = f"get secret {login.secret} -o go-template="
    return f"{kubectl} -n {login.namespace} {read}{shlex.quote(values + _NEW_LINE)}"
