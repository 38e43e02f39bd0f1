//! Associations over TLS, with certificates that OpenSSL makes for one test.

use std::path::{Path, PathBuf};
use std::process::Command;

use overread_dimse::{Identity, Incoming, Outgoing, Remote};
use tempfile::TempDir;

use crate::dcmtk::dcmtk_at;
use crate::house::House;

/// A CA, a certificate of ours and one of a client; `None` without OpenSSL.
struct Certificates(TempDir);

impl Certificates {
    #[expect(clippy::print_stderr, reason = "a test that tried nothing says so")]
    fn make() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command
                .args(arguments.split(' '))
                .current_dir(folder.path());
            command.output().is_ok_and(|ran| ran.status.success())
        };
        if !openssl("version") {
            assert!(std::env::var_os("OVERREAD_TEST_DCMTK").is_none());
            eprintln!("openssl is not installed; NOTHING WAS TRIED with TLS");
            return None;
        }
        let new = "req -newkey rsa:2048 -nodes -days 3650";
        assert!(openssl(&format!(
            "{new} -x509 -keyout ca.key -out ca.pem -subj /CN=ca"
        )));
        std::fs::write(
            folder.path().join("san"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        )
        .unwrap();
        for name in ["server", "client"] {
            let asked = format!("{new} -keyout {name}.key -out {name}.csr -subj /CN={name}");
            assert!(openssl(&asked));
            let signed = format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile san -out {name}.pem"
            );
            assert!(openssl(&signed));
        }
        Some(Self(folder))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn incoming(&self, client_ca: Option<&Path>) -> Incoming {
        let own = Identity {
            certificate: &self.file("server.pem"),
            key: &self.file("server.key"),
        };
        Incoming::read(own, client_ca).unwrap()
    }
}

#[test]
fn a_second_overread_is_asked_over_tls() {
    let Some(made) = Certificates::make() else {
        return;
    };
    let ca = made.file("ca.pem");
    let client = (made.file("client.pem"), made.file("client.key"));
    let client = Identity {
        certificate: &client.0,
        key: &client.1,
    };
    let trusting = Outgoing::read(&ca, None).unwrap();
    let known = Outgoing::read(&ca, Some(client)).unwrap();
    let check = |client_ca: Option<&Path>, outgoing: &Outgoing, host: &str, expect: bool| {
        let house = House::with_tls(made.incoming(client_ca));
        let remote = Remote {
            host: host.to_owned(),
            port: house.tls_port,
            tls: true,
            ..house.remote()
        };
        let asked = house.wait_for(house.scu_over("TESTPEER", outgoing.clone()).echo(&remote));
        assert_eq!(asked.is_ok(), expect, "{client_ca:?} {host}: {asked:?}");
        house
    };
    check(None, &trusting, "127.0.0.1", true);
    check(None, &trusting, "localhost", true);
    check(None, &Outgoing::default(), "127.0.0.1", false);
    let plain = House::with_tls(made.incoming(None));
    let unencrypted = Remote {
        port: plain.tls_port,
        ..plain.remote()
    };
    let asked = plain.wait_for(plain.scu("TESTPEER").echo(&unencrypted));
    assert!(asked.is_err());
    plain.seen(|peer| peer.refused.contains("spoke no TLS") && !peer.is_tls);
    let untrusted = check(
        None,
        &Outgoing::read(&made.file("client.pem"), None).unwrap(),
        "127.0.0.1",
        false,
    );
    untrusted.seen(|peer| peer.refused.contains("does not trust") && peer.is_tls);
    let anonymous = check(Some(&ca), &trusting, "127.0.0.1", false);
    anonymous.seen(|peer| peer.refused.contains("showed no certificate"));
    check(Some(&ca), &known, "127.0.0.1", true);
}

#[test]
fn echoscu_is_answered_over_tls() {
    let Some(made) = Certificates::make() else {
        return;
    };
    let house = House::with_tls(made.incoming(Some(&made.file("ca.pem"))));
    let (ca, key, certificate) = (
        made.file("ca.pem"),
        made.file("client.key"),
        made.file("client.pem"),
    );
    let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let arguments = [
        "+tls".to_owned(),
        path(&key),
        path(&certificate),
        "+cf".to_owned(),
        path(&ca),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((is_done, said)) = dcmtk_at("echoscu", house.tls_port, &arguments) else {
        return;
    };
    assert!(is_done, "{said}");
    // In the clear there, and anonymous.
    let (is_done, _) = dcmtk_at("echoscu", house.tls_port, &["-ta", "5", "-td", "5"]).unwrap();
    assert!(!is_done);
    let (is_done, _) = dcmtk_at("echoscu", house.tls_port, &["+tla", "+cf", arguments[4]]).unwrap();
    assert!(!is_done);
}

#[test]
fn files_of_no_use_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing.pem");
    std::fs::write(&nothing, "no certificate").unwrap();
    let own = Identity {
        certificate: &nothing,
        key: &nothing,
    };
    let said = Incoming::read(own, None).unwrap_err().to_string();
    assert!(said.ends_with("nothing.pem holds no certificate"), "{said}");
    let said = Outgoing::read(&folder.path().join("missing"), None).unwrap_err();
    assert!(said.to_string().contains("missing"), "{said}");
}
