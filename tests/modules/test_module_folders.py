"""A module is a folder: reading one, and what is said about a bad one."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from installer.modules import ClusterFacts, ModulesInvalid, catalogue, enabled, render
from installer.modules.catalogue import Module
from tests.modules.conftest import answers_for, one_volume

ASSETS = Path(__file__).parents[2] / "assets"

DESCRIPTION = """
    version: 1
    title: Greeter
    purpose: Says hello.
    needs: [infrastructure]
    namespaces: [{name: health-greeter}]
    waves: {2: Servers}
    templates: [{file: greeter.yaml.j2, wave: 2}]
    images: [valkey]
    options:
      - {name: words, kind: text, default: hello, title: Words, help: What is said.,
         profiles: {loud: HELLO}}
      - {name: space, kind: size, default: 1Gi, minimum: 1, title: Space, help: For words.}
    claims: [{name: words, size_option: space, what: words}]
    secrets:
      - id: door
        name: door-secret
        values:
          - {key: password, make: password, question: {title: Word at the door}}
          - {key: database, make: copy, text: health-data/postgresql-health-secret/password}
          - {key: url, make: template, text: "http://u:${password}@greeter"}
    endpoints:
      - {name: door, title: Door, service: greeter, port: 80, scheme: http,
         login: {secret: door, user: guest, key: password}}
"""

TEMPLATE = """
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: greeter
    data:
      words: {{ options.words | quoted }}
      image: {{ image("valkey") }}
      place: {{ claim("words").claim_name }}/{{ claim("words").sub_path }}
      connections: "{{ other("infrastructure").postgresql_auth_max_connections }}"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the real assets, to which a test adds a module."""
    shutil.copytree(ASSETS / "modules", tmp_path / "modules")
    shutil.copy(ASSETS / "images.lock.yaml", tmp_path)
    return tmp_path


def add(root: Path, description: str = DESCRIPTION, template: str = TEMPLATE) -> None:
    """Writes the folder of the throw-away module."""
    folder = root / "modules" / "greeter"
    folder.mkdir()
    (folder / "module.yaml").write_text(dedent(description))
    (folder / "greeter.yaml.j2").write_text(dedent(template))


def problems_of(root: Path) -> str:
    """What the catalogue says about the modules below a root."""
    with pytest.raises(ModulesInvalid) as caught:
        catalogue(root)
    return str(caught.value)


def render_all(modules: tuple[Module, ...], /, **given: object) -> list[dict[str, object]]:
    """The bodies rendered for answers."""
    answers = answers_for(modules, **given)
    result = render(answers, one_volume(answers, modules), ClusterFacts(), modules)
    return [entry.body for entry in result.objects if entry.module == "greeter"]


def test_a_folder_is_all_a_new_module_needs(root: Path) -> None:
    add(root)
    modules = catalogue(root)
    names = [module.name for module in modules]
    assert names.index("greeter") > names.index("infrastructure")
    bodies = render_all(modules, modules={"greeter": {"words": "good: morning"}})
    assert [body["kind"] for body in bodies] == [
        "Namespace",
        "ConfigMap",
        "PersistentVolumeClaim",
    ]
    assert bodies[1]["data"] == {
        "words": "good: morning",
        "image": "docker.io/valkey/valkey:9.1.2-alpine",
        "place": "health-greeter/words",
        "connections": "120",
    }


def test_a_new_modules_options_and_secrets_become_questions(root: Path) -> None:
    add(root)
    module = next(module for module in catalogue(root) if module.name == "greeter")
    assert [option.name for option in module.questions.options] == ["words", "space"]
    assert module.questions.options[1].minimum == 2**30
    assert [secret.id for secret in module.questions.secrets] == ["door.password"]
    assert module.profile_defaults == {"loud": {"modules.greeter.words": "HELLO"}}
    answers_for(catalogue(root), secrets={"greeter.door.password": "env:DOOR"})


def test_a_module_that_needs_one_switched_off_says_both_remedies(root: Path) -> None:
    add(root)
    modules = catalogue(root)
    answers = answers_for(modules, modules={"infrastructure": {"enabled": False}})
    with pytest.raises(ModulesInvalid) as caught:
        enabled(answers, modules)
    assert "modules.infrastructure.enabled to true" in str(caught.value)
    assert "modules.greeter.enabled to false" in str(caught.value)


def test_a_module_switched_off_renders_nothing(root: Path) -> None:
    add(root)
    assert render_all(catalogue(root), modules={"greeter": {"enabled": False}}) == []


def test_all_mistakes_of_all_files_are_reported_at_once(root: Path) -> None:
    wrong = (
        DESCRIPTION.replace("purpose:", "porpose:")
        .replace("kind: text, default: hello", "kind: integer, default: hello")
        .replace("make: password,", "make: guess,")
    )
    add(root, wrong)
    broken = root / "modules" / "broken"
    broken.mkdir()
    (broken / "module.yaml").write_text("version: 1\ntitle: [\n")
    said = problems_of(root)
    assert "broken/module.yaml:3: this is not valid YAML" in said
    assert "greeter/module.yaml: porpose: unknown key; did you mean purpose?" in said
    assert "greeter/module.yaml: purpose: this key is required" in said
    assert "must be a whole number" in said
    assert "secrets.0.values.0.make" in said


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ("images: [valkey]", "images: [unheard-of]", "unheard-of is not in images.lock.yaml"),
        ("needs: [infrastructure]", "needs: [nobody]", "nobody is not a module"),
        ("greeter.yaml.j2, wave: 2", "absent.yaml.j2, wave: 2", "absent.yaml.j2 does not exist"),
        ("greeter.yaml.j2, wave: 2", "greeter.yaml.j2, wave: 3", "wave 3 has no title"),
        ("size_option: space", "size_option: words", "words is not a size among the options"),
        ("what: words}", "what: words, when: words}", "words is not a switch"),
        ("what: words}", "what: words, namespace: other}", "other is not listed"),
        (
            "[{name: health-greeter}]",
            "[{name: health-greeter, pod_security: baseline}]",
            "needs a reason",
        ),
        ("default: 1Gi", "default: 1 gig", "is not a size"),
        ("health-data/postgresql-health-secret/password", "password", "namespace/secret/key"),
        ("login: {secret: door", "login: {secret: gate", "gate is not among the secrets"),
        ("user: guest, key: password", "user: guest, key: pass", "pass is no key of the secret"),
        ("user: guest, key", "user_key: name, key", "name is no key of the secret door"),
        ("user: guest, key", "key", "a login gives either user or user_key"),
        ("user: guest, key", "user: guest, user_key: url, key", "either user or user_key"),
    ],
)
def test_a_mistake_in_a_description_is_said_with_its_file(
    root: Path, was: str, is_now: str, said: str
) -> None:
    assert was in DESCRIPTION
    add(root, DESCRIPTION.replace(was, is_now))
    message = problems_of(root)
    assert "greeter/module.yaml" in message
    assert said in message


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ("options.words", "options.wrods", "options has no wrods; did you mean words?"),
        ('image("valkey")', 'image("postgresql")', "'postgresql' is not listed under images"),
        ('claim("words").claim_name', 'claim("w").claim_name', "'w' is not listed under claims"),
        ('other("infrastructure")', 'other("x")', "neither under needs nor under looks_at"),
        ("kind: ConfigMap", "kind: Secret", "must be described under secrets"),
        ("name: greeter", "title: greeter", "has no name"),
        ("name: greeter", "name: greeter\n      namespace: kube-system", "not listed"),
        ("data:", "data: [", "not YAML"),
        ("{{ options.words | quoted }}", "{{ options.words | quotd }}", "quotd"),
        ("{{ options.words | quoted }}", "{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_mistake_in_a_template_is_said_with_its_file(
    root: Path, was: str, is_now: str, said: str
) -> None:
    assert was in TEMPLATE
    add(root, template=TEMPLATE.replace(was, is_now))
    modules = catalogue(root)
    with pytest.raises(ModulesInvalid) as caught:
        render_all(modules)
    assert said in str(caught.value)
    assert "greeter" in str(caught.value)


def test_an_undefined_name_in_a_template_is_said_with_its_line(root: Path) -> None:
    add(root, template=TEMPLATE.replace("options.words", "nothing_like_it"))
    with pytest.raises(ModulesInvalid, match=r"greeter/greeter.yaml.j2:7: 'nothing_like_it'"):
        render_all(catalogue(root))


def test_modules_that_need_each_other_in_a_circle_are_refused(root: Path) -> None:
    add(root)
    other = root / "modules" / "mirror"
    shutil.copytree(root / "modules" / "greeter", other)
    for name, needs in (("greeter", "mirror"), ("mirror", "greeter")):
        path = root / "modules" / name / "module.yaml"
        path.write_text(path.read_text().replace("needs: [infrastructure]", f"needs: [{needs}]"))
    assert "greeter, mirror need each other in a circle" in problems_of(root)


def test_two_modules_may_share_a_namespace_but_not_an_object(root: Path) -> None:
    add(root)
    other = root / "modules" / "mirror"
    shutil.copytree(root / "modules" / "greeter", other)
    with pytest.raises(ModulesInvalid, match="ConfigMap health-greeter greeter is also made by"):
        render_all(catalogue(root))


def test_an_image_not_made_for_the_machines_stops_the_plan(root: Path) -> None:
    add(root)
    lock = root / "images.lock.yaml"
    lock.write_text(lock.read_text().replace("[linux/amd64, linux/arm64]", "[linux/amd64]"))
    modules = catalogue(root)
    answers = answers_for(modules)
    plan = one_volume(answers, modules)
    assert render(answers, plan, ClusterFacts("", "amd64"), modules).objects
    with pytest.raises(ModulesInvalid, match=r"not made for arm64 machines.*images\.overrides"):
        render(answers, plan, ClusterFacts("", "arm64"), modules)


def test_no_file_of_the_real_modules_is_left_unused() -> None:
    for module in catalogue():
        folder = ASSETS / "modules" / module.name
        used = "".join(path.read_text() for path in folder.glob("*.y*ml*"))
        for path in (folder / "files").rglob("*"):
            # Tests run some of them as Python does, which leaves compiled copies.
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.name in used, path


def test_no_two_options_have_the_same_title_since_they_are_asked_in_one_section() -> None:
    titles = [option.title for module in catalogue() for option in module.file.options]
    assert sorted({title for title in titles if titles.count(title) > 1}) == []
