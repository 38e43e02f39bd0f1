//! DICOM instances made from a few plain facts, written as Part 10 files.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// The root under which every synthetic UID stands.
// PS3.5 B.2: 2.25 plus a UUID as a number needs no registration.
const UID_ROOT: &str = "2.25.3290547";

/// Says that an instance could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the synthetic instance could not be written")]
pub struct WriteError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Makes a UID from numbers; the same numbers give the same UID.
pub fn uid(parts: &[u64]) -> String {
    let mut text = UID_ROOT.to_owned();
    for part in parts {
        text.push('.');
        text.push_str(&part.to_string());
    }
    text
}

/// One single-frame, 16-bit greyscale instance.
#[derive(Debug, Clone)]
pub struct InstanceSpec {
    /// (0008,0016).
    pub sop_class_uid: String,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,0018).
    pub sop_instance_uid: String,
    /// (0002,0010); the pixels are written as they are, so choose an uncompressed one.
    pub transfer_syntax_uid: String,
    /// (0028,0010).
    pub rows: u16,
    /// (0028,0011).
    pub columns: u16,
    /// Rows × columns, row by row; empty for an instance without pixels.
    pub pixels: Vec<u16>,
    /// Every other attribute as text; written over the defaults, an empty text writes an empty element.
    pub attributes: Vec<(Tag, VR, String)>,
}

impl InstanceSpec {
    /// Makes a small MR instance of a fictional patient.
    pub fn mr(study: u64, series: u64, instance: u64) -> Self {
        Self {
            sop_class_uid: uids::MR_IMAGE_STORAGE.to_owned(),
            study_instance_uid: uid(&[study]),
            series_instance_uid: uid(&[study, series]),
            sop_instance_uid: uid(&[study, series, instance]),
            transfer_syntax_uid: uids::EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
            rows: 16,
            columns: 16,
            pixels: (0..256)
                .map(|value| (value * 4 + instance as u16) % 1024)
                .collect(),
            attributes: vec![
                (tags::MODALITY, VR::CS, "MR".to_owned()),
                (tags::PATIENT_NAME, VR::PN, "Sample^Alex".to_owned()),
                (tags::PATIENT_ID, VR::LO, "SAMPLE-1".to_owned()),
                (tags::PATIENT_BIRTH_DATE, VR::DA, "19700302".to_owned()),
                (tags::PATIENT_SEX, VR::CS, "F".to_owned()),
                (tags::STUDY_DATE, VR::DA, "20260302".to_owned()),
                (tags::STUDY_TIME, VR::TM, "101500".to_owned()),
                (
                    tags::STUDY_DESCRIPTION,
                    VR::LO,
                    "MRI LUMBAR SPINE".to_owned(),
                ),
                (tags::SERIES_NUMBER, VR::IS, series.to_string()),
                (tags::INSTANCE_NUMBER, VR::IS, instance.to_string()),
                (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY".to_owned()),
            ],
        }
    }

    /// Replaces or adds an attribute.
    #[must_use]
    pub fn with(mut self, tag: Tag, vr: VR, value: impl Into<String>) -> Self {
        self.attributes.retain(|(known, ..)| *known != tag);
        self.attributes.push((tag, vr, value.into()));
        self
    }

    /// Makes it of another modality.
    #[must_use]
    pub fn with_modality(self, modality: &str) -> Self {
        self.with(tags::MODALITY, VR::CS, modality)
    }

    /// Makes it somebody else's: name, birth date and number of the patient.
    #[must_use]
    pub fn of_person(self, name: &str, birth_date: &str, patient_id: &str) -> Self {
        self.with(tags::PATIENT_NAME, VR::PN, name)
            .with(tags::PATIENT_BIRTH_DATE, VR::DA, birth_date)
            .with(tags::PATIENT_ID, VR::LO, patient_id)
    }

    /// Names another exam.
    #[must_use]
    pub fn of_exam(self, study_description: &str, body_part_examined: &str) -> Self {
        self.with(tags::STUDY_DESCRIPTION, VR::LO, study_description)
            .with(tags::BODY_PART_EXAMINED, VR::CS, body_part_examined)
    }

    /// Places the instance as an axial slice at this height.
    #[must_use]
    pub fn at_z_mm(self, z_mm: f64) -> Self {
        self.with(
            tags::IMAGE_POSITION_PATIENT,
            VR::DS,
            format!("-8\\-8\\{z_mm}"),
        )
        .with(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0")
        .with(tags::PIXEL_SPACING, VR::DS, "1\\1")
        .with(tags::SLICE_THICKNESS, VR::DS, "3")
    }

    /// Returns the Part 10 file.
    ///
    /// # Errors
    /// When an attribute's text does not fit its VR.
    pub fn part10(&self) -> Result<Vec<u8>, WriteError> {
        let mut object = InMemDicomObject::new_empty();
        let mut text = |tag, vr, value: &str| {
            object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        };
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        text(tags::SOP_CLASS_UID, VR::UI, &self.sop_class_uid);
        text(tags::SOP_INSTANCE_UID, VR::UI, &self.sop_instance_uid);
        text(tags::STUDY_INSTANCE_UID, VR::UI, &self.study_instance_uid);
        text(tags::SERIES_INSTANCE_UID, VR::UI, &self.series_instance_uid);
        for (tag, vr, value) in &self.attributes {
            if *vr == VR::US {
                let number = value
                    .parse::<u16>()
                    .map_err(|error| WriteError(Box::new(error)))?;
                object.put(DataElement::new(*tag, *vr, PrimitiveValue::from(number)));
            } else if value.contains('\\') {
                let values: Vec<String> = value.split('\\').map(str::to_owned).collect();
                object.put(DataElement::new(
                    *tag,
                    *vr,
                    PrimitiveValue::Strs(values.into()),
                ));
            } else {
                object.put(DataElement::new(
                    *tag,
                    *vr,
                    PrimitiveValue::from(value.as_str()),
                ));
            }
        }
        if !self.pixels.is_empty() {
            self.put_pixels(&mut object);
        }
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(&self.transfer_syntax_uid)
            .media_storage_sop_class_uid(&self.sop_class_uid)
            .media_storage_sop_instance_uid(&self.sop_instance_uid);
        let file = object
            .with_meta(meta)
            .map_err(|error| WriteError(Box::new(error)))?;
        let mut bytes = Vec::with_capacity(self.pixels.len() * 2 + 4096);
        file.write_all(&mut bytes)
            .map_err(|error| WriteError(Box::new(error)))?;
        Ok(bytes)
    }

    fn put_pixels(&self, object: &mut InMemDicomObject) {
        let mut number = |tag, value: u16| {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        };
        number(tags::SAMPLES_PER_PIXEL, 1);
        number(tags::ROWS, self.rows);
        number(tags::COLUMNS, self.columns);
        number(tags::BITS_ALLOCATED, 16);
        number(tags::BITS_STORED, 12);
        number(tags::HIGH_BIT, 11);
        number(tags::PIXEL_REPRESENTATION, 0);
        object.put(DataElement::new(
            tags::PHOTOMETRIC_INTERPRETATION,
            VR::CS,
            PrimitiveValue::from("MONOCHROME2"),
        ));
        object.put(DataElement::new(
            tags::PIXEL_DATA,
            VR::OW,
            PrimitiveValue::U16(self.pixels.as_slice().into()),
        ));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::InstanceSpec;

    #[test]
    fn an_instance_is_a_part_10_file() {
        let bytes = InstanceSpec::mr(1, 2, 3).at_z_mm(4.5).part10().unwrap();
        assert_eq!(bytes.get(128..132), Some(b"DICM".as_slice()));
        let object = dicom_object::from_reader(std::io::Cursor::new(bytes)).unwrap();
        let name = object
            .element_by_name("PatientName")
            .unwrap()
            .to_str()
            .unwrap();
        assert_eq!(name, "Sample^Alex");
        let position = object.element_by_name("ImagePositionPatient").unwrap();
        assert_eq!(position.to_multi_float64().unwrap(), [-8.0, -8.0, 4.5]);
    }
}
