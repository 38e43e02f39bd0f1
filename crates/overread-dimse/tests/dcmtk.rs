//! DCMTK's own peers. Without them `cargo test` says so and goes on; `cargo xtask test` installs them and goes on only
//! with them.

use std::path::Path;

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::program::bounded;

use crate::house::House;

/// Runs a program of DCMTK and returns what it said; `None` when it is not there.
pub(crate) fn dcmtk(program: &str, house: &House, arguments: &[&str]) -> Option<(bool, String)> {
    dcmtk_at(program, house.address.port(), arguments)
}

/// As [`dcmtk`], at another port.
#[expect(clippy::print_stderr, reason = "a test that tried nothing says so")]
pub(crate) fn dcmtk_at(program: &str, port: u16, arguments: &[&str]) -> Option<(bool, String)> {
    // Only Debian's: tools of the same names and other options may stand before it in the path.
    let found = Path::new("/usr/bin").join(program);
    if !found.exists() {
        let missing = format!("{} is not installed (package dcmtk)", found.display());
        assert!(
            std::env::var_os("OVERREAD_TEST_DCMTK").is_none(),
            "{missing}"
        );
        eprintln!("{missing}; NOTHING WAS TRIED with it");
        return None;
    }
    let port = port.to_string();
    let peer = ["-v", "-aec", "OVERREAD", "127.0.0.1", &port];
    let ran = bounded(&found).args(peer).args(arguments).output().unwrap();
    assert_ne!(
        ran.status.code(),
        Some(124),
        "{program} {arguments:?} does not end: {}",
        String::from_utf8_lossy(&ran.stdout)
    );
    let said = [ran.stdout, ran.stderr].concat();
    Some((
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[test]
fn echoscu_is_answered() {
    let house = House::new();
    if let Some((is_done, said)) = dcmtk("echoscu", &house, &[]) {
        assert!(is_done, "{said}");
    }
}

#[test]
fn storescu_stores_and_is_told_of_a_broken_file() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    for instance in 1..=5 {
        let name = folder.path().join(format!("{instance}.dcm"));
        std::fs::write(name, InstanceSpec::mr(1, 1, instance).part10().unwrap()).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    for _ in 0..2 {
        let Some((is_done, said)) = dcmtk("storescu", &house, &["+sd", path]) else {
            return;
        };
        assert!(is_done, "{said}");
        assert_eq!(
            said.matches("Received Store Response (Success)").count(),
            5,
            "{said}"
        );
    }
    assert_eq!(house.instance_count(), 5);
    let mut changed = InstanceSpec::mr(1, 1, 3);
    changed.pixels[3] = 77;
    let file = folder.path().join("changed");
    std::fs::write(&file, changed.part10().unwrap()).unwrap();
    let (_, said) = dcmtk("storescu", &house, &[file.to_str().unwrap()]).unwrap();
    assert!(!said.contains("(Success)"), "{said}");
}
