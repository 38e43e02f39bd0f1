//! What the operating system says, in words for whoever set a machine up.

use std::io::{Error, ErrorKind};

/// Says why something could not be opened, reached or listened at, and what to do. What the system said follows in brackets.
pub fn in_words(error: &Error) -> String {
    let said = error.to_string();
    // The name server has no kind of its own.
    let words = match said.starts_with("failed to lookup address") {
        true => {
            Some("no machine of this name is known: check how it is written, and the name server")
        }
        false => words(error.kind()),
    };
    let Some(words) = words else {
        return said;
    };
    // One pair of brackets is enough: `Connection refused, os error 111`.
    let bare = said.replace(" (os error ", ", os error ");
    let bare = match error.raw_os_error() {
        Some(_) => bare.trim_end_matches(')'),
        None => &bare,
    };
    format!("{words} ({bare})")
}

fn words(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::AddrInUse => {
            "another program listens there already, or this one does twice: stop that one, or choose another port"
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: 127.0.0.1 listens to this machine alone, 0.0.0.0 at all of its addresses"
        }
        ErrorKind::ConnectionRefused => {
            "nothing listens there: check the address and the port, and that the other program runs"
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the other side hung up in the middle: try again, and look at its log"
        }
        ErrorKind::TimedOut => {
            "nobody answered in time: check the address, and whether a firewall stands in between"
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "no way leads there: check the address, and the network of this machine"
        }
        ErrorKind::PermissionDenied => {
            "this account may not: look at owner and rights (ports below 1024 need a right of their own)"
        }
        ErrorKind::NotFound => "it is not there: check how it is written",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disc is full: make room, then try again"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the disc can only be read: mount it so that this account may write"
        }
        ErrorKind::NotADirectory => "a part of the path is no folder: check how it is written",
        ErrorKind::IsADirectory => "it is a folder, and a file is expected",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::in_words;

    #[test]
    fn what_the_system_says_comes_last_and_in_brackets() {
        for (number, words) in [
            (111, "nothing listens there"),
            (98, "another program listens there"),
            (13, "this account may not"),
            (28, "the disc is full"),
        ] {
            let told = in_words(&Error::from_raw_os_error(number));
            assert!(told.starts_with(words), "{told}");
            assert!(told.ends_with(&format!(", os error {number})")), "{told}");
        }
        assert_eq!(
            in_words(&Error::other("a name is unknown")),
            "a name is unknown"
        );
    }
}
