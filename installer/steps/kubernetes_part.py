"""The part of an installation inside the cluster, in the order of its needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from installer.engine.step import Step
from installer.kube.objects import Ref, ref_of
from installer.kube.secret_objects import secret_ref
from installer.modules.rendering import Rendered
from installer.steps.enforcement import Enforcement, NetworkProbe
from installer.steps.front_door import FRONT_DOOR, FrontAddress, FrontDoor, PublicName, no_address
from installer.steps.kube_step import Body, Connect
from installer.steps.lasting import LASTING, LastingValues, claims_of
from installer.steps.namespaces import NAMESPACES, Namespaces
from installer.steps.nodes_ready import NODES_READY, NodesReady
from installer.steps.places import PLACES, Places
from installer.steps.revisions import Revisions, readers_of
from installer.steps.secrets import SECRETS, Secrets
from installer.steps.smoke import Smoke, SmokePlan
from installer.steps.tidy import TIDY, Tidy
from installer.steps.volume_sizes import VOLUME_SIZES, VolumeSizes
from installer.steps.wave import Wave, WaveReady, wave_id

NO_PUBLIC_NAME = PublicName("")


@dataclass(frozen=True)
class ModulePart:
    """A module as the steps need it: its name, its title, and the modules that come before it.

    `waves` has the module's own words for its waves, by number.
    """

    name: str
    title: str
    needs: tuple[str, ...] = ()
    waves: Mapping[int, str] = field(default_factory=dict)


def kubernetes_part(
    connect: Connect,
    rendered: Rendered,
    modules: Sequence[ModulePart],
    nodes: int,
    resolve: Callable[[str], str | None],
    needs: Sequence[str] = (),
    nodes_need: Sequence[str] = (),
    places: Sequence[str] = (),
    public: PublicName = NO_PUBLIC_NAME,
    reserved: FrontAddress = no_address,
    group: FrontAddress = no_address,
    others: Collection[Ref] = (),
    smoke: SmokePlan | None = None,
    probe: NetworkProbe | None = None,
) -> tuple[Step, ...]:
    """All steps inside the cluster; makes no call by itself.

    `needs` are the steps after which the API server answers, `nodes_need` those after which
    machines exist. Namespaces and Secrets do not wait for machines, so that a removal reaches
    everything even when the machines are gone. A removal begins with the last step. `places` are
    the names that workloads are pinned to, one for each machine of our own. `public` is the name in
    front of everything; `reserved` gives the address kept for it and `group` the security group it
    is put into, where there are such. `others` are objects that steps outside of this part make and
    that stay. `smoke` is what to try in the end, and `probe` what to try the network with, where
    there are rules for it.
    """
    spaces = [entry.body for entry in rendered.objects if entry.body["kind"] == "Namespace"]
    waves = waves_of(rendered, modules)
    door = front_door_of(rendered)
    # Only where names follow from the address does everything else have to wait for it.
    waits = (FRONT_DOOR,) if door and public.late else ()
    keeps = bool(rendered.lasting) or any(claims_of(entry.body) for entry in rendered.objects)
    lasting = (LASTING,) if keeps else ()
    sized = any(entry.body["kind"] == "PersistentVolumeClaim" for entry in rendered.objects)
    first = (NAMESPACES, SECRETS, NODES_READY, *((PLACES,) if places else ()), *waits)
    bodies = [entry.body for entry in rendered.objects]
    revisions = Revisions([secret_ref(spec.namespace, spec.name) for spec in rendered.secrets])
    lasts = _last_steps(waves, *((FRONT_DOOR,) if door else ()))
    tries = (Enforcement(connect, probe, lasts),) if probe else ()
    return (
        NodesReady(connect, nodes, (*needs, *nodes_need)),
        *((Places(connect, places),) if places else ()),
        *((VolumeSizes(connect, bodies, needs),) if sized else ()),
        Namespaces(connect, spaces, (*needs, *((VOLUME_SIZES,) if sized else ()))),
        *((FrontDoor(connect, door, public, reserved, group),) if door else ()),
        *((LastingValues(connect, rendered.lasting, bodies, public, waits),) if lasting else ()),
        Secrets(connect, rendered.secrets, resolve, public, (*waits, *lasting), readers_of(bodies)),
        *(
            WaveReady(connect, wave, _before(wave, waves, modules, first), public, revisions)
            for wave in waves
        ),
        *tries,
        Tidy(connect, wanted_refs(rendered) | set(others), (*lasts, *(each.id for each in tries))),
        *((Smoke(connect, smoke, public, (TIDY,)),) if smoke else ()),
    )


def front_door_of(rendered: Rendered) -> Body | None:
    """The Service through which everything is reached from outside, where there is one."""
    for entry in rendered.objects:
        if is_front_door(entry.body):
            return entry.body
    return None


def is_front_door(body: Body) -> bool:
    """Whether an object asks for a balancer."""
    return bool(body["kind"] == "Service" and body["spec"].get("type") == "LoadBalancer")


def waves_of(rendered: Rendered, modules: Sequence[ModulePart]) -> tuple[Wave, ...]:
    """The objects in waves, modules in the given order; namespaces and the front door are steps of
    their own."""
    waves = []
    for module in modules:
        mine = [
            entry
            for entry in rendered.objects
            if entry.module == module.name
            and entry.body["kind"] != "Namespace"
            and not is_front_door(entry.body)
        ]
        for number in sorted({entry.wave for entry in mine}):
            bodies = tuple(entry.body for entry in mine if entry.wave == number)
            words = module.waves.get(number, "")
            waves.append(Wave(module.name, module.title, number, bodies, words))
    return tuple(waves)


def wanted_refs(rendered: Rendered) -> frozenset[Ref]:
    """Every object that should be there, Secrets included."""
    objects = {ref_of(entry.body) for entry in rendered.objects}
    secrets = {secret_ref(spec.namespace, spec.name) for spec in rendered.secrets}
    return frozenset(objects | secrets)


def _before(
    wave: Wave, waves: Sequence[Wave], modules: Sequence[ModulePart], first: Sequence[str]
) -> tuple[str, ...]:
    earlier = [one for one in waves if one.module == wave.module and one.number < wave.number]
    if earlier:
        return (earlier[-1].id,)
    part = next(module for module in modules if module.name == wave.module)
    lasts = [_last_wave(name, waves) for name in part.needs]
    return (*first, *(last for last in lasts if last))


def _last_wave(module: str, waves: Sequence[Wave]) -> str:
    numbers = [wave.number for wave in waves if wave.module == module]
    return wave_id(module, max(numbers)) if numbers else ""


def _last_steps(waves: Sequence[Wave], *more: str) -> tuple[str, ...]:
    lasts = {_last_wave(wave.module, waves): None for wave in waves}
    return (NAMESPACES, SECRETS, *more, *lasts)
