//! Enhanced multi-frame objects: the first frame's functional groups fill what the top level leaves empty.

use overread_model::imaging::{Geometry, InstanceFacts};

use super::Attributes;
use crate::source::Source;
use crate::tags;

/// The functional groups of the first frame, the frame's own before the shared ones.
// PS3.3 C.7.6.16.1.1: a group is either shared or per frame.
struct Groups(Vec<usize>);

impl Groups {
    fn item<S: Source>(&self, attributes: &Attributes<'_, S>, sequence: u32) -> Option<usize> {
        self.0
            .iter()
            .find_map(|group| attributes.first_item(Some(*group), sequence))
    }
}

/// Adds what the functional groups say.
pub(super) fn complete<S: Source>(attributes: &mut Attributes<'_, S>, facts: &mut InstanceFacts) {
    let groups: Vec<usize> = [
        tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    ]
    .into_iter()
    .filter_map(|tag| attributes.first_item(None, tag))
    .collect();
    if groups.is_empty() {
        return;
    }
    let groups = Groups(groups);
    if facts.geometry.is_none() {
        facts.geometry = geometry(attributes, &groups);
    }
    contrast(attributes, &groups, facts);
    let is_calibrated = groups
        .item(attributes, tags::PIXEL_MEASURES_SEQUENCE)
        .is_some_and(|item| {
            attributes
                .data_set
                .find(Some(item), tags::PIXEL_SPACING)
                .is_some()
        });
    let has_rescale = groups
        .item(attributes, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)
        .is_some_and(|item| {
            attributes
                .data_set
                .find(Some(item), tags::RESCALE_SLOPE)
                .is_some()
        });
    facts.quality.is_calibrated = facts
        .quality
        .is_calibrated
        .map(|known| known || is_calibrated);
    facts.quality.has_rescale = facts.quality.has_rescale.map(|known| known || has_rescale);
    if facts.series.anatomic_region_codes.is_empty()
        && let Some(item) = groups.item(attributes, tags::FRAME_ANATOMY_SEQUENCE)
    {
        facts.series.anatomic_region_codes =
            attributes.texts_of_items(Some(item), tags::ANATOMIC_REGION_SEQUENCE, tags::CODE_VALUE);
    }
}

fn geometry<S: Source>(attributes: &mut Attributes<'_, S>, groups: &Groups) -> Option<Geometry> {
    let position = groups.item(attributes, tags::PLANE_POSITION_SEQUENCE)?;
    let orientation = groups.item(attributes, tags::PLANE_ORIENTATION_SEQUENCE)?;
    let measures = groups.item(attributes, tags::PIXEL_MEASURES_SEQUENCE);
    let mut measured = |tag| measures.and_then(|item| attributes.number(Some(item), tag));
    let slice_thickness_mm = measured(tags::SLICE_THICKNESS);
    let spacing_between_slices_mm = measured(tags::SPACING_BETWEEN_SLICES);
    Some(Geometry {
        image_position_patient: attributes.vector(Some(position), tags::IMAGE_POSITION_PATIENT)?,
        image_orientation_patient: attributes
            .vector(Some(orientation), tags::IMAGE_ORIENTATION_PATIENT)?,
        pixel_spacing_mm: measures
            .and_then(|item| attributes.vector(Some(item), tags::PIXEL_SPACING)),
        slice_thickness_mm,
        spacing_between_slices_mm,
    })
}

fn contrast<S: Source>(
    attributes: &mut Attributes<'_, S>,
    groups: &Groups,
    facts: &mut InstanceFacts,
) {
    let mut fill = |place: &mut Option<f64>, sequence, tag| {
        if place.is_none() {
            *place = groups
                .item(attributes, sequence)
                .and_then(|item| attributes.number(Some(item), tag));
        }
    };
    let mr = &mut facts.mr;
    fill(
        &mut mr.repetition_time_ms,
        tags::MR_TIMING_SEQUENCE,
        tags::REPETITION_TIME,
    );
    fill(
        &mut mr.echo_time_ms,
        tags::MR_ECHO_SEQUENCE,
        tags::EFFECTIVE_ECHO_TIME,
    );
    fill(
        &mut mr.inversion_time_ms,
        tags::MR_MODIFIER_SEQUENCE,
        tags::INVERSION_TIMES,
    );
    fill(
        &mut mr.diffusion_b_value,
        tags::MR_DIFFUSION_SEQUENCE,
        tags::DIFFUSION_B_VALUE,
    );
}
