"""Keys in the emulator's KMS, made as docs/operations.md makes them in the cloud."""

import boto3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)
from solders.keypair import Keypair


def import_master_seed(seed: bytes) -> str:
    """Import a master seed into a new HMAC_512 key and give its ARN."""
    arn = new_master_seed_key()
    import_material(arn, seed)
    return arn


def new_master_seed_key() -> str:
    """A key that still waits for its material."""
    made = boto3.client("kms").create_key(
        KeySpec="HMAC_512", KeyUsage="GENERATE_VERIFY_MAC", Origin="EXTERNAL"
    )
    return made["KeyMetadata"]["Arn"]


def import_treasury(keypair: Keypair) -> str:
    """Import a key pair into a new Ed25519 key and give its ARN."""
    made = boto3.client("kms").create_key(
        KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY", Origin="EXTERNAL"
    )
    arn = made["KeyMetadata"]["Arn"]
    private_key = Ed25519PrivateKey.from_private_bytes(keypair.secret())
    import_material(
        arn, private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    )
    return arn


def import_material(arn: str, material: bytes) -> None:
    """Wrap the material under the key that KMS gives for it, and import it."""
    kms = boto3.client("kms")
    given = kms.get_parameters_for_import(
        KeyId=arn, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    wrapping_key = load_der_public_key(given["PublicKey"])
    assert isinstance(wrapping_key, RSAPublicKey)
    kms.import_key_material(
        KeyId=arn,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapping_key.encrypt(
            material, OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)
        ),
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
