//! Here is the people's door: pages, sessions, their forms and the assets they load.
//!
//! A handler reads the request, calls one step of `overread-workflow` and renders; it knows no SQL and no rule.
//! What a person may not see is 404. Every page but the viewer works without script.

mod access_log;
mod api;
mod arrivals;
mod assets;
mod auth;
mod away;
mod cookies;
mod errors;
mod forms;
mod headers;
pub mod limits;
mod pages;
mod router;
mod shell;
mod state;
mod words;

pub use auth::TellsAsker;
pub use router::router;
pub use state::{WebConfig, WebRooms};
