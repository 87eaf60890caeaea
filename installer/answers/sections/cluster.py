"""The Kubernetes cluster: the one we make, or the one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import model_validator

from installer.answers.asking import Ask, Section
from installer.answers.forms import Number, Switch, Text
from installer.answers.problems import refuse
from installer.answers.rules import cluster_names, internet_names
from installer.answers.sections.relevance import on_existing, on_oracle, with_own_address

# An A1 node takes from 1 to 64 GB of memory for each OCPU.
_MOST_GB_PER_OCPU = 64


class Cluster(Section):
    """The Kubernetes cluster, its machines and its network."""

    kubernetes_version: Annotated[
        str,
        Text(
            cluster_names.kubernetes_version,
            cluster_names.VERSION_PATTERN,
            empty=False,
            example="newest",
        ),
        Ask(
            "Kubernetes version",
            help="newest takes the newest version Oracle offers on the day. To stay on one, "
            "write it like 1.36 or v1.36.4.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = "newest"
    nodes: Annotated[
        int,
        Number(1, 10, "nodes"),
        Ask(
            "Number of nodes",
            help="Machines in the cluster. One node of 2 OCPUs and 12 GB is all that is free, "
            "and one larger node feeds more than two small ones.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = 1
    node_ocpus: Annotated[
        int,
        Number(1, 80, "OCPUs"),
        Ask(
            "Processors of a node",
            help="OCPUs (Arm cores) of each machine. 2 in all are free; more may be billed.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = 2
    node_memory_gb: Annotated[
        int,
        Number(4, 512, "GB"),
        Ask(
            "Memory of a node",
            help="Gigabytes of each machine. 12 in all are free; more may be billed.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = 12
    boot_volume_gb: Annotated[
        int,
        Number(50, 1000, "GB"),
        Ask(
            "Boot volume of a node",
            help="Gigabytes of each machine's own disk, where images live. It counts towards "
            "the 200 GB that are free in all; 50 leave room for three data volumes.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = 50
    vcn_cidr: Annotated[
        str,
        Text(internet_names.network_range, empty=False, example="10.20.0.0/16"),
        Ask(
            "Addresses of the network",
            help="The private range the new network uses, from /16 to /24. Change it only if it "
            "will be joined to another network with the same addresses.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = "10.20.0.0/16"
    pods_cidr: Annotated[
        str,
        Text(internet_names.inner_range, empty=False, example="10.244.0.0/16"),
        Ask(
            "Addresses of the pods",
            help="The private range pods have among themselves, from /12 to /20. Change it only "
            "if your network uses it already. It cannot be changed later.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = "10.244.0.0/16"
    services_cidr: Annotated[
        str,
        Text(internet_names.inner_range, empty=False, example="10.96.0.0/16"),
        Ask(
            "Addresses of the services",
            help="The private range services have inside the cluster, from /12 to /20. Change it "
            "only if your network uses it already. It cannot be changed later.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = "10.96.0.0/16"
    api_access_cidr: Annotated[
        str,
        Text(internet_names.access_range, empty=False, example="0.0.0.0/0"),
        Ask(
            "Who may reach the cluster's control",
            help="Addresses that may speak to the Kubernetes API, which asks everybody for a "
            "signed token. 0.0.0.0/0 means any address; mine means the one you have now, found "
            "out and put right again in every run; or write a range, or one address "
            "followed by /32.",
            relevant=on_oracle,
        ),
    ] = "0.0.0.0/0"
    address_services: Annotated[
        str,
        Text(internet_names.web_pages, empty=False, example="api.ipify.org"),
        Ask(
            "Pages that tell your address",
            help="Asked over https for the address you are seen under, until two agree. Nothing "
            "is sent to them. Name others if you would rather not ask these.",
            advanced=True,
            relevant=with_own_address,
        ),
    ] = "api.ipify.org checkip.amazonaws.com ipv4.icanhazip.com"
    private_nodes: Annotated[
        bool,
        Switch(),
        Ask(
            "Private nodes",
            help="Yes gives the machines no address of the internet; they leave through a NAT "
            "gateway and reach Oracle through a service gateway. Both are free, but not every "
            "account may have them: free-only accounts may not. It cannot be changed later.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = False
    replace_machines: Annotated[
        bool,
        Switch(),
        Ask(
            "Replace machines that run",
            help="Yes lets a run replace machines whose size or Kubernetes version is no longer "
            "the one asked for, one after the other: emptied, ended, made anew, never one more "
            "than planned. With one machine the platform is away meanwhile, for about 10 minutes "
            "or until Oracle has a free machine again; the data stays. No leaves them as they are.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = False
    ssh_public_key: Annotated[
        str,
        Text(cluster_names.ssh_public_key),
        Ask(
            "SSH public key",
            help="The line of your .pub file, if you want to be able to log in to the nodes. "
            "Empty is fine: nothing we do needs it.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = ""
    kubeconfig: Annotated[
        str,
        Text(),
        Ask(
            "Kubeconfig file",
            help="The file that says how to reach your cluster. Empty takes what kubectl would "
            "take: KUBECONFIG, or ~/.kube/config.",
            relevant=on_existing,
        ),
    ] = ""
    context: Annotated[
        str,
        Text(),
        Ask(
            "Context",
            help="Which cluster of that file, by its name in `kubectl config get-contexts`. "
            "Empty takes the current one.",
            relevant=on_existing,
        ),
    ] = ""
    storage_class: Annotated[
        str,
        Text(cluster_names.storage_class, cluster_names.STORAGE_CLASS_PATTERN),
        Ask(
            "Storage class",
            help="The kind of disk the data is kept on. Empty takes oci-bv at Oracle and the "
            "cluster's default elsewhere.",
            advanced=True,
        ),
    ] = ""

    @model_validator(mode="after")
    def _parts_agree(self) -> Cluster:
        mistakes = [*self._sizes(), *self._ranges()]
        if mistakes:
            # One validator for both: pydantic stops at the first that refuses.
            paths = [path for _, about in mistakes for path in about]
            raise refuse(" ".join(sentence for sentence, _ in mistakes), *paths)
        return self

    def _sizes(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        most, least = self.node_ocpus * _MOST_GB_PER_OCPU, self.node_ocpus
        if not least <= self.node_memory_gb <= most:
            yield (
                f"{self.node_memory_gb} GB do not go with {self.node_ocpus} OCPU: an A1 node takes "
                f"1 to {_MOST_GB_PER_OCPU} GB for each, here {max(least, 4)} to {min(most, 512)}.",
                ("cluster.node_memory_gb", "cluster.node_ocpus"),
            )

    def _ranges(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        found = internet_names.meetings(
            {
                "the network's": self.vcn_cidr,
                "the pods'": self.pods_cidr,
                "the services'": self.services_cidr,
                "Oracle's own": internet_names.ORACLES_OWN,
            }
        )
        if found:
            yield (
                f"No two address ranges may meet: {'; '.join(found)}.",
                ("cluster.vcn_cidr", "cluster.pods_cidr", "cluster.services_cidr"),
            )
