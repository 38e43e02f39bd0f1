//! What the index and the checks know of a study, series and instance.
//!
//! A field that is a DICOM attribute carries its keyword. Texts are decoded to Unicode and trimmed; an absent or
//! empty attribute is `None` (or an empty list). Nothing here is trusted: it is what the file says of itself.

use serde::{Deserialize, Serialize};

use crate::hidden::Hidden;
use crate::uid::{
    SeriesInstanceUid, SopClassUid, SopInstanceUid, StudyInstanceUid, TransferSyntaxUid,
};

/// Modalities whose instances are no images to read.
pub const NO_IMAGES: [&str; 12] = [
    "SR", "KO", "PR", "SEG", "DOC", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "AU", "RWV", "PLAN",
];

/// Everything read from one instance's header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// Study and patient attributes.
    pub study: StudyFacts,
    /// Series attributes.
    pub series: SeriesFacts,
    /// (0008,0018).
    pub sop_instance_uid: SopInstanceUid,
    /// (0008,0016).
    pub sop_class_uid: SopClassUid,
    /// (0002,0010), or what the bytes show when the meta group is absent.
    pub transfer_syntax_uid: TransferSyntaxUid,
    /// (0020,0013).
    pub instance_number: Option<i64>,
    /// (0020,0012).
    pub acquisition_number: Option<i64>,
    /// (0008,0008).
    pub image_type: Vec<String>,
    /// (0008,0022) as written, DA.
    pub acquisition_date: Option<String>,
    /// (0028,0010); `None` when the instance is no image.
    pub rows: Option<u32>,
    /// (0028,0011).
    pub columns: Option<u32>,
    /// (0028,0008); 1 when absent and the instance is an image, 0 when it is none.
    pub number_of_frames: u32,
    /// Where the slice lies.
    pub geometry: Option<Geometry>,
    /// What tells diagnostic images from pictures of pictures.
    pub quality: QualityFacts,
    /// MR contrast; empty for other modalities.
    pub mr: MrFacts,
    /// Keys that split a series into stacks, as texts: echo, b-value, temporal position, stack id, cardiac phase, image type.
    pub sub_volume: Vec<String>,
    /// (0020,1002).
    pub images_in_acquisition: Option<i64>,
    /// (0042,0012), for an encapsulated document.
    pub mime_type_of_encapsulated_document: Option<String>,
    /// What reports, key-object notes and multi-frame objects say of themselves and of other instances.
    #[serde(default)]
    pub content: ContentFacts,
}

/// What a structured report, key-object note, presentation state or multi-frame object says; empty for plain images.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFacts {
    /// Code Value of the document title, (0040,A043) at the root.
    pub document_title_code: Option<String>,
    /// (0040,A491): `COMPLETE` or `PARTIAL`.
    pub completion_flag: Option<String>,
    /// (0040,A493): `VERIFIED` or `UNVERIFIED`.
    pub verification_flag: Option<String>,
    /// (0040,A496): `FINAL` or `PRELIMINARY`.
    pub preliminary_flag: Option<String>,
    /// Every (0008,1155) below evidence, reference and source image sequences; bounded by the reader.
    pub referenced_sop_instance_uids: Vec<SopInstanceUid>,
    /// Items of (5200,9230); `None` when the sequence is absent.
    pub per_frame_item_count: Option<u32>,
}

/// Study and patient attributes as one instance writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyFacts {
    /// (0020,000D).
    pub study_instance_uid: StudyInstanceUid,
    /// (0010,0010), component groups as DICOM writes them.
    pub patient_name: Option<Hidden<String>>,
    /// (0010,0020).
    pub patient_id: Option<Hidden<String>>,
    /// (0010,0021).
    pub issuer_of_patient_id: Option<Hidden<String>>,
    /// (0010,0030) as written.
    pub patient_birth_date: Option<Hidden<String>>,
    /// (0010,0040).
    pub patient_sex: Option<String>,
    /// (0010,1010).
    pub patient_age: Option<String>,
    /// (0008,0020) as written, DA.
    pub study_date: Option<String>,
    /// (0008,0030) as written, TM.
    pub study_time: Option<String>,
    /// (0008,0050).
    pub accession_number: Option<Hidden<String>>,
    /// (0020,0010).
    pub study_id: Option<String>,
    /// (0008,1030).
    pub study_description: Option<String>,
    /// (0008,0090).
    pub referring_physician_name: Option<Hidden<String>>,
    /// (0008,0080).
    pub institution_name: Option<String>,
    /// (0032,1060).
    pub requested_procedure_description: Option<String>,
    /// Meanings of (0008,1032).
    pub procedure_code_meanings: Vec<String>,
    /// (0008,0201): `+0100`.
    pub timezone_offset_from_utc: Option<String>,
}

/// Series attributes as one instance writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesFacts {
    /// (0020,000E).
    pub series_instance_uid: SeriesInstanceUid,
    /// (0008,0060); `OT` when absent.
    pub modality: String,
    /// (0020,0011).
    pub series_number: Option<i64>,
    /// (0008,103E).
    pub series_description: Option<String>,
    /// (0008,0021) as written.
    pub series_date: Option<String>,
    /// (0008,0031) as written.
    pub series_time: Option<String>,
    /// (0018,0015).
    pub body_part_examined: Option<String>,
    /// (0020,0060), else (0020,0062): `L`, `R`, `B`, `U`.
    pub laterality: Option<String>,
    /// (0018,1030).
    pub protocol_name: Option<String>,
    /// (0018,5100).
    pub patient_position: Option<String>,
    /// (0020,0052).
    pub frame_of_reference_uid: Option<String>,
    /// (0018,0010).
    pub contrast_bolus_agent: Option<String>,
    /// (0018,5101).
    pub view_position: Option<String>,
    /// (0008,0068).
    pub presentation_intent_type: Option<String>,
    /// Code values of (0008,2218).
    pub anatomic_region_codes: Vec<String>,
    /// (0008,0070).
    pub manufacturer: Option<String>,
    /// (0008,1090).
    pub manufacturer_model_name: Option<String>,
    /// (0008,1010).
    pub station_name: Option<String>,
    /// (0040,0244) as written.
    pub performed_procedure_step_start_date: Option<String>,
    /// (0040,0245) as written.
    pub performed_procedure_step_start_time: Option<String>,
    /// Items of (0040,0275).
    #[serde(default)]
    pub request_attributes: Vec<RequestAttributes>,
}

/// What an image was requested by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestAttributes {
    /// (0040,0009).
    pub scheduled_procedure_step_id: Option<String>,
    /// (0040,1001).
    pub requested_procedure_id: Option<String>,
}

/// Where a slice lies in the patient (first frame of an enhanced object).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// (0020,0032), mm, LPS.
    pub image_position_patient: [f64; 3],
    /// (0020,0037), row then column direction cosines.
    pub image_orientation_patient: [f64; 6],
    /// (0028,0030), mm between rows, then between columns.
    pub pixel_spacing_mm: Option<[f64; 2]>,
    /// (0018,0050).
    pub slice_thickness_mm: Option<f64>,
    /// (0018,0088).
    pub spacing_between_slices_mm: Option<f64>,
}

/// What says whether pixels are original and readable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityFacts {
    /// (0028,2110): `00`, `01` or absent.
    pub lossy_image_compression: Option<String>,
    /// (0028,2112).
    pub lossy_image_compression_ratio: Vec<f64>,
    /// (0028,0301): `YES`, `NO`.
    pub burned_in_annotation: Option<String>,
    /// (0008,0064).
    pub conversion_type: Option<String>,
    /// (0028,0100).
    pub bits_allocated: Option<u16>,
    /// (0028,0101).
    pub bits_stored: Option<u16>,
    /// (0028,0102).
    pub high_bit: Option<u16>,
    /// (0028,0002).
    pub samples_per_pixel: Option<u16>,
    /// (0028,0004).
    pub photometric_interpretation: Option<String>,
    /// Pixel data element is there.
    pub has_pixel_data: bool,
    /// Pixel data is shorter than rows, columns and frames need, or a fragment ends early.
    pub pixel_data_short: bool,
    /// (0012,0062).
    pub patient_identity_removed: Option<String>,
    /// Rescale Slope and Intercept (or the enhanced functional group) are there; `None` when not looked at.
    #[serde(default)]
    pub has_rescale: Option<bool>,
    /// Pixel Spacing, Imager Pixel Spacing or an ultrasound region calibration is there; `None` when not looked at.
    #[serde(default)]
    pub is_calibrated: Option<bool>,
}

/// What tells one MR weighting from another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MrFacts {
    /// (0018,0080).
    pub repetition_time_ms: Option<f64>,
    /// (0018,0081).
    pub echo_time_ms: Option<f64>,
    /// (0018,0082).
    pub inversion_time_ms: Option<f64>,
    /// (0018,0020).
    pub scanning_sequence: Vec<String>,
    /// (0018,0021).
    pub sequence_variant: Vec<String>,
    /// (0018,0022).
    pub scan_options: Vec<String>,
    /// (0018,9087), s/mm².
    pub diffusion_b_value: Option<f64>,
}

/// Where one frame's bytes lie in the instance as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRange {
    /// Bytes from the start of the instance.
    pub offset_bytes: u64,
    /// Bytes of the frame (of its fragments' contents, when it is one fragment).
    pub length_bytes: u64,
}
