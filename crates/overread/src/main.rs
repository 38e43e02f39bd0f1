//! Here is the executable: command line, configuration and wiring.
fn main() {}
