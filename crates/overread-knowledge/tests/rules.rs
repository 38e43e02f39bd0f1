use overread_model::completeness::{
    CheckResult, DocumentKind, MediumFacts, NotKept, PersonIdentity, Severity, report_hints,
};
use overread_model::hidden::Hidden;
use overread_model::imaging::InstanceFacts;
use overread_model::letter::Requester;
use overread_model::problem::ProblemKind;
use overread_model::refusal::{RefusalReason, RefusedSort};

use crate::exam::{AXIAL, CT, SAGITTAL, SECONDARY_CAPTURE, Setup, good, instance, person, problem};

fn spoilt(spoil: impl FnOnce(&mut Setup)) -> CheckResult {
    let mut setup = good();
    spoil(&mut setup);
    setup.check()
}

/// Checks that exactly these rules fire, written with their weight: `F01!` blocks, `S01?` warns, `D05` informs.
fn check(expect: &[&str], spoil: impl FnOnce(&mut Setup)) {
    let result = spoilt(spoil);
    let mut fired: Vec<String> = result
        .findings
        .iter()
        .map(|finding| {
            let mark = match finding.severity {
                Severity::Blocker => "!",
                Severity::Warning => "?",
                Severity::Info => "",
            };
            format!("{}{mark}", finding.rule)
        })
        .collect();
    fired.sort();
    fired.dedup();
    assert_eq!(fired, expect, "{:#?}", result.findings);
    assert_eq!(result.ready, !fired.iter().any(|rule| rule.ends_with('!')));
}

fn ct(i: &mut InstanceFacts) {
    i.series.modality = "CT".to_owned();
    i.sop_class_uid = CT.parse().unwrap();
    i.study.study_description = Some("CT CHEST".to_owned());
    i.series.body_part_examined = Some("CHEST".to_owned());
    if let Some(geometry) = &mut i.geometry {
        geometry.slice_thickness_mm = Some(1.0);
    }
}

fn knee(i: &mut InstanceFacts) {
    i.study.study_description = Some("MRI KNEE RIGHT".to_owned());
    i.series.body_part_examined = Some("KNEE".to_owned());
}

#[test]
fn a_good_exam_has_nothing_to_find() {
    check(&[], |_| {});
    let result = good().check();
    assert_eq!(result.summary(), "Everything the reviewer needs is here.");
    assert_eq!(
        (
            result.patients.len(),
            result.studies.len(),
            result.missing.len()
        ),
        (1, 2, 0)
    );
    assert_eq!(result.identity_score, Some(1.0));
    assert_eq!(result.studies[0].date, "20260302");
    assert_eq!(result.studies[0].regions, ["spine"]);
    let series = &result.studies[0].series[1];
    assert_eq!(
        (series.instances, series.stacks.len(), series.localizer),
        (15, 1, false)
    );
    assert!(result.studies[0].series[0].localizer);
}

#[test]
fn f_rules() {
    let papers_only = |s: &mut Setup| {
        s.instances.clear();
        s.medium.picture_count = 3;
    };
    check(&["F01!"], papers_only);
    check(&["D01!", "D05", "D06", "F02!"], |s| {
        s.instances.clear();
        s.documents.clear();
    });
    check(&["F03?"], |s| s.medium.no_header_count = 4);
    check(&["F04?"], |s| {
        s.problems = vec![problem(ProblemKind::MissingFromMedia); 3]
    });
    check(&["F05"], |s| s.medium.has_dicomdir = Some(false));
    check(&[], |s| s.medium.has_dicomdir = None);
    check(&["F06!"], |s| {
        s.problems = vec![problem(ProblemKind::Truncated)]
    });
    check(&["F11!"], |s| {
        s.problems = vec![problem(ProblemKind::IncompleteArchive)]
    });
    check(&["F10!"], |s| {
        s.problems = vec![problem(ProblemKind::Encrypted)]
    });
    let locked = spoilt(|s| {
        s.instances.clear();
        s.documents.clear();
        s.problems = vec![problem(ProblemKind::Encrypted)];
    });
    assert!(locked.findings.iter().all(|finding| finding.rule != "F02"));
    check(&["F06!"], |s| {
        s.series(3, |i| i.quality.pixel_data_short = true)
    });
    check(&["F12?"], |s| {
        s.medium.outside_study_count = 1;
    });
    check(&["D01!", "D05", "D06", "F12!"], |s| {
        s.instances.clear();
        s.documents.clear();
        s.medium.outside_study_count = 1;
    });
    // What is held back is there: it is neither missing nor asked for.
    check(&["F13!"], |s| {
        s.instances.clear();
        s.medium.held_study_count = 1;
    });
    check(&[], |s| s.medium.held_study_count = 1);
    check(&["D01!", "D05", "D06", "F01!"], |s| {
        s.instances.clear();
        s.documents.clear();
        s.medium.held_paper_count = 1;
    });
    check(&["F07?"], |s| {
        s.problems = vec![problem(ProblemKind::Conflict)]
    });
    check(&["F08"], |s| s.medium.duplicate_count = 2);
    check(&["F09"], |s| s.medium.program_count = 5);
    check(&[], |s| s.problems = vec![problem(ProblemKind::NotDicom)]);
}

#[test]
fn what_was_refused_is_told_with_how_many_when_and_why() {
    let not_kept = |reason| NotKept {
        sort: RefusedSort::Instance,
        reason,
        count: 12,
        from: "2026-03-02".parse().unwrap(),
        until: "2026-03-04".parse().unwrap(),
    };
    check(&["F14!"], |s| {
        s.not_kept = vec![not_kept(RefusalReason::NoRoom)]
    });
    check(&["F14?"], |s| {
        s.not_kept = vec![not_kept(RefusalReason::Unusable)]
    });
    // What was not read may have been anything.
    let unread = || NotKept {
        sort: RefusedSort::Request,
        ..not_kept(RefusalReason::Unusable)
    };
    check(&["F14!"], |s| s.not_kept = vec![unread()]);
    check(&["F14!", "F14?"], |s| {
        s.not_kept = vec![not_kept(RefusalReason::Unusable), unread()]
    });
    let told = spoilt(|s| s.not_kept = vec![not_kept(RefusalReason::NoRoom)]);
    let told = told.findings.iter().find(|finding| finding.rule == "F14");
    let words = "12 images, sent from March 2, 2026 to March 4, 2026: this case held as much as it may; send them again after";
    let message = &told.unwrap().message;
    assert!(message.contains(words), "{message}");
}

fn somebody_else(i: &mut InstanceFacts) {
    i.study.patient_name = Some(Hidden("Lopez^Luis".to_owned()));
    i.study.patient_birth_date = Some(Hidden("19551111".to_owned()));
    i.study.patient_sex = Some("M".to_owned());
}

/// Who says that the name was taken out, and still gives another, is another.
#[test]
fn a_name_that_was_said_to_be_taken_out_still_counts() {
    check(&["P01!", "P02!", "P04?", "P07?"], |s| {
        s.newer(|i| {
            somebody_else(i);
            i.quality.patient_identity_removed = Some("YES".to_owned());
        });
    });
    let result = spoilt(|s| {
        s.newer(|i| i.quality.patient_identity_removed = Some("YES".to_owned()));
    });
    let message = &result.findings[0].message;
    assert!(message.contains("still stands in them"), "{message}");
}

/// The request says no sex, and every exam fits it by itself: only beside each other they show that one is somebody else's.
#[test]
fn exams_that_contradict_each_other_are_told() {
    let man = |sex: &'static str| {
        move |s: &mut Setup| {
            s.patient = s.patient.take().map(|person| PersonIdentity {
                sex: None,
                ..person
            });
            s.newer(move |i| i.study.patient_sex = Some(sex.to_owned()));
        }
    };
    check(&["P07?"], man("M"));
    check(&["P07?"], man(" m"));
    for none in ["O", "", "U", "F"] {
        check(&[], man(none));
    }
    let told = spoilt(man("M"));
    assert_eq!(told.findings.len(), 1);
    let message = &told.findings[0].message;
    for words in [
        "another sex",
        "the MR exam of January 15, 2024",
        "the MR exam of March 2, 2026",
        "coordinator",
    ] {
        assert!(message.contains(words), "{message}");
    }
    // A description may name what was found, and whoever reads must not know it yet.
    assert!(!message.contains("LUMBAR"), "{message}");
    check(&["P03?", "P07?"], |s| {
        s.newer(|i| i.study.patient_birth_date = Some(Hidden("19700303".to_owned())));
    });
    check(&[], |s| s.newer(|i| i.study.patient_birth_date = None));
}

#[test]
fn a_few_words_are_no_report() {
    check(&["D01!"], |s| {
        s.documents[0].hints = overread_model::completeness::report_hints("MRI spine: see above");
    });
}

#[test]
fn everybody_who_is_not_the_patient_is_told_of() {
    let several = spoilt(|s| {
        s.newer(somebody_else);
        let mut named = |number: usize, name: &str, birth: &str| {
            let one = &mut s.instances[number].study;
            one.patient_name = Some(Hidden(name.to_owned()));
            one.patient_birth_date = Some(Hidden(birth.to_owned()));
        };
        named(0, "Perez^Ana", "19401111");
        named(1, "Smith^Ana", "19700302");
    });
    let told = |rule: &str| {
        let mut findings = several.findings.iter();
        let finding = findings.find(|finding| finding.rule == rule);
        finding
            .map(|finding| finding.message.clone())
            .unwrap_or_default()
    };
    let different = told("P01");
    assert!(
        different.contains("with another name, birth date and sex; "),
        "{different}"
    );
    assert!(
        different.contains("1 image with another birth date"),
        "{different}"
    );
    assert!(
        told("P03").contains("1 image with a slightly different name"),
        "{}",
        told("P03")
    );
    for secret in ["Lopez", "Smith", "1940"] {
        assert!(!different.contains(secret) && !told("P03").contains(secret));
    }
}

#[test]
fn p_rules() {
    check(&["P01!"], |s| {
        s.patient = Some(person("Luis Lopez", "1955-11-11", "M"))
    });
    check(&["P01!"], |s| {
        s.patient = Some(person("Ana Perez", "1955-11-11", "F"))
    });
    check(&[], |s| {
        s.patient = Some(person("Luis Lopez", "1955-11-11", "M"));
        s.confirmed_studies = s.studies();
    });
    // A decision on one study says nothing of another.
    check(&["P01!"], |s| {
        s.patient = Some(person("Luis Lopez", "1955-11-11", "M"));
        s.confirmed_studies = s.studies().split_off(1);
    });
    check(&[], |s| s.patient = None);
    check(&["P03?"], |s| {
        s.patient = Some(person("Ana Perez", "1970-02-03", "F"))
    });
    check(&["P03?"], |s| {
        s.patient = Some(person("Ana Brown", "1970-03-02", "F"))
    });
    check(&["P02!", "P07?"], |s| {
        s.patient = None;
        s.newer(somebody_else);
    });
    check(&["P01!", "P02!", "P07?"], |s| s.newer(somebody_else));
    check(&["P04?"], |s| {
        s.newer(|i| i.quality.patient_identity_removed = Some("YES".to_owned()))
    });
    check(&["P04?"], |s| {
        s.newer(|i| i.study.patient_name = Some(Hidden("ANON^1".to_owned())))
    });
    check(&["P04?"], |s| {
        s.newer(|i| {
            i.study.patient_birth_date = None;
            i.study.patient_id = None;
        })
    });
    check(&["P05"], |s| {
        s.newer(|i| {
            i.study.patient_id = Some(Hidden("X9".to_owned()));
            i.study.institution_name = Some("Elsewhere".to_owned());
        })
    });
    // A name that is merely written otherwise is the same person.
    check(&[], |s| {
        s.newer(|i| i.study.patient_name = Some(Hidden("PEREZ^ANA^^DRA".to_owned())))
    });
    let left = |i: &mut InstanceFacts| i.series.laterality = Some("L".to_owned());
    check(&["D07", "P06?", "S07"], |s| {
        s.newer(knee);
        s.series(3, left);
    });
    check(&["D07", "S07"], |s| {
        s.newer(knee);
        s.series(3, |i| i.series.laterality = Some("R".to_owned()));
    });
    let result = spoilt(|s| {
        s.newer(knee);
        s.series(3, left);
    });
    let told = &result.findings.iter().find(|f| f.rule == "P06").unwrap();
    assert!(told.message.contains("says right, series 3"), "{told:?}");
    assert!(told.message.contains("says left"), "{told:?}");
}

/// Reads a report that is long enough to be one.
fn report_under(heading: &str) -> overread_model::completeness::ReportHints {
    report_hints(&format!(
        "{heading}\nFINDINGS: Alignment is normal. No fracture is seen. The soft tissues are unremarkable.\nIMPRESSION: Normal."
    ))
}

#[expect(clippy::too_many_lines, reason = "one line for each spoilt exam")]
#[test]
fn d_rules() {
    let no_report = |s: &mut Setup| {
        s.documents
            .retain(|d| d.kind != DocumentKind::OriginalReport)
    };
    check(&["D01!"], no_report);
    check(&[], |s| {
        no_report(s);
        s.no_report_available = true;
    });
    check(&[], |s| {
        no_report(s);
        s.series(6, |i| {
            i.mime_type_of_encapsulated_document = Some("application/pdf".to_owned())
        });
    });
    let report = |i: &mut InstanceFacts| {
        i.series.modality = "SR".to_owned();
        i.series.series_description = Some("REPORT".to_owned());
        i.rows = None;
        i.geometry = None;
        i.content.document_title_code = Some("18756-7".to_owned());
    };
    let with_report = |s: &mut Setup| {
        no_report(s);
        let mut one = instance("20260302", (90, "REPORT", AXIAL), 1);
        report(&mut one);
        s.instances.push(one);
    };
    check(&[], with_report);
    // A report inside an exam that names somebody else is no report of this patient, also when the images were let in.
    let result = {
        let mut setup = good();
        with_report(&mut setup);
        setup.patient = Some(person("Miller^Kim", "19800101", "F"));
        setup.confirmed_studies = setup.studies();
        setup.check()
    };
    let missing = result.findings.iter().find(|found| found.rule == "D01");
    let told = &missing.unwrap().message;
    assert!(told.contains("they name somebody else"), "{told}");
    check(&["D03?"], |s| {
        with_report(s);
        s.series(90, |i| {
            i.content.verification_flag = Some("UNVERIFIED".to_owned())
        });
    });
    check(&["D01!"], |s| {
        with_report(s);
        s.series(90, |i| {
            i.content.document_title_code = Some("113076".to_owned())
        });
    });
    check(&["D02?"], |s| {
        s.documents[0].clinical_date = Some("2025-12-01".parse().unwrap())
    });
    check(&[], |s| {
        s.documents[0].clinical_date = Some("2026-03-03".parse().unwrap())
    });
    check(&["D02?"], |s| {
        s.documents[0].accession_number = Some(Hidden("B2".to_owned()))
    });
    check(&[], |s| {
        s.documents[0].accession_number = Some(Hidden("a1".to_owned()))
    });
    let asked = |s: &mut Setup| s.asked.name = "MRI lumbar spine";
    check(&[], |s| {
        asked(s);
        s.documents[0].hints = report_under("EXAM: MRI LUMBAR SPINE");
    });
    for heading in [
        "EXAM: MRI KNEE",
        "MRI of the cervical spine",
        "EXAM: CT LUMBAR SPINE",
    ] {
        check(&["D02?"], |s| {
            asked(s);
            s.documents[0].hints = report_under(heading);
        });
    }
    // A request that names no place: the images tell it.
    check(&["D02?"], |s| {
        s.documents[0].hints = report_under("EXAM: MRI KNEE")
    });
    check(&["D10?"], |s| s.asked.name = "MRI left knee");
    check(&[], |s| s.asked.name = "MRI spine");
    check(&["D11!"], |s| {
        s.asked.name = "MRI of the right side";
        s.series(3, |i| i.series.laterality = Some("L".to_owned()));
    });
    check(&["D03?"], |s| s.documents[0].hints.is_preliminary = true);
    check(&["D04?"], |s| s.question = Some("  "));
    check(&[], |s| s.question = None);
    check(&["D05"], |s| {
        s.documents.retain(|d| d.kind != DocumentKind::ClinicalNote)
    });
    let no_lab = |s: &mut Setup| s.documents.retain(|d| d.kind != DocumentKind::Laboratory);
    check(&["D06"], no_lab);
    check(&["D06?"], |s| {
        no_lab(s);
        s.reason = "Suspected tumor";
    });
    check(&["D07"], |s| {
        s.instances
            .retain(|i| i.study.study_date.as_deref() == Some("20260302"))
    });
    check(&["D07?"], |s| {
        s.documents[0].hints.comparison_dates = vec!["2020-05-05".parse().unwrap()]
    });
    check(&[], |s| {
        s.documents[0].hints.comparison_dates = vec!["2024-01-15".parse().unwrap()]
    });
    check(&["D08"], |s| s.documents[1].clinical_date = None);
    check(&["D02?", "D09?"], |s| {
        s.newer(|i| i.study.study_date = Some("20270302".to_owned()))
    });
    check(&["D02?", "D09?"], |s| {
        s.patient = None;
        s.newer(|i| i.study.study_date = Some("19600302".to_owned()));
    });
}

#[test]
fn the_side_of_the_images_is_held_against_the_request() {
    let with = |name: &'static str, change: fn(&mut InstanceFacts)| {
        let result = spoilt(|s| {
            s.asked.name = name;
            s.newer(|i| {
                i.study.study_description = Some("MRI WRIST".to_owned());
                i.series.body_part_examined = Some("WRIST".to_owned());
                change(i);
            });
        });
        let found = result.findings.into_iter().find(|f| f.rule == "D11");
        found.map(|found| (found.severity, found.message))
    };
    let ways: [fn(&mut InstanceFacts); 4] = [
        |i| i.series.laterality = Some("L".to_owned()),
        |i| i.series.body_part_examined = Some("LEFT WRIST".to_owned()),
        |i| i.study.study_description = Some("MRI LEFT WRIST".to_owned()),
        |i| i.series.series_description = Some("COR T1 LEFT".to_owned()),
    ];
    for way in ways {
        let (severity, message) = with("MRI right wrist", way).unwrap();
        assert_eq!(severity, Severity::Blocker);
        let said = "The request is about the right wrist, the images say left";
        assert!(message.contains(said), "{message}");
        assert_eq!(with("MRI left wrist", way), None);
        assert_eq!(with("MRI wrist", way), None);
    }
    assert_eq!(with("MRI right wrist", |_| {}), None);
    let both = |i: &mut InstanceFacts| i.series.laterality = Some("B".to_owned());
    assert_eq!(with("MRI right wrist", both), None);
}

#[expect(clippy::too_many_lines, reason = "one line for each spoilt exam")]
#[test]
fn i_rules() {
    check(&["I01?"], |s| {
        s.series(3, |i| {
            i.quality.lossy_image_compression = Some("01".to_owned())
        })
    });
    check(&["I01?"], |s| {
        s.series(3, |i| {
            i.transfer_syntax_uid = "1.2.840.10008.1.2.4.50".parse().unwrap()
        })
    });
    check(&[], |s| {
        s.series(3, |i| {
            i.transfer_syntax_uid = "1.2.840.10008.1.2.4.91".parse().unwrap()
        })
    });
    check(&["I02?"], |s| {
        s.series(3, |i| {
            i.quality.burned_in_annotation = Some("YES".to_owned())
        })
    });
    check(&["D07", "I03!"], |s| {
        s.newer(|i| {
            i.sop_class_uid = SECONDARY_CAPTURE.parse().unwrap();
            i.quality.conversion_type = Some("DF".to_owned());
        })
    });
    check(&[], |s| {
        s.series(1, |i| i.quality.conversion_type = Some("DF".to_owned()))
    });
    check(&["I04?"], |s| {
        s.newer(|i| i.image_type = vec!["DERIVED".to_owned()])
    });
    check(&["D07", "I05?"], |s| {
        s.drop(|i| i.series.series_number != Some(1))
    });
    check(&["I06"], |s| s.drop(|i| i.series.series_number == Some(1)));
    check(&["I07?"], |s| {
        s.series(3, |i| i.quality.bits_stored = Some(8))
    });
    let mammogram = |side: &'static str, view: &'static str| {
        move |i: &mut InstanceFacts| {
            i.series.modality = "MG".to_owned();
            i.study.study_description = Some("MAMMOGRAPHY".to_owned());
            i.series.body_part_examined = Some("BREAST".to_owned());
            i.series.laterality = Some(side.to_owned());
            i.series.view_position = Some(view.to_owned());
            i.rows = Some(3000);
            i.columns = Some(2400);
            i.geometry = None;
        }
    };
    let both = |s: &mut Setup| {
        s.only(1, mammogram("L", "CC"));
        for (number, view) in [(2, "MLO"), (3, "CC")] {
            let mut one = instance("20260302", (9, "", AXIAL), number);
            mammogram("L", view)(&mut one);
            s.instances.push(one);
        }
    };
    check(&["D07"], both);
    check(&["D07", "S07"], |s| s.only(1, mammogram("L", "CC")));
    check(&["D07", "I01!"], |s| {
        both(s);
        s.newer(|i| i.quality.lossy_image_compression = Some("01".to_owned()));
    });
    check(&["D07", "I08?"], |s| {
        both(s);
        s.newer(|i| i.series.presentation_intent_type = Some("FOR PROCESSING".to_owned()));
    });
    check(&["D07", "I10"], |s| {
        both(s);
        s.newer(|i| i.columns = Some(1200));
    });
    check(&["D07", "I06"], |s| s.only(20, ct));
    check(&["D07", "I06", "I09?"], |s| {
        s.only(20, |i| {
            ct(i);
            i.quality.has_rescale = Some(false);
        })
    });
    check(&["I10"], |s| s.series(3, |i| i.rows = Some(96)));
    check(&[], |s| s.series(1, |i| i.rows = Some(96)));
    check(&["I11?"], |s| {
        s.problems = vec![problem(ProblemKind::BadPixelData)]
    });
    let uncalibrated = |i: &mut InstanceFacts| {
        i.quality.is_calibrated = Some(false);
        i.geometry = None;
    };
    check(&["I12"], |s| s.series(6, uncalibrated));
    check(&[], |s| s.series(6, |i| i.quality.is_calibrated = None));
}

#[expect(clippy::too_many_lines, reason = "one line for each spoilt exam")]
#[test]
fn s_rules() {
    let number = |i: &InstanceFacts, series, numbers: &[i64]| {
        i.series.series_number == Some(series) && numbers.contains(&i.instance_number.unwrap())
    };
    check(&["S01?"], |s| s.drop(|i| number(i, 3, &[7])));
    check(&["S01!"], |s| s.drop(|i| number(i, 3, &[7, 8])));
    // Renumbered after the loss: only the geometry tells.
    check(&["S01?"], |s| {
        s.drop(|i| number(i, 3, &[7]));
        s.series(3, |i| {
            if i.instance_number > Some(7) {
                i.instance_number = i.instance_number.map(|n| n - 1)
            }
        });
    });
    // Blocks through discs, numbered on: planned that way.
    let blocks = |i: &mut InstanceFacts| {
        if i.instance_number > Some(8)
            && let Some(g) = &mut i.geometry
        {
            g.image_position_patient[2] += 20.0
        }
    };
    check(&["S01"], |s| s.series(5, blocks));
    check(&["S02"], |s| {
        s.series(3, |i| {
            if i.instance_number == Some(15) {
                i.instance_number = Some(17)
            }
        })
    });
    check(&["S03?"], |s| {
        s.series(3, |i| i.instance_number = i.instance_number.map(|n| n + 40))
    });
    check(&[], |s| {
        s.series(3, |i| i.instance_number = i.instance_number.map(|n| n + 15))
    });
    check(&["S04?"], |s| {
        s.series(3, |i| i.images_in_acquisition = Some(20))
    });
    check(&[], |s| s.series(3, |i| i.images_in_acquisition = Some(15)));
    let refer = |uid: &'static str| {
        move |s: &mut Setup| {
            let mut note = instance("20260302", (94, "KEY IMAGES", AXIAL), 1);
            note.series.modality = "KO".to_owned();
            note.rows = None;
            note.geometry = None;
            note.content.document_title_code = Some("113032".to_owned());
            note.content.referenced_sop_instance_uids = vec![uid.parse().unwrap()];
            s.instances.push(note);
        }
    };
    check(&[], refer("1.2.20260302.3.1"));
    check(&["S05?"], refer("1.2.20260302.3.99"));
    check(&[], |s| {
        s.series(3, |i| {
            i.content.referenced_sop_instance_uids = vec!["1.2.77".parse().unwrap()];
        });
    });
    check(&["S05"], |s| {
        s.series(3, |i| {
            i.image_type = vec!["DERIVED".to_owned()];
            i.content.referenced_sop_instance_uids = vec!["1.2.77".parse().unwrap()];
        });
    });
    check(&["S06?"], |s| {
        s.series(3, |i| i.content.per_frame_item_count = Some(2))
    });
    check(&["S07"], |s| s.drop(|i| i.series.series_number == Some(4)));
    // The axial T1 is optional; unnamed series may be what is wanted.
    check(&[], |s| s.drop(|i| i.series.series_number == Some(6)));
    check(&[], |s| s.series(4, |i| i.series.series_description = None));
    check(&["S08"], |s| {
        s.newer(|i| {
            i.study.study_description =
                Some("MRI LUMBAR SPINE WITH AND WITHOUT CONTRAST".to_owned())
        })
    });
    check(&[], |s| {
        s.newer(|i| i.study.study_description = Some("MRI LUMBAR SPINE W WO".to_owned()));
        s.series(6, |i| {
            i.series.series_description = Some("AX T1 POST".to_owned())
        });
    });
    check(&[], |s| {
        s.newer(|i| {
            i.study.study_description = Some("MRI LUMBAR SPINE WITHOUT CONTRAST".to_owned())
        })
    });
    let phases = |missing: i64| {
        move |s: &mut Setup| {
            s.series(3, |i| i.sub_volume.push("temporal-position=1".to_owned()));
            for number in 1..=15 - missing {
                let mut one = instance("20260302", (3, "SAG T2", SAGITTAL), number);
                one.sop_instance_uid = format!("1.2.20260302.3.{}", number + 100).parse().unwrap();
                one.instance_number = Some(number + 15);
                one.sub_volume.push("temporal-position=2".to_owned());
                s.instances.push(one);
            }
        }
    };
    check(&[], phases(0));
    check(&["S09?"], phases(2));
    let uneven = |i: &mut InstanceFacts| {
        if let (Some(n), Some(g)) = (i.instance_number, &mut i.geometry) {
            g.image_position_patient[0] = (n * n) as f64
        }
    };
    check(&["S10?"], |s| s.series(3, uneven));
    // A trigger time that differs in every image splits nothing.
    check(&[], |s| {
        s.series(3, |i| {
            i.sub_volume
                .push(format!("trigger-time={}", i.instance_number.unwrap()))
        })
    });
    // Without geometry nothing is said about slices.
    check(&[], |s| s.series(6, |i| i.geometry = None));
}

#[test]
fn joints_ultrasound_and_positron_exams_have_expectations() {
    // A knee of one sagittal series lacks planes and weightings.
    let result = spoilt(|s| {
        s.newer(knee);
        s.drop(|i| !matches!(i.series.series_number, Some(1 | 3)));
    });
    let finding = result.findings.iter().find(|f| f.rule == "S07").unwrap();
    for words in ["axial plane", "coronal plane", "T1", "fat suppression"] {
        assert!(finding.message.contains(words), "{}", finding.message);
    }
    let ultrasound = |i: &mut InstanceFacts| {
        i.series.modality = "US".to_owned();
        i.study.study_description = Some("US ABDOMEN".to_owned());
        i.series.body_part_examined = None;
        i.geometry = None;
    };
    check(&["D07", "S07"], |s| s.only(8, ultrasound));
    check(&["D07"], |s| {
        s.only(8, |i| {
            ultrasound(i);
            if i.instance_number == Some(1) {
                i.number_of_frames = 40
            }
        })
    });
    let pet = |i: &mut InstanceFacts| {
        i.series.modality = "PT".to_owned();
        i.study.study_description = Some("PET CT".to_owned());
        i.series.body_part_examined = None;
    };
    check(&["D07", "S07"], |s| s.only(8, pet));
    let thick = |i: &mut InstanceFacts| {
        ct(i);
        if let Some(g) = &mut i.geometry {
            g.slice_thickness_mm = Some(8.0)
        }
    };
    check(&["D07", "I06", "S07"], |s| s.only(20, thick));
}

#[test]
fn what_is_missing_names_the_letter_that_asks_for_it() {
    let without_report = |requester: Requester| {
        let result = spoilt(|s| {
            s.requester = requester;
            s.documents.remove(0);
        });
        result.missing[0].clone()
    };
    let missing = without_report(Requester::Patient);
    assert_eq!(
        (
            missing.rule.as_str(),
            missing.item.as_str(),
            missing.letter.as_str()
        ),
        (
            "D01",
            "the original written report",
            "records_request_access"
        )
    );
    assert!(
        missing.message.starts_with(
            "Original written report is missing. Ask the facility for the signed report"
        ),
        "{}",
        missing.message
    );
    assert_eq!(
        without_report(Requester::ReferringPhysician).letter,
        "provider_records_request"
    );
    assert_eq!(
        without_report(Requester::Insurer).letter,
        "hipaa_authorization"
    );
}

#[test]
fn an_override_lets_a_blocker_through_and_stays_visible() {
    let result = spoilt(|s| {
        s.documents.remove(0);
        s.overridden = vec!["D01".to_owned()];
    });
    assert!(result.ready && result.missing.is_empty());
    assert_eq!(result.open_blocker_count(), 0);
    assert!(
        result
            .findings
            .iter()
            .any(|finding| finding.rule == "D01" && finding.overridden)
    );
}

#[test]
fn messages_are_plain_words() {
    let result = spoilt(|s| {
        s.drop(|i| i.series.series_number == Some(3) && i.instance_number == Some(7));
    });
    let finding = &result.findings[0];
    assert_eq!(finding.subject, "series 3 (SAG T2)");
    assert_eq!(
        finding.message,
        "Slices appear to be missing inside a series: about 1 slice, between image 6 and image 8. Ask the facility to send the series again."
    );
    assert_eq!(finding.title_es, "Parecen faltar cortes en una serie");
    // Findings never say whose images they are.
    let result = spoilt(|s| s.patient = Some(person("Luis Lopez", "1955-11-11", "M")));
    for finding in &result.findings {
        for word in ["Lopez", "Perez", "1970", "4711"] {
            assert!(!finding.message.contains(word), "{}", finding.message);
        }
    }
    assert!(!format!("{:?}", result.patients).contains("Perez"));
}

#[test]
fn the_json_is_the_contract_of_the_command_line() {
    let json = serde_json::to_value(spoilt(|s| {
        s.documents.remove(0);
    }))
    .unwrap();
    assert_eq!(json["ready"], false);
    assert_eq!(json["patients"][0]["name"], "Perez^Ana");
    assert_eq!(json["studies"][0]["series"][0]["modality"], "MR");
    let finding = &json["findings"][0];
    assert_eq!(
        (finding["rule"].as_str(), finding["severity"].as_str()),
        (Some("D01"), Some("blocker"))
    );
    assert!(finding["subject"].is_string() && finding["message"].is_string());
    assert_eq!(json["missing"][0]["letter"], "records_request_access");
}

#[test]
fn a_long_list_is_summed_up() {
    let result = spoilt(|s| {
        for number in 100..200 {
            s.instances.push({
                let mut one = instance("20260302", (number, "EXTRA", AXIAL), 1);
                one.quality.burned_in_annotation = Some("YES".to_owned());
                one
            });
        }
    });
    let found: Vec<_> = result
        .findings
        .iter()
        .filter(|finding| finding.rule == "I02")
        .collect();
    assert_eq!(found.len(), 50);
    assert!(
        found
            .last()
            .unwrap()
            .message
            .ends_with("The same was found at 50 more places.")
    );
}

#[test]
fn the_same_instance_twice_counts_once() {
    let result = spoilt(|s| {
        let copy = s.instances.clone();
        s.instances.extend(copy);
    });
    assert!(result.findings.is_empty(), "{:?}", result.findings);
}

#[test]
fn the_timeline_is_in_order_with_the_undated_last() {
    let result = spoilt(|s| {
        s.documents[1].clinical_date = None;
        s.medium = MediumFacts::default();
    });
    let dates: Vec<Option<String>> = result
        .timeline
        .iter()
        .map(|item| item.date.map(|d| d.to_string()))
        .collect();
    let known: Vec<&str> = dates.iter().flatten().map(String::as_str).collect();
    assert_eq!(
        known,
        ["2024-01-15", "2026-03-02", "2026-03-02", "2026-03-02"]
    );
    assert_eq!(dates.last(), Some(&None));
}

/// Every rule of the data fires in one of the tests above; a rule added to the data without one is found here.
#[test]
fn every_rule_of_the_data_is_tested() {
    let text = include_str!("rules.rs");
    for rule in &overread_knowledge::Knowledge::embedded().rules.rules {
        let quoted = [
            format!("\"{}\"", rule.id),
            format!("\"{}!\"", rule.id),
            format!("\"{}?\"", rule.id),
        ];
        assert!(quoted.iter().any(|id| text.contains(id)), "{}", rule.id);
    }
}
