//! A filled facts file for every kind of letter, to copy from.

macro_rules! samples {
    ($($kind:literal),* $(,)?) => {
        /// Returns the documented facts file of a kind, in TOML. Its people are invented.
        pub fn sample(kind: &str) -> Option<&'static str> {
            match kind {
                $($kind => Some(include_str!(concat!("../../templates/letters/", $kind, "/sample.toml"))),)*
                _ => None,
            }
        }
    };
}

samples!(
    "second_opinion_request",
    "records_request_access",
    "provider_records_request",
    "records_reminder",
    "hipaa_authorization",
    "referral_request",
    "insurer_coverage_inquiry",
    "prior_authorization_request",
    "network_gap_exception",
    "appeal",
    "followup_treating_physician",
    "third_opinion_request",
    "gfe_request",
    "thank_you",
);
