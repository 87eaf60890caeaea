"""Virtual networks and their parts."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network

from installer.rehearsal.oracle import network_rules as rules
from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.kinds import Kind, end, in_order, new_record, routes_of, shown
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import missing
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_CORE = "/20160918"
_ALL_SERVICES = "All AMS Services In Oracle Services Network"
_SSH = {
    "protocol": "6",
    "source": "0.0.0.0/0",
    "sourceType": "CIDR_BLOCK",
    "isStateless": False,
    "tcpOptions": {"destinationPortRange": {"min": 22, "max": 22}},
}
_UNREACHABLE = {
    "protocol": "1",
    "source": "0.0.0.0/0",
    "sourceType": "CIDR_BLOCK",
    "isStateless": False,
    "icmpOptions": {"type": 3, "code": 4},
}
_OUT = {
    "protocol": "all",
    "destination": "0.0.0.0/0",
    "destinationType": "CIDR_BLOCK",
    "isStateless": False,
}


def _complete_vcn(tenancy: Tenancy, record: Record) -> None:
    body = record.body
    blocks = body.pop("cidrBlocks", None) or [body["cidrBlock"]]
    body["cidrBlocks"], body["cidrBlock"] = blocks, blocks[0]
    if body.get("dnsLabel"):
        body["vcnDomainName"] = f"{body['dnsLabel']}.oraclevcn.com"
    # The default parts refer to the network, so it has to be there before them.
    tenancy.registry.save(record)
    common = {"compartmentId": body["compartmentId"], "vcnId": record.id}
    name = body["displayName"]
    for field, kind, word, more in (
        ("defaultRouteTableId", ROUTE_TABLE, "Route Table", {"routeRules": []}),
        (
            "defaultSecurityListId",
            SECURITY_LIST,
            "Security List",
            {"ingressSecurityRules": [_SSH, _UNREACHABLE], "egressSecurityRules": [_OUT]},
        ),
        ("defaultDhcpOptionsId", DHCP_OPTIONS, "DHCP Options", {"options": _DHCP}),
    ):
        part = new_record(
            kind, tenancy, {**common, **more, "displayName": f"Default {word} for {name}"}
        )
        body[field] = part.id


_DHCP = [{"type": "DomainNameServer", "serverType": "VcnLocalPlusInternet"}]


def _check_vcn(tenancy: Tenancy, body: Body) -> None:
    if not body.get("cidrBlocks") and not body.get("cidrBlock"):
        raise missing("cidrBlocks")
    for block in body.get("cidrBlocks") or [body["cidrBlock"]]:
        rules.network_between(block, 16, 30)
    if "id" not in body:
        require_room(tenancy, "vcn-count")


def _end_vcn(tenancy: Tenancy, record: Record) -> None:
    for kind in (ROUTE_TABLE, SECURITY_LIST, DHCP_OPTIONS):
        for part in tenancy.registry.living(kind.name):
            if part.body["vcnId"] == record.id:
                end(kind, tenancy, part)


def _check_subnet(tenancy: Tenancy, body: Body) -> None:
    vcn = tenancy.registry.find("vcn", body["vcnId"])
    rules.check_subnet_block(tenancy, body, vcn)
    rules.check_same_network(tenancy, body)


def _complete_subnet(tenancy: Tenancy, record: Record) -> None:
    body = record.body
    vcn = tenancy.registry.find("vcn", body["vcnId"]).body
    body["routeTableId"] = body.get("routeTableId") or vcn["defaultRouteTableId"]
    body["securityListIds"] = body.get("securityListIds") or [vcn["defaultSecurityListId"]]
    body["dhcpOptionsId"] = body.get("dhcpOptionsId") or vcn["defaultDhcpOptionsId"]
    body["virtualRouterIp"] = str(IPv4Network(body["cidrBlock"])[1])
    body["virtualRouterMac"] = "00:00:17:" + ":".join(record.id[-6:][n : n + 2] for n in (0, 2, 4))
    if body.get("dnsLabel") and vcn.get("vcnDomainName"):
        body["subnetDomainName"] = f"{body['dnsLabel']}.{vcn['vcnDomainName']}"


def _check_gateway(limit: str, tenancy: Tenancy, body: Body) -> None:
    if "id" not in body:
        require_room(tenancy, limit, vcn=body["vcnId"])


def _complete_nat(_tenancy: Tenancy, record: Record) -> None:
    record.body["natIp"] = rules.public_address(record.id)


VCN = Kind(
    name="vcn",
    path=f"{_CORE}/vcns",
    singular="Vcn",
    plural="Vcns",
    optional=("cidrBlock", "cidrBlocks", "dnsLabel", "isIpv6Enabled", "securityAttributes"),
    changeable=("securityAttributes",),
    check=_check_vcn,
    complete=_complete_vcn,
    in_use=rules.vcn_in_use,
    ended=_end_vcn,
)
SUBNET = Kind(
    name="subnet",
    path=f"{_CORE}/subnets",
    singular="Subnet",
    plural="Subnets",
    required=("vcnId", "cidrBlock"),
    optional=("availabilityDomain", "dnsLabel", "routeTableId", "securityListIds", "dhcpOptionsId"),
    changeable=("routeTableId", "securityListIds", "dhcpOptionsId", "cidrBlock"),
    defaults={"prohibitInternetIngress": False, "prohibitPublicIpOnVnic": False},
    references={
        "vcnId": "vcn",
        "routeTableId": "routetable",
        "securityListIds": "securitylist",
        "dhcpOptionsId": "dhcpoptions",
    },
    filters=("vcnId",),
    check=_check_subnet,
    complete=_complete_subnet,
    in_use=rules.subnet_in_use,
)
INTERNET_GATEWAY = Kind(
    name="internetgateway",
    path=f"{_CORE}/internetGateways",
    singular="InternetGateway",
    plural="InternetGateways",
    required=("vcnId", "isEnabled"),
    optional=("routeTableId",),
    changeable=("isEnabled", "routeTableId"),
    references={"vcnId": "vcn", "routeTableId": "routetable"},
    filters=("vcnId",),
    check=partial(_check_gateway, "internet-gateway-count"),
    in_use=rules.gateway_in_use,
)
NAT_GATEWAY = Kind(
    name="natgateway",
    path=f"{_CORE}/natGateways",
    singular="NatGateway",
    plural="NatGateways",
    required=("vcnId",),
    optional=("publicIpId", "routeTableId"),
    changeable=("blockTraffic", "routeTableId"),
    defaults={"blockTraffic": False},
    references={"vcnId": "vcn", "routeTableId": "routetable"},
    filters=("vcnId",),
    check=partial(_check_gateway, "nat-gateway-count"),
    complete=_complete_nat,
    in_use=rules.gateway_in_use,
)
SERVICE_GATEWAY = Kind(
    name="servicegateway",
    path=f"{_CORE}/serviceGateways",
    singular="ServiceGateway",
    plural="ServiceGateways",
    required=("vcnId", "services"),
    optional=("routeTableId",),
    changeable=("blockTraffic", "services", "routeTableId"),
    defaults={"blockTraffic": False},
    references={"vcnId": "vcn", "routeTableId": "routetable"},
    filters=("vcnId",),
    check=rules.check_services,
    in_use=rules.gateway_in_use,
)
ROUTE_TABLE = Kind(
    name="routetable",
    path=f"{_CORE}/routeTables",
    singular="RouteTable",
    plural="RouteTables",
    required=("vcnId",),
    optional=("routeRules",),
    changeable=("routeRules",),
    defaults={"routeRules": []},
    references={"vcnId": "vcn"},
    filters=("vcnId",),
    check=rules.check_routes,
    in_use=partial(rules.part_in_use, "routeTableId", "defaultRouteTableId", "Route Table"),
)
SECURITY_LIST = Kind(
    name="securitylist",
    path=f"{_CORE}/securityLists",
    singular="SecurityList",
    plural="SecurityLists",
    required=("vcnId",),
    optional=("ingressSecurityRules", "egressSecurityRules"),
    changeable=("ingressSecurityRules", "egressSecurityRules"),
    defaults={"ingressSecurityRules": [], "egressSecurityRules": []},
    references={"vcnId": "vcn"},
    filters=("vcnId",),
    check=rules.check_security_list,
    in_use=partial(rules.part_in_use, "securityListIds", "defaultSecurityListId", "Security List"),
)
DHCP_OPTIONS = Kind(
    name="dhcpoptions",
    path=f"{_CORE}/dhcps",
    singular="DhcpOptions",
    plural="DhcpOptions",
    required=("vcnId", "options"),
    references={"vcnId": "vcn"},
    filters=("vcnId",),
    in_use=partial(rules.part_in_use, "dhcpOptionsId", "defaultDhcpOptionsId", "DHCP Options"),
)
SECURITY_GROUP = Kind(
    name="networksecuritygroup",
    path=f"{_CORE}/networkSecurityGroups",
    singular="NetworkSecurityGroup",
    plural="NetworkSecurityGroups",
    required=("vcnId",),
    references={"vcnId": "vcn"},
    filters=("vcnId",),
    in_use=rules.group_in_use,
)


def services(tenancy: Tenancy) -> list[Body]:
    """Oracle's own services that a service gateway can reach; the same ids after a restart."""
    stored = tenancy.shelf.get("constants", "services")
    if stored is None:
        stored = {"all": tenancy.new_ocid("service"), "objects": tenancy.new_ocid("service")}
        tenancy.shelf.put("constants", "services", stored)
    return [
        {
            "id": stored["objects"],
            "name": "OCI AMS Object Storage",
            "description": "OCI AMS Object Storage",
            "cidrBlock": "oci-ams-objectstorage",
        },
        {
            "id": stored["all"],
            "name": _ALL_SERVICES,
            "description": _ALL_SERVICES,
            "cidrBlock": "all-ams-services-in-oracle-services-network",
        },
    ]


def _list_services(tenancy: Tenancy, call: Call) -> Answer:
    return page_of(call, services(tenancy))


def _list_groups(tenancy: Tenancy, call: Call) -> Answer:
    """Groups may be listed by network alone."""
    if call.query.get("compartmentId"):
        records = tenancy.in_compartment(SECURITY_GROUP.name, call.query["compartmentId"])
    elif call.query.get("vcnId"):
        records = tenancy.registry.seen(SECURITY_GROUP.name)[::-1]
    else:
        raise missing("compartmentId")
    views = [tenancy.registry.view(record) for record in records]
    found = matching(call, views, "displayName", "lifecycleState", "vcnId")
    return page_of(call, in_order(call, found))


def _list_group_rules(tenancy: Tenancy, call: Call) -> Answer:
    group = tenancy.registry.find(SECURITY_GROUP.name, call.path["id"])
    return page_of(call, matching(call, group.notes.get("rules", []), "direction"))


def _add_group_rules(tenancy: Tenancy, call: Call) -> Answer:
    group = tenancy.registry.find_living(SECURITY_GROUP.name, call.path["id"])
    added = rules.new_group_rules(tenancy, call.body.get("securityRules") or [])
    group.notes["rules"] = [*group.notes.get("rules", []), *added]
    tenancy.registry.change(group)
    return Answer(body={"securityRules": added})


def _update_group_rules(tenancy: Tenancy, call: Call) -> Answer:
    group = tenancy.registry.find_living(SECURITY_GROUP.name, call.path["id"])
    changed = rules.changed_group_rules(group, call.body.get("securityRules") or [])
    by_id = {rule["id"]: rule for rule in changed}
    group.notes["rules"] = [by_id.get(rule["id"], rule) for rule in group.notes["rules"]]
    tenancy.registry.change(group)
    return Answer(body={"securityRules": changed})


def _remove_group_rules(tenancy: Tenancy, call: Call) -> Answer:
    group = tenancy.registry.find_living(SECURITY_GROUP.name, call.path["id"])
    unwanted = call.body.get("securityRuleIds") or []
    kept = [rule for rule in group.notes.get("rules", []) if rule["id"] not in unwanted]
    group.notes["rules"] = kept
    tenancy.registry.change(group)
    return Answer(status=204)


def _list_group_vnics(tenancy: Tenancy, call: Call) -> Answer:
    group = tenancy.registry.find(SECURITY_GROUP.name, call.path["id"])
    vnics = [v for v in tenancy.registry.living("vnic") if group.id in v.body.get("nsgIds", [])]
    shown_vnics: list[Body] = [
        {"vnicId": v.id, "timeAssociated": v.body["timeCreated"], "resourceId": v.notes["owner"]}
        for v in vnics
    ]
    return page_of(call, shown_vnics)


def _get_vnic(tenancy: Tenancy, call: Call) -> Answer:
    return shown(tenancy, tenancy.registry.find("vnic", call.path["id"]))


_GROUP = f"{SECURITY_GROUP.path}/{{id}}"
_ACTIONS = f"{_GROUP}/actions"

# Where one class cannot be listed by network, Oracle still offers the five plain operations.
KINDS = (
    *(VCN, SUBNET, INTERNET_GATEWAY, NAT_GATEWAY, SERVICE_GATEWAY),
    *(ROUTE_TABLE, SECURITY_LIST, DHCP_OPTIONS, SECURITY_GROUP),
)

ROUTES: tuple[Route, ...] = (
    *(route for kind in KINDS[:-1] for route in routes_of(kind)),
    *routes_of(SECURITY_GROUP, ("create", "get", "update", "delete")),
    Route("GET", SECURITY_GROUP.path, "ListNetworkSecurityGroups", _list_groups),
    Route(
        "GET",
        f"{_GROUP}/securityRules",
        "ListNetworkSecurityGroupSecurityRules",
        _list_group_rules,
    ),
    Route("GET", f"{_GROUP}/vnics", "ListNetworkSecurityGroupVnics", _list_group_vnics),
    Route(
        "POST",
        f"{_ACTIONS}/addSecurityRules",
        "AddNetworkSecurityGroupSecurityRules",
        _add_group_rules,
    ),
    Route(
        "POST",
        f"{_ACTIONS}/updateSecurityRules",
        "UpdateNetworkSecurityGroupSecurityRules",
        _update_group_rules,
    ),
    Route(
        "POST",
        f"{_ACTIONS}/removeSecurityRules",
        "RemoveNetworkSecurityGroupSecurityRules",
        _remove_group_rules,
    ),
    Route("GET", f"{_CORE}/services", "ListServices", _list_services),
    Route("GET", f"{_CORE}/vnics/{{id}}", "GetVnic", _get_vnic),
)
