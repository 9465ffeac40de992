//! The keys that are derived from one root of the ring.
//!
//! A root key is never used on data. HKDF-SHA-256 (RFC 5869) expands it, with the name of the purpose as `info`, into independent
//! keys, so that knowing one of them reveals nothing about the others.

use super::seal::SealKey;
use hkdf::Hkdf;
use jeton_core::{Digest, DigestKey, MacKey};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What is kept of a root that is retired: the keys of its digests.
pub(super) type StepKeys = [[u8; 32]; 4];
/// What each of them is for, in order. They are the names of members of the ring's text, too.
pub(super) const STEP_PURPOSES: [&str; 4] = ["lookup", "operator", "client", "wrap"];

/// What a digest is of, which decides by which keys it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Of the secret of a token.
    Lookup,
    /// Of the token of an operator.
    Operator,
    /// Of a client secret.
    Client,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Purpose::Lookup => "lookup",
            Purpose::Operator => "operator",
            Purpose::Client => "client",
        }
    }
}

/// The keys of one root, or what is left of them once it is retired.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) id: u32,
    lookup: DigestKey,
    operator: DigestKey,
    client: DigestKey,
    wrap: DigestKey,
    /// `None`: it is retired.
    pub(super) root: Option<RootKeys>,
}

/// The keys of a root that is not retired.
#[derive(Clone)]
pub(super) struct RootKeys {
    pub(super) mac: MacKey,
    pub(super) seal: SealKey,
    check: DigestKey,
}

impl Link {
    /// The keys of a root.
    pub(super) fn derive(id: u32, root: &[u8; 32]) -> Self {
        let expand = |purpose: &str| expand(root, purpose);
        let root_keys = RootKeys {
            mac: MacKey::new(&expand("mac")),
            seal: SealKey::new(&expand("seal")),
            check: DigestKey::new(&expand("check")),
        };
        Link { root: Some(root_keys), ..Self::of_step(id, &step_of(root)) }
    }

    /// What is left of a root that is retired.
    pub(super) fn of_step(id: u32, step: &StepKeys) -> Self {
        let [lookup, operator, client, wrap] = step.each_ref().map(DigestKey::new);
        Link { id, lookup, operator, client, wrap, root: None }
    }

    /// The digest of a text that comes from outside.
    pub(super) fn digest(&self, purpose: Purpose, text: &str) -> Digest {
        match purpose {
            Purpose::Lookup => self.lookup.digest(text),
            Purpose::Operator => self.operator.digest(text),
            Purpose::Client => self.client.digest(text),
        }
    }

    /// The digest of a digest that the key before this one has made.
    pub(super) fn wrap(&self, purpose: Purpose, digest: &Digest) -> Digest {
        self.wrap.digest_of_digest(purpose.label(), digest)
    }

    /// The value by which a database recognises the root.
    pub(super) fn check_value(&self) -> Option<Vec<u8>> {
        let root = self.root.as_ref()?;
        Some(root.check.digest("jeton key check").as_bytes()[..16].to_vec())
    }

    /// The value by which a database recognises what is left of it.
    pub(super) fn step_check_value(&self) -> Vec<u8> {
        self.wrap.digest_of_digest("jeton step check", &Digest::ZERO).as_bytes()[..16].to_vec()
    }
}

/// What is kept of a root that is retired, as long as digests begin with it.
pub(super) fn step_of(root: &[u8; 32]) -> Zeroizing<StepKeys> {
    Zeroizing::new(STEP_PURPOSES.map(|purpose| *expand(root, purpose)))
}

fn expand(root: &[u8; 32], purpose: &str) -> Zeroizing<[u8; 32]> {
    let hkdf =
        Hkdf::<Sha256>::from_prk(root).unwrap_or_else(|_| unreachable!("a PRK of 32 bytes is long enough"));
    let mut key = Zeroizing::new([0; 32]);
    hkdf.expand(format!("jeton 1 {purpose}").as_bytes(), key.as_mut())
        .unwrap_or_else(|_| unreachable!("32 bytes are within what HKDF-SHA-256 yields"));
    key
}
