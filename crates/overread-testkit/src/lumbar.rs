//! A synthetic lumbar spine MR of a person who does not exist: five series with true geometry.
//!
//! Signals follow the spin-echo equations for each tissue of the phantom, with partial volume, the fall-off of a
//! surface coil and Rician noise. At L4-L5 an extrusion lies left of the midline; L4-L5 and L5-S1 are dry.

use std::thread;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};

use crate::dicom::{InstanceSpec, WriteError, uid};
use crate::disc::{DiscFile, viewer_junk};
use crate::phantom::{DISCS_BELOW, PROPERTIES, Tissue, disc_place, noise, tissue};

/// Points taken in each voxel for partial volume: offsets in row, column and slice direction, in voxels.
const SAMPLES: [(f32, f32, f32); 4] = [
    (-0.25, -0.25, -0.3),
    (0.25, -0.25, 0.3),
    (-0.25, 0.25, 0.3),
    (0.25, 0.25, -0.3),
];

/// Who the fictional patient is and when the exam was.
#[derive(Debug, Clone)]
pub struct Exam {
    /// Starts every UID of the study, so that studies differ.
    pub number: u64,
    /// (0010,0010).
    pub patient_name: String,
    /// (0010,0020).
    pub patient_id: String,
    /// (0010,0030).
    pub patient_birth_date: String,
    /// (0010,0040).
    pub patient_sex: String,
    /// (0008,0020).
    pub study_date: String,
    /// (0008,0080).
    pub institution_name: String,
    /// Divides rows and columns: 1 as scanners make them, more where nobody looks at the picture.
    pub coarseness: u16,
}

impl Default for Exam {
    fn default() -> Self {
        Self {
            number: 1,
            patient_name: "Rivera^Elena".to_owned(),
            patient_id: "DEMO-0001".to_owned(),
            patient_birth_date: "19790614".to_owned(),
            patient_sex: "F".to_owned(),
            study_date: "20260914".to_owned(),
            institution_name: "Lakeside Imaging (fictional)".to_owned(),
            coarseness: 1,
        }
    }
}

/// Contrast of one series.
struct Contrast {
    description: &'static str,
    repetition_time_ms: f32,
    echo_time_ms: f32,
    inversion_time_ms: Option<f32>,
    gain: f32,
}

const T1: Contrast = Contrast {
    description: "T1",
    repetition_time_ms: 560.0,
    echo_time_ms: 10.0,
    inversion_time_ms: None,
    gain: 1900.0,
};
const T2: Contrast = Contrast {
    description: "T2",
    repetition_time_ms: 3500.0,
    echo_time_ms: 102.0,
    inversion_time_ms: None,
    gain: 1900.0,
};
const STIR: Contrast = Contrast {
    description: "STIR",
    repetition_time_ms: 4200.0,
    echo_time_ms: 58.0,
    inversion_time_ms: Some(165.0),
    gain: 2000.0,
};

impl Contrast {
    fn signal(&self, tissue: Tissue) -> f32 {
        let Some(properties) = PROPERTIES.get(tissue as usize) else {
            return 0.0;
        };
        let recovery = match self.inversion_time_ms {
            None => 1.0 - (-self.repetition_time_ms / properties.t1_ms).exp(),
            Some(inversion) => (1.0 - 2.0 * (-inversion / properties.t1_ms).exp()
                + (-self.repetition_time_ms / properties.t1_ms).exp())
            .abs(),
        };
        properties.density * recovery * (-self.echo_time_ms / properties.t2_ms).exp()
    }
}

/// One slice in the patient: centre of the first voxel, unit vectors along the row, the column and across.
#[derive(Clone, Copy)]
struct Slice {
    origin: [f32; 3],
    row: [f32; 3],
    column: [f32; 3],
    across: [f32; 3],
    size: u16,
    spacing_mm: f32,
    thickness_mm: f32,
}

impl Slice {
    fn point(&self, column: f32, row: f32, depth: f32) -> [f32; 3] {
        std::array::from_fn(|axis| {
            let along = |vector: &[f32; 3]| vector.get(axis).copied().unwrap_or(0.0);
            along(&self.origin)
                + along(&self.row) * column * self.spacing_mm
                + along(&self.column) * row * self.spacing_mm
                + along(&self.across) * depth * self.thickness_mm
        })
    }
}

const THICKNESS_MM: f32 = 4.0;
const SPACING_BETWEEN_MM: f32 = 4.4;

fn sagittal(coarseness: u16) -> Vec<Slice> {
    const FIELD_MM: f32 = 280.0;
    let size = 320 / coarseness.max(1);
    let spacing_mm = FIELD_MM / f32::from(size);
    (0..15_u8)
        .map(|index| Slice {
            origin: [(f32::from(index) - 7.0) * SPACING_BETWEEN_MM, -150.0, 132.0],
            row: [0.0, 1.0, 0.0],
            column: [0.0, 0.0, -1.0],
            across: [1.0, 0.0, 0.0],
            size,
            spacing_mm,
            thickness_mm: THICKNESS_MM,
        })
        .collect()
}

fn axial(coarseness: u16) -> Vec<Slice> {
    const FIELD_MM: f32 = 200.0;
    let size = 256 / coarseness.max(1);
    let spacing_mm = FIELD_MM / f32::from(size);
    let mut slices = Vec::new();
    for disc in DISCS_BELOW {
        let place = disc_place(disc);
        for step in 0..5_u8 {
            let shift = (2.0 - f32::from(step)) * SPACING_BETWEEN_MM;
            let centre = (
                place.y + shift * place.up.0 + 18.0 * place.back.0,
                place.z + shift * place.up.1 + 18.0 * place.back.1,
            );
            let half = FIELD_MM / 2.0 - spacing_mm / 2.0;
            slices.push(Slice {
                origin: [
                    -half,
                    centre.0 - half * place.back.0,
                    centre.1 - half * place.back.1,
                ],
                row: [1.0, 0.0, 0.0],
                column: [0.0, place.back.0, place.back.1],
                across: [0.0, place.up.0, place.up.1],
                size,
                spacing_mm,
                thickness_mm: THICKNESS_MM,
            });
        }
    }
    slices
}

/// Tissues of one slice, four samples a voxel, with a slow texture.
struct Painted {
    samples: Vec<[Tissue; 4]>,
    texture: Vec<f32>,
}

fn paint(slice: &Slice) -> Painted {
    let size = slice.size;
    let mut painted = Painted {
        samples: Vec::new(),
        texture: Vec::new(),
    };
    for row in 0..size {
        for column in 0..size {
            let (row, column) = (f32::from(row), f32::from(column));
            painted.samples.push(SAMPLES.map(|(dx, dy, dz)| {
                let [x, y, z] = slice.point(column + dx, row + dy, dz);
                tissue(x, y, z)
            }));
            let [x, y, z] = slice.point(column, row, 0.0);
            let grain =
                0.10 * (noise(x, y, z, 2.4, 7) - 0.5) + 0.08 * (noise(x, y, z, 9.0, 8) - 0.5);
            // A surface coil under the back, weaker towards the belly and both ends; a saturation band in front.
            let coil = 0.42 + 0.95 * ((y - 104.0) / 95.0).exp();
            let ends = 1.0 - 0.35 * (z.abs() / 160.0).powi(3).min(1.0);
            let saturation = 1.0 - 0.78 / (1.0 + ((y + 52.0) / 6.0).exp());
            painted
                .texture
                .push((1.0 + grain) * coil * ends * saturation);
        }
    }
    painted
}

/// Returns two independent normal deviates.
fn normal(counter: u64) -> (f32, f32) {
    let mut mixed = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let unit = |bits: u64| (bits as f32 + 0.5) / 4_294_967_296.0;
    let radius = (-2.0 * unit(mixed >> 32).ln()).sqrt();
    let angle = std::f32::consts::TAU * unit(mixed & 0xFFFF_FFFF);
    (radius * angle.cos(), radius * angle.sin())
}

fn expose(painted: &Painted, size: u16, contrast: &Contrast, seed: u64) -> Vec<u16> {
    const NOISE: f32 = 0.006;
    let signals: Vec<f32> = ALL_TISSUES
        .iter()
        .map(|tissue| contrast.signal(*tissue))
        .collect();
    let of = |tissue: &Tissue| signals.get(*tissue as usize).copied().unwrap_or(0.0);
    let ideal: Vec<f32> = painted
        .samples
        .iter()
        .zip(&painted.texture)
        .map(|(samples, texture)| samples.iter().map(of).sum::<f32>() / 4.0 * texture)
        .collect();
    spread(&ideal, usize::from(size))
        .iter()
        .enumerate()
        .map(|(index, mean)| {
            let (real, imaginary) = normal(seed.wrapping_mul(1 << 24).wrapping_add(index as u64));
            let magnitude = (mean + NOISE * real).hypot(NOISE * imaginary);
            (magnitude * contrast.gain).clamp(0.0, 4095.0) as u16
        })
        .collect()
}

/// Returns the image as a scanner's point spread shows it.
fn spread(image: &[f32], width: usize) -> Vec<f32> {
    const SIDE: f32 = 0.17;
    let along = |image: &[f32], step: usize| -> Vec<f32> {
        let at = |index: usize, fallback: f32| image.get(index).copied().unwrap_or(fallback);
        image
            .iter()
            .enumerate()
            .map(|(index, here)| {
                SIDE * (at(index.wrapping_sub(step), *here) + at(index + step, *here))
                    + (1.0 - 2.0 * SIDE) * here
            })
            .collect()
    };
    along(&along(image, 1), width)
}

const ALL_TISSUES: [Tissue; 17] = [
    Tissue::Air,
    Tissue::Fat,
    Tissue::Marrow,
    Tissue::Cortex,
    Tissue::Annulus,
    Tissue::Nucleus,
    Tissue::DryNucleus,
    Tissue::Csf,
    Tissue::Nerve,
    Tissue::Muscle,
    Tissue::Vessel,
    Tissue::KidneyCortex,
    Tissue::KidneyMedulla,
    Tissue::Bowel,
    Tissue::Flavum,
    Tissue::EndplateFat,
    Tissue::Skin,
];

/// One series to be written.
struct Series {
    number: u64,
    plane: &'static str,
    contrast: &'static Contrast,
}

const SAGITTAL: [Series; 3] = [
    Series {
        number: 2,
        plane: "SAG",
        contrast: &T1,
    },
    Series {
        number: 3,
        plane: "SAG",
        contrast: &T2,
    },
    Series {
        number: 4,
        plane: "SAG",
        contrast: &STIR,
    },
];
const AXIAL: [Series; 2] = [
    Series {
        number: 5,
        plane: "AX",
        contrast: &T1,
    },
    Series {
        number: 6,
        plane: "AX",
        contrast: &T2,
    },
];

/// Returns the Part 10 files of the study, in the order of a disc, with names as on a disc.
///
/// # Errors
/// When an instance cannot be written, which no [`Exam`] of plain texts causes.
pub fn study(exam: &Exam) -> Result<Vec<DiscFile>, WriteError> {
    let (sagittal, axial) = (sagittal(exam.coarseness), axial(exam.coarseness));
    let (sagittal_paint, axial_paint) = thread::scope(|scope| {
        let other = scope.spawn(|| axial.iter().map(paint).collect::<Vec<_>>());
        let own = sagittal.iter().map(paint).collect::<Vec<_>>();
        (own, other.join().unwrap_or_default())
    });
    let mut files = Vec::new();
    for (series, slices, painted) in SAGITTAL
        .iter()
        .map(|series| (series, &sagittal, &sagittal_paint))
        .chain(AXIAL.iter().map(|series| (series, &axial, &axial_paint)))
    {
        for (index, (slice, painted)) in slices.iter().zip(painted).enumerate() {
            let number = index as u64 + 1;
            let seed = exam.number * 100_000 + series.number * 1000 + number;
            let spec = instance(
                exam,
                series,
                slice,
                number,
                expose(painted, slice.size, series.contrast, seed),
            );
            let path = format!("DICOM/ST000001/SE{:06}/IM{number:06}", series.number);
            files.push(DiscFile::new(path, spec.part10()?));
        }
    }
    Ok(files)
}

/// Returns the study as a facility's disc: images, the original report as text, a viewer and its junk.
///
/// # Errors
/// As [`study`].
pub fn disc(exam: &Exam, original_report: &str) -> Result<Vec<DiscFile>, WriteError> {
    let mut files = study(exam)?;
    files.push(DiscFile::new("REPORT.TXT", original_report));
    files.extend(viewer_junk());
    Ok(files)
}

fn numbers(values: &[f32]) -> String {
    values
        .iter()
        .map(|value| format!("{value:.4}"))
        .collect::<Vec<_>>()
        .join("\\")
}

fn instance(
    exam: &Exam,
    series: &Series,
    slice: &Slice,
    number: u64,
    pixels: Vec<u16>,
) -> InstanceSpec {
    let mut attributes = of_the_study(exam);
    attributes.extend(of_the_series(exam, series));
    attributes.extend(of_the_slice(slice, number, window_of(&pixels)));
    InstanceSpec {
        sop_class_uid: uids::MR_IMAGE_STORAGE.to_owned(),
        study_instance_uid: uid(&[exam.number]),
        series_instance_uid: uid(&[exam.number, series.number]),
        sop_instance_uid: uid(&[exam.number, series.number, number]),
        transfer_syntax_uid: uids::EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        rows: slice.size,
        columns: slice.size,
        pixels,
        attributes,
    }
}

type Attribute = (Tag, VR, String);

fn of_the_study(exam: &Exam) -> Vec<Attribute> {
    let text = |value: &str| value.to_owned();
    vec![
        (tags::IMAGE_TYPE, VR::CS, text("ORIGINAL\\PRIMARY\\M\\SE")),
        (tags::MODALITY, VR::CS, text("MR")),
        (tags::MANUFACTURER, VR::LO, text("Overread phantom")),
        (
            tags::INSTITUTION_NAME,
            VR::LO,
            exam.institution_name.clone(),
        ),
        (tags::STUDY_DATE, VR::DA, exam.study_date.clone()),
        (tags::SERIES_DATE, VR::DA, exam.study_date.clone()),
        (tags::ACQUISITION_DATE, VR::DA, exam.study_date.clone()),
        (tags::STUDY_TIME, VR::TM, text("091500")),
        (
            tags::ACCESSION_NUMBER,
            VR::SH,
            format!("A{:06}", exam.number),
        ),
        (
            tags::REFERRING_PHYSICIAN_NAME,
            VR::PN,
            text("Okafor^Daniel^^Dr."),
        ),
        (
            tags::STUDY_DESCRIPTION,
            VR::LO,
            text("MRI LUMBAR SPINE WITHOUT CONTRAST"),
        ),
        (tags::STUDY_ID, VR::SH, exam.number.to_string()),
        (tags::PATIENT_NAME, VR::PN, exam.patient_name.clone()),
        (tags::PATIENT_ID, VR::LO, exam.patient_id.clone()),
        (
            tags::PATIENT_BIRTH_DATE,
            VR::DA,
            exam.patient_birth_date.clone(),
        ),
        (tags::PATIENT_SEX, VR::CS, exam.patient_sex.clone()),
    ]
}

fn of_the_series(exam: &Exam, series: &Series) -> Vec<Attribute> {
    let contrast = series.contrast;
    let description = format!("{} {}", series.plane, contrast.description);
    let text = |value: &str| value.to_owned();
    let sequence = if contrast.inversion_time_ms.is_some() {
        "SE\\IR"
    } else {
        "SE"
    };
    let mut attributes = vec![
        (
            tags::SERIES_TIME,
            VR::TM,
            format!("09{:02}00", 15 + 4 * series.number),
        ),
        (tags::SERIES_NUMBER, VR::IS, series.number.to_string()),
        (
            tags::PROTOCOL_NAME,
            VR::LO,
            format!("L-SPINE {description}"),
        ),
        (tags::SERIES_DESCRIPTION, VR::LO, description),
        (tags::BODY_PART_EXAMINED, VR::CS, text("LSPINE")),
        (tags::PATIENT_POSITION, VR::CS, text("HFS")),
        (tags::MR_ACQUISITION_TYPE, VR::CS, text("2D")),
        (tags::MAGNETIC_FIELD_STRENGTH, VR::DS, text("1.5")),
        (tags::SCANNING_SEQUENCE, VR::CS, text(sequence)),
        (tags::SEQUENCE_VARIANT, VR::CS, text("SK\\SP")),
        (
            tags::REPETITION_TIME,
            VR::DS,
            contrast.repetition_time_ms.to_string(),
        ),
        (tags::ECHO_TIME, VR::DS, contrast.echo_time_ms.to_string()),
        (tags::FRAME_OF_REFERENCE_UID, VR::UI, uid(&[exam.number, 9])),
    ];
    if let Some(inversion) = contrast.inversion_time_ms {
        attributes.push((tags::INVERSION_TIME, VR::DS, inversion.to_string()));
    }
    attributes
}

fn of_the_slice(slice: &Slice, number: u64, window: Window) -> Vec<Attribute> {
    let orientation: Vec<f32> = slice.row.iter().chain(&slice.column).copied().collect();
    vec![
        (tags::INSTANCE_NUMBER, VR::IS, number.to_string()),
        (tags::IMAGE_POSITION_PATIENT, VR::DS, numbers(&slice.origin)),
        (
            tags::IMAGE_ORIENTATION_PATIENT,
            VR::DS,
            numbers(&orientation),
        ),
        (
            tags::PIXEL_SPACING,
            VR::DS,
            numbers(&[slice.spacing_mm, slice.spacing_mm]),
        ),
        (
            tags::SLICE_THICKNESS,
            VR::DS,
            slice.thickness_mm.to_string(),
        ),
        (
            tags::SPACING_BETWEEN_SLICES,
            VR::DS,
            SPACING_BETWEEN_MM.to_string(),
        ),
        (tags::WINDOW_CENTER, VR::DS, window.center.to_string()),
        (tags::WINDOW_WIDTH, VR::DS, window.width.to_string()),
    ]
}

/// Display window of a slice, in stored values.
struct Window {
    center: u16,
    width: u16,
}

/// Returns the window that shows a slice well: up to its brightest 1 %.
fn window_of(pixels: &[u16]) -> Window {
    let mut sorted = pixels.to_vec();
    sorted.sort_unstable();
    let width = sorted
        .get(sorted.len() * 99 / 100)
        .copied()
        .unwrap_or(1000)
        .max(2);
    Window {
        center: width / 2,
        width,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Exam, study};

    #[test]
    fn the_study_has_five_series_with_true_geometry() {
        let files = study(&Exam::default()).unwrap();
        assert_eq!(files.len(), 3 * 15 + 2 * 25);
        let object =
            dicom_object::from_reader(std::io::Cursor::new(files[7].bytes.as_slice())).unwrap();
        let position = object
            .element_by_name("ImagePositionPatient")
            .unwrap()
            .to_multi_float64()
            .unwrap();
        assert!(
            position[0].abs() < 1e-6,
            "the eighth sagittal slice is the midline one"
        );
    }
}
