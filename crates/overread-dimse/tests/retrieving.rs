//! C-FIND, C-GET and C-MOVE as DCMTK asks for them.

use std::path::Path;
use std::process::Command;

use overread_model::access::Role;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, IMPLICIT, MR, Peer, VERIFICATION};
use overread_testkit::program::{Running, free_port, listening};
use tempfile::TempDir;

use crate::dcmtk::dcmtk;
use crate::house::House;

const READER: &[&str] = &["-aet", "READER"];

/// Runs a program of DCMTK as `READER`, or goes on without it.
fn ask(program: &str, house: &House, arguments: &[&str]) -> Option<(bool, String)> {
    dcmtk(program, house, &[READER, arguments].concat())
}

/// Stores two studies of one patient and one of another.
pub(crate) fn filled(house: &House) -> Vec<InstanceSpec> {
    let contexts = [(VERIFICATION, vec![IMPLICIT]), (MR, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "READER", &contexts).unwrap();
    let mut specs = Vec::new();
    for (study, name, id) in [
        (1, "Núñez^Ana", "P1"),
        (2, "Núñez^Ana", "P1"),
        (3, "Smith^John", "P2"),
    ] {
        for (series, instance) in [(1, 1), (1, 2), (2, 1)] {
            let spec = InstanceSpec::mr(study, series, instance).of_person(name, "19700101", id);
            assert_eq!(peer.store(&spec), Some(0));
            specs.push(spec);
        }
    }
    peer.release();
    specs
}

/// Asks with findscu and compares how many answers come, and what stands in them.
fn find(house: &House, keys: &[&str], expect: usize, holds: &[&str]) {
    let mut arguments = vec![keys[0]];
    for key in &keys[1..] {
        arguments.extend(["-k", key]);
    }
    let Some((is_done, said)) = ask("findscu", house, &arguments) else {
        return;
    };
    assert!(is_done, "{keys:?}: {said}");
    let answers = said.matches("(Pending)").count();
    assert_eq!(answers, expect, "{keys:?}: {said}");
    for part in holds {
        assert!(said.contains(part), "{keys:?} {part}: {said}");
    }
}

#[test]
fn studies_are_found() {
    let house = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&house);
    const STUDY: &str = "QueryRetrieveLevel=STUDY";
    let check = |keys: &[&str], expect: usize, holds: &[&str]| {
        find(&house, &[&["-S", STUDY], keys].concat(), expect, holds);
    };
    check(&["StudyInstanceUID"], 3, &[]);
    check(
        &[
            "PatientName=nunez*",
            "PatientID",
            "NumberOfStudyRelatedInstances",
        ],
        2,
        &["ISO_IR 192", "P1", "[3"],
    );
    check(&["PatientID=P?", "StudyDate=19000101-"], 3, &[]);
    check(&["PatientID=P3"], 0, &[]);
    check(&["PatientSex=F"], 3, &[]);
    check(&["PatientSex=M"], 0, &[]);
    let (first, last) = (&specs[0].study_instance_uid, &specs[6].study_instance_uid);
    check(&[&format!("StudyInstanceUID={first}\\{last}")], 2, &[]);
}

#[test]
fn patients_are_found() {
    let house = House::for_reader(Role::Archive, None, 1);
    filled(&house);
    let check = |level: &str, keys: &[&str], expect: usize, holds: &[&str]| {
        let level = format!("QueryRetrieveLevel={level}");
        find(&house, &[&["-P", &level], keys].concat(), expect, holds);
    };
    check("PATIENT", &["PatientID", "PatientName"], 2, &[]);
    let counted = ["PatientID=P1", "NumberOfPatientRelatedStudies"];
    check("PATIENT", &counted, 1, &["[2"]);
    check("STUDY", &["PatientID=P1", "StudyInstanceUID"], 2, &[]);
}

#[test]
fn series_and_images_are_found() {
    let house = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&house);
    let study = format!("StudyInstanceUID={}", specs[0].study_instance_uid);
    let series = format!("SeriesInstanceUID={}", specs[0].series_instance_uid);
    let check = |level: &str, keys: &[&str], expect: usize, holds: &[&str]| {
        let level = format!("QueryRetrieveLevel={level}");
        find(
            &house,
            &[&["-S", &level, &study], keys].concat(),
            expect,
            holds,
        );
    };
    check("SERIES", &["SeriesInstanceUID", "Modality=MR"], 2, &[]);
    check("SERIES", &["Modality=CT"], 0, &[]);
    check(
        "IMAGE",
        &[
            &series,
            "SOPInstanceUID",
            "InstanceNumber",
            "ImageOrientationPatient",
        ],
        2,
        &["SOPInstanceUID"],
    );
}

#[test]
fn what_is_no_query_is_refused() {
    let house = House::for_reader(Role::Archive, None, 1);
    filled(&house);
    for keys in [
        ["QueryRetrieveLevel=SERIES", "SeriesInstanceUID"],
        ["QueryRetrieveLevel=PATIENT", "PatientID"],
        ["QueryRetrieveLevel=STUDY", "StudyDate=yesterday"],
        ["QueryRetrieveLevel=EXAM", "StudyDate"],
    ] {
        let arguments = ["-S", "-k", keys[0], "-k", keys[1]];
        let Some((_, said)) = ask("findscu", &house, &arguments) else {
            return;
        };
        assert!(said.contains("DoesNotMatchSOPClass"), "{keys:?}: {said}");
    }
}

#[test]
fn a_query_is_cancelled() {
    let house = House::for_reader(Role::Archive, None, 1);
    filled(&house);
    let keys = [
        "-S",
        "--cancel",
        "1",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        "StudyInstanceUID",
    ];
    let Some((_, said)) = ask("findscu", &house, &keys) else {
        return;
    };
    // It may come behind the last answer; then nothing is left to cancel.
    assert!(
        said.contains("Cancel") || said.contains("Success"),
        "{said}"
    );
}

/// Counts the files that stand in a folder and are an instance byte for byte behind the meta group.
fn whole_files(folder: &TempDir, specs: &[InstanceSpec]) -> usize {
    let files = std::fs::read_dir(folder.path()).unwrap();
    let bytes: Vec<Vec<u8>> = files
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let is_there = |spec: &&InstanceSpec| {
        let data = overread_testkit::peer::data_set(spec);
        bytes.iter().any(|file| file.ends_with(&data))
    };
    specs.iter().filter(is_there).count()
}

#[test]
fn instances_are_fetched_on_the_same_association() {
    let house = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&house);
    let check = |keys: &[String], expect: usize| {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = vec!["-S", "+B", "-od", folder.path().to_str().unwrap()];
        for key in keys {
            arguments.extend(["-k", key]);
        }
        let Some((is_done, said)) = ask("getscu", &house, &arguments) else {
            return;
        };
        assert!(is_done, "{keys:?}: {said}");
        assert_eq!(whole_files(&folder, &specs), expect, "{keys:?}: {said}");
    };
    let level = |level: &str| format!("QueryRetrieveLevel={level}");
    let study = format!("StudyInstanceUID={}", specs[0].study_instance_uid);
    let series = format!("SeriesInstanceUID={}", specs[0].series_instance_uid);
    let instance = format!("SOPInstanceUID={}", specs[1].sop_instance_uid);
    check(&[level("STUDY"), study.clone()], 3);
    check(&[level("SERIES"), study.clone(), series.clone()], 2);
    check(&[level("IMAGE"), study, series, instance], 1);
    check(&[level("STUDY"), "StudyInstanceUID=1.2.3".to_owned()], 0);
}

/// Starts DCMTK's storage provider; it listens when this returns.
fn receiver(folder: &TempDir, port: u16, options: &[&str]) -> Option<Running> {
    let program = Path::new("/usr/bin/storescp");
    if !program.exists() {
        return None;
    }
    let mut command = Command::new(program);
    command.args(["-aet", "STORESCP", "-od", folder.path().to_str().unwrap()]);
    command.args(options).arg(port.to_string());
    Some(listening(&mut command, port))
}

#[test]
fn instances_are_moved_to_a_known_peer_in_what_it_takes() {
    let port = free_port();
    let house = House::for_reader(Role::Archive, None, port);
    let specs = filled(&house);
    for (option, expect) in [("+x=", 3), ("+xi", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let Some(_receiver) = receiver(&folder, port, &["-B", option]) else {
            return;
        };
        let study = format!("StudyInstanceUID={}", specs[0].study_instance_uid);
        let keys = [
            "-S",
            "-aem",
            "STORESCP",
            "-k",
            "QueryRetrieveLevel=STUDY",
            "-k",
            &study,
        ];
        let (is_done, said) = ask("movescu", &house, &keys).unwrap();
        assert!(is_done && said.contains("(Success)"), "{said}");
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 3, "{option}: {said}");
        assert_eq!(whole_files(&folder, &specs), expect, "{option}");
    }
}

#[test]
fn a_damaged_image_is_a_failed_suboperation_and_not_a_byte_of_it_goes_out() {
    let port = free_port();
    let house = House::for_reader(Role::Archive, None, port);
    let specs = filled(&house);
    house.shun(&specs[1]);
    let study = format!("StudyInstanceUID={}", specs[0].study_instance_uid);
    let keys = ["-d", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", &study];
    let check = |folder: &TempDir, said: &str| {
        assert_eq!(whole_files(folder, &specs), 2, "{said}");
        let uid = specs[1].sop_instance_uid.as_bytes();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(uid.len()).any(|part| part == uid));
        }
        let words: Vec<&str> = said.split_whitespace().collect();
        let counted = |what: &str, count: &str| {
            let told = words
                .windows(4)
                .any(|line| line == [what, "Suboperations", ":", count]);
            assert!(told, "{what} {count}: {said}");
        };
        counted("Failed", "1");
        counted("Completed", "2");
    };
    let folder = tempfile::tempdir().unwrap();
    let to = ["+B", "-od", folder.path().to_str().unwrap()];
    let Some((_, said)) = ask("getscu", &house, &[&keys[..], &to[..]].concat()) else {
        return;
    };
    check(&folder, &said);
    let folder = tempfile::tempdir().unwrap();
    let Some(_receiver) = receiver(&folder, port, &["-B", "+x="]) else {
        return;
    };
    let to = ["-aem", "STORESCP"];
    let (_, said) = ask("movescu", &house, &[&keys[..], &to[..]].concat()).unwrap();
    check(&folder, &said);
}

#[test]
fn a_move_that_cannot_be_done_says_why() {
    let house = House::for_reader(Role::Archive, None, free_port());
    let specs = filled(&house);
    let study = format!("StudyInstanceUID={}", specs[0].study_instance_uid);
    for (to, expect) in [("NOBODY", "MoveDestinationUnknown"), ("STORESCP", "0xa702")] {
        let keys = [
            "-d",
            "-S",
            "-aem",
            to,
            "-k",
            "QueryRetrieveLevel=STUDY",
            "-k",
            &study,
        ];
        let Some((_, said)) = ask("movescu", &house, &keys) else {
            return;
        };
        let said = said.to_lowercase();
        assert!(said.contains(&expect.to_lowercase()), "{to}: {said}");
    }
}

#[test]
fn nobody_without_a_token_and_no_wrong_role_reads() {
    let find = [
        "-S",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        "StudyInstanceUID",
    ];
    let house = House::for_reader(Role::Archive, None, 1);
    filled(&house);
    let tokenless = [&["-aet", "TOKENLESS"], &find[..]].concat();
    let Some((_, said)) = dcmtk("findscu", &house, &tokenless) else {
        return;
    };
    assert!(
        !said.contains("(Pending)") && said.contains("0x124"),
        "{said}"
    );
    let stranger = [&["-aet", "STRANGER"], &find[..]].concat();
    let (is_done, said) = dcmtk("findscu", &house, &stranger).unwrap();
    assert!(!is_done && said.contains("Rejected"), "{said}");
    // Roles without a case, or of another case, reach nothing.
    let other = overread_model::ids::CaseId::from_random([7; 16]);
    for (role, case_id) in [
        (Role::Insurer, None),
        (Role::Patient, None),
        (Role::Reviewer, Some(&other)),
    ] {
        let house = House::for_reader(role, case_id, 1);
        let plain = [(VERIFICATION, vec![IMPLICIT]), (MR, vec![EXPLICIT])];
        let mut peer = Peer::with(house.address, "TOKENLESS", &plain).unwrap();
        assert_eq!(peer.store(&InstanceSpec::mr(1, 1, 1)), Some(0));
        peer.release();
        let (is_done, said) = ask("findscu", &house, &find).unwrap();
        assert!(is_done && !said.contains("(Pending)"), "{role}: {said}");
    }
}

#[test]
fn a_reviewer_finds_and_fetches_the_case_without_the_first_reading() {
    let case_id = overread_model::ids::CaseId::from_random([9; 16]);
    let house = House::for_reader(Role::Reviewer, Some(&case_id), 1);
    let sr = "1.2.840.10008.5.1.4.1.1.88.11";
    let contexts = [(MR, vec![EXPLICIT]), (sr, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "READER", &contexts).unwrap();
    let image = InstanceSpec::mr(1, 1, 1).of_exam("MR carcinoma left", "BREAST");
    assert_eq!(peer.store(&image), Some(0));
    let mut report = InstanceSpec::mr(1, 9, 1).with_modality("SR");
    report.sop_class_uid = sr.to_owned();
    let bytes = overread_testkit::peer::data_set(&report);
    let context = 3;
    let command = overread_testkit::peer::request(1, sr, &report.sop_instance_uid);
    peer.command(context, command).unwrap();
    let mut writer = peer.association.send_pdata(context);
    std::io::Write::write_all(&mut writer, &bytes).unwrap();
    writer.finish().unwrap();
    assert_eq!(peer.status(), Some(0));
    peer.release();
    let tokenless = [(MR, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "TOKENLESS", &tokenless).unwrap();
    assert_eq!(peer.store(&InstanceSpec::mr(2, 1, 1)), Some(0));
    peer.release();

    house.link(&image.study_instance_uid, &case_id);
    let find = |keys: &[&str]| {
        let mut arguments = vec!["-S", "-k", "QueryRetrieveLevel=STUDY"];
        for key in keys {
            arguments.extend(["-k", key]);
        }
        ask("findscu", &house, &arguments)
    };
    let keys = ["StudyInstanceUID", "StudyDescription", "ModalitiesInStudy"];
    let Some((_, said)) = find(&keys) else { return };
    assert_eq!(
        said.matches("(Pending)").count(),
        1,
        "the case alone: {said}"
    );
    assert!(said.contains("[MR]") && !said.contains("SR]"), "{said}");
    assert!(!said.contains("carcinoma"), "{said}");
    let (_, said) = find(&["StudyDescription=MR c*"]).unwrap();
    assert!(!said.contains("(Pending)"), "letter by letter: {said}");

    let folder = tempfile::tempdir().unwrap();
    let study = format!("StudyInstanceUID={}", image.study_instance_uid);
    let keys = ["-S", "+B", "-od", folder.path().to_str().unwrap()];
    let keys = [&keys[..], &["-k", "QueryRetrieveLevel=STUDY", "-k", &study]].concat();
    let (is_done, said) = ask("getscu", &house, &keys).unwrap();
    assert!(is_done, "{said}");
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "the image alone: {said}");
    let bytes = std::fs::read(files[0].as_ref().unwrap().path()).unwrap();
    assert!(!bytes.windows(9).any(|part| part == b"carcinoma"));
    let uid = image.sop_instance_uid.as_bytes();
    assert!(bytes.windows(uid.len()).any(|part| part == uid));
}
