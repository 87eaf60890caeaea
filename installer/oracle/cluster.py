"""OKE clusters: BASIC, flannel, public endpoint."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from installer.engine.errors import Temporary
from installer.oracle.account import Account
from installer.oracle.resource import Life, Resource, Started
from installer.oracle.sdk import models
from installer.oracle.wanted import ClusterPlan

CLUSTER_TYPE = "BASIC_CLUSTER"
NETWORKING = "FLANNEL_OVERLAY"


@dataclass(frozen=True)
class Cluster(Resource):
    """A cluster; `version` such as "v1.36.4"."""

    version: str = ""
    vcn: str = ""
    kind: str = ""


@dataclass(frozen=True)
class ClusterWanted:
    """What a cluster is to be; ids are OCIDs."""

    compartment: str
    name: str
    vcn: str
    api_subnet: str
    balancer_subnet: str
    version: str
    plan: ClusterPlan
    tags: Mapping[str, str]
    groups: tuple[str, ...] = ()


class Clusters:
    """Clusters of one account's region."""

    def __init__(self, account: Account) -> None:
        self._clients = account.clients

    @property
    def _client(self) -> Any:
        return self._clients.client("clusters")

    def versions(self, compartment: str) -> tuple[str, ...]:
        """Kubernetes versions offered for new clusters today."""
        answer = self._clients.ask(
            "reading the Kubernetes versions on offer",
            lambda: self._client.get_cluster_options("all", compartment_id=compartment),
        )
        return tuple(answer.data.kubernetes_versions or ())

    def get(self, cluster_id: str) -> Cluster | None:
        """One cluster; None when absent."""
        found = self._clients.find(
            "reading the cluster", lambda: self._client.get_cluster(cluster_id)
        )
        return _cluster(found.data) if found else None

    def named(self, compartment: str, name: str) -> list[Cluster]:
        """Those of that name that are not gone."""
        found = self._clients.all(
            "looking for the cluster", self._client.list_clusters, compartment, name=name
        )
        return [each for each in map(_cluster, found) if each.life is not Life.GONE]

    def all_in(self, compartment: str) -> list[Cluster]:
        """All of a compartment that are not gone."""
        found = self._clients.all("listing the clusters", self._client.list_clusters, compartment)
        return [each for each in map(_cluster, found) if each.life is not Life.GONE]

    def create(self, wanted: ClusterWanted, retry_token: str) -> Started:
        """Begin a cluster. Oracle answers with a work request, which knows the id soon after."""
        details = _details(wanted)
        answer = self._clients.ask(
            f"creating the cluster {wanted.name}",
            lambda: self._client.create_cluster(details, opc_retry_token=retry_token),
        )
        return Started(work_request=str(answer.headers.get("opc-work-request-id") or ""))

    def delete(self, cluster_id: str) -> str:
        """Ask for its removal, pools included; the work request's id, "" when it is gone."""
        answer = self._clients.find(
            "removing the cluster", lambda: self._client.delete_cluster(cluster_id)
        )
        return str(answer.headers.get("opc-work-request-id") or "") if answer else ""

    def address(self, cluster_id: str) -> tuple[str, bytes]:
        """URL of the public API endpoint and its authority's certificate in PEM.

        Taken from the kubeconfig Oracle writes; its user entry would need Oracle's command line
        and is not used.
        """
        details = models("container_engine").CreateClusterKubeconfigContentDetails(
            token_version="2.0.0",  # noqa: S106 - a version, not a token
            endpoint="PUBLIC_ENDPOINT",
        )
        text = self._clients.ask(
            "reading the cluster's address",
            lambda: (
                self._client.create_kubeconfig(
                    cluster_id, create_cluster_kubeconfig_content_details=details
                ).data.content
            ),
        )
        return _server_and_authority(text)


def _server_and_authority(text: bytes) -> tuple[str, bytes]:
    try:
        cluster = yaml.safe_load(text)["clusters"][0]["cluster"]
        return cluster["server"], base64.b64decode(cluster["certificate-authority-data"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError) as error:
        raise Temporary(
            "Oracle's description of the cluster cannot be understood.",
            f"{type(error).__name__} while reading the kubeconfig.",
        ) from error


def _details(wanted: ClusterWanted) -> Any:
    engine = models("container_engine")
    tags = dict(wanted.tags)
    return engine.CreateClusterDetails(
        name=wanted.name,
        compartment_id=wanted.compartment,
        vcn_id=wanted.vcn,
        kubernetes_version=wanted.version,
        # The console defaults to the type that costs money, the API to this one; say it anyway.
        type=CLUSTER_TYPE,
        endpoint_config=engine.CreateClusterEndpointConfigDetails(
            subnet_id=wanted.api_subnet,
            is_public_ip_enabled=True,
            nsg_ids=list(wanted.groups) or None,
        ),
        cluster_pod_network_options=[
            engine.FlannelOverlayClusterPodNetworkOptionDetails(cni_type=NETWORKING)
        ],
        options=engine.ClusterCreateOptions(
            service_lb_subnet_ids=[wanted.balancer_subnet],
            kubernetes_network_config=engine.KubernetesNetworkConfig(
                pods_cidr=wanted.plan.pods_cidr, services_cidr=wanted.plan.services_cidr
            ),
            # What Kubernetes makes at Oracle carries our tag, so that a removal finds it.
            persistent_volume_config=engine.PersistentVolumeConfigDetails(freeform_tags=tags),
            service_lb_config=engine.ServiceLbConfigDetails(freeform_tags=tags),
        ),
        freeform_tags=tags,
    )


def _cluster(model: Any) -> Cluster:
    return Cluster(
        id=str(model.id),
        name=str(model.name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        details=str(model.lifecycle_details or ""),
        version=str(model.kubernetes_version or ""),
        vcn=str(model.vcn_id or ""),
        kind=str(model.type or ""),
    )
