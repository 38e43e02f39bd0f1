//! Here live the facts: all SQL, migrations, study index, cases, people, grants, audit.
//!
//! [`Store`] opens SQLite or PostgreSQL; [`Tx`] is one transaction on either. One SQL text serves both: a function
//! takes `&mut Tx` and asks by `Tx::rows` and `Tx::run`, or, where no batch and no quick question needs it, by the `on!` macro,
//! which expands its body once for each database.

#[macro_use]
mod tx;

pub mod access;
pub mod audit;
pub mod cases;
pub mod checks;
pub mod commitments;
pub mod concordances;
pub mod consents;
pub mod coverages;
mod db;
pub mod deletions;
pub mod deliveries;
pub mod documents;
pub mod erasure_requests;
pub mod erasures;
mod error;
pub mod fold;
pub mod grants;
pub mod held_papers;
pub mod invitations;
pub mod legal_holds;
pub mod letters;
pub mod limits;
pub mod links;
mod migrations;
pub mod nodes;
pub mod original_reports;
pub mod outbox;
pub mod packs;
pub mod peer_calls;
pub mod people;
pub mod proof;
mod quick;
pub mod quotas;
pub mod rebuilding;
pub mod refused_callers;
pub mod refused_files;
pub mod reports;
mod reserve;
pub mod retention;
pub mod review_tasks;
pub mod reviewers;
mod script;
pub mod scrubbing;
pub mod sessions;
pub mod shares;
pub mod studies;
pub mod timeline;
pub mod tokens;
pub mod transfer;
pub mod work_items;

pub use db::Store;
pub use error::{StoreError, StoreResult};
pub use reserve::Reserve;
pub use script::Script;
pub use tx::Tx;
