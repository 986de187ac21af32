//! Whoever issues tokens to clients: keys of each kind, as clients, plugins and sets of keys have them.

use anyhow::{Context, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// The public part of the one RSA key: to make another takes seconds.
pub(super) const RSA_PUBLIC: &str = include_str!("rsa-public.pem");

/// Somebody with one key.
pub(super) enum Signer {
    Secret(String),
    Rsa(Box<RsaKeyPair>),
    P256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    pub(super) fn secret(text: &str) -> Self {
        Self::Secret(text.to_owned())
    }

    pub(super) fn rsa() -> anyhow::Result<Self> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("rsa.pem"))?;
        let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|error| anyhow!("{error}"))?;
        Ok(Self::Rsa(Box::new(pair)))
    }

    pub(super) fn p256() -> anyhow::Result<Self> {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).map_err(|error| anyhow!("{error}"))?;
        let pair = EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).map_err(|error| anyhow!("{error}"))?;
        Ok(Self::P256(Box::new(pair)))
    }

    pub(super) fn ed25519() -> anyhow::Result<Self> {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|error| anyhow!("{error}"))?;
        let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).map_err(|error| anyhow!("{error}"))?;
        Ok(Self::Ed25519(Box::new(pair)))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// A token that claims this, from the key of this name.
    pub(super) fn token(&self, key: &str, claims: &Value) -> anyhow::Result<String> {
        self.token_with(&json!({"alg": self.algorithm(), "kid": key}), claims)
    }

    /// The same with a head that may say something else.
    pub(super) fn token_with(&self, head: &Value, claims: &Value) -> anyhow::Result<String> {
        let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{head}.{claims}");
        let bytes = signed.as_bytes();
        let random = SystemRandom::new();
        let signature = match self {
            Self::Secret(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), bytes).as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let done = pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature);
                done.map_err(|error| anyhow!("{error}"))?;
                signature
            }
            Self::P256(pair) => pair.sign(&random, bytes).map_err(|error| anyhow!("{error}"))?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Its public key in a set, under this name.
    pub(super) fn jwk(&self, key: &str) -> anyhow::Result<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self {
            Self::Secret(secret) => json!({"kty": "oct", "k": text(secret.as_bytes())}),
            Self::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": text(&n), "e": text(&e), "use": "sig"})
            }
            Self::P256(pair) => {
                let point = pair.public_key().as_ref().get(1..).context("a point")?;
                let (x, y) = point.split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Self::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())}),
        };
        jwk.as_object_mut().context("an object")?.insert("kid".to_owned(), json!(key));
        Ok(jwk)
    }

    /// Its public key in PEM.
    pub(super) fn pem(&self) -> anyhow::Result<String> {
        // What stands before the key in a `SubjectPublicKeyInfo` of its kind.
        let (before, key) = match self {
            Self::Secret(_) => anyhow::bail!("a secret has no public key"),
            Self::Rsa(_) => return Ok(RSA_PUBLIC.to_owned()),
            Self::P256(pair) => ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=", pair.public_key().as_ref()),
            Self::Ed25519(pair) => ("MCowBQYDK2VwAyEA", pair.public_key().as_ref()),
        };
        let der = [STANDARD.decode(before)?.as_slice(), key].concat();
        Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der)))
    }
}
