//! concordance.
