"""Certificates: those with which the parts of one server recognise each other, and those of an
authority of the installation's own for its public names.

A bundle is PEM text: a certificate, those that vouch for it, and its private key.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Nobody outside the server ever checks it, so it lives as long as the installation.
_LIFETIME = timedelta(days=20 * 365)
# People put the authority into their browsers by hand, so it must not need that often.
_AUTHORITY_LIFETIME = timedelta(days=10 * 365)
# Apple's systems accept no more than 825 days, also from an authority somebody installed:
# https://support.apple.com/en-us/103769
_SIGNED_LIFETIME = timedelta(days=820)
_RENEW_BEFORE = timedelta(days=30)
_BOTH_ENDS = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def self_signed(names: Sequence[str]) -> str:
    """A bundle whose certificate is its own authority.

    `names` are the host names and addresses it is for. It serves both ends of a connection: whoever
    holds it is accepted, nobody else is.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _called(names[0])
    certificate = (
        _draft(subject, subject, key.public_key(), _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(x509.ExtendedKeyUsage(_BOTH_ENDS), False)
        .sign(key, hashes.SHA256())
    )
    return _pem(certificate) + _key_pem(key)


def authority() -> str:
    """A bundle with an authority of its own, which may sign for any name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _called("Health platform, own authority")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _draft(subject, subject, key.public_key(), _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_usage(signs=True), True)
        .add_extension(identifier, False)
        .sign(key, hashes.SHA256())
    )
    return _pem(certificate) + _key_pem(key)


def signed_by(bundle: str, hosts: Sequence[str]) -> str:
    """A bundle for `hosts`, vouched for by the authority in the other bundle."""
    issuer, issuer_key = _certificates(bundle)[0], _key(bundle)
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        _draft(_called(hosts[0]), issuer.subject, key.public_key(), _SIGNED_LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(_usage(signs=False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(identifier, False)
        .sign(issuer_key, hashes.SHA256())
    )
    return _pem(certificate) + _pem(issuer) + _key_pem(key)


def is_good_for(bundle: str, hosts: Sequence[str], authority_bundle: str) -> bool:
    """Whether the bundle's certificate is for exactly these names, signed by that authority, and
    good for another month."""
    certificate = _certificates(bundle)[0]
    if certificate.not_valid_after_utc < datetime.now(UTC) + _RENEW_BEFORE:
        return False
    try:
        certificate.verify_directly_issued_by(_certificates(authority_bundle)[0])
    except (ValueError, TypeError, InvalidSignature):
        return False
    return set(names_of(certificate)) == set(hosts)


def certificates_in(bundle: str) -> str:
    """The certificates of a bundle without its key: what everybody may know."""
    return "".join(_pem(each) for each in _certificates(bundle))


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in found)


def not_covered(bundle: str, hosts: Sequence[str]) -> tuple[str, ...]:
    """The hosts the bundle's first certificate is not for; `*.` stands for one label."""
    names = {name.lower() for name in names_of(_certificates(bundle)[0])}
    return tuple(host for host in hosts if not {host, f"*.{host.partition('.')[2]}"} & names)


def bundle_mistake(text: str) -> str:
    """Why a text a person supplied is no usable bundle, as a clause; empty when it is one."""
    try:
        certificates = _certificates(text)
    except ValueError:
        return "it holds no certificate in PEM form"
    try:
        key = serialization.load_pem_private_key(_key_text(text), password=None)
    except TypeError:
        return "its private key is locked with a passphrase; take the passphrase off first"
    except ValueError:
        return "it holds no private key in PEM form; put certificate, chain and key into one file"
    public, format_ = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.DER
    ours = key.public_key().public_bytes(format_, public)
    if certificates[0].public_key().public_bytes(format_, public) != ours:
        return "its private key does not belong to its first certificate"
    if certificates[0].not_valid_after_utc < datetime.now(UTC):
        return f"its certificate ran out on {certificates[0].not_valid_after_utc:%Y-%m-%d}"
    return ""


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _called(name: str) -> x509.Name:
    # A common name may have 64 characters; who is meant stands in the alternative names.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificates(bundle: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(bundle.encode())


def _key(bundle: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(_key_text(bundle), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _key_text(bundle: str) -> bytes:
    """The key's part of a bundle: the reader of keys wants nothing else in front of it."""
    begin = bundle.find("-----BEGIN", _last_certificate_end(bundle))
    start = begin if "PRIVATE KEY" in bundle[begin : begin + 60] else bundle.find("-----BEGIN")
    return bundle[start:].encode() if start >= 0 else b""


def _last_certificate_end(bundle: str) -> int:
    marker = "-----END CERTIFICATE-----"
    return bundle.rfind(marker) + len(marker) if marker in bundle else 0


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
