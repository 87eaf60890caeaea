"""Parts for the front door to lead to: one module of the test's own in place of the real ones.

It has the name of the one whose options the front door follows.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

from installer.modules import Module, catalogue

ASSETS = Path(__file__).parents[2] / "assets"
# Ports that no program of the front door's pod has, so that they can be told apart.
API_PORT, AUTH_PORT, GRAFANA_PORT = 8001, 8088, 3000

_DESCRIPTION = f"""
    version: 1
    title: Parts
    purpose: Stand where the front door leads to.
    namespaces: [{{name: health-api}}, {{name: health-auth}}, {{name: health-observability}}]
    waves: {{2: Servers}}
    templates: [{{file: services.yaml.j2, wave: 2}}]
    options:
      - {{name: dashboards, kind: switch, default: true, title: Dashboards, help: Published.}}
      - {{name: password_login, kind: switch, default: false, title: Passwords, help: Login.}}
      - {{name: api, kind: switch, default: true, title: API, help: There.}}
      - {{name: max_file_size_mb, kind: integer, default: 50, title: Size, help: Of a file.}}
    endpoints:
      - {{name: api, title: API, service: health-api, port: {API_PORT}, scheme: http, people: true,
         host: api}}
      - {{name: auth, title: Logins, namespace: health-auth, service: envoy-gateway,
         port: {AUTH_PORT}, scheme: http, people: true, host: auth}}
      - {{name: grafana, title: Dashboards, namespace: health-observability, service: grafana,
         port: {GRAFANA_PORT}, scheme: http, people: true, host: grafana, when: dashboards}}
"""
_SERVICES = f"""
    {{% for name, space, port in [
      ("health-api", "health-api", {API_PORT}),
      ("envoy-gateway", "health-auth", {AUTH_PORT}),
      ("grafana", "health-observability", {GRAFANA_PORT}),
    ] %}}
    ---
    apiVersion: v1
    kind: Service
    metadata: {{name: {{{{ name }}}}, namespace: {{{{ space }}}}}}
    spec: {{ports: [{{port: {{{{ port }}}}, targetPort: {{{{ port }}}}}}]}}
    {{% endfor %}}
"""


def with_parts(folder: Path) -> tuple[Module, ...]:
    """The front door as it is, beside parts with all public names, in an empty folder."""
    shutil.copytree(ASSETS / "modules" / "edge", folder / "modules" / "edge")
    shutil.copy(ASSETS / "images.lock.yaml", folder)
    parts = folder / "modules" / "health-services"
    parts.mkdir()
    (parts / "module.yaml").write_text(dedent(_DESCRIPTION), encoding="utf-8")
    (parts / "services.yaml.j2").write_text(dedent(_SERVICES), encoding="utf-8")
    return catalogue(folder)
