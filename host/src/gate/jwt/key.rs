//! Keys by which the signature of a token is checked. A key knows its one algorithm, so a token cannot choose another one for it: a public
//! key is never taken for a secret that is shared.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};

/// How tokens are signed (RFC 7518 and RFC 8037). There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A secret has to be as long as what it makes (RFC 7518, section 3.2).
pub(super) const MIN_SECRET: usize = 32;

/// The least of an RSA modulus, and the most.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Checks a signature by HS256.
pub(super) fn is_signed_with(secret: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed, signature).is_ok()
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// What tokens call it.
    pub(super) id: Option<String>,
    public: Public,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    // A point that is not compressed.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no PEM, or has no public key.
    #[error("it has no public keys in PEM: {0}")]
    Pem(pem::Error),
    /// A key of another kind, or too small.
    #[error("it has a key that is neither RSA with 2048 bits or more, nor P-256, nor Ed25519")]
    Unusable,
    /// It is no set of keys.
    #[error("it is no set of keys (JWKS): {0}")]
    Set(#[from] serde_json::Error),
    /// None of the set can be used.
    #[error("it has no key for RS256, ES256 or EdDSA")]
    Empty,
}

/// The public keys of a text in PEM: all of them can be used.
pub(super) fn of_pem(text: &[u8]) -> Result<Vec<Key>, KeyError> {
    let found = SubjectPublicKeyInfoDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>().map_err(KeyError::Pem)?;
    if found.is_empty() {
        return Err(KeyError::Pem(pem::Error::NoItemsFound));
    }
    let key = |der: &SubjectPublicKeyInfoDer<'_>| {
        Ok(Key { id: None, public: Public::of_der(der.as_ref()).ok_or(KeyError::Unusable)? })
    };
    found.iter().map(key).collect()
}

/// The keys of a set that can be used; it may have others.
pub(super) fn of_set(text: &[u8]) -> Result<Vec<Key>, KeyError> {
    let set: Set = serde_json::from_slice(text)?;
    let keys: Vec<_> =
        set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok().and_then(of_jwk)).collect();
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// RFC 7517, and RFC 7518, section 6.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

fn of_jwk(jwk: Jwk) -> Option<Key> {
    if jwk.usage.is_some_and(|usage| usage != "sig") {
        return None;
    }
    let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
    let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Public::rsa(&bytes(&jwk.n)?, &bytes(&jwk.e)?)?,
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            Public::p256([[4].as_slice(), &x, &y].concat())?
        }
        ("OKP", Some("Ed25519")) => Public::ed25519(bytes(&jwk.x)?)?,
        // A secret that is shared (`oct`) has no place in a set that is read by many.
        _ => return None,
    };
    if jwk.alg.is_some_and(|alg| Algorithm::of(&alg) != Some(public.algorithm())) {
        return None;
    }
    Some(Key { id: jwk.kid, public })
}

impl Key {
    pub(super) fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    pub(super) fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.public {
            Public::Rsa { modulus, exponent } => {
                let key = PublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            }
            Public::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature),
            Public::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(signed, signature),
        };
        verified.is_ok()
    }
}

impl Public {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let bare = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let (modulus, exponent) = (bare(modulus), bare(exponent));
        RSA_BYTES.contains(&modulus.len()).then_some(Self::Rsa { modulus, exponent })
    }

    fn p256(point: Vec<u8>) -> Option<Self> {
        (point.len() == 65 && point.first() == Some(&4)).then_some(Self::P256(point))
    }

    fn ed25519(point: Vec<u8>) -> Option<Self> {
        (point.len() == 32).then_some(Self::Ed25519(point))
    }

    /// A `SubjectPublicKeyInfo` (RFC 5280): what kind of key it is, and the key.
    fn of_der(der: &[u8]) -> Option<Self> {
        let (info, _) = element(der, SEQUENCE)?;
        let (kind, rest) = element(info, SEQUENCE)?;
        let (bits, _) = element(rest, BITS)?;
        // All bits of the last byte count.
        let key = bits.strip_prefix(&[0])?;
        let (name, parameters) = element(kind, NAME)?;
        match name {
            RSA => {
                let (numbers, _) = element(key, SEQUENCE)?;
                let (modulus, rest) = element(numbers, INTEGER)?;
                let (exponent, _) = element(rest, INTEGER)?;
                Self::rsa(modulus, exponent)
            }
            ELLIPTIC_CURVE if element(parameters, NAME)?.0 == P_256 => Self::p256(key.to_vec()),
            ED_25519 => Self::ed25519(key.to_vec()),
            _ => None,
        }
    }
}

const SEQUENCE: u8 = 0x30;
const BITS: u8 = 0x03;
const INTEGER: u8 = 0x02;
const NAME: u8 = 0x06;

// 1.2.840.113549.1.1.1, 1.2.840.10045.2.1, 1.2.840.10045.3.1.7 and 1.3.101.112.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC_CURVE: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P_256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED_25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The contents of the element of DER that comes first, which has to be of this kind, and what follows it.
fn element(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let ([tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => {
            let ([length], rest) = rest.split_first_chunk::<1>()?;
            (usize::from(*length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length).filter(|_| *tag == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3, RFC 8037, appendix A.2, and keys that are for something else.
    const KEYS: &str = r#"{"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "ec", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "OKP", "crv": "Ed25519", "use": "enc", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "OKP", "crv": "Ed25519", "alg": "RS256", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-521", "x": "AQ", "y": "AQ"},
        "no key"
    ]}"#;

    #[test]
    fn of_a_set_those_are_taken_that_can_be_used() {
        let keys = of_set(KEYS.as_bytes()).expect("keys");
        let found: Vec<_> = keys.iter().map(|key| (key.id.as_deref(), key.algorithm())).collect();
        assert_eq!(found, [(Some("ec"), Algorithm::Es256), (None, Algorithm::EdDsa)]);
        for text in ["", "[]", r#"{"keys": []}"#, r#"{"keys": [{"kty": "oct", "k": "AQAB"}]}"#] {
            assert!(of_set(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_examples_of_the_rfcs_are_signed_by_their_keys() {
        let keys = of_set(KEYS.as_bytes()).expect("keys");
        let ec = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let ec_signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let ed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let ed_signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        for (place, signed, signature) in [(0, ec, ec_signature), (1, ed, ed_signature)] {
            let key = keys.get(place).expect("a key");
            let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
            assert!(key.has_signed(signed.as_bytes(), &signature), "{place}");
            assert!(!key.has_signed(&signed.as_bytes()[1..], &signature), "{place}");
            signature[0] ^= 1;
            assert!(!key.has_signed(signed.as_bytes(), &signature), "{place}");
        }
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let [secret, signature] = [secret, signature].map(|text| URL_SAFE_NO_PAD.decode(text).expect("base64"));
        assert!(is_signed_with(&secret, signed.as_bytes(), &signature));
        assert!(!is_signed_with(&secret[1..], signed.as_bytes(), &signature));
    }

    #[test]
    fn a_key_in_pem_is_read_to_its_last_byte() {
        let ed = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        let [key] = of_pem(ed.as_bytes()).expect("a key").try_into().expect("one");
        assert_eq!(Some(&key.public), of_set(KEYS.as_bytes()).expect("keys").get(1).map(|key| &key.public));
        for text in ["", "no PEM", &ed[..60], "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2Vw\n-----END PUBLIC KEY-----\n"] {
            assert!(of_pem(text.as_bytes()).is_err(), "{text}");
        }
    }
}
