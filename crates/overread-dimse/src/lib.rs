//! Here is the DICOM network door: C-ECHO, C-STORE, C-FIND, C-GET, C-MOVE, modality worklist and storage commitment, and
//! calling other doors.
//!
//! A peer opens an association, its presentation contexts are accepted or refused, and then its messages are answered
//! one after the other. A C-STORE is answered with success only when the instance is durable. A query or retrieval is
//! answered within the reach of the token that the list of callers names for its caller. What a peer sends is bounded
//! before memory is taken for it, and what breaks the protocol ends the association, never the program.

mod ae_title;
mod asker;
mod association;
mod callers;
mod calling;
mod command;
mod committing;
mod finding;
mod found;
mod instance;
mod intake;
pub mod limits;
mod link;
mod negotiation;
mod query;
mod remote;
mod requestor;
mod retrieving;
mod scu;
mod server;
mod service;
mod storing;
mod stream;
mod tls;
mod wire;
mod worklist;

pub use ae_title::{AeTitle, NotAnAeTitle};
pub use callers::{Caller, Callers, Contradiction, May};
pub use overread_network::AddressRange;
pub use remote::{Outgoing, Remote};
pub use scu::{Answer, Committed, Fetched, FindLevel, Scu, ScuError, Sent};
pub use server::{Door, DoorConfig, Rooms};
pub use tls::{Identity, Incoming, TlsError};
