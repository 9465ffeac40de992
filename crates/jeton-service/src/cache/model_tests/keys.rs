//! Keys that take the place of others in the middle of a history.

use super::{Node, Without, World};
use crate::KeysError;
use jeton_core::Cause;
use proptest::prelude::*;

/// What becomes of keys. As with servers, both processes have a key before one of them writes with it.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyStep {
    /// Adds one, which writes from then on: in the other process only once that reads the ring again.
    Add,
    /// Reads the ring again.
    Take,
    /// Gives what older keys have made to the current one.
    Rekey,
    /// Retires whatever nothing needs.
    Retire,
}

pub(super) fn steps() -> impl Strategy<Value = KeyStep> {
    prop_oneof![
        2 => Just(KeyStep::Add),
        2 => Just(KeyStep::Take),
        3 => Just(KeyStep::Rekey),
        2 => Just(KeyStep::Retire),
    ]
}

impl World {
    pub(super) async fn change_keys(&mut self, elsewhere: bool, step: KeyStep) {
        let (node, other) = match elsewhere {
            true => (&self.elsewhere.service, &self.here.service),
            false => (&self.here.service, &self.elsewhere.service),
        };
        match step {
            KeyStep::Add => match node.add_key(&Cause::CLI).await {
                Ok(added) => {
                    other.take_keys().await.unwrap();
                    node.activate_key(added.key_id, &Cause::CLI).await.unwrap();
                }
                Err(KeysError::TooMany) => {}
                Err(error) => panic!("{error}"),
            },
            KeyStep::Take => node.take_keys().await.unwrap(),
            KeyStep::Rekey => drop(node.rekey().await.unwrap()),
            KeyStep::Retire => {
                node.take_keys().await.unwrap();
                other.take_keys().await.unwrap();
                let states = node.keys.load().states();
                for (id, _) in states.into_iter().filter(|(id, _)| *id != node.keys_in_use().0) {
                    match node.retire_key(id, &Cause::CLI).await {
                        Ok(_) | Err(KeysError::Needed { .. } | KeysError::Begun { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
        match &self.judge {
            Some(judge) => judge.service.take_keys().await.unwrap(),
            None => {
                self.judge = Some(Node::open(self.folder.path(), &self.clock, 4, Without::Nothing).await.0);
            }
        }
    }
}
