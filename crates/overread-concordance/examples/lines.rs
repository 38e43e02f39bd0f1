//! Reads lines of JSON on standard input and answers them: `lines compare` or `lines statements`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example for the terminal"
)]

use std::io::BufRead;

fn main() {
    let statements = std::env::args().nth(1).is_some_and(|a| a == "statements");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let answer = if statements {
            overread_concordance::jsonl::statements_line(&line)
        } else {
            overread_concordance::jsonl::compare_line(&line)
        };
        match answer {
            Ok(answer) => println!("{answer}"),
            Err(error) => eprintln!("{error}"),
        }
    }
}
