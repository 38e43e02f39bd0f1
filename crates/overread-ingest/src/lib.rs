//! Here one Delivery (disc, ZIP, STOW) becomes stored Instances and a list of Problems.

mod zip;
