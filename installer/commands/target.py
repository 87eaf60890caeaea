"""Where an installation goes: an Oracle tenancy, a rehearsed one, or a cluster that exists."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from installer.answers.model import Answers
from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.room import LiveNode, envelope_from_nodes
from installer.budget.rules import Taint
from installer.commands.cluster_examination import (
    Examination,
    nodes_in_words,
    refuse_without_room,
)
from installer.commands.cluster_findings import storage_finding, version_told
from installer.commands.kubectl import find_kubectl, kubectl_told
from installer.commands.neighbourhood import addresses_of, served_by_others
from installer.commands.pulling import Pulls
from installer.commands.rehearsal import RehearsalWorld
from installer.commands.secrets import resolved, resolver
from installer.commands.usage import account_kind, already_there, usage_findings
from installer.conversation import Finding
from installer.engine.errors import InstallError
from installer.engine.state import Installation
from installer.engine.step import Context, Step
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.nodes import LiveNode as SeenNode
from installer.kube.objects import labels_of
from installer.kube.release import release_of
from installer.kube.stamp import FIELD_MANAGER, INSTALLATION, MANAGED_BY, NAME, Stamp
from installer.modules.choices import applying, image_choice, options
from installer.modules.hosts import public_domain
from installer.modules.rendering import gives_way
from installer.modules.secret_values import PULL_SECRET
from installer.modules.stamping import content_hash
from installer.oracle.access import Access, KubeAccess, account_opener
from installer.oracle.account import Account
from installer.oracle.doctor import Diagnosis, bad, examine, good
from installer.oracle.given_network import GivenNetworks
from installer.oracle.holdings import Holdings, is_ours
from installer.oracle.installations import installations_named
from installer.oracle.limits import Needs
from installer.oracle.own_address import OwnAddress
from installer.oracle.spending import SpendPlan
from installer.oracle.tokens import kubeconfig_document
from installer.oracle.wanted import (
    ANYWHERE,
    MINE,
    ClusterPlan,
    Given,
    NetworkPlan,
    NodePlan,
    Reserve,
)
from installer.plan import Plan, Surroundings, on_oracle
from installer.smoke.trying import Health
from installer.steps.backup_bucket import BackupKey, BackupPlan, backup_secret
from installer.steps.cluster_access import ClusterAccess
from installer.steps.enforcement import NetworkProbe
from installer.steps.front_door import PublicName
from installer.steps.images import ImagesCanBePulled
from installer.steps.kubernetes_part import ModulePart, kubernetes_part
from installer.steps.node_pool import NODE_POOL
from installer.steps.oracle_part import oracle_part
from installer.steps.reserved_address import front_address
from installer.steps.security_group import front_group
from installer.steps.smoke import SmokePlan

RULES_MODULE = "security"
# A small server with its client beside a shell; the data layer has brought it to the machine.
PROBE_IMAGE, PROBE_USER = "valkey", (999, 1000)


# The module whose databases are backed up.
_DATABASES = "infrastructure"


class Target(ABC):
    """A context manager: it may hold connections. `pace` shortens waiting in a rehearsal."""

    pace: float = 1.0

    def __init__(self, answers: Answers, pulls: Pulls | None = None) -> None:
        self.answers = answers
        self._pulls = pulls or Pulls(answers)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @abstractmethod
    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """The list to walk, whatever the verb."""

    def _images(self, plan: Plan) -> ImagesCanBePulled | None:
        """The step that looks images up, unless the answers say that nothing is looked up."""
        if not plan.answers.images.check:
            return None
        return ImagesCanBePulled(
            plan.images, plan.platforms, lambda some: self._pulls.look_up(some, plan.platforms)
        )

    @abstractmethod
    def earlier(self, name: str) -> tuple[str, ...]:
        """Ids of installations of this name that are there, told by their tags."""

    def kubeconfig(self, name: str) -> Mapping[str, object] | None:  # noqa: ARG002
        """A kubeconfig for the person's own tools, where one is needed and of lasting use."""
        return None

    @abstractmethod
    def examine(self, plan: Plan) -> Iterator[Diagnosis]:
        """Everything the installation depends on, one after the other; changes nothing."""

    @abstractmethod
    def survey(self, known: Installation | None) -> tuple[Surroundings, tuple[Finding, ...]]:
        """Look at account or cluster before a plan is made; changes nothing.

        `known` is the installation where there is one: what is its own does not count as taken.
        """


class OracleTarget(Target):
    """A tenancy; a rehearsal differs by its address, its credentials and its pace alone."""

    def __init__(
        self, answers: Answers, world: RehearsalWorld | None, pulls: Pulls | None = None
    ) -> None:
        super().__init__(answers, pulls)
        self.pace = 1.0 / world.speed if world else 1.0
        self._reached = access_of(answers, world)
        self._account = account_opener(self._reached)
        pages = [f"https://{page}" for page in answers.cluster.address_services.split()]
        # In a rehearsal its world is the internet.
        self._own_address = OwnAddress(
            [f"{world.address.control}/your-address"] if world else pages
        )
        self._rehearsed = world is not None
        self._connected: dict[str, Cluster] = {}
        self._access: KubeAccess | None = None
        self._guard = threading.Lock()

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Account, network, cluster and machines, then the platform."""
        cluster = self.answers.cluster
        needs = needs_of(plan)
        below = oracle_part(
            self._account,
            self.answers.place.compartment,
            network_of(plan),
            cluster_of(self.answers),
            NodePlan(
                ocpus=cluster.node_ocpus,
                memory_gb=cluster.node_memory_gb,
                nodes=cluster.nodes,
                boot_gb=cluster.boot_volume_gb,
                ssh_public_key=cluster.ssh_public_key,
                replace=cluster.replace_machines,
            ),
            needs,
            SpendPlan(
                compartment=self.answers.place.compartment,
                needs=needs,
                wanted=self.answers.money.spend_lock,
                monthly_usd=self.answers.money.accept_monthly_usd,
                email=self.answers.access.email,
            ),
            self._own_address.cidr,
            _reserve(plan, needs),
            self._images(plan),
            backups=BackupPlan(self.answers.backups.bucket, self.answers.backups.keep_days),
        )
        door = next(step for step in below if isinstance(step, ClusterAccess))
        space = _backup_space(plan)

        def connect(ctx: Context) -> Cluster:
            return self._connect(door.connection(ctx))

        above = kubernetes_part(
            connect,
            plan.rendered,
            _parts(plan),
            cluster.nodes,
            resolver(self.answers),
            needs=(door.id,),
            nodes_need=(NODE_POOL,),
            places=plan.places,
            public=_public_name(self.answers),
            reserved=front_address,
            group=front_group,
            others=[backup_secret(space)] if space else (),
            smoke=smoke_plan(plan),
            probe=_probe(plan),
        )
        key = (BackupKey(connect, self._account, space),) if space else ()
        return (*below, *above, *key)

    def _connect(self, access: KubeAccess) -> Cluster:
        """The cluster behind an address; opened once, shared by steps that run side by side."""
        with self._guard:
            self._access = access
            if access.server not in self._connected:
                connection = Connection(access.server, access.ca_pem, access.token)
                self._connected[access.server] = self._open.enter_context(
                    Cluster(connection, self.pace)
                )
            return self._connected[access.server]

    def kubeconfig(self, name: str) -> Mapping[str, object] | None:
        """Its tokens come from health-install itself, so that kubectl needs nothing of Oracle's."""
        if self._access is None or self._rehearsed:
            return None
        command = ("health-install", "kube-token", "--name", name)
        return kubeconfig_document(
            self._access.server, self._access.ca_pem, f"health-install-{name}", command
        )

    def earlier(self, name: str) -> tuple[str, ...]:
        """By the tags on compartments, or on networks where the compartment was given."""
        return installations_named(self._account(), self.answers.place.compartment, name)

    def examine(self, plan: Plan) -> Iterator[Diagnosis]:
        """Profile, key, clock, region, kind of account, limits, permissions, a given network."""
        yield from examine(self._reached, needs_of(plan), self.answers.name)
        if self.answers.cluster.api_access_cidr == MINE:
            yield self._own_address_found()
        if self.answers.place.vcn:
            yield self._given_network(plan)
        # A rehearsed cluster is nobody's to open pages of.
        if not self._rehearsed:
            yield from self._kubernetes()

    def _kubernetes(self) -> Iterator[Diagnosis]:
        """The version asked for, where it is a certain one, and the kubectl of this machine."""
        release = release_of(self.answers.cluster.kubernetes_version)
        if release is not None:
            yield version_told(str(release))
        yield from kubectl_told(find_kubectl(), release)

    def _operators(self) -> list[Finding]:
        """Who may reach the API, when that is the person's own address."""
        if self.answers.cluster.api_access_cidr != MINE:
            return []
        try:
            own = self._own_address.cidr()
        except InstallError as error:
            return [Finding(False, f"{error.what} {error.why} {error.then}")]
        words = f"Only your own address, {own}, will reach the Kubernetes API."
        return [Finding(True, f"{words} Another one: cluster.api_access_cidr.")]

    def _own_address_found(self) -> Diagnosis:
        """Without the address: findings of an examination are shown to others."""
        try:
            self._own_address.cidr()
        except InstallError as error:
            return bad(error)
        return good("Your own address can be found out; only it may reach the Kubernetes API.")

    def _given_network(self, plan: Plan) -> Diagnosis:
        name = self.answers.name
        network = network_of(plan)
        try:
            if network.api_access_cidr == MINE:
                network = replace(network, api_access_cidr=self._own_address.cidr())
            found = GivenNetworks(self._account()).look(
                network,
                cluster_of(self.answers),
                lambda each: is_ours(each, "", name),
            )
        except InstallError as error:
            return bad(error)
        if found.problems:
            mine = self.answers.cluster.api_access_cidr == MINE
            return bad((found.without(network.api_access_cidr) if mine else found).refusal())
        return good("The network in the answers can carry the cluster as it is.")

    def survey(self, known: Installation | None) -> tuple[Surroundings, tuple[Finding, ...]]:
        """Check the credentials, say who and where they are, and count what is there already."""
        report = self._account().check()
        findings = [
            Finding(True, f"The credentials work in tenancy {report.tenancy_name or 'unnamed'}."),
            Finding(True, f"Region {report.region}; the home region is {report.home_region}."),
            account_kind(report.plan, report.upgrade_state, report.clusters_allowed),
        ]
        findings += [Finding(False, warning) for warning in report.warnings]
        identity = known.id if known else ""
        census = Holdings(self._account()).everywhere()
        others = census.only(lambda each: not is_ours(each, identity, self.answers.name))
        envelope = load_envelope()
        findings += self._operators()
        findings += usage_findings(others, envelope)
        return Surroundings(already=already_there(others, envelope)), tuple(findings)


def needs_of(plan: Plan) -> Needs:
    """What the whole plan takes of the account's limits, platform included."""
    cluster, place = plan.answers.cluster, plan.answers.place
    kinds = Counter(each.kind for each in measure(plan.rendered.objects).balancers)
    return Needs(
        ocpus=cluster.nodes * cluster.node_ocpus,
        memory_gb=cluster.nodes * cluster.node_memory_gb,
        storage_gb=int(plan.verdict.row("storage").used),
        flexible_balancers=kinds["flexible"] + kinds["fixed"],
        network_balancers=kinds["network"],
        networks=0 if place.vcn else 1,
        nat_gateways=int(cluster.private_nodes and not place.subnet_nodes),
        addresses=int(place.reserved_ip == "yes"),
        paid=plan.verdict.costs_money and plan.verdict.consented,
    )


def _reserve(plan: Plan, needs: Needs) -> Reserve:
    """Nothing is reserved by itself for a plan that has no balancer to use it."""
    asked = Reserve(plan.answers.place.reserved_ip)
    used = needs.network_balancers or needs.flexible_balancers
    return Reserve.NO if asked is Reserve.IF_POSSIBLE and not used else asked


def _backup_space(plan: Plan) -> str:
    """The namespace of the key to the backups: that of the databases. Empty when none is wanted."""
    if not plan.answers.backups.bucket:
        return ""
    spaces = [each for each in plan.rendered.objects if each.body["kind"] == "Namespace"]
    spaces.sort(key=lambda each: each.module != _DATABASES)
    return str(spaces[0].body["metadata"]["name"]) if spaces else ""


def network_of(plan: Plan) -> NetworkPlan:
    """The network the answers ask for, as open as the plan's balancers need it."""
    cluster, place = plan.answers.cluster, plan.answers.place
    # A network balancer passes packets on with the client's own address.
    clients = any(each.kind == "network" for each in measure(plan.rendered.objects).balancers)
    return NetworkPlan(
        cidr=cluster.vcn_cidr,
        api_access_cidr=cluster.api_access_cidr,
        private_nodes=cluster.private_nodes,
        node_ports_from=ANYWHERE if clients else "",
        given=Given(
            place.vcn,
            place.subnet_api,
            place.subnet_nodes,
            place.subnet_balancers,
            place.security_groups,
        ),
    )


def cluster_of(answers: Answers) -> ClusterPlan:
    """The control plane the answers ask for."""
    cluster = answers.cluster
    return ClusterPlan(cluster.kubernetes_version, cluster.pods_cidr, cluster.services_cidr)


def account_of(answers: Answers, world: RehearsalWorld | None) -> Callable[[], Account]:
    """Opens the account the answers name, on first use."""
    return account_opener(access_of(answers, world))


def access_of(answers: Answers, world: RehearsalWorld | None) -> Access:
    """The way to the account the answers name."""
    oracle = answers.oracle
    return Access(
        config_file=Path(oracle.config_file).expanduser(),
        profile=oracle.profile,
        auth=oracle.auth,
        passphrase=_passphrase(answers),
        region=answers.place.region,
        endpoint=world.address.oracle if world else None,
        compartment=answers.place.compartment,
    )


def _passphrase(answers: Answers) -> str | None:
    reference = answers.oracle.key_passphrase
    return resolved(reference) if reference else None


class ExistingTarget(Target):
    """A cluster somebody made already; the Oracle steps fall away."""

    def __init__(self, answers: Answers, pulls: Pulls | None = None) -> None:
        super().__init__(answers, pulls)
        self._cluster: Cluster | None = None
        self._guard = threading.Lock()

    def cluster(self) -> Cluster:
        """The cluster, connected on first use."""
        with self._guard:
            if self._cluster is None:
                asked = self.answers.cluster
                connection = Connection.from_kubeconfig(asked.kubeconfig, asked.context)
                self._cluster = self._open.enter_context(Cluster(connection))
            return self._cluster

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """The platform alone."""
        images = self._images(plan)
        inside = kubernetes_part(
            lambda _ctx: self.cluster(),
            plan.rendered,
            _parts(plan),
            1,
            resolver(self.answers),
            needs=() if images is None else (images.id,),
            public=_public_name(self.answers),
            smoke=smoke_plan(plan),
            probe=_probe(plan),
        )
        return inside if images is None else (images, *inside)

    def earlier(self, name: str) -> tuple[str, ...]:
        """By the labels on namespaces."""
        ours = f"{MANAGED_BY}={FIELD_MANAGER}"
        found = self.cluster().objects("v1", "Namespace", selector=ours)
        ids = {
            labels_of(body).get(INSTALLATION, "")
            for body in found
            if (body["metadata"].get("annotations") or {}).get(NAME) == name
        }
        return tuple(sorted(ids - {""}))

    def examine(self, plan: Plan) -> Iterator[Diagnosis]:
        """The way to the cluster, what it is and has, and the kubectl of this machine."""
        try:
            cluster = self.cluster()
        except InstallError as error:
            yield bad(error)
            return
        yield from Examination(cluster, plan).findings()

    def survey(self, known: Installation | None) -> tuple[Surroundings, tuple[Finding, ...]]:
        """Version, nodes and what is free on them."""
        cluster = self.cluster()
        nodes = cluster.nodes(Stamp(known.id, known.name) if known else None)
        refuse_without_room(nodes)
        live = envelope_from_nodes([_live(node) for node in nodes])
        kinds = {node.architecture for node in nodes}
        findings = (
            Finding(True, f"Kubernetes {cluster.version()} at {cluster.connection.server}."),
            Finding(True, nodes_in_words(nodes)),
            storage_finding(cluster.storage_classes(), self.answers.cluster.storage_class),
        )
        around = Surroundings(
            live=live,
            architecture=next(iter(kinds)) if len(kinds) == 1 else "",
            architectures=tuple(sorted(kinds)),
            addresses=addresses_of(cluster),
            served_by_others=served_by_others(cluster, known.id if known else ""),
        )
        return around, findings


def smoke_plan(plan: Plan) -> SmokePlan:
    """What there is to try once all of it is installed."""
    health = []
    for module in plan.modules:
        if gives_way(module, plan.facts):
            continue
        health += [
            Health(
                each.title, each.namespace or module.namespace, each.service, each.port, each.path
            )
            for each in applying(plan.answers, module, module.file.health)
        ]
    chosen_options = {each.name: dict(options(plan.answers, each)) for each in plan.modules}
    fingerprint = content_hash([entry.body for entry in plan.rendered.objects])
    return SmokePlan(fingerprint, tuple(health), chosen_options)


def steps_inside(plan: Plan) -> tuple[Step, ...]:
    """The same steps inside a cluster that an installation walks, to be told and never walked."""

    def connect(_ctx: Context) -> Cluster:
        raise AssertionError("steps that are only told about reach no cluster")

    return kubernetes_part(
        connect,
        plan.rendered,
        _parts(plan),
        plan.answers.cluster.nodes,
        lambda _question: None,
        places=plan.places,
        public=_public_name(plan.answers),
        smoke=smoke_plan(plan),
        probe=_probe(plan),
    )


def _public_name(answers: Answers) -> PublicName:
    return PublicName(public_domain(answers), answers.access.wildcard_dns)


def _probe(plan: Plan) -> NetworkProbe | None:
    """What to try the network with, where the plan has rules for it."""
    rules = next((one for one in plan.modules if one.name == RULES_MODULE), None)
    if rules is None:
        return None
    image = image_choice(plan.answers, plan.facts.images).reference(rules.images[PROBE_IMAGE])
    secrets = [spec for spec in plan.rendered.secrets if spec.name == PULL_SECRET]
    return NetworkProbe(image, *PROBE_USER, secrets[0].namespace if secrets else "")


def _parts(plan: Plan) -> list[ModulePart]:
    """The plan's modules as the steps need them."""
    return [
        ModulePart(
            module.name, module.title, tuple(module.questions.needs), dict(module.file.waves)
        )
        for module in plan.modules
    ]


def _live(node: SeenNode) -> LiveNode:
    return LiveNode(
        name=node.name,
        cpu_milli=node.cpu_milli,
        memory_bytes=node.memory_bytes,
        pods=node.pods,
        disk_bytes=node.disk_bytes or None,
        requested_cpu=node.requested_cpu,
        requested_memory=node.requested_memory,
        requested_disk=node.requested_disk,
        running_pods=node.running_pods,
        labels=node.labels,
        taints=tuple(Taint(each.key, each.value, each.effect) for each in node.taints),
        ready=node.ready and node.schedulable,
    )


def open_target(
    answers: Answers, world: RehearsalWorld | None, pulls: Pulls | None = None
) -> Target:
    """The target the answers name."""
    if on_oracle(answers):
        return OracleTarget(answers, world, pulls)
    return ExistingTarget(answers, pulls)
