"""Reads the module folders and renders their manifests."""

from installer.modules.catalogue import Module, catalogue
from installer.modules.choices import enabled
from installer.modules.claims import Claim, Volume, VolumePlan, separate_volumes
from installer.modules.problems import ModulesInvalid, Problem
from installer.modules.rendering import Rendered, claims, render
from installer.modules.secret_values import SecretSpec, SecretValue, make_secret
from installer.modules.stamping import RenderedObject
from installer.modules.templates import Allowance, ClusterFacts

__all__ = [
    "Allowance",
    "Claim",
    "ClusterFacts",
    "Module",
    "ModulesInvalid",
    "Problem",
    "Rendered",
    "RenderedObject",
    "SecretSpec",
    "SecretValue",
    "Volume",
    "VolumePlan",
    "catalogue",
    "claims",
    "enabled",
    "make_secret",
    "render",
    "separate_volumes",
]
