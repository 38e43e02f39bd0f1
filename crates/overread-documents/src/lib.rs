//! Here letters, reports and mails are rendered from their templates: pure, no I/O.
