"""Makes the test vectors of crates/protocol/src/dsse/vectors.json with another implementation of DSSE and of Ed25519.

    python3 -m venv target/vectors
    target/vectors/bin/pip install 'securesystemslib[crypto]==1.6.0'
    target/vectors/bin/python dev/vectors/dsse.py > crates/protocol/src/dsse/vectors.json

Ed25519 has one signature for a key and a text. So where our signature is equal to the one made here, this implementation, which has
verified it, believes ours.
"""

import importlib.metadata
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

TEXTS = [
    # The example of the DSSE text itself.
    ("http://example.com/HelloWorld", b"hello world", [1]),
    ("application/vnd.vestibule.deployment+json", '{"title":"Küche 🏠"}'.encode(), [2, 3]),
    # Lengths are those of bytes, not of characters.
    ("text/ünïcode", bytes(range(256)), [4]),
    ("empty", b"", [5]),
    ("spaces 5 and 11 numbers", b"DSSEv1 1 a 1 b", [6]),
]


def main() -> None:
    """Signs each text, lets the library verify it, and prints all of it."""
    vectors = []
    for payload_type, payload, seeds in TEXTS:
        envelope = Envelope(payload=payload, payload_type=payload_type, signatures={})
        keys = []
        for seed in seeds:
            private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
            signer = CryptoSigner(private)
            envelope.sign(signer)
            public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            keys.append((signer.public_key, {"seed": bytes([seed]).hex() * 32, "public": public.hex()}))
        verified = envelope.verify([key for key, _ in keys], len(keys))
        if len(verified) != len(keys):
            sys.exit("the library does not believe its own signatures")
        vectors.append(
            {
                "pae": envelope.pae().hex(),
                "payload": payload.hex(),
                "payload_type": payload_type,
                "keys": [key for _, key in keys],
                "envelope": envelope.to_dict(),
            }
        )
    versions = {name: importlib.metadata.version(name) for name in ("securesystemslib", "cryptography")}
    json.dump({"made_by": versions, "vectors": vectors}, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
