//! Writes of servers about themselves. They leave no entry in the change log, since they change no rights.

use super::{Facts, Perform, Work};
use crate::error::StoreError;
use crate::nodes::{ForgetNode, NoteNode};
use crate::session::Session;
use crate::statements::nodes;
use crate::write::Touched;

impl Facts for NoteNode {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for NoteNode {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<(), StoreError> {
        let NoteNode { node, forget_before } = self;
        work.session.run(nodes::note_node(node)).await?;
        work.session.run(nodes::forget_other_nodes(node.id, *forget_before)).await.map(drop)
    }
}

impl Facts for ForgetNode {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for ForgetNode {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        Ok(work.session.run(nodes::forget_node(self.id)).await? > 0)
    }
}
