//! What a C-MOVE opens to whom it goes to: nothing that the token of the destination's own entry does not.

use std::path::Path;
use std::process::Command;

use overread_dimse::{Caller, Callers, May, Remote};
use overread_model::access::Role;
use overread_model::ids::{CaseId, TokenId};
use overread_store::tokens::{self, NewToken};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, MR, Peer};
use overread_testkit::program::{Running, free_port, listening};
use tempfile::TempDir;

use crate::dcmtk::dcmtk;
use crate::house::{House, NOW, config};

const SR: &str = "1.2.840.10008.5.1.4.1.1.88.11";

/// A door for workstations that all listen at one port: for case A, for case B, for its reviewer, for the whole archive, and
/// one whose entry has no token.
struct Ward {
    house: House,
    token_of_b: TokenId,
    image: InstanceSpec,
    received: TempDir,
    _receiver: Running,
}

fn ward() -> Option<Ward> {
    let received = tempfile::tempdir().unwrap();
    let port = free_port();
    if !Path::new("/usr/bin/storescp").exists() {
        dcmtk_is_missing();
        return None;
    }
    let mut command = Command::new("/usr/bin/storescp");
    command.args(["-B", "+x=", "-od", received.path().to_str().unwrap()]);
    command.arg(port.to_string());
    let receiver = listening(&mut command, port);
    let [case_a, case_b] = [1, 2].map(|byte| CaseId::from_random([byte; 16]));
    let mut token_of_b = None;
    let house = House::prepared(config(), |config, token| {
        let caller = |title: &str, role: Option<(Role, Option<&CaseId>)>| Caller {
            may: May {
                store: true,
                find: true,
                retrieve: true,
            },
            token_id: role.map(|(role, case_id)| {
                token(&NewToken {
                    name: title,
                    role,
                    case_id,
                })
            }),
            listens: Some(Remote {
                ae_title: title.parse().unwrap(),
                host: "127.0.0.1".to_owned(),
                port,
                tls: false,
            }),
            ..Caller::storing(title.parse().unwrap(), Vec::new())
        };
        config.callers = Callers(vec![
            caller("WSA", Some((Role::ReferringPhysician, Some(&case_a)))),
            caller("WSB", Some((Role::ReferringPhysician, Some(&case_b)))),
            caller("DESK", Some((Role::Reviewer, Some(&case_a)))),
            caller("PACS", Some((Role::Archive, None))),
            caller("PLAIN", None),
        ]);
        token_of_b = config.callers.0[1].token_id.clone();
    });
    let image = filled(&house);
    house.link(&image.study_instance_uid, &case_a);
    house.link(&InstanceSpec::mr(2, 1, 1).study_instance_uid, &case_b);
    Some(Ward {
        house,
        token_of_b: token_of_b.unwrap(),
        image,
        received,
        _receiver: receiver,
    })
}

#[expect(clippy::print_stderr, reason = "a test that tried nothing says so")]
fn dcmtk_is_missing() {
    let missing = "storescp is not installed (package dcmtk)";
    assert!(
        std::env::var_os("OVERREAD_TEST_DCMTK").is_none(),
        "{missing}"
    );
    eprintln!("{missing}; NOTHING WAS TRIED with it");
}

/// Stores a study of case A with a report among its images, and one of case B; returns an image of the first.
fn filled(house: &House) -> InstanceSpec {
    let contexts = [(MR, vec![EXPLICIT]), (SR, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "PLAIN", &contexts).unwrap();
    let image = InstanceSpec::mr(1, 1, 1).of_exam("MR carcinoma left", "BREAST");
    assert_eq!(peer.store(&image), Some(0));
    let mut report = InstanceSpec::mr(1, 9, 1).with_modality("SR");
    report.sop_class_uid = SR.to_owned();
    let bytes = overread_testkit::peer::data_set(&report);
    assert_eq!(
        peer.store_over(SR, SR, &report.sop_instance_uid, &bytes),
        Some(0)
    );
    assert_eq!(peer.store(&InstanceSpec::mr(2, 1, 1)), Some(0));
    peer.release();
    image
}

impl Ward {
    /// Moves the study of case A, and returns what was said and what has come.
    fn moved(&self, by: &str, to: &str) -> (String, Vec<Vec<u8>>) {
        let study = format!("StudyInstanceUID={}", self.image.study_instance_uid);
        let keys = ["-d", "-S", "-aet", by, "-aem", to];
        let what = ["-k", "QueryRetrieveLevel=STUDY", "-k", &study];
        let (_, said) = dcmtk("movescu", &self.house, &[&keys[..], &what].concat()).unwrap();
        let files = std::fs::read_dir(self.received.path()).unwrap();
        let take = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            std::fs::remove_file(path).unwrap();
            bytes
        };
        (said, files.map(take).collect())
    }

    fn refused(&self, by: &str, to: &str) {
        let before = self.house.audit_rows();
        let (said, came) = self.moved(by, to);
        assert!(said.contains("MoveDestinationUnknown"), "{said}");
        assert!(said.contains("does not reach this study"), "{said}");
        assert!(came.is_empty(), "{said}");
        // Whoever looks at the page of peers reads why.
        self.house.seen(|peer| {
            let end = peer.ended.as_ref();
            peer.calling == by && end.is_some_and(|end| end.denied.contains("does not reach"))
        });
        // Nothing was sent, so nothing is written down as sent.
        assert_eq!(self.house.audit_rows(), before);
    }
}

#[test]
fn nothing_is_moved_to_a_machine_whose_own_token_does_not_reach_it() {
    let Some(ward) = ward() else { return };
    for by in ["WSA", "PACS"] {
        ward.refused(by, "WSB");
    }
    for to in ["WSA", "PACS", "PLAIN"] {
        let (said, came) = ward.moved("WSA", to);
        assert_eq!(came.len(), 2, "{to}: {said}");
    }
    // A token that reaches nothing any more reaches nothing here, too.
    ward.house.wait_for(async {
        let mut tx = ward.house.store().begin().await.unwrap();
        tokens::revoke(&mut tx, &ward.token_of_b, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
    ward.refused("PACS", "WSB");
    // Its own requests are refused, and the page says what to do.
    let (said, came) = ward.moved("WSB", "PLAIN");
    assert!(said.contains("is revoked") && came.is_empty(), "{said}");
    ward.house.seen(|peer| {
        let end = peer.ended.as_ref();
        let denied = end.map(|end| end.denied.as_str()).unwrap_or_default();
        peer.calling == "WSB" && denied.contains("make another one") && denied.contains("0124")
    });
}

#[test]
fn a_reviewer_is_moved_no_first_reading_by_a_machine_that_sees_it() {
    let Some(ward) = ward() else { return };
    let (said, came) = ward.moved("PACS", "DESK");
    assert_eq!(came.len(), 1, "the image alone: {said}");
    assert!(!came[0].windows(9).any(|part| part == b"carcinoma"));
    let uid = ward.image.sop_instance_uid.as_bytes();
    assert!(came[0].windows(uid.len()).any(|part| part == uid));
    // What was withheld did not arrive, and the count says so.
    let words: Vec<&str> = said.split_whitespace().collect();
    let failed = ["Failed", "Suboperations", ":", "1"];
    assert!(words.windows(4).any(|line| line == failed), "{said}");
}
