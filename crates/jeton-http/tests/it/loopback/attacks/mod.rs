//! What was published against LoopBack, and what could be tried here: attempts, and the state after each.

mod bulk;
mod ids;
mod lifetimes;
mod outliving;
mod returning;
mod sight;
mod users;
