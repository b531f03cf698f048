"""Keys and certificates for tests: authorities, chains, and the ways in which they can be wrong."""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def make_key(kind="p256"):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    curves = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
    return ec.generate_private_key(curves[kind]())


def pem_of_key(key, form="pkcs8", password=None):
    forms = {"pkcs8": serialization.PrivateFormat.PKCS8,
             "traditional": serialization.PrivateFormat.TraditionalOpenSSL}
    sealed = (serialization.BestAvailableEncryption(password) if password
              else serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, forms[form], sealed)


def pem_of(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def der_of_key(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def secret_parts(key):
    """Runs of bytes that are only in the private half, as they may lie in a memory."""
    numbers = None if isinstance(key, ed25519.Ed25519PrivateKey) else key.private_numbers()
    if numbers is None:
        return [key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                  serialization.NoEncryption())]
    values = ([numbers.private_value] if hasattr(numbers, "private_value")
              else [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp])
    parts = []
    for value in values:
        size = (value.bit_length() + 7) // 8
        parts += [value.to_bytes(size, "big"), value.to_bytes(size, "little")]
    return parts


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def san(names):
    general = []
    for each in names:
        try:
            general.append(x509.IPAddress(ipaddress.ip_address(each)))
        except ValueError:
            general.append(x509.DNSName(each))
    return x509.SubjectAlternativeName(general)


class Authority:
    """A certificate authority; below() makes one that it vouches for."""

    def __init__(self, title="Test CA", parent=None, kind="p256"):
        self.key = make_key(kind)
        self.name = name(title)
        self.parent = parent
        self.certificate = self._sign(parent or self)

    def _sign(self, signer):
        builder = (x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now() - DAY).not_valid_after(now() + 3650 * DAY)
                   .add_extension(x509.BasicConstraints(True, None), True)
                   .add_extension(x509.KeyUsage(True, False, False, False, False, True, True,
                                                False, False), True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                       self.key.public_key()), False))
        return builder.sign(signer.key, hash_for(signer.key))

    def below(self, title, kind="p256"):
        return Authority(title, self, kind)

    def issue(self, names, key=None, days=90, since=1, usage=ExtendedKeyUsageOID.SERVER_AUTH,
              subject=None, kind="p256"):
        """A pair (key, certificate) for these names, of a new key where none is given."""
        key = key or make_key(kind)
        rsa_key = isinstance(key, rsa.RSAPrivateKey)
        builder = (x509.CertificateBuilder().subject_name(name(subject or names[0]))
                   .issuer_name(self.name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now() - since * DAY).not_valid_after(now() + days * DAY)
                   .add_extension(x509.BasicConstraints(False, None), True)
                   .add_extension(x509.KeyUsage(True, False, rsa_key, False, False, False, False,
                                                False, False), True)
                   .add_extension(x509.ExtendedKeyUsage([usage]), False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                       self.key.public_key()), False))
        if names:
            builder = builder.add_extension(san(names), False)
        return key, builder.sign(self.key, hash_for(self.key))


def hash_for(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def write_pair(folder, stem, key, *chain, form="pkcs8", password=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.key").write_bytes(pem_of_key(key, form, password))
    (folder / f"{stem}.pem").write_bytes(pem_of(*chain))


def fingerprint(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


def spki_fingerprint(key):
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_key().public_bytes(serialization.Encoding.DER,
                                                serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()
