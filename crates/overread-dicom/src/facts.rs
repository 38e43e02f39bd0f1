//! The facts that the index and the checks need, read from a walked data set.

mod content;
mod enhanced;

use overread_model::hidden::Hidden;
use overread_model::imaging::{
    Geometry, InstanceFacts, MrFacts, QualityFacts, RequestAttributes, SeriesFacts, StudyFacts,
};
use overread_model::problem::ProblemKind;
use overread_model::uid::BadUid;

use crate::dataset::{DataSet, NodeKind};
use crate::json::character_set_of;
use crate::numbers::{decimal, integer, words};
use crate::part10::Meta;
use crate::pixels::{PixelFacts, PixelShape, find_frames};
use crate::problem::DicomProblem;
use crate::source::Source;
use crate::syntax::{EXPLICIT_VR_LITTLE_ENDIAN, Syntax};
use crate::tags;
use crate::text::CharacterSet;
use crate::vr::Vr;

/// Longest text that becomes a fact.
const MAX_FACT_BYTES: u64 = 16 * 1024;
/// Values of one attribute that become facts.
const MAX_FACT_VALUES: usize = 64;
/// Items of a code sequence that become facts.
const MAX_CODES: usize = 16;

/// Reads values of a walked data set.
pub(crate) struct Attributes<'a, S> {
    pub(crate) source: &'a mut S,
    pub(crate) data_set: &'a DataSet,
    character_set: CharacterSet,
}

impl<'a, S: Source> Attributes<'a, S> {
    pub(crate) fn new(source: &'a mut S, data_set: &'a DataSet) -> Self {
        let character_set = character_set_of(source, data_set, None, CharacterSet::default());
        Self {
            source,
            data_set,
            character_set,
        }
    }

    /// Returns the decoded text of an element of the root (`None`) or of an item, all values, untrimmed.
    pub(crate) fn raw(&mut self, parent: Option<usize>, tag: u32) -> Option<String> {
        let node = self.data_set.nodes.get(self.data_set.find(parent, tag)?)?;
        if node.kind != NodeKind::Value || node.length_bytes == 0 || node.vr.word_bytes() > 1 {
            return None;
        }
        let character_set = match parent {
            Some(_) => character_set_of(self.source, self.data_set, parent, self.character_set),
            None => self.character_set,
        };
        let bytes = self.source.view(
            node.offset_bytes,
            node.length_bytes.min(MAX_FACT_BYTES) as usize,
        )?;
        let text = if node.vr.uses_character_set() {
            character_set.decode(bytes, node.vr == Vr::PN)
        } else {
            CharacterSet::default().decode(bytes, false)
        };
        Some(text.into_owned())
    }

    /// Returns the values of a text; empty ones stay as empty texts so that positions keep their meaning.
    pub(crate) fn texts(&mut self, parent: Option<usize>, tag: u32) -> Vec<String> {
        let Some(raw) = self.raw(parent, tag) else {
            return Vec::new();
        };
        let mut values: Vec<String> = raw
            .split('\\')
            .take(MAX_FACT_VALUES)
            .map(|value| value.trim_matches([' ', '\0']).to_owned())
            .collect();
        if values.iter().all(String::is_empty) {
            values.clear();
        }
        values
    }

    /// Returns the first value.
    pub(crate) fn text(&mut self, parent: Option<usize>, tag: u32) -> Option<String> {
        let raw = self.raw(parent, tag)?;
        let first = raw.split('\\').next().unwrap_or_default();
        let first = first.trim_matches([' ', '\0']);
        (!first.is_empty()).then(|| first.to_owned())
    }

    fn hidden(&mut self, tag: u32) -> Option<Hidden<String>> {
        self.text(None, tag).map(Hidden)
    }

    /// Returns the numbers of a text or binary element; what is no number is left out.
    pub(crate) fn numbers(&mut self, parent: Option<usize>, tag: u32) -> Vec<f64> {
        let Some(node) = self
            .data_set
            .find(parent, tag)
            .and_then(|index| self.data_set.nodes.get(index))
        else {
            return Vec::new();
        };
        let length = node.length_bytes.min(MAX_FACT_BYTES) as usize;
        let Some(bytes) = self.source.view(node.offset_bytes, length) else {
            return Vec::new();
        };
        let big = node.big_endian;
        match node.vr {
            Vr::US => words(bytes, big)
                .map(|word| f64::from(u16::from_le_bytes(word)))
                .collect(),
            Vr::SS => words(bytes, big)
                .map(|word| f64::from(i16::from_le_bytes(word)))
                .collect(),
            Vr::UL => words(bytes, big)
                .map(|word| f64::from(u32::from_le_bytes(word)))
                .collect(),
            Vr::SL => words(bytes, big)
                .map(|word| f64::from(i32::from_le_bytes(word)))
                .collect(),
            Vr::FL => words(bytes, big)
                .map(|word| f64::from(f32::from_le_bytes(word)))
                .collect(),
            Vr::FD => words(bytes, big).map(f64::from_le_bytes).collect(),
            _ => String::from_utf8_lossy(bytes)
                .split('\\')
                .filter_map(decimal)
                .collect(),
        }
    }

    pub(crate) fn number(&mut self, parent: Option<usize>, tag: u32) -> Option<f64> {
        self.numbers(parent, tag)
            .first()
            .copied()
            .filter(|number| number.is_finite())
    }

    fn whole(&mut self, tag: u32) -> Option<i64> {
        match self.text(None, tag) {
            Some(text) => integer(&text),
            None => self
                .number(None, tag)
                .filter(|number| number.fract() == 0.0)
                .map(|number| number as i64),
        }
    }

    fn unsigned(&mut self, tag: u32) -> Option<u32> {
        self.whole(tag)
            .and_then(|number| u32::try_from(number).ok())
    }

    fn short(&mut self, tag: u32) -> Option<u16> {
        self.whole(tag)
            .and_then(|number| u16::try_from(number).ok())
    }

    pub(crate) fn vector<const N: usize>(
        &mut self,
        parent: Option<usize>,
        tag: u32,
    ) -> Option<[f64; N]> {
        let numbers = self.numbers(parent, tag);
        let vector: [f64; N] = numbers.try_into().ok()?;
        vector
            .iter()
            .all(|number| number.is_finite())
            .then_some(vector)
    }

    /// Returns the items of a sequence.
    pub(crate) fn items(&self, parent: Option<usize>, tag: u32) -> Vec<usize> {
        self.data_set
            .find(parent, tag)
            .map(|index| {
                self.data_set
                    .children(Some(index))
                    .filter(|(_, node)| node.kind == NodeKind::Item)
                    .map(|(index, _)| index)
                    .take(MAX_CODES)
                    .collect()
            })
            .unwrap_or_default()
    }

    pub(crate) fn first_item(&self, parent: Option<usize>, tag: u32) -> Option<usize> {
        let index = self.data_set.find(parent, tag)?;
        self.data_set
            .children(Some(index))
            .find(|(_, node)| node.kind == NodeKind::Item)
            .map(|(index, _)| index)
    }

    /// Returns a text of every item of a sequence.
    pub(crate) fn texts_of_items(
        &mut self,
        parent: Option<usize>,
        sequence: u32,
        tag: u32,
    ) -> Vec<String> {
        self.items(parent, sequence)
            .into_iter()
            .filter_map(|item| self.text(Some(item), tag))
            .collect()
    }

    fn uid<T: std::str::FromStr<Err = BadUid>>(
        &mut self,
        tag: u32,
        what: &str,
    ) -> Result<T, DicomProblem> {
        let text = self.text(None, tag).unwrap_or_default();
        text.parse().map_err(|bad: BadUid| {
            DicomProblem::new(
                ProblemKind::BadUid,
                format!("the {what} cannot be used: {bad}"),
            )
        })
    }
}

/// Reads every fact of an instance.
///
/// # Errors
/// Study, series or instance are not named by usable UIDs.
pub(crate) fn read<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    meta: &Meta,
    syntax: Syntax,
) -> Result<(InstanceFacts, PixelFacts), DicomProblem> {
    let mut attributes = Attributes::new(source, data_set);
    let sop_instance_uid = attributes.uid(tags::SOP_INSTANCE_UID, "SOP Instance UID")?;
    let study = study(&mut attributes)?;
    let series = series(&mut attributes)?;
    let sop_class_uid = match (
        attributes.text(None, tags::SOP_CLASS_UID),
        &meta.sop_class_uid,
    ) {
        (None, Some(uid)) => uid.parse().map_err(bad_class)?,
        (text, _) => text.unwrap_or_default().parse().map_err(bad_class)?,
    };
    let stated = meta.transfer_syntax_uid.as_deref();
    let (quality, pixels, shape) = quality(&mut attributes, stated.unwrap_or_default());
    let transfer_syntax_uid = true_syntax(stated, syntax, &pixels);
    let is_image = shape.rows > 0 && shape.columns > 0;
    let mut facts = InstanceFacts {
        study,
        series,
        sop_instance_uid,
        sop_class_uid,
        transfer_syntax_uid: transfer_syntax_uid.parse().map_err(|bad: BadUid| {
            DicomProblem::new(
                ProblemKind::BadUid,
                format!("the transfer syntax cannot be used: {bad}"),
            )
        })?,
        instance_number: attributes.whole(tags::INSTANCE_NUMBER),
        acquisition_number: attributes.whole(tags::ACQUISITION_NUMBER),
        image_type: attributes.texts(None, tags::IMAGE_TYPE),
        acquisition_date: attributes.text(None, tags::ACQUISITION_DATE),
        rows: attributes.unsigned(tags::ROWS),
        columns: attributes.unsigned(tags::COLUMNS),
        number_of_frames: if is_image || pixels.has_pixel_data {
            shape.frames
        } else {
            0
        },
        geometry: geometry(&mut attributes),
        quality,
        mr: mr(&mut attributes),
        sub_volume: Vec::new(),
        images_in_acquisition: attributes.whole(tags::IMAGES_IN_ACQUISITION),
        mime_type_of_encapsulated_document: attributes
            .text(None, tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT),
        content: content::read(&mut attributes),
    };
    enhanced::complete(&mut attributes, &mut facts);
    facts.sub_volume = sub_volume(&mut attributes, &facts);
    Ok((facts, pixels))
}

fn bad_class(bad: BadUid) -> DicomProblem {
    DicomProblem::new(
        ProblemKind::BadUid,
        format!("the SOP Class UID cannot be used: {bad}"),
    )
}

/// Returns the transfer syntax that the bytes show, where the file states a wrong one or none.
fn true_syntax<'a>(stated: Option<&'a str>, syntax: Syntax, pixels: &PixelFacts) -> &'a str {
    match stated {
        // Pixel data with a length under an encapsulated syntax are uncompressed (PS3.5 A.4).
        Some(_) if syntax.encapsulated && pixels.has_pixel_data && !pixels.is_encapsulated => {
            EXPLICIT_VR_LITTLE_ENDIAN
        }
        Some(uid) if syntax.encapsulated || syntax.deflated => uid,
        Some(uid) if Syntax::of_uid(uid) == syntax => uid,
        _ => syntax.native_uid(),
    }
}

fn study<S: Source>(attributes: &mut Attributes<'_, S>) -> Result<StudyFacts, DicomProblem> {
    Ok(StudyFacts {
        study_instance_uid: attributes.uid(tags::STUDY_INSTANCE_UID, "Study Instance UID")?,
        patient_name: attributes.hidden(tags::PATIENT_NAME),
        patient_id: attributes.hidden(tags::PATIENT_ID),
        issuer_of_patient_id: attributes.hidden(tags::ISSUER_OF_PATIENT_ID),
        patient_birth_date: attributes.hidden(tags::PATIENT_BIRTH_DATE),
        patient_sex: attributes.text(None, tags::PATIENT_SEX),
        patient_age: attributes.text(None, tags::PATIENT_AGE),
        study_date: attributes.text(None, tags::STUDY_DATE),
        study_time: attributes.text(None, tags::STUDY_TIME),
        accession_number: attributes.hidden(tags::ACCESSION_NUMBER),
        study_id: attributes.text(None, tags::STUDY_ID),
        study_description: attributes.text(None, tags::STUDY_DESCRIPTION),
        referring_physician_name: attributes.hidden(tags::REFERRING_PHYSICIAN_NAME),
        institution_name: attributes.text(None, tags::INSTITUTION_NAME),
        requested_procedure_description: attributes
            .text(None, tags::REQUESTED_PROCEDURE_DESCRIPTION),
        procedure_code_meanings: attributes.texts_of_items(
            None,
            tags::PROCEDURE_CODE_SEQUENCE,
            tags::CODE_MEANING,
        ),
        timezone_offset_from_utc: attributes.text(None, tags::TIMEZONE_OFFSET_FROM_UTC),
    })
}

fn series<S: Source>(attributes: &mut Attributes<'_, S>) -> Result<SeriesFacts, DicomProblem> {
    Ok(SeriesFacts {
        series_instance_uid: attributes.uid(tags::SERIES_INSTANCE_UID, "Series Instance UID")?,
        modality: attributes
            .text(None, tags::MODALITY)
            .unwrap_or_else(|| "OT".to_owned()),
        series_number: attributes.whole(tags::SERIES_NUMBER),
        series_description: attributes.text(None, tags::SERIES_DESCRIPTION),
        series_date: attributes.text(None, tags::SERIES_DATE),
        series_time: attributes.text(None, tags::SERIES_TIME),
        body_part_examined: attributes.text(None, tags::BODY_PART_EXAMINED),
        laterality: attributes
            .text(None, tags::LATERALITY)
            .or_else(|| attributes.text(None, tags::IMAGE_LATERALITY)),
        protocol_name: attributes.text(None, tags::PROTOCOL_NAME),
        patient_position: attributes.text(None, tags::PATIENT_POSITION),
        frame_of_reference_uid: attributes.text(None, tags::FRAME_OF_REFERENCE_UID),
        contrast_bolus_agent: attributes.text(None, tags::CONTRAST_BOLUS_AGENT),
        view_position: attributes.text(None, tags::VIEW_POSITION),
        presentation_intent_type: attributes.text(None, tags::PRESENTATION_INTENT_TYPE),
        anatomic_region_codes: attributes.texts_of_items(
            None,
            tags::ANATOMIC_REGION_SEQUENCE,
            tags::CODE_VALUE,
        ),
        manufacturer: attributes.text(None, tags::MANUFACTURER),
        manufacturer_model_name: attributes.text(None, tags::MANUFACTURER_MODEL_NAME),
        station_name: attributes.text(None, tags::STATION_NAME),
        performed_procedure_step_start_date: attributes
            .text(None, tags::PERFORMED_PROCEDURE_STEP_START_DATE),
        performed_procedure_step_start_time: attributes
            .text(None, tags::PERFORMED_PROCEDURE_STEP_START_TIME),
        request_attributes: request_attributes(attributes),
    })
}

fn request_attributes<S: Source>(attributes: &mut Attributes<'_, S>) -> Vec<RequestAttributes> {
    let items = attributes.items(None, tags::REQUEST_ATTRIBUTES_SEQUENCE);
    let read = items.into_iter().map(|item| RequestAttributes {
        scheduled_procedure_step_id: attributes.text(Some(item), tags::SCHEDULED_PROCEDURE_STEP_ID),
        requested_procedure_id: attributes.text(Some(item), tags::REQUESTED_PROCEDURE_ID),
    });
    read.filter(|item| *item != RequestAttributes::default())
        .collect()
}

fn geometry<S: Source>(attributes: &mut Attributes<'_, S>) -> Option<Geometry> {
    Some(Geometry {
        image_position_patient: attributes.vector(None, tags::IMAGE_POSITION_PATIENT)?,
        image_orientation_patient: attributes.vector(None, tags::IMAGE_ORIENTATION_PATIENT)?,
        pixel_spacing_mm: attributes.vector(None, tags::PIXEL_SPACING),
        slice_thickness_mm: attributes.number(None, tags::SLICE_THICKNESS),
        spacing_between_slices_mm: attributes.number(None, tags::SPACING_BETWEEN_SLICES),
    })
}

fn quality<S: Source>(
    attributes: &mut Attributes<'_, S>,
    transfer_syntax_uid: &str,
) -> (QualityFacts, PixelFacts, PixelShape) {
    let photometric = attributes.text(None, tags::PHOTOMETRIC_INTERPRETATION);
    let frames = attributes
        .whole(tags::NUMBER_OF_FRAMES)
        .unwrap_or(1)
        .clamp(1, i64::from(u32::MAX));
    let shape = PixelShape {
        rows: attributes.unsigned(tags::ROWS).unwrap_or(0).into(),
        columns: attributes.unsigned(tags::COLUMNS).unwrap_or(0).into(),
        samples: attributes
            .short(tags::SAMPLES_PER_PIXEL)
            .unwrap_or(1)
            .into(),
        bits_allocated: attributes.short(tags::BITS_ALLOCATED).unwrap_or(16).into(),
        frames: frames as u32,
        is_subsampled: photometric
            .as_deref()
            .is_some_and(|name| matches!(name, "YBR_FULL_422" | "YBR_PARTIAL_422")),
        is_video: crate::syntax::frame_media_type(transfer_syntax_uid)
            .is_some_and(|media_type| media_type.starts_with("video/")),
    };
    let pixels = find_frames(attributes.source, attributes.data_set, shape);
    let has = |tag| attributes.data_set.find(None, tag).is_some();
    let has_rescale = has(tags::RESCALE_SLOPE) && has(tags::RESCALE_INTERCEPT);
    let is_calibrated = has(tags::PIXEL_SPACING)
        || has(tags::IMAGER_PIXEL_SPACING)
        || attributes
            .first_item(None, tags::SEQUENCE_OF_ULTRASOUND_REGIONS)
            .is_some();
    let facts = QualityFacts {
        lossy_image_compression: attributes.text(None, tags::LOSSY_IMAGE_COMPRESSION),
        lossy_image_compression_ratio: attributes
            .numbers(None, tags::LOSSY_IMAGE_COMPRESSION_RATIO),
        burned_in_annotation: attributes.text(None, tags::BURNED_IN_ANNOTATION),
        conversion_type: attributes.text(None, tags::CONVERSION_TYPE),
        bits_allocated: attributes.short(tags::BITS_ALLOCATED),
        bits_stored: attributes.short(tags::BITS_STORED),
        high_bit: attributes.short(tags::HIGH_BIT),
        samples_per_pixel: attributes.short(tags::SAMPLES_PER_PIXEL),
        photometric_interpretation: photometric,
        has_pixel_data: pixels.has_pixel_data,
        pixel_data_short: pixels.is_short,
        patient_identity_removed: attributes.text(None, tags::PATIENT_IDENTITY_REMOVED),
        has_rescale: Some(has_rescale),
        is_calibrated: Some(is_calibrated),
    };
    (facts, pixels, shape)
}

fn mr<S: Source>(attributes: &mut Attributes<'_, S>) -> MrFacts {
    MrFacts {
        repetition_time_ms: attributes.number(None, tags::REPETITION_TIME),
        echo_time_ms: attributes.number(None, tags::ECHO_TIME),
        inversion_time_ms: attributes.number(None, tags::INVERSION_TIME),
        scanning_sequence: attributes.texts(None, tags::SCANNING_SEQUENCE),
        sequence_variant: attributes.texts(None, tags::SEQUENCE_VARIANT),
        scan_options: attributes.texts(None, tags::SCAN_OPTIONS),
        diffusion_b_value: attributes.number(None, tags::DIFFUSION_B_VALUE),
    }
}

/// Returns what splits a series into stacks, as `name=value`; absent attributes add nothing.
fn sub_volume<S: Source>(attributes: &mut Attributes<'_, S>, facts: &InstanceFacts) -> Vec<String> {
    let mut keys = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            keys.push(format!("{name}={value}"));
        }
    };
    add(
        "size",
        facts
            .rows
            .zip(facts.columns)
            .map(|(rows, columns)| format!("{rows}x{columns}")),
    );
    add(
        "image-type",
        (!facts.image_type.is_empty()).then(|| facts.image_type.join("\\")),
    );
    add("echo", attributes.text(None, tags::ECHO_NUMBERS));
    add(
        "echo-time",
        facts.mr.echo_time_ms.map(|number| number.to_string()),
    );
    add(
        "temporal-position",
        attributes.text(None, tags::TEMPORAL_POSITION_IDENTIFIER),
    );
    add(
        "b-value",
        facts.mr.diffusion_b_value.map(|number| number.to_string()),
    );
    let gradient: Option<[f64; 3]> = attributes.vector(None, tags::DIFFUSION_GRADIENT_ORIENTATION);
    add(
        "gradient",
        gradient.map(|[x, y, z]| format!("{x:.3}\\{y:.3}\\{z:.3}")),
    );
    add("trigger-time", attributes.text(None, tags::TRIGGER_TIME));
    add("stack", attributes.text(None, tags::STACK_ID));
    add(
        "component",
        attributes.text(None, tags::COMPLEX_IMAGE_COMPONENT),
    );
    let has_contrast = facts.series.contrast_bolus_agent.is_some();
    add("contrast", has_contrast.then(|| "yes".to_owned()));
    keys
}
