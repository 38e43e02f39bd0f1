//! Here live the cited clinical, legal and payer facts and their loader.
