//! Envelopes that another implementation made (`dev/vectors/dsse.py` says how), in both directions.

use ed25519_dalek::SigningKey;
use serde::Deserialize;

use super::{Envelope, pre_authentication_encoding};

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    pae: String,
    payload: String,
    payload_type: String,
    keys: Vec<Key>,
    envelope: Envelope,
}

#[derive(Deserialize)]
struct Key {
    seed: String,
    public: String,
}

fn vectors() -> Vec<Vector> {
    let file: File = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert!(file.vectors.len() >= 5);
    file.vectors
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn bytes_32(hex: &str) -> [u8; 32] {
    bytes(hex).try_into().unwrap()
}

#[test]
fn r31_what_another_implementation_signed_is_believed() {
    for vector in vectors() {
        let payload = bytes(&vector.payload);
        assert_eq!(pre_authentication_encoding(&vector.payload_type, &payload), bytes(&vector.pae));
        let keys: Vec<[u8; 32]> = vector.keys.iter().map(|key| bytes_32(&key.public)).collect();
        assert_eq!(vector.envelope.signers(&keys), Ok(keys.clone()));
        for key in &keys {
            assert_eq!(vector.envelope.verify(&vector.payload_type, key).as_ref(), Ok(&payload));
        }
        let stranger = *SigningKey::from_bytes(&[99; 32]).verifying_key().as_bytes();
        assert_eq!(vector.envelope.signers(&[stranger]), Ok(Vec::new()));
    }
}

/// Ed25519 has one signature for a key and a text, and the other implementation has verified the one in the file.
#[test]
fn r31_what_we_sign_is_what_another_implementation_believes() {
    for vector in vectors() {
        let mut ours = Envelope::unsigned(&vector.payload_type, &bytes(&vector.payload));
        for key in &vector.keys {
            let signing = SigningKey::from_bytes(&bytes_32(&key.seed));
            assert_eq!(*signing.verifying_key().as_bytes(), bytes_32(&key.public));
            ours.add_signature(&signing).unwrap();
        }
        let mut theirs = vector.envelope;
        // A hint that decides nothing; we give none.
        theirs.signatures.iter_mut().for_each(|signature| signature.keyid = None);
        assert_eq!(ours, theirs);
    }
}
