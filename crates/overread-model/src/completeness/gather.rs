//! Instances gathered into studies and series; one small record stays of each image, so that a large disc fits.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::identity::PersonIdentity;
use super::slices::Slice;
use super::tables::RuleTables;
use crate::choosing::ExamFacts;
use crate::hidden::Hidden;
use crate::imaging::{InstanceFacts, MrFacts, NO_IMAGES};
use crate::limits;
use crate::uid::{SeriesInstanceUid, SopInstanceUid, StudyInstanceUid};

/// Most different patients that are told apart; a medium with more has another problem.
const PATIENTS_COUNT: usize = 500;
/// Most sub-volume texts of one series.
const SUB_VOLUMES_COUNT: usize = 5_000;

/// A person as some of the instances name them.
#[derive(Debug, Clone)]
pub(super) struct PatientSeen {
    pub(super) identity: PersonIdentity,
    pub(super) birth_date_text: Option<Hidden<String>>,
    pub(super) removed: bool,
    pub(super) instance_count: usize,
    /// Images among them.
    pub(super) image_count: usize,
}

/// What stays of one series.
#[derive(Debug, Clone, Default)]
pub(super) struct SeriesGathered {
    pub(super) modality: String,
    pub(super) series_number: Option<i64>,
    pub(super) description: String,
    pub(super) protocol_name: String,
    pub(super) body_part: String,
    pub(super) sides: BTreeSet<String>,
    pub(super) views: BTreeSet<(String, String)>,
    pub(super) intents: BTreeSet<String>,
    pub(super) frame_of_reference: Option<String>,
    pub(super) contrast: bool,
    pub(super) image_type: Vec<String>,
    pub(super) mr: MrFacts,
    pub(super) slices: Vec<Slice>,
    pub(super) sub_volumes: Vec<Vec<String>>,
    sub_volume_places: BTreeMap<Vec<String>, usize>,
    pub(super) numbers: Vec<Option<i64>>,
    pub(super) acquisitions: BTreeMap<i64, (usize, i64)>,
    pub(super) instances: usize,
    pub(super) images: usize,
    pub(super) frames: u64,
    pub(super) stills: usize,
    pub(super) cines: usize,
    pub(super) lossy: usize,
    pub(super) lossy_ratio: Option<f64>,
    pub(super) secondary_captures: usize,
    pub(super) conversion_types: BTreeSet<String>,
    pub(super) derived: usize,
    pub(super) burned_in: usize,
    pub(super) eight_bit: usize,
    pub(super) unscaled: usize,
    pub(super) short: usize,
    pub(super) uncalibrated: usize,
    pub(super) localizer_typed: usize,
    pub(super) frame_mismatch: usize,
    pub(super) smallest_side: Option<u32>,
    pub(super) thickness_mm: Option<f64>,
}

/// What stays of one study.
#[derive(Debug, Clone, Default)]
pub(super) struct StudyGathered {
    pub(super) exam: ExamFacts,
    pub(super) description: String,
    pub(super) study_date: Option<String>,
    pub(super) study_time: Option<String>,
    pub(super) accession_number: Option<Hidden<String>>,
    pub(super) institution_name: Option<String>,
    pub(super) patients: BTreeSet<usize>,
    pub(super) series: BTreeMap<SeriesInstanceUid, SeriesGathered>,
    pub(super) referenced: HashSet<[u8; 16]>,
    pub(super) sources: HashSet<[u8; 16]>,
    pub(super) referenced_by_whole_content: bool,
    pub(super) report_objects: usize,
    pub(super) encapsulated_documents: usize,
    pub(super) preliminary_reports: usize,
}

/// Everything the check keeps of a delivery's instances. Feed it one instance after the other.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    pub(super) studies: BTreeMap<StudyInstanceUid, StudyGathered>,
    pub(super) patients: Vec<PatientSeen>,
    pub(super) received: HashSet<[u8; 16]>,
    pub(super) instances: usize,
    pub(super) images: usize,
}

/// Returns a short name of a UID that no two UIDs share.
fn short_name(uid: &SopInstanceUid) -> [u8; 16] {
    let hash = blake3::hash(uid.as_str().as_bytes());
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    short
}

impl Gathered {
    /// Adds one instance; the same instance twice counts once.
    pub fn add(&mut self, facts: &InstanceFacts, tables: &RuleTables) {
        if !self.received.insert(short_name(&facts.sop_instance_uid)) {
            return;
        }
        self.instances += 1;
        let patient = self.patient(facts);
        let study = self
            .studies
            .entry(facts.study.study_instance_uid.clone())
            .or_default();
        study.add(facts, patient, tables);
        let series = study
            .series
            .entry(facts.series.series_instance_uid.clone())
            .or_default();
        let images_before = series.images;
        series.add(facts, tables);
        self.images += series.images - images_before;
    }

    /// Returns how many instances were added.
    pub fn instance_count(&self) -> usize {
        self.instances
    }

    /// Returns what each study says for the choice of a reviewer.
    pub fn exams(&self) -> impl Iterator<Item = (&StudyInstanceUid, &ExamFacts)> {
        self.studies.iter().map(|(uid, study)| (uid, &study.exam))
    }

    fn patient(&mut self, facts: &InstanceFacts) -> usize {
        let study = &facts.study;
        let birth_date = study
            .patient_birth_date
            .as_ref()
            .and_then(|text| text.reveal().parse().ok())
            .map(Hidden);
        let facility = study.institution_name.clone().map(Hidden);
        let identity = PersonIdentity {
            name: study.patient_name.clone(),
            birth_date,
            sex: study.patient_sex.clone(),
            patient_id: study.patient_id.clone(),
            issuer: study.issuer_of_patient_id.clone().or(facility),
        };
        let removed = facts
            .quality
            .patient_identity_removed
            .as_deref()
            .is_some_and(|flag| flag.eq_ignore_ascii_case("YES"));
        let known = self
            .patients
            .iter()
            .position(|seen| seen.identity == identity && seen.removed == removed);
        let last = self.patients.len().saturating_sub(1);
        let index = match known {
            Some(index) => index,
            None if self.patients.len() >= PATIENTS_COUNT => last,
            None => {
                self.patients.push(PatientSeen {
                    identity,
                    birth_date_text: study.patient_birth_date.clone(),
                    removed,
                    instance_count: 0,
                    image_count: 0,
                });
                self.patients.len() - 1
            }
        };
        if let Some(seen) = self.patients.get_mut(index) {
            seen.instance_count += 1;
            seen.image_count += usize::from(is_image(facts));
        }
        index
    }
}

/// Says whether an instance is an image to read, and not a report, a note or marks.
fn is_image(facts: &InstanceFacts) -> bool {
    facts.rows.is_some()
        && facts.quality.has_pixel_data
        && !NO_IMAGES.contains(&facts.series.modality.as_str())
}

impl StudyGathered {
    fn add(&mut self, facts: &InstanceFacts, patient: usize, tables: &RuleTables) {
        self.exam.add(facts);
        self.patients.insert(patient);
        let study = &facts.study;
        if self.description.is_empty() {
            self.description = study.study_description.clone().unwrap_or_default();
        }
        let fill = |slot: &mut Option<String>, value: &Option<String>| {
            if slot.is_none() {
                slot.clone_from(value);
            }
        };
        fill(&mut self.study_date, &study.study_date);
        fill(&mut self.study_time, &study.study_time);
        fill(&mut self.institution_name, &study.institution_name);
        if self.accession_number.is_none() {
            self.accession_number.clone_from(&study.accession_number);
        }
        let content = &facts.content;
        let referenced = content.referenced_sop_instance_uids.iter().map(short_name);
        // A plain image refers to its localizer, which proves nothing; reports, notes and masks refer to what they are about.
        if NO_IMAGES.contains(&facts.series.modality.as_str()) {
            self.referenced.extend(referenced);
        } else if facts
            .image_type
            .first()
            .is_some_and(|value| value == "DERIVED")
        {
            self.sources.extend(referenced);
        }
        if let Some(title) = &content.document_title_code {
            if tables.whole_content_titles.contains(title) {
                self.referenced_by_whole_content = true;
            }
            if tables.report_titles.contains(title) && facts.series.modality == "SR" {
                self.report_objects += 1;
                let is = |flag: &Option<String>, word: &str| flag.as_deref() == Some(word);
                if is(&content.completion_flag, "PARTIAL")
                    || is(&content.verification_flag, "UNVERIFIED")
                    || is(&content.preliminary_flag, "PRELIMINARY")
                {
                    self.preliminary_reports += 1;
                }
            }
        }
        if facts.mime_type_of_encapsulated_document.is_some() {
            self.encapsulated_documents += 1;
        }
    }
}

impl SeriesGathered {
    fn add(&mut self, facts: &InstanceFacts, tables: &RuleTables) {
        if self.instances == 0 {
            self.begin(facts);
        }
        self.instances += 1;
        let series = &facts.series;
        self.contrast |= series.contrast_bolus_agent.is_some();
        if let Some(side) = &series.laterality {
            self.sides.insert(side.trim().to_uppercase());
        }
        if let Some(intent) = &series.presentation_intent_type {
            self.intents.insert(intent.clone());
        }
        if is_image(facts) {
            self.add_image(facts, tables);
        }
    }

    fn begin(&mut self, facts: &InstanceFacts) {
        let series = &facts.series;
        self.modality.clone_from(&series.modality);
        self.series_number = series.series_number;
        self.description = series.series_description.clone().unwrap_or_default();
        self.protocol_name = series.protocol_name.clone().unwrap_or_default();
        self.body_part = series.body_part_examined.clone().unwrap_or_default();
        self.frame_of_reference
            .clone_from(&series.frame_of_reference_uid);
        self.image_type.clone_from(&facts.image_type);
        self.mr.clone_from(&facts.mr);
    }

    fn add_image(&mut self, facts: &InstanceFacts, tables: &RuleTables) {
        let quality = &facts.quality;
        self.images += 1;
        self.frames += u64::from(facts.number_of_frames);
        if facts.number_of_frames > 1 {
            self.cines += 1
        } else {
            self.stills += 1
        }
        let count = |slot: &mut usize, yes: bool| *slot += usize::from(yes);
        let syntax = facts.transfer_syntax_uid.as_str();
        let flagged = quality.lossy_image_compression.as_deref() == Some("01");
        count(
            &mut self.lossy,
            flagged || tables.lossy_transfer_syntaxes.contains(syntax),
        );
        let ratio = quality.lossy_image_compression_ratio.iter().copied();
        self.lossy_ratio = ratio
            .chain(self.lossy_ratio)
            .filter(|r| r.is_finite())
            .reduce(f64::max);
        let is_capture = tables
            .secondary_capture_classes
            .contains(facts.sop_class_uid.as_str());
        count(&mut self.secondary_captures, is_capture);
        if is_capture && let Some(conversion) = &quality.conversion_type {
            self.conversion_types.insert(conversion.clone());
        }
        let typed = |place: usize, word: &str| {
            facts
                .image_type
                .get(place)
                .is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        count(&mut self.derived, typed(0, "DERIVED"));
        count(
            &mut self.localizer_typed,
            facts
                .image_type
                .iter()
                .any(|v| v.eq_ignore_ascii_case("LOCALIZER")),
        );
        count(
            &mut self.burned_in,
            quality.burned_in_annotation.as_deref() == Some("YES"),
        );
        count(
            &mut self.eight_bit,
            !is_capture && quality.bits_stored.is_some_and(|bits| bits <= 8),
        );
        let is_original = typed(0, "ORIGINAL");
        count(
            &mut self.unscaled,
            is_original && quality.has_rescale == Some(false),
        );
        count(&mut self.short, quality.pixel_data_short);
        self.add_shape(facts);
        self.add_place(facts);
    }

    fn add_shape(&mut self, facts: &InstanceFacts) {
        let has_spacing = facts
            .geometry
            .is_some_and(|geometry| geometry.pixel_spacing_mm.is_some());
        let uncalibrated = facts.quality.is_calibrated == Some(false) && !has_spacing;
        self.uncalibrated += usize::from(uncalibrated);
        let items = facts.content.per_frame_item_count;
        let mismatch = items.is_some_and(|items| items != facts.number_of_frames);
        self.frame_mismatch += usize::from(mismatch);
        let side = facts
            .rows
            .zip(facts.columns)
            .map(|(rows, columns)| rows.min(columns));
        self.smallest_side = side.into_iter().chain(self.smallest_side).min();
        if let Some(view) = &facts.series.view_position {
            let side = facts.series.laterality.clone().unwrap_or_default();
            self.views
                .insert((side.to_uppercase(), view.to_uppercase()));
        }
    }

    fn add_place(&mut self, facts: &InstanceFacts) {
        if let Some(wanted) = facts.images_in_acquisition.filter(|wanted| *wanted > 0) {
            let number = facts.acquisition_number.unwrap_or(0);
            let entry = self.acquisitions.entry(number).or_insert((0, wanted));
            entry.0 += 1;
            entry.1 = entry.1.max(wanted);
        }
        if self.numbers.len() < limits::SLICES_A_SERIES_COUNT {
            self.numbers.push(facts.instance_number);
        }
        let Some(geometry) = facts.geometry else {
            return;
        };
        self.thickness_mm = geometry
            .slice_thickness_mm
            .into_iter()
            .chain(self.thickness_mm)
            .reduce(f64::max);
        // The frames of a multi-frame object are not told apart here; one place says nothing of gaps.
        if facts.number_of_frames > 1 || self.slices.len() >= limits::SLICES_A_SERIES_COUNT {
            return;
        }
        let known = self.sub_volume_places.get(&facts.sub_volume).copied();
        let last = self.sub_volumes.len().saturating_sub(1);
        let index = match known {
            Some(index) => index,
            None if self.sub_volumes.len() >= SUB_VOLUMES_COUNT => last,
            None => {
                let place = self.sub_volumes.len();
                self.sub_volumes.push(facts.sub_volume.clone());
                self.sub_volume_places
                    .insert(facts.sub_volume.clone(), place);
                place
            }
        };
        self.slices.push(Slice {
            instance_number: facts.instance_number,
            acquisition_number: facts.acquisition_number,
            position_mm: geometry.image_position_patient,
            orientation: geometry.image_orientation_patient,
            sub_volume: u32::try_from(index).unwrap_or(u32::MAX),
        });
    }
}
