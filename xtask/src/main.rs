//! Our scripts: demo, test, tidy, bench.
fn main() {}
