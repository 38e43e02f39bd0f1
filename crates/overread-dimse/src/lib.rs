//! Here is the DICOM network door: C-ECHO and C-STORE.
//!
//! A peer opens an association, its presentation contexts are accepted or refused, and then its messages are answered
//! one after the other. A C-STORE is answered with success only when the instance is durable. What a peer sends is
//! bounded before memory is taken for it, and what breaks the protocol ends the association, never the program.

mod ae_title;
mod association;
mod callers;
mod command;
pub mod limits;
mod negotiation;
mod server;
mod storing;
mod wire;

pub use ae_title::{AeTitle, NotAnAeTitle};
pub use callers::{Caller, Callers};
pub use server::{Door, DoorConfig};
