"""The rehearsal's own doors, unsigned: what there is, what was asked, what shall go wrong."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from installer.rehearsal.oracle.calls import Body
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.service import OracleService
from installer.rehearsal.oracle.tenancy import Tenancy
from installer.rehearsal.weather import WeatherInvalid

# Everything that exists by itself or would show on a bill; ties and requests are left out.
INVENTORIED = (
    *("compartment", "vcn", "subnet", "internetgateway", "natgateway", "servicegateway"),
    *("routetable", "securitylist", "dhcpoptions", "networksecuritygroup", "vnic", "publicip"),
    *("instance", "bootvolume", "volume", "cluster", "nodepool"),
    *("networkloadbalancer", "loadbalancer", "bucket", "quota", "budget"),
    "customersecretkey",
)
# Of a range set aside for documentation: nobody has it.
_FIRST_ADDRESS = "198.51.100.7"


def inventory(tenancy: Tenancy) -> list[Body]:
    """Every resource that is not gone: kind, id, name, state, tags, compartment, domain."""
    return [
        _entry(tenancy, record) for kind in INVENTORIED for record in tenancy.registry.living(kind)
    ]


def _entry(tenancy: Tenancy, record: Record) -> Body:
    body = record.body
    return {
        "kind": record.kind,
        "id": record.id,
        "name": body.get("displayName") or body.get("name", ""),
        "state": tenancy.registry.state(record),
        "compartment": body.get("compartmentId"),
        "tags": body.get("freeformTags", {}),
        "domain": body.get("availabilityDomain") or "",
    }


class Control:
    """The routes below /rehearsal."""

    def __init__(self, tenancy: Tenancy, service: OracleService) -> None:
        self._tenancy = tenancy
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        """For the application's router."""
        return [
            web.get("/rehearsal/inventory", self.show_inventory),
            web.get("/rehearsal/requests", self.show_requests),
            web.get("/rehearsal/clock", self.show_clock),
            web.post("/rehearsal/clock", self.wind_clock),
            web.get("/rehearsal/held", self.show_held),
            web.get("/rehearsal/your-address", self.show_address),
            web.put("/rehearsal/your-address", self.move_house),
            web.post("/rehearsal/weather", self.add_weather),
            web.delete("/rehearsal/weather", self.clear_weather),
        ]

    async def show_inventory(self, _request: web.Request) -> web.Response:
        """Everything that exists."""
        return web.json_response({"resources": inventory(self._tenancy)})

    async def show_requests(self, request: web.Request) -> web.Response:
        """How often each operation was asked for since this start, after request number `since`.

        Those of other services than Oracle's, all of them, are under `elsewhere`.
        """
        since = request.query.get("since", "0")
        if not since.isdigit():
            return _refuse("since must be a number")
        total, counts = self._service.requests_after(int(since))
        elsewhere = self._service.requests_elsewhere()
        return web.json_response({"total": total, "operations": counts, "elsewhere": elsewhere})

    async def show_clock(self, _request: web.Request) -> web.Response:
        """Simulated time and speed."""
        clock = self._tenancy.clock
        return web.json_response({"now": clock.now().isoformat(), "speed": clock.speed})

    async def wind_clock(self, request: web.Request) -> web.Response:
        """Body {"forward": simulated seconds}."""
        body = await _json(request)
        forward = body.get("forward") if isinstance(body, dict) else None
        if not isinstance(forward, int | float) or forward < 0:
            return _refuse("forward must be a number of seconds, 0 or more")
        self._tenancy.clock.forward(forward)
        return await self.show_clock(request)

    async def show_address(self, _request: web.Request) -> web.Response:
        """The address the person is seen under, as pages on the internet tell it."""
        kept = self._tenancy.shelf.get("settings", "address") or {"address": _FIRST_ADDRESS}
        return web.Response(text=f"{kept['address']}\n")

    async def move_house(self, request: web.Request) -> web.Response:
        """Body {"address": what the person is seen under from now on}."""
        body = await _json(request)
        address = body.get("address") if isinstance(body, dict) else None
        if not isinstance(address, str):
            return _refuse("address must be a text")
        self._tenancy.shelf.put("settings", "address", {"address": address})
        return web.json_response({})

    async def show_held(self, _request: web.Request) -> web.Response:
        """Calls, to Oracle and to its clusters, whose work is done and whose answer is held."""
        return web.json_response({"held": list(self._tenancy.weather.held)})

    async def add_weather(self, request: web.Request) -> web.Response:
        """Body: a rule or a list of rules, as in a weather file."""
        try:
            self._tenancy.weather.inject(await _json(request))
        except WeatherInvalid as error:
            return web.json_response({"problems": list(error.problems)}, status=400)
        return web.json_response({})

    async def clear_weather(self, _request: web.Request) -> web.Response:
        """Fine weather."""
        self._tenancy.weather.clear()
        return web.json_response({})


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.text())
    except ValueError:
        return None


def _refuse(problem: str) -> web.Response:
    return web.json_response({"problems": [problem]}, status=400)
