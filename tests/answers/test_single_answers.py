"""One answer at a time: what is taken, how it is kept, and the sentence for what is not."""

from __future__ import annotations

import base64

import pytest

from installer.answers import BadAnswer, Question, questions

from .made_up import model, refusal

ASKED = {question.path: question for question in questions(model())}
KEY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)).decode()


def ask(path: str) -> Question:
    return ASKED[path]


@pytest.mark.parametrize(
    ("path", "raw", "kept"),
    [
        ("target", "OKE", "oke"),
        ("target", " existing ", "existing"),
        ("name", "h2-x", "h2-x"),
        ("access.domain", "Health.Example.Org", "health.example.org"),
        ("access.domain", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("access.domain", "clinic.local", "clinic.local"),
        ("access.domain", "", ""),
        ("access.email", "Ana.B+x@Example.org", "Ana.B+x@example.org"),
        ("place.region", "EU-Frankfurt-1", "eu-frankfurt-1"),
        ("place.region", "eu-atlantis-1", "eu-atlantis-1"),
        ("place.region", "eu-madrid-9", "eu-madrid-9"),
        ("place.compartment", "My.Folder_1", "My.Folder_1"),
        ("place.compartment", "ocid1.compartment.oc1..aaaa1", "ocid1.compartment.oc1..aaaa1"),
        ("place.compartment", "ocid1.tenancy.oc1..aaaa1", "ocid1.tenancy.oc1..aaaa1"),
        ("cluster.kubernetes_version", "V1.36.4", "v1.36.4"),
        ("cluster.kubernetes_version", "Newest", "newest"),
        ("cluster.node_ocpus", "+4", 4),
        ("cluster.vcn_cidr", "192.168.0.0/20", "192.168.0.0/20"),
        ("cluster.api_access_cidr", "0.0.0.0/0", "0.0.0.0/0"),
        ("cluster.ssh_public_key", f"ssh-ed25519  {KEY} me@here", f"ssh-ed25519 {KEY} me@here"),
        ("images.registry", "registry.example.org:5000/a/", "registry.example.org:5000/a"),
        ("images.overrides", "b=x:1, a=y@sha256:" + "0" * 64, {"a": "y@sha256:" + "0" * 64,
                                                             "b": "x:1"}),
        ("modules.store.space", "10 Gi", "10Gi"),
        ("modules.store.space", "2000M", "2000M"),
        ("modules.store.enabled", "Y", True),
        ("modules.store.encrypted", "off", False),
        ("modules.front-door.time-out", "9", 9),
    ],
)  # fmt: skip
def test_an_answer_is_kept_in_one_form(path: str, raw: str, kept: object) -> None:
    assert ask(path).parse(raw) == kept


@pytest.mark.parametrize(
    ("path", "raw", "sentence"),
    [
        ("target", "exsting", "oke, existing or rehearsal is needed here. Did you mean existing?"),
        ("name", "1health", "begins with a letter"),
        ("name", "a" * 21, "1 to 20"),
        ("name", "health-", "cannot end in a hyphen"),
        ("access.domain", "https://health.example.org", "Leave out “https://”"),
        ("access.domain", "health.example.org:8443", "Leave out the port"),
        ("access.domain", "health.example.org/login", "from the / on"),
        ("access.domain", "health.example.org.", "Leave out the dot at the end: “health.exa"),
        ("access.domain", "localhost", "at least one dot"),
        ("access.domain", "203.0.113.7", "an address, not a name"),
        ("access.domain", "2001:db8::1", "an address, not a name"),
        ("access.domain", "me@example.org", "an e-mail address"),
        ("access.domain", "*.example.org", "Leave out the *."),
        ("access.domain", "my_health.example.org", "underscore"),
        ("access.domain", "-a.example.org", "hyphen"),
        ("access.domain", "a..example.org", "two dots in a row"),
        ("access.domain", "a b.example.org", "no blanks"),
        ("access.domain", "bücher.example", "“xn--bcher-kva.example”"),
        ("access.domain", "straße.example", "your registrar shows it"),
        ("access.domain", "health.example.1", "does not end in a number"),
        ("access.domain", ("a" * 64) + ".example.org", "longer than 63"),
        ("access.domain", ".".join(["abcdefgh"] * 26), "too long"),
        ("access.domain", "a.example.org\nb.example.org", "One line of plain text"),
        ("access.email", "admin", "holds an @"),
        ("access.email", "admin@", "domain after the @ is missing"),
        ("access.email", "a b@example.org", "before the @"),
        ("access.email", "a@b", "at least one dot"),
        ("place.region", "Frankfurt", "Did you mean eu-frankfurt-1?"),
        ("place.region", "eu_frankfurt_1", "Did you mean eu-frankfurt-1?"),
        ("place.region", "eu-amsterdm-1", "did you mean eu-amsterdam-1?"),
        ("place.compartment", "my folder", "no blanks"),
        ("place.compartment", "ocid1.user.oc1..aaaa1", "OCID of a user"),
        ("place.compartment", "ocid1.compartment", "not a whole one"),
        ("place.compartment", "", "for example health-platform"),
        ("cluster.kubernetes_version", "1.3", "Did you mean 1.30?"),
        ("cluster.kubernetes_version", "latest", "like newest, 1.36 or v1.36.4"),
        ("cluster.nodes", "0", "from 1 to 10 nodes"),
        ("cluster.nodes", "1.0", "whole number"),
        ("cluster.nodes", "two", "whole number"),
        ("cluster.nodes", "٣", "whole number"),
        ("cluster.vcn_cidr", "10.20.0.0", "10.20.0.0/32 for this one address"),
        ("cluster.vcn_cidr", "10.20.3.0/16", "begins elsewhere: 10.20.0.0/16"),
        ("cluster.vcn_cidr", "8.8.0.0/16", "private range"),
        ("cluster.vcn_cidr", "10.20.0.0/26", "from /16 to /24"),
        ("cluster.pods_cidr", "100.64.0.0/16", "private range"),
        ("cluster.services_cidr", "10.96.0.0/24", "from /12 to /20"),
        ("place.vcn", "my-network", "this is none"),
        ("place.vcn", "ocid1.subnet.oc1.eu-amsterdam-1.aaaa", "OCID of a subnet"),
        ("place.subnet_nodes", "ocid1.subnet", "not a whole one"),
        ("cluster.api_access_cidr", "me", "address range is needed"),
        ("cluster.address_services", "http://example.org/ip", "https pages"),
        ("cluster.address_services", "api.ipify.org https://", "https pages"),
        ("cluster.api_access_cidr", "everywhere", "address range is needed"),
        ("cluster.api_access_cidr", "::/0", "address range is needed"),
        ("cluster.ssh_public_key", "ssh-ed25519 AAAA", "not whole"),
        ("cluster.ssh_public_key", "ssh-ed25519 !!", "damaged"),
        ("cluster.ssh_public_key", "~/.ssh/id.pub", "one line, as in a .pub file"),
        ("cluster.storage_class", "Oci_BV", "storage class has a name"),
        ("images.registry", "https://registry.example.org", "Leave out the scheme"),
        ("images.registry", "registry example", "A registry is written like"),
        ("images.overrides", "postgresql", "has no ="),
        ("images.overrides", "a=b:1 a=c:1", "given twice"),
        ("images.overrides", "a=b:1:2", "An image is needed"),
        ("images.overrides", "A=b:1", "no name of an image"),
        ("money.accept_monthly_usd", "12,5", "after a point: 12.5"),
        ("money.accept_monthly_usd", "1.005", "two places"),
        ("money.accept_monthly_usd", "-1", "An amount in US dollars"),
        ("money.accept_monthly_usd", "NaN", "An amount in US dollars"),
        ("money.accept_monthly_usd", "999999", "more than 100000.00"),
        ("modules.store.space", "10GB", "Did you mean 10Gi?"),
        ("modules.store.space", "0Gi", "larger than nothing"),
        ("modules.store.space", "512Mi", "at least 1Gi"),
        ("modules.store.space", "1Ti", "at most 50Gi"),
        ("modules.store.enabled", "maybe", "Yes or no"),
        ("modules.store.kind", "", "tree or log is needed here."),
        ("modules.front-door.time-out", "0", "at least 1"),
    ],
)
def test_a_wrong_answer_gets_a_sentence_that_helps(path: str, raw: str, sentence: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        ask(path).parse(raw)
    assert sentence in caught.value.sentence


@pytest.mark.parametrize("question", questions(model()), ids=lambda question: question.path)
@pytest.mark.parametrize(
    "raw", ["\x00", "\ud800", "{}", "a" * 5000, "[bold]", "𝟙", [1], {"a": [1]}, 1.5, object()]
)
def test_no_answer_however_odd_is_met_with_words_that_are_not_ours(
    question: Question, raw: object
) -> None:
    sentence = refusal(question, raw)
    if sentence is None:
        kept = question.parse(raw)
        assert question.parse(question.show(kept)) == kept
        return
    for word in ("Input should", "String should", "pydantic", "Value error", "object at"):
        assert word not in sentence
    assert sentence.isprintable()
