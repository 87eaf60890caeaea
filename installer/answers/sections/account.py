"""The Oracle account, and the place in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from installer.answers.asking import Ask, Section
from installer.answers.forms import Choice, Secret, Switch, Text
from installer.answers.problems import refuse
from installer.answers.rules import oracle_names
from installer.answers.secret_reference import SecretRef
from installer.answers.sections.relevance import on_oracle, with_account, with_network


class Oracle(Section):
    """How to sign in to Oracle Cloud."""

    config_file: Annotated[
        str,
        Text(empty=False, example="~/.oci/config"),
        Ask(
            "Oracle configuration file",
            help="The file in which Oracle's own tools keep your user, fingerprint and key. "
            "Oracle's console writes its content for you under Profile, API keys.",
            relevant=with_account,
        ),
    ] = "~/.oci/config"
    profile: Annotated[
        str,
        Text(empty=False, example="DEFAULT"),
        Ask(
            "Profile in that file",
            help="The name in square brackets above your account in the Oracle configuration "
            "file. If you never wrote one yourself it is DEFAULT.",
            relevant=with_account,
        ),
    ] = "DEFAULT"
    auth: Annotated[
        Literal["auto", "api_key", "session", "instance_principal", "cloud_shell"],
        Choice(("auto", "api_key", "session", "instance_principal", "cloud_shell")),
        Ask(
            "Way to sign in",
            help="api_key uses the key named in the profile; session uses the short-lived token "
            "that `oci session authenticate` leaves there; instance_principal and "
            "cloud_shell need no profile: a machine at Oracle signs in as itself, Oracle's Cloud "
            "Shell as you. auto takes what it finds, the profile first.",
            advanced=True,
            relevant=with_account,
        ),
    ] = "auto"
    key_passphrase: Annotated[
        SecretRef | None,
        Secret(brought=True),
        Ask(
            "Passphrase of the key",
            help="Only when your private key is locked with one. Say where it is kept, never the "
            "passphrase itself: env:NAME for an environment variable, file:PATH for a file, "
            "keyring:SERVICE/USER for this machine's keyring. Empty when there is none.",
            secret=True,
            advanced=True,
            relevant=with_account,
        ),
    ] = None


class Place(Section):
    """Where in the account the installation lives."""

    region: Annotated[
        str,
        Text(oracle_names.region_name, oracle_names.REGION_PATTERN),
        Ask(
            "Region",
            help="The data centre, written like eu-amsterdam-1. Free resources exist only in "
            "the home region of the account. Empty takes the region of the profile.",
            relevant=with_account,
        ),
    ] = ""
    compartment: Annotated[
        str,
        Text(
            oracle_names.compartment,
            oracle_names.COMPARTMENT_PATTERN,
            empty=False,
            example="health-platform",
        ),
        Ask(
            "Compartment",
            help="A compartment is a folder for everything we make, so that it can be found and "
            "removed again. Give a name and it is made if it is not there, or the OCID of "
            "one that exists.",
            relevant=on_oracle,
        ),
    ] = "health-platform"
    vcn: Annotated[
        str,
        Text(oracle_names.network, oracle_names.NETWORK_PATTERN),
        Ask(
            "Network that exists",
            help="The OCID of a virtual network of yours to install into. It is used and never "
            "changed, tagged or removed; cluster.vcn_cidr then says which of its addresses are "
            "for us. Empty has a new network made.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = ""
    subnet_api: Annotated[
        str,
        Text(oracle_names.subnet, oracle_names.SUBNET_PATTERN),
        Ask(
            "Subnet of the API endpoint",
            help="The OCID of a subnet of that network for the cluster's control address. Give "
            "all three subnets or none. Their routes and rules are checked, and what they lack "
            "is listed; they are never changed.",
            advanced=True,
            relevant=with_network,
        ),
    ] = ""
    subnet_nodes: Annotated[
        str,
        Text(oracle_names.subnet, oracle_names.SUBNET_PATTERN),
        Ask(
            "Subnet of the nodes",
            help="The OCID of a subnet of that network for the machines.",
            advanced=True,
            relevant=with_network,
        ),
    ] = ""
    subnet_balancers: Annotated[
        str,
        Text(oracle_names.subnet, oracle_names.SUBNET_PATTERN),
        Ask(
            "Subnet of the balancers",
            help="The OCID of a subnet of that network for the load balancer.",
            advanced=True,
            relevant=with_network,
        ),
    ] = ""
    security_groups: Annotated[
        bool,
        Switch(),
        Ask(
            "Security groups of our own",
            help="Yes makes three security groups in that network with the rules the cluster needs "
            "and puts the API endpoint, the machines and the balancer into them, so that nobody "
            "has to change the lists of your subnets; destroy removes them. No lists the rules "
            "your subnets lack, for you to add. It cannot be changed later.",
            advanced=True,
            relevant=with_network,
        ),
    ] = False

    reserved_ip: Annotated[
        Literal["auto", "yes", "no"],
        Choice(("auto", "yes", "no")),
        Ask(
            "Reserved public address",
            help="A reserved address stays the same when the load balancer is made anew, so that "
            "names at your registrar stay right. It costs nothing. auto takes one where the "
            "account may have one; yes insists on it.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = "auto"

    @model_validator(mode="after")
    def _subnets_go_together(self) -> Place:
        paths = ("place.subnet_api", "place.subnet_nodes", "place.subnet_balancers")
        given = (self.subnet_api, self.subnet_nodes, self.subnet_balancers)
        missing = [path for path, ocid in zip(paths, given, strict=True) if not ocid]
        if len(missing) == len(given):
            return self
        mistakes = []
        if missing:
            mistakes.append(f"give all three subnets or none; {' and '.join(missing)} is empty")
        if not self.vcn:
            mistakes.append("say in place.vcn which network the subnets are in")
        named = [ocid for ocid in given if ocid]
        if len(set(named)) < len(named):
            mistakes.append("the subnets must be different ones")
        if mistakes:
            raise refuse(f"Subnets that exist: {'; '.join(mistakes)}.", *paths, "place.vcn")
        return self
