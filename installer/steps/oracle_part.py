"""The Oracle part of an installation, in the order of its needs."""

from __future__ import annotations

from installer.engine.step import Step
from installer.modules.images import IMAGES
from installer.oracle.given_network import ROLES
from installer.oracle.limits import Needs
from installer.oracle.spending import SpendPlan
from installer.oracle.wanted import ClusterPlan, NetworkPlan, NodePlan, Reserve, is_ocid
from installer.steps.account import AccountReady
from installer.steps.backup_bucket import NO_BACKUPS, BackupBucket, BackupPlan
from installer.steps.cluster import ControlPlane
from installer.steps.cluster_access import ClusterAccess
from installer.steps.compartment import compartment_step
from installer.steps.draining import Draining
from installer.steps.given_network import GivenSubnet, GivenVcn
from installer.steps.images import ImagesCanBePulled
from installer.steps.internet_gateway import InternetGateway
from installer.steps.leftovers import NothingLeftBehind
from installer.steps.limits import LIMITS, LimitsSuffice
from installer.steps.node_pool import Machines
from installer.steps.operators import FindAddress, nobody_knows
from installer.steps.oracle_resource import OpenAccount
from installer.steps.private_gateways import Nat, ToServices
from installer.steps.reserved_address import ReservedAddress
from installer.steps.route_table import PrivateRoutes, Routes
from installer.steps.security_group import OwnRules, security_group_id
from installer.steps.security_list import SecurityRules
from installer.steps.spending import SpendAlert, SpendLock
from installer.steps.subnet import RegionalSubnet
from installer.steps.vcn import VirtualNetwork


def oracle_part(
    account: OpenAccount,
    compartment: str,
    network: NetworkPlan,
    cluster: ClusterPlan,
    nodes: NodePlan,
    needs: Needs | None = None,
    spending: SpendPlan | None = None,
    own_address: FindAddress = nobody_knows,
    reserve: Reserve = Reserve.NO,
    images: ImagesCanBePulled | None = None,
    backups: BackupPlan = NO_BACKUPS,
) -> tuple[Step, ...]:
    """Everything between an account and a cluster with machines; makes no call by itself.

    `needs` is what the whole plan takes of the account's limits, volumes and balancers of the
    platform included; without it, what the machines take. With `spending`, a compartment of our
    own is locked before anything is made in it; one that was given holds other things as well.
    `own_address` finds the block of the machine we run on, for a network whose API is open to that
    alone. `reserve` is about the address of the one balancer. `images` are looked up before
    anything is made.

    A removal walks it backwards: machines, cluster, what Kubernetes left, subnets, rules and
    routes, gateways, network, lock, compartment.
    """
    guards: tuple[Step, ...] = ()
    address, leftovers = ReservedAddress(account, reserve), NothingLeftBehind(account)
    # So that a removal gives it back when no balancer has it any more.
    leftovers.needs = (*leftovers.needs, address.id, *_groups(network))
    if spending is not None and not is_ocid(compartment):
        guards = (SpendLock(account, spending), SpendAlert(account, spending))
    place, door = compartment_step(account, compartment), ClusterAccess(account)
    if images is not None:
        images.needs = (LIMITS,)
        place.needs = (*place.needs, IMAGES)
    return (
        AccountReady(account),
        LimitsSuffice(account, needs or _needs_of(nodes, network, reserve), compartment),
        *((images,) if images is not None else ()),
        place,
        *guards,
        *_network(account, network, cluster, own_address, tuple(each.id for each in guards)),
        BackupBucket(account, backups),
        address,
        leftovers,
        ControlPlane(account, cluster),
        door,
        Machines(account, nodes, Draining(door.cluster)),
    )


def _network(
    account: OpenAccount,
    network: NetworkPlan,
    cluster: ClusterPlan,
    own_address: FindAddress,
    guards: tuple[str, ...],
) -> tuple[Step, ...]:
    given = network.given
    vcn: GivenVcn | VirtualNetwork = VirtualNetwork(account, network, cluster)
    if given.vcn:
        vcn = GivenVcn(account, network, cluster, own_address)
    vcn.needs = (*vcn.needs, *guards)
    if given.subnets:
        return (
            vcn,
            *_own_rules(account, network, own_address),
            *(GivenSubnet(role, getattr(given, role)) for role in ROLES),
        )
    return (
        vcn,
        InternetGateway(account),
        Routes(account),
        *_ways_out(account, network),
        *(SecurityRules(account, role, network, cluster, own_address) for role in ROLES),
        *(RegionalSubnet(account, role, network, cluster) for role in ROLES),
    )


def _groups(network: NetworkPlan) -> tuple[str, ...]:
    """Steps of our security groups, which balancers and machines have to be out of first."""
    return tuple(security_group_id(role) for role in ROLES) if network.given.own_rules else ()


def _own_rules(
    account: OpenAccount, network: NetworkPlan, own_address: FindAddress
) -> tuple[Step, ...]:
    if not network.given.own_rules:
        return ()
    return tuple(OwnRules(account, role, network, own_address) for role in ROLES)


def _ways_out(account: OpenAccount, network: NetworkPlan) -> tuple[Step, ...]:
    if not network.private_nodes:
        return ()
    return (Nat(account), ToServices(account), PrivateRoutes(account))


def _needs_of(nodes: NodePlan, network: NetworkPlan, reserve: Reserve) -> Needs:
    return Needs(
        ocpus=nodes.ocpus * nodes.nodes,
        memory_gb=nodes.memory_gb * nodes.nodes,
        storage_gb=nodes.boot_gb * nodes.nodes,
        networks=0 if network.given.vcn else 1,
        nat_gateways=int(network.private_nodes and not network.given.subnets),
        addresses=int(reserve is Reserve.YES),
    )
