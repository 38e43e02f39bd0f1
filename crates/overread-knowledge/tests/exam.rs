//! A made-up exam in which nothing is wrong, to be spoilt one thing at a time.

use overread_knowledge::Knowledge;
use overread_model::choosing::AskedExam;
use overread_model::completeness::{
    CheckInput, CheckResult, DocumentFacts, DocumentKind, MediumFacts, NotKept, PersonIdentity,
    ReportHints, check_instances,
};
use overread_model::hidden::Hidden;
use overread_model::imaging::{
    ContentFacts, Geometry, InstanceFacts, MrFacts, QualityFacts, SeriesFacts, StudyFacts,
};
use overread_model::letter::Requester;
use overread_model::problem::{Problem, ProblemKind};

/// Normal along x, y, z.
pub(crate) const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
pub(crate) const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
pub(crate) const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

pub(crate) const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(crate) const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

/// Everything the check looks at.
pub(crate) struct Setup {
    pub(crate) instances: Vec<InstanceFacts>,
    pub(crate) documents: Vec<DocumentFacts>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) not_kept: Vec<NotKept>,
    pub(crate) medium: MediumFacts,
    pub(crate) patient: Option<PersonIdentity>,
    pub(crate) question: Option<&'static str>,
    pub(crate) reason: &'static str,
    pub(crate) asked: AskedExam<'static>,
    pub(crate) no_report_available: bool,
    pub(crate) confirmed_studies: Vec<String>,
    pub(crate) overridden: Vec<String>,
    pub(crate) requester: Requester,
}

impl Setup {
    pub(crate) fn check(&self) -> CheckResult {
        let input = CheckInput {
            documents: &self.documents,
            problems: &self.problems,
            not_kept: &self.not_kept,
            medium: self.medium.clone(),
            patient: self.patient.clone(),
            question: self.question,
            reason: self.reason,
            asked: self.asked,
            no_report_available: self.no_report_available,
            confirmed_studies: &self.confirmed_studies,
            overridden: &self.overridden,
            requester: self.requester,
            today: Some("2026-03-10".parse().unwrap()),
        };
        let knowledge = Knowledge::embedded();
        check_instances(
            &self.instances,
            &input,
            &knowledge.rules,
            &knowledge.specialties,
        )
    }

    /// Lists the studies.
    pub(crate) fn studies(&self) -> Vec<String> {
        let mut uids: Vec<String> = self
            .instances
            .iter()
            .map(|i| i.study.study_instance_uid.as_str().to_owned())
            .collect();
        uids.sort();
        uids.dedup();
        uids
    }

    /// Changes every instance of the newer study.
    pub(crate) fn newer(&mut self, change: impl Fn(&mut InstanceFacts)) {
        self.instances
            .iter_mut()
            .filter(|i| i.study.study_date.as_deref() == Some("20260302"))
            .for_each(change);
    }

    /// Changes every instance of one series of the newer study.
    pub(crate) fn series(&mut self, number: i64, change: impl Fn(&mut InstanceFacts)) {
        self.newer(|i| {
            if i.series.series_number == Some(number) {
                change(i);
            }
        });
    }

    /// Takes instances of the newer study out.
    pub(crate) fn drop(&mut self, gone: impl Fn(&InstanceFacts) -> bool) {
        self.instances
            .retain(|i| i.study.study_date.as_deref() != Some("20260302") || !gone(i));
    }

    /// Makes the newer study one series of another kind.
    pub(crate) fn only(&mut self, count: i64, change: impl Fn(&mut InstanceFacts)) {
        self.drop(|_| true);
        for number in 1..=count {
            let mut one = instance("20260302", (9, "", AXIAL), number);
            change(&mut one);
            self.instances.push(one);
        }
    }
}

pub(crate) fn document(kind: DocumentKind, name: &str) -> DocumentFacts {
    DocumentFacts {
        kind,
        name: name.to_owned(),
        clinical_date: Some("2026-03-02".parse().unwrap()),
        accession_number: None,
        hints: ReportHints::default(),
    }
}

pub(crate) fn problem(kind: ProblemKind) -> Problem {
    Problem {
        path: "DICOM/IM7".to_owned(),
        kind,
        message: String::new(),
    }
}

pub(crate) fn person(name: &str, birth: &str, sex: &str) -> PersonIdentity {
    PersonIdentity {
        name: Some(Hidden(name.to_owned())),
        birth_date: birth.parse().ok().map(Hidden),
        sex: Some(sex.to_owned()),
        patient_id: None,
        issuer: None,
    }
}

/// One slice: number and description of the series and its orientation, then its place in it.
pub(crate) fn instance(date: &str, series: (i64, &str, [f64; 6]), number: i64) -> InstanceFacts {
    let offset = (number - 1) as f64 * 4.0;
    let normal = match series.2 {
        SAGITTAL => [offset, 0.0, 0.0],
        CORONAL => [0.0, offset, 0.0],
        _ => [0.0, 0.0, offset],
    };
    InstanceFacts {
        study: study(date),
        series: SeriesFacts {
            series_instance_uid: format!("1.2.{date}.{}", series.0).parse().unwrap(),
            modality: "MR".to_owned(),
            series_number: Some(series.0),
            series_description: Some(series.1.to_owned()).filter(|text| !text.is_empty()),
            series_date: None,
            series_time: None,
            body_part_examined: Some("LSPINE".to_owned()),
            laterality: None,
            protocol_name: None,
            patient_position: None,
            frame_of_reference_uid: Some("1.2.9".to_owned()),
            contrast_bolus_agent: None,
            view_position: None,
            presentation_intent_type: None,
            anatomic_region_codes: Vec::new(),
            manufacturer: None,
            manufacturer_model_name: None,
            station_name: None,
            performed_procedure_step_start_date: None,
            performed_procedure_step_start_time: None,
            request_attributes: Vec::new(),
        },
        sop_instance_uid: format!("1.2.{date}.{}.{number}", series.0).parse().unwrap(),
        sop_class_uid: MR.parse().unwrap(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".parse().unwrap(),
        instance_number: Some(number),
        acquisition_number: Some(1),
        image_type: ["ORIGINAL", "PRIMARY", "M"].map(str::to_owned).to_vec(),
        acquisition_date: None,
        rows: Some(512),
        columns: Some(512),
        number_of_frames: 1,
        geometry: Some(Geometry {
            image_position_patient: normal,
            image_orientation_patient: series.2,
            pixel_spacing_mm: Some([0.5, 0.5]),
            slice_thickness_mm: Some(3.5),
            spacing_between_slices_mm: None,
        }),
        quality: QualityFacts {
            bits_allocated: Some(16),
            bits_stored: Some(12),
            has_pixel_data: true,
            has_rescale: Some(true),
            is_calibrated: Some(true),
            ..QualityFacts::default()
        },
        mr: MrFacts::default(),
        sub_volume: vec!["size=512x512".to_owned()],
        images_in_acquisition: None,
        mime_type_of_encapsulated_document: None,
        content: ContentFacts::default(),
    }
}

fn study(date: &str) -> StudyFacts {
    let hidden = |text: &str| Some(Hidden(text.to_owned()));
    StudyFacts {
        study_instance_uid: format!("1.2.{date}").parse().unwrap(),
        patient_name: hidden("Perez^Ana"),
        patient_id: hidden("4711"),
        issuer_of_patient_id: None,
        patient_birth_date: hidden("19700302"),
        patient_sex: Some("F".to_owned()),
        patient_age: None,
        study_date: Some(date.to_owned()),
        study_time: Some("101500".to_owned()),
        accession_number: hidden("A1"),
        study_id: None,
        study_description: Some("MRI LUMBAR SPINE".to_owned()),
        referring_physician_name: None,
        institution_name: Some("City Hospital".to_owned()),
        requested_procedure_description: None,
        procedure_code_meanings: Vec::new(),
        timezone_offset_from_utc: None,
    }
}

/// Returns the good exam: two lumbar spine MRs of one woman, report, notes and laboratory.
pub(crate) fn good() -> Setup {
    let mut instances = Vec::new();
    for date in ["20240115", "20260302"] {
        for (number, plane) in [(1, SAGITTAL), (2, CORONAL), (3, AXIAL)] {
            instances.push(instance(date, (1, "3-PLANE LOC", plane), number));
        }
        for (series, description, plane) in [
            (2, "SAG T1", SAGITTAL),
            (3, "SAG T2", SAGITTAL),
            (4, "SAG STIR", SAGITTAL),
            (5, "AX T2", AXIAL),
            (6, "AX T1", AXIAL),
        ] {
            instances.extend(
                (1..=15).map(|number| instance(date, (series, description, plane), number)),
            );
        }
    }
    Setup {
        instances,
        documents: vec![
            document(DocumentKind::OriginalReport, "REPORT.PDF"),
            document(DocumentKind::ClinicalNote, "notes.pdf"),
            document(DocumentKind::Laboratory, "lab.pdf"),
        ],
        problems: Vec::new(),
        not_kept: Vec::new(),
        medium: MediumFacts {
            has_dicomdir: Some(true),
            ..MediumFacts::default()
        },
        patient: Some(person("Ana Pérez", "1970-03-02", "F")),
        question: Some("Is the nerve pressed?"),
        reason: "",
        asked: AskedExam::default(),
        no_report_available: false,
        confirmed_studies: Vec::new(),
        overridden: Vec::new(),
        requester: Requester::Patient,
    }
}
