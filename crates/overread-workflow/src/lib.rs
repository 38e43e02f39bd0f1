//! Here live the steps of the journey, one function a step.
//!
//! A step checks the grant, loads, decides (pure, in `overread-model`), saves and audits in one transaction.
//! What the actor may not see is [`StepError::NotFound`]. `now` is always an argument.

pub mod asking;
pub mod auditing;
pub mod callers;
pub mod cases;
mod casework;
pub mod checking;
pub mod choosing;
pub mod comparing;
pub mod consenting;
pub mod context;
pub mod covering;
pub mod delivering;
pub mod error;
mod exams;
mod facts;
pub mod filing;
pub mod following;
pub mod inviting;
pub mod jobs;
pub mod keeping;
mod known_browsers;
pub mod letters;
pub mod limits;
pub mod mailing;
mod news;
mod papers;
mod passwords;
pub mod people;
mod printing;
pub mod reading;
pub mod records;
pub mod reporting;
pub mod reviewers;
pub mod secrets;
mod senders;
pub mod sessions;
pub mod setup;
pub mod signing_in;
mod throttling;
pub mod treating;

pub use context::{MailConfig, PasswordCost, SmtpConfig, Workflow, WorkflowConfig};
pub use error::{FieldProblem, StepError, StepResult};
