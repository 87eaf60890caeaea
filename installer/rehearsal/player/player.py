"""The player: every part that makes an API come alive, started together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

from installer.rehearsal.clock import Clock
from installer.rehearsal.cloud import Cloud
from installer.rehearsal.kubernetes.world import Endpoint
from installer.rehearsal.player.accounts import Accounts
from installer.rehearsal.player.aggregator import Aggregator
from installer.rehearsal.player.api import Api, ApiRefused
from installer.rehearsal.player.attacher import Attacher
from installer.rehearsal.player.balancers import Balancers
from installer.rehearsal.player.binder import Binder
from installer.rehearsal.player.cluster import WATCHED, Cluster
from installer.rehearsal.player.daemonsets import DaemonSets
from installer.rehearsal.player.deployments import Deployments
from installer.rehearsal.player.endpoints import EndpointKeeper
from installer.rehearsal.player.jobs import Jobs
from installer.rehearsal.player.kubelet import Kubelet
from installer.rehearsal.player.nodes import Nodes
from installer.rehearsal.player.provisioner import Provisioner
from installer.rehearsal.player.replicasets import ReplicaSets
from installer.rehearsal.player.scheduler import Scheduler
from installer.rehearsal.player.statefulsets import StatefulSets
from installer.rehearsal.player.system import install_system
from installer.rehearsal.weather import Weather

_RETRY_SECONDS = 0.3
_log = logging.getLogger(__name__)
Work = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class Roles:
    """Which parts it plays; those of nodes and cloud always."""

    controllers: bool = True
    scheduler: bool = True
    system: bool = True


class Player:
    """Brings one cluster to life through its API."""

    def __init__(
        self,
        endpoint: Endpoint,
        token: Callable[[], str],
        clock: Clock,
        cloud: Cloud,
        weather: Weather,
        roles: Roles | None = None,
    ) -> None:
        """`roles`: all of them by default; a real control plane brings its own controllers."""
        self._endpoint, self._token, self._clock = endpoint, token, clock
        self._cloud, self._weather = cloud, weather
        self._roles = roles or Roles()

    async def run(self) -> None:
        """Plays until cancelled."""
        async with Api(self._endpoint, self._token) as api:
            cluster = Cluster(api, self._clock)
            works = self._works(cluster)
            async with asyncio.TaskGroup() as tasks:
                for kind in WATCHED:
                    tasks.create_task(cluster.follow(kind), name=f"follow {kind.key}")
                await cluster.synced()
                for work in works:
                    tasks.create_task(work)

    def _works(self, cluster: Cluster) -> list[Work]:
        provisioner = Provisioner(cluster, self._cloud)
        works: list[Work] = [
            Nodes(cluster, self._cloud).run(),
            Kubelet(cluster, self._weather).run(),
            provisioner.making.run(),
            provisioner.removing.run(),
            Balancers(cluster, self._cloud).desk.run(),
        ]
        if self._roles.scheduler:
            works.append(Scheduler(cluster).desk.run())
        if self._roles.controllers:
            works += self._controllers(cluster)
        if self._roles.system:
            works.append(_system(cluster))
        return works

    def _controllers(self, cluster: Cluster) -> list[Work]:
        binder = Binder(cluster)
        return [
            Attacher(cluster).desk.run(),
            binder.claims.run(),
            binder.volumes.run(),
            Accounts(cluster, self._endpoint.ca_pem).desk.run(),
            Deployments(cluster).desk.run(),
            ReplicaSets(cluster).desk.run(),
            StatefulSets(cluster).desk.run(),
            DaemonSets(cluster).desk.run(),
            Jobs(cluster).desk.run(),
            EndpointKeeper(cluster).desk.run(),
            Aggregator(cluster).desk.run(),
        ]


async def _system(cluster: Cluster) -> None:
    while True:
        try:
            await install_system(cluster)
            return
        except (ApiRefused, aiohttp.ClientError, OSError) as error:
            _log.debug("system: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)
