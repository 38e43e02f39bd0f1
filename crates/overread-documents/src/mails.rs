//! mails.
