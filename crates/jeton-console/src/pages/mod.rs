//! The pages, each a struct with what it shows.

mod app;
mod apps;
mod confirm;
mod failure;
mod front;
mod operators;
mod sign_in;

pub use app::App;
pub use apps::{AppRow, Apps};
pub use confirm::Confirm;
pub use failure::{Failure, FailureKind};
pub use front::Front;
pub use operators::{OperatorRow, Operators};
pub use sign_in::{SignIn, SignInNote};
