//! The changes of tokens that histories make.

use super::{Token, scopes};
use crate::{ChildDraft, DelegatorAdmission, Edit, Service};
use jeton_core::{AllowedAddresses, Lifetime, Secret, Timestamp};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

/// The clients that ask.
pub(super) const CLIENTS: [Option<IpAddr>; 2] = [None, Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)))];
/// Blocks of addresses. The first has the client's.
const BLOCKS: [&str; 2] = ["192.0.2.0/24", "10.0.0.0/8"];

#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Disable,
    Enable,
    Narrow,
    Widen,
    Shorten,
    /// Binds it to a block of addresses.
    Bind(usize),
    /// Takes its bounds away.
    Unbind,
    /// Lets it begin later.
    PutOff,
}

pub(super) fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Disable),
        2 => Just(Change::Enable),
        2 => Just(Change::Narrow),
        1 => Just(Change::Widen),
        1 => Just(Change::Shorten),
        2 => (0..BLOCKS.len()).prop_map(Change::Bind),
        1 => Just(Change::Unbind),
        1 => Just(Change::PutOff),
    ]
}

/// A token made from the one with this secret, if it may make any.
pub(super) async fn delegate(service: &Service, parent: &str) -> Option<Token> {
    let (key, secret) = ("demo".parse().unwrap(), Secret::parse(parent).unwrap());
    let admitted = service.admit_delegator(Some(&key), Some(&secret), CLIENTS[1]).await.unwrap();
    let DelegatorAdmission::Admitted(delegator) = admitted else { return None };
    let lifetime = Some(Lifetime::Millis(2_000));
    let draft = ChildDraft { lifetime, ..ChildDraft::default() };
    // Another process may have changed it since this one has read the log.
    let made = service.delegate(&delegator, draft).await.ok()?.ok()?;
    Some(Token { id: made.token.id, secret: made.secret.expose().to_owned() })
}

impl Change {
    pub(super) fn edit(self, now: Timestamp) -> Edit {
        let mut edit = Edit::default();
        match self {
            Change::Disable => edit.enabled = Some(false),
            Change::Enable => edit.enabled = Some(true),
            Change::Narrow => edit.scopes = Some(scopes(&["s1"])),
            Change::Widen => edit.scopes = Some(scopes(&[])),
            Change::Shorten => edit.lifetime = Some(Lifetime::Millis(700)),
            Change::Bind(block) => {
                edit.allowed_addresses = Some(AllowedAddresses::parse([BLOCKS[block]]).unwrap());
            }
            Change::Unbind => {
                edit.allowed_addresses = Some(None);
                edit.not_before = Some(None);
            }
            Change::PutOff => edit.not_before = Some(Some(now.saturating_add_millis(600))),
        }
        edit
    }
}
