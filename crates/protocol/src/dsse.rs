//! DSSE, the Dead Simple Signing Envelope (version 1.0.2): signatures over received bytes, never over a re-serialised struct.
//!
//! Only Ed25519, strictly verified (no small-order keys, no malleable signatures). `keyid` is a hint and decides nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::limits;

/// An envelope as it travels. Base64 with padding, as the DSSE text has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The signed bytes.
    pub payload: String,
    /// What the bytes are; part of what is signed.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// At least one.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// A hint which key made it; never trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyid: Option<String>,
    /// The signature.
    pub sig: String,
}

/// Why an envelope is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Not base64, or not a key or signature of the right length.
    #[error("the envelope is malformed")]
    Malformed,
    /// It is signed, but says that it is something else.
    #[error("the envelope holds something else")]
    WrongType,
    /// No signature by the expected key fits the bytes.
    #[error("the signature does not fit")]
    BadSignature,
}

/// The bytes that are signed: DSSE's pre-authentication encoding.
#[must_use]
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs `payload` with one key.
    #[must_use]
    pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> Self {
        let signature = key.sign(&pre_authentication_encoding(payload_type, payload));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![EnvelopeSignature { keyid: None, sig: STANDARD.encode(signature.to_bytes()) }],
        }
    }

    /// An envelope that nobody has signed yet.
    #[must_use]
    pub fn unsigned(payload_type: &str, payload: &[u8]) -> Self {
        Self {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: Vec::new(),
        }
    }

    /// Adds a signature over the very bytes that the envelope holds; a key that has signed already changes nothing.
    ///
    /// # Errors
    /// [`NotSigned::Malformed`] when the payload is not base64.
    pub fn add_signature(&mut self, key: &SigningKey) -> Result<(), NotSigned> {
        let payload = self.unverified_payload()?;
        let signature = key.sign(&pre_authentication_encoding(&self.payload_type, &payload));
        let sig = STANDARD.encode(signature.to_bytes());
        if self.signatures.iter().all(|made| made.sig != sig) {
            self.signatures.push(EnvelopeSignature { keyid: None, sig });
        }
        Ok(())
    }

    /// Those of `keys` by which a signature fits, in their order, each once.
    ///
    /// # Errors
    /// [`NotSigned::Malformed`] when the payload or a signature is not base64, or when there are none or too many.
    pub fn signers(&self, keys: &[[u8; 32]]) -> Result<Vec<[u8; 32]>, NotSigned> {
        if !(1..=limits::SIGNATURES).contains(&self.signatures.len()) {
            return Err(NotSigned::Malformed);
        }
        let payload = self.unverified_payload()?;
        let signed = pre_authentication_encoding(&self.payload_type, &payload);
        let signatures =
            self.signatures.iter().map(EnvelopeSignature::read).collect::<Result<Vec<_>, _>>()?;
        let has_signed = |key: &&[u8; 32]| {
            VerifyingKey::from_bytes(key).is_ok_and(|key| {
                signatures.iter().any(|signature| key.verify_strict(&signed, signature).is_ok())
            })
        };
        Ok(keys.iter().filter(has_signed).copied().collect())
    }

    /// The payload, still unverified: for finding out which key to expect, and for nothing else.
    ///
    /// # Errors
    /// [`NotSigned::Malformed`] when it is not base64.
    pub fn unverified_payload(&self) -> Result<Vec<u8>, NotSigned> {
        STANDARD.decode(&self.payload).map_err(|_| NotSigned::Malformed)
    }

    /// The payload, if it is of the expected type and one signature by `key` fits.
    ///
    /// # Errors
    /// See [`NotSigned`].
    pub fn verify(&self, payload_type: &str, key: &[u8; 32]) -> Result<Vec<u8>, NotSigned> {
        if self.payload_type != payload_type {
            return Err(NotSigned::WrongType);
        }
        let key = VerifyingKey::from_bytes(key).map_err(|_| NotSigned::Malformed)?;
        let payload = self.unverified_payload()?;
        let signed = pre_authentication_encoding(payload_type, &payload);
        let fits = self.signatures.iter().any(|signature| {
            signature.read().is_ok_and(|signature| key.verify_strict(&signed, &signature).is_ok())
        });
        if fits { Ok(payload) } else { Err(NotSigned::BadSignature) }
    }
}

impl EnvelopeSignature {
    fn read(&self) -> Result<Signature, NotSigned> {
        let bytes = STANDARD.decode(&self.sig).map_err(|_| NotSigned::Malformed)?;
        Signature::from_slice(&bytes).map_err(|_| NotSigned::Malformed)
    }
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn the_encoding_is_that_of_the_dsse_text() {
        let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn what_was_signed_comes_back() {
        let envelope = Envelope::sign("t", b"payload", &key(1));
        assert_eq!(envelope.verify("t", key(1).verifying_key().as_bytes()).unwrap(), b"payload");
    }

    #[test]
    fn anything_else_is_refused() {
        let good = Envelope::sign("t", b"payload", &key(1));
        let public = *key(1).verifying_key().as_bytes();
        assert_eq!(good.verify("u", &public), Err(NotSigned::WrongType));
        assert_eq!(good.verify("t", key(2).verifying_key().as_bytes()), Err(NotSigned::BadSignature));
        let altered = Envelope { payload: STANDARD.encode(b"Payload"), ..good.clone() };
        assert_eq!(altered.verify("t", &public), Err(NotSigned::BadSignature));
        let unsigned = Envelope { signatures: vec![], ..good.clone() };
        assert_eq!(unsigned.verify("t", &public), Err(NotSigned::BadSignature));
        let garbage = Envelope { payload: "%".into(), ..good };
        assert_eq!(garbage.verify("t", &public), Err(NotSigned::Malformed));
    }
}
