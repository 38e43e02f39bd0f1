//! The second report and the comparison on paper.

use overread_documents::concordance::{
    self, Category, ConcordanceDocument, Decision, NotCompared, Place, Relation, ReportText, Row,
};
use overread_documents::reports::{
    self, Addendum, ExamLine, ExamQuality, Material, OriginalReport, PatientLine, Practice,
    ReportDocument, Signature, Standing,
};
use overread_model::letter::Language;
use overread_model::time::{CalendarDate, Timestamp};

use crate::hostile::NASTY;
use crate::paper::{squeeze, words};
use crate::snapshots;

fn day(year: i32, month: u8, day: u8) -> Option<CalendarDate> {
    CalendarDate::new(year, month, day)
}

fn at() -> Timestamp {
    day(2026, 3, 18)
        .unwrap()
        .start()
        .plus_seconds(15 * 3600 + 20 * 60)
}

fn practice() -> Practice {
    Practice {
        name: "Upland Musculoskeletal Radiology".into(),
        address: vec!["77 Observatory Drive".into(), "Chicago, IL 60601".into()],
        contact: vec!["312 555 0190".into(), "reading@upland.example".into()],
        disclaimer: String::new(),
    }
}

fn patient() -> PatientLine {
    PatientLine {
        name: "Jordan Avery".into(),
        birth_date: day(1970, 3, 2),
        identifier: Some("RIC 88213".into()),
        sex: None,
    }
}

fn exam() -> ExamLine {
    ExamLine {
        name: "MRI of the lumbar spine without contrast".into(),
        date: day(2026, 2, 11),
        facility: Some("Riverside Imaging Center, Madison".into()),
        accession: Some("RIC-26-00418".into()),
    }
}

fn signature() -> Signature {
    Signature {
        name: "Elena Marsh".into(),
        credentials: "MD".into(),
        subspecialty: Some("Musculoskeletal radiology".into()),
        license: Some("Illinois 036-118844, NPI 1234567893".into()),
        conflict_statement: Some("None declared".into()),
        signed_at: at(),
        digest: "4f2c9a7be01d3358c6aa90f4be7712d05c9e6b1fa8837d44e2f0917c3b5a6d18".into(),
        version: 1,
    }
}

const FINDINGS: &str = "Five lumbar-type vertebrae. Alignment is normal.\n\nL1-L2 to L3-L4: No disc herniation. No stenosis.\n\nL4-L5: Mild disc bulge with mild facet arthropathy. No nerve root contact.\n\nL5-S1: Left paracentral disc extrusion measuring 7 mm, migrating inferiorly by 5 mm. The left S1 nerve root is displaced posteriorly. Mild narrowing of the left lateral recess. The right neural foramen is patent.\n\nConus medullaris ends at L1. No marrow-replacing lesion.";

fn report(language: Language) -> ReportDocument {
    let mut report = ReportDocument::blank(language, at());
    report.practice = practice();
    report.patient = patient();
    report.exam = exam();
    report.case_number = "2026-0042".into();
    report.requested_by = "Jordan Avery, patient".into();
    report.question = "Is the nerve root at L5-S1 on the left side compressed, and does the disc explain the numbness?".into();
    report.clinical = "Low back pain for eight months with numbness of the left foot.".into();
    report.materials = vec![
        Material {
            what: "MRI lumbar spine, February 11, 2026, Riverside Imaging Center".into(),
            extent: "5 series, 112 images".into(),
        },
        Material {
            what: "Original report of February 12, 2026".into(),
            extent: "1 page".into(),
        },
    ];
    report.not_seen = vec!["Radiographs of 2024: not on the disc".into()];
    report.original_report = OriginalReport::ReadAfter(Some(at().plus_seconds(-3600)));
    report.quality = ExamQuality::Limited;
    report.quality_text = "Motion on the axial T2 series at L5-S1. The sagittal series are free of it, so confidence in the main finding is high.".into();
    report.findings = FINDINGS.into();
    report.agreement = "1. The first report names a bulge at L5-S1; this reading finds an extrusion with displacement of the left S1 nerve root.\n2. All other levels agree.".into();
    report.impression = "1. Left paracentral disc extrusion at L5-S1 with displacement of the left S1 nerve root; most likely the cause of the numbness.\n2. Mild degeneration at L4-L5 without nerve root contact.".into();
    report.alternatives = "Peripheral entrapment of the peroneal nerve is unlikely.".into();
    report.next_steps = "- Clinical correlation with the S1 dermatome.\n- Discussion of surgery with a spine surgeon; further imaging is not needed for that.".into();
    report.plain = "A piece of the lowest disc in your back presses on a nerve that runs to your left foot. This fits the numbness you feel. Please talk with your doctor about what to do next.".into();
    report.standing = Standing::Final;
    report.signature = Some(signature());
    report
}

fn check(name: &str, pdf: &[u8], texts: &[&str]) {
    snapshots::show(&format!("{name}.pdf"), pdf);
    let words = words(pdf);
    for text in texts {
        assert!(
            words.contains(&squeeze(text)),
            "{name}: {text:?} is not on paper:\n{words}"
        );
    }
    let raw = String::from_utf8_lossy(pdf);
    assert!(
        raw.contains("pdfaid:part") && raw.contains("pdfuaid:part"),
        "{name}"
    );
    let metadata = raw.split("<?xpacket begin").nth(1).unwrap();
    assert!(
        !metadata
            .split("<?xpacket end")
            .next()
            .unwrap()
            .contains("Avery"),
        "{name}"
    );
}

#[test]
fn a_signed_report_shows_everything() {
    let english = reports::render_pdf(&report(Language::En)).unwrap();
    check(
        "second_report.en",
        &english,
        &[
            "Radiology second opinion report",
            "Final",
            "Upland Musculoskeletal Radiology",
            "Jordan Avery",
            "March 2, 1970",
            "Materials reviewed",
            "5 series, 112 images",
            "Not available for this opinion",
            "Radiographs of 2024",
            "only after an independent first impression",
            "Exam quality",
            "Limited.",
            "Findings",
            "Left paracentral disc extrusion measuring 7 mm",
            "Impression",
            "most likely the cause",
            "Other possible explanations",
            "Suggested next steps",
            "Limits of this opinion",
            "In plain words",
            "Elena Marsh, MD",
            "Electronically signed March 18, 2026, 15:20 UTC",
            "4f2c9a7be01d3358c6aa90f4be7712d05c9e6b1fa8837d44e2f0917c3b5a6d18",
            "does not replace an examination",
            "Page 1 of",
        ],
    );
    let spanish = reports::render_pdf(&report(Language::Es)).unwrap();
    check(
        "second_report.es",
        &spanish,
        &[
            "Informe radiológico de segunda opinión",
            "Hallazgos",
            "Impresión",
            "18 de marzo de 2026, 15:20 UTC",
        ],
    );
}

#[test]
fn an_unsigned_report_is_preliminary_whatever_it_claims() {
    let mut report = report(Language::En);
    report.signature = None;
    let pdf = reports::render_pdf(&report).unwrap();
    check(
        "second_report.preliminary",
        &pdf,
        &[
            "Preliminary",
            "Not for decisions on care",
            "This report has not been signed.",
        ],
    );
    assert!(!words(&pdf).contains("Electronicallysigned"));
}

#[test]
fn an_addendum_stands_before_the_report() {
    let mut report = report(Language::En);
    let later = Signature {
        signed_at: at().plus_days(2),
        ..signature()
    };
    report.addenda = vec![Addendum {
        text: "The radiographs of 2024 were received. They do not change the impression."
            .to_owned()
            .into(),
        signature: later,
    }];
    let pdf = reports::render_pdf(&report).unwrap();
    check(
        "second_report.addendum",
        &pdf,
        &[
            "Final, with addendum",
            "read this first",
            "They do not change the impression",
            "March 20, 2026",
        ],
    );
    let text = words(&pdf);
    let place = |words: &str| text.find(&squeeze(words)).unwrap();
    assert!(place("They do not change the impression") < place("Findings"));
}

#[test]
fn a_blank_report_is_set_too() {
    let pdf = reports::render_pdf(&ReportDocument::blank(Language::Es, at())).unwrap();
    check("second_report.blank", &pdf, &["Preliminar"]);
}

#[test]
fn hostile_reports_are_set_as_text() {
    let mut report = report(Language::En);
    report.patient.name = "W".repeat(10_240);
    report.findings = NASTY.join("\n\n");
    report.impression = "#import \"x\"\n- *a*\n1. $b$".into();
    let pdf = reports::render_pdf(&report).unwrap();
    check(
        "second_report.hostile",
        &pdf,
        &[
            "#let x = read(\"/etc/passwd\"); #x",
            "<script>alert('x')</script>",
            "*a*",
            "$b$",
        ],
    );
}

const ORIGINAL: &str = "TECHNIQUE: Sagittal and axial sequences without contrast.\n\nFINDINGS:\nL4-L5: Mild disc bulge. Mild facet arthropathy.\nL5-S1: Small central disc bulge. No nerve root contact. Neural foramina are patent.\nThe conus is normal.\n\nIMPRESSION:\n1. Mild degenerative disc disease at L4-L5 and L5-S1.\n2. No nerve root compression.";

fn place(text: &str, words: &str) -> Vec<Place> {
    let at = text.find(words).unwrap();
    let start = text[..at].chars().count();
    vec![Place {
        start,
        end: start + words.chars().count(),
    }]
}

fn comparison(language: Language) -> ConcordanceDocument {
    let row = |number,
               relation,
               critical,
               subject: &str,
               sentence: &str,
               original: &str,
               second: &str,
               variation| Row {
        number,
        relation,
        critical,
        subject: subject.to_owned().into(),
        sentence: sentence.to_owned().into(),
        original: if original.is_empty() {
            vec![]
        } else {
            place(ORIGINAL, original)
        },
        second: if second.is_empty() {
            vec![]
        } else {
            place(FINDINGS, second)
        },
        variation,
        variation_note: variation
            .then(|| "Readers often differ by one step on mild facet changes.".to_owned()),
        reviewer: None,
    };
    ConcordanceDocument {
        language,
        practice: practice(),
        patient: patient(),
        exam: exam(),
        case_number: "2026-0042".into(),
        original: ReportText { author: "Riverside Imaging Center".into(), date: day(2026, 2, 12), text: ORIGINAL.to_owned().into() },
        second: ReportText { author: "Elena Marsh, MD".into(), date: day(2026, 3, 18), text: FINDINGS.to_owned().into() },
        proposed: Some(Category::ChangesManagement),
        reasons: vec!["The second report names an extrusion with displacement of a nerve root; the first denies nerve root contact at the same level.".into()],
        coverage_percent: 92,
        rows: vec![
            row(1, Relation::Contradicted, true, "Nerve root contact, L5-S1, left", "One report states contact with the nerve root, the other denies it.", "No nerve root contact", "The left S1 nerve root is displaced posteriorly", false),
            row(2, Relation::Interpretation, true, "Disc herniation, L5-S1", "The same disc is called a bulge in one report and an extrusion in the other.", "Small central disc bulge", "Left paracentral disc extrusion measuring 7 mm, migrating inferiorly by 5 mm", false),
            row(3, Relation::OnlySecond, false, "Narrowing of the lateral recess, L5-S1, left", "", "", "Mild narrowing of the left lateral recess", false),
            row(4, Relation::MoreDetail, false, "Facet arthropathy, L4-L5", "", "Mild facet arthropathy", "mild facet arthropathy", true),
            row(5, Relation::Agree, false, "Mild disc bulge, L4-L5", "", "Mild disc bulge", "Mild disc bulge", false),
        ],
        not_compared: vec![NotCompared { in_second: false, text: "Sagittal and axial sequences without contrast.".to_owned().into(), reason: "It describes the technique.".into() }],
        doubts: vec![],
        decision: Some(Decision { category: Category::ChangesManagement, note: "The difference at L5-S1 matters for the surgical question.".to_owned().into(), signature: signature() }),
        engine: "concordance 1".into(),
        made_at: at(),
        utc_offset_minutes: -300,
    }
}

#[test]
fn a_comparison_shows_both_words() {
    let pdf = concordance::render_pdf(&comparison(Language::En)).unwrap();
    check(
        "concordance.en",
        &pdf,
        &[
            "Comparison of two radiology reports",
            "A difference may change care",
            "Signed by Elena Marsh, MD, March 18, 2026, 10:20",
            "“No nerve root contact”",
            "“The left S1 nerve root is displaced posteriorly”",
            "Not mentioned",
            "May change care",
            "Common differences between readers",
            "Not compared",
            "Stated by both",
            "Both reports in full",
            "92 % of the sentences",
        ],
    );
    let mut spanish = comparison(Language::Es);
    spanish.decision = None;
    let pdf = concordance::render_pdf(&spanish).unwrap();
    check(
        "concordance.es",
        &pdf,
        &[
            "Propuesta, aún sin firma",
            "Diferencias",
            "Informe original",
            "Solo en el segundo",
        ],
    );
}

#[test]
fn a_comparison_without_differences_says_so() {
    let mut document = comparison(Language::En);
    document.rows.retain(|row| row.relation == Relation::Agree);
    document.doubts = vec!["The reports name different dates of the exam.".into()];
    let pdf = concordance::render_pdf(&document).unwrap();
    check(
        "concordance.agree",
        &pdf,
        &["No differences were found", "Before you compare"],
    );
}

#[test]
fn what_the_reviewer_wrote_on_a_row_is_on_paper_as_theirs() {
    let mut document = comparison(Language::En);
    document.rows[0].reviewer = Some("The root is displaced on image 12.".to_owned().into());
    document.rows[3].reviewer = Some(String::new().into());
    document.rows[4].reviewer =
        Some(("Seen on both. ".to_owned() + &"x ".repeat(3_900) + "end").into());
    let text = words(&concordance::render_pdf(&document).unwrap());
    for shown in [
        "The reviewer\u{2019}s notes on rows",
        "The root is displaced on image 12.",
        "Judged so by the reviewer",
        "Mild disc bulge, L4-L5 (judged so by the reviewer)",
        "x x end",
    ] {
        assert!(text.contains(&squeeze(shown)), "{shown}: {text}");
    }
    let plain = words(&concordance::render_pdf(&comparison(Language::En)).unwrap());
    assert!(!plain.contains(&squeeze("by the reviewer")), "{plain}");
    let letter = concordance::uncompared(&document).to_text();
    assert!(
        letter.contains("The root is displaced on image 12."),
        "{letter}"
    );
}

#[test]
fn what_was_not_proposed_is_not_on_paper() {
    let mut document = comparison(Language::En);
    (document.proposed, document.decision) = (None, None);
    let text = words(&concordance::render_pdf(&document).unwrap());
    for absent in ["Proposal", "A difference may change care"] {
        assert!(!text.contains(&squeeze(absent)), "{absent}: {text}");
    }
    let mut document = comparison(Language::En);
    document.proposed = None;
    let text = words(&concordance::render_pdf(&document).unwrap());
    assert!(text.contains(&squeeze("A difference may change care")));
    assert!(!text.contains(&squeeze("had proposed")), "{text}");
}

#[test]
fn hostile_comparisons_are_set_as_text() {
    let mut document = comparison(Language::En);
    document.original.text = (NASTY.join("\n") + &"x".repeat(4000)).into();
    document.rows[0].original = vec![
        Place { start: 0, end: 12 },
        Place { start: 5, end: 400 },
        Place { start: 9, end: 1 },
    ];
    document.rows[0].subject = NASTY[0].to_owned().into();
    let pdf = concordance::render_pdf(&document).unwrap();
    check(
        "concordance.hostile",
        &pdf,
        &["<script>alert('x')</script>"],
    );
}
