//! Stacks of slices from their geometry alone: planes, gaps, doubles, uneven spacing.

use serde::Serialize;

/// One image with its place in the patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// (0020,0013).
    pub instance_number: Option<i64>,
    /// (0020,0012).
    pub acquisition_number: Option<i64>,
    /// (0020,0032), mm.
    pub position_mm: [f64; 3],
    /// (0020,0037).
    pub orientation: [f64; 6],
    /// Which sub-volume of its series it belongs to.
    pub sub_volume: u32,
}

/// The plane a stack lies nearest to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Normal along x.
    Sagittal,
    /// Normal along y.
    Coronal,
    /// Normal along z.
    Axial,
    /// No component of the normal reaches 0.7.
    Oblique,
}

impl Plane {
    /// Returns the plane as JSON and the protocols write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sagittal => "sagittal",
            Self::Coronal => "coronal",
            Self::Axial => "axial",
            Self::Oblique => "oblique",
        }
    }
}

/// Slices missing between two neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Instance Numbers before and after the gap, along the stack.
    pub between: [Option<i64>; 2],
    /// How many slices would fit.
    pub missing: usize,
}

/// Slices that lie parallel, in order along their normal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stack {
    /// Nearest plane.
    pub plane: Plane,
    /// The plane with the largest component of the normal, however small; counts for protocols from 0.6 on.
    #[serde(skip)]
    pub nearest: (Plane, f64),
    /// Images in it.
    pub count: usize,
    /// Images at a place where another one lies.
    pub duplicates: usize,
    /// Where slices are missing; empty when the spacing is uneven.
    pub gaps: Vec<Gap>,
    /// Sum of what is missing.
    pub missing: usize,
    /// Fewer than half of the distances are alike: nothing can be said about gaps.
    pub irregular: bool,
    /// Median distance, mm; `None` below two places.
    #[serde(rename = "spacing")]
    pub spacing_mm: Option<f64>,
    /// Numbers left out between the smallest and the largest Instance Number.
    pub instance_number_holes: usize,
    /// Smallest Instance Number.
    pub starts_at: Option<i64>,
    /// Which sub-volume it is of.
    #[serde(skip)]
    pub sub_volume: u32,
}

/// Nearer than this is the same place.
const SAME_PLACE_MM: f64 = 0.01;
/// Normals within one degree are parallel: cos 1°.
const PARALLEL_COSINE: f64 = 0.999_847_695;
/// A distance this many times the median is a gap.
const GAP_RATIO: f64 = 1.5;
/// Distances within this part of the median are alike.
const ALIKE_RATIO: f64 = 0.1;
/// A component of the normal from which the plane has a name.
const NAMED_PLANE: f64 = 0.7;
/// A stack that would miss more slices than this is no stack.
const MISSING_MOST: f64 = 1_000_000.0;

/// Returns the unit normal of an orientation; `None` when it is no orientation.
pub fn normal(orientation: &[f64; 6]) -> Option<[f64; 3]> {
    let [rx, ry, rz, cx, cy, cz] = *orientation;
    let raw = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
    let length = dot(raw, raw).sqrt();
    (length.is_finite() && length > 0.1).then(|| raw.map(|part| part / length))
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Returns the plane of a normal, with the nearest named one.
pub fn plane_of(normal: [f64; 3]) -> (Plane, (Plane, f64)) {
    let [x, y, z] = normal.map(f64::abs);
    let candidates = [(Plane::Sagittal, x), (Plane::Coronal, y), (Plane::Axial, z)];
    let nearest = candidates
        .into_iter()
        // A tie goes to the earlier plane; rounding must not decide, so a hundred-thousandth is a tie.
        .fold((Plane::Oblique, f64::MIN), |best, next| {
            if next.1 > best.1 + 1e-5 { next } else { best }
        });
    let plane = if nearest.1 >= NAMED_PLANE {
        nearest.0
    } else {
        Plane::Oblique
    };
    (plane, nearest)
}

/// Splits slices into stacks and measures each; stacks come in the order of their first image.
pub fn stacks(slices: &[Slice]) -> Vec<Stack> {
    let mut groups: Vec<([f64; 3], u32, Vec<&Slice>)> = Vec::new();
    for slice in slices {
        let Some(normal) = normal(&slice.orientation) else {
            continue;
        };
        if !slice.position_mm.iter().all(|part| part.is_finite()) {
            continue;
        }
        let fits = |group: &&mut ([f64; 3], u32, Vec<&Slice>)| {
            group.1 == slice.sub_volume && dot(group.0, normal).abs() >= PARALLEL_COSINE
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.2.push(slice),
            None => groups.push((normal, slice.sub_volume, vec![slice])),
        }
    }
    groups
        .into_iter()
        .map(|(normal, sub_volume, slices)| measure(normal, sub_volume, &slices))
        .collect()
}

fn measure(normal: [f64; 3], sub_volume: u32, slices: &[&Slice]) -> Stack {
    let mut places: Vec<(f64, Option<i64>)> = slices
        .iter()
        .map(|slice| (dot(normal, slice.position_mm), slice.instance_number))
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<(f64, Option<i64>)> = Vec::new();
    let mut duplicates = 0;
    for place in places {
        match kept.last_mut() {
            Some(last) if place.0 - last.0 < SAME_PLACE_MM => {
                duplicates += 1;
                last.1 = last.1.max(place.1);
            }
            _ => kept.push(place),
        }
    }
    let neighbours = || kept.iter().zip(kept.iter().skip(1));
    let distances: Vec<f64> = neighbours().map(|(a, b)| b.0 - a.0).collect();
    let spacing_mm = median(&distances);
    let irregular = spacing_mm.is_some_and(|m| {
        let alike = distances
            .iter()
            .filter(|d| (**d - m).abs() <= m * ALIKE_RATIO)
            .count();
        alike * 2 < distances.len()
    });
    let gaps: Vec<Gap> = match spacing_mm {
        Some(m) if !irregular => neighbours()
            .filter(|(a, b)| b.0 - a.0 > m * GAP_RATIO)
            .map(|(a, b)| Gap {
                between: [a.1, b.1],
                missing: (((b.0 - a.0) / m).round() - 1.0).clamp(1.0, MISSING_MOST) as usize,
            })
            .collect(),
        _ => Vec::new(),
    };
    let numbers: Vec<Option<i64>> = slices.iter().map(|slice| slice.instance_number).collect();
    let (starts_at, instance_number_holes) = number_holes(&numbers);
    let (plane, nearest) = plane_of(normal);
    Stack {
        plane,
        nearest,
        count: slices.len(),
        duplicates,
        missing: gaps.iter().map(|gap| gap.missing).sum(),
        gaps,
        irregular,
        spacing_mm: spacing_mm.map(|m| (m * 1000.0).round() / 1000.0),
        instance_number_holes,
        starts_at,
        sub_volume,
    }
}

/// Returns the lower middle of a list: of two middle values the smaller one, so that one large gap of two is seen.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// Returns the smallest number, and how many numbers are left out up to the largest.
pub(super) fn number_holes(numbers: &[Option<i64>]) -> (Option<i64>, usize) {
    let mut known: Vec<i64> = numbers.iter().flatten().copied().collect();
    known.sort_unstable();
    known.dedup();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return (None, 0);
    };
    let span = last.saturating_sub(*first).saturating_add(1);
    let holes = usize::try_from(span)
        .unwrap_or(usize::MAX)
        .saturating_sub(known.len());
    (Some(*first), holes)
}

/// Says whether the geometry is that of a localizer: two planes or more, three slices or fewer in each.
pub fn is_localizer_like(stacks: &[Stack]) -> bool {
    let mut planes: Vec<Plane> = stacks.iter().map(|stack| stack.nearest.0).collect();
    planes.sort_unstable();
    planes.dedup();
    let most = |plane: Plane| -> usize {
        stacks
            .iter()
            .filter(|stack| stack.nearest.0 == plane)
            .map(|stack| stack.count)
            .sum()
    };
    planes.len() >= 2 && planes.iter().all(|plane| most(*plane) <= LOCALIZER_SLICES)
}

/// Most slices a localizer has in one plane.
const LOCALIZER_SLICES: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Plane, Slice, stacks};

    fn axial(places: &[f64]) -> Vec<Slice> {
        places
            .iter()
            .zip(1..)
            .map(|(z, n)| Slice {
                instance_number: Some(n),
                acquisition_number: None,
                position_mm: [0.0, 0.0, *z],
                orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                sub_volume: 0,
            })
            .collect()
    }

    #[test]
    fn one_gap_of_two_is_seen() {
        let found = stacks(&axial(&[0.0, 5.0, 15.0]));
        assert_eq!(found[0].missing, 1);
    }

    #[test]
    fn broken_geometry_is_left_out() {
        let mut slices = axial(&[0.0, 5.0]);
        slices[0].orientation = [0.0; 6];
        slices[1].position_mm = [f64::NAN, 0.0, 0.0];
        assert!(stacks(&slices).is_empty());
        let huge = stacks(&axial(&[0.0, 1.0, 2.0, f64::MAX]));
        assert_eq!(huge[0].count, 4);
    }

    #[test]
    fn opposite_normals_are_parallel() {
        let mut slices = axial(&[0.0, 5.0, 10.0]);
        slices[2].orientation = [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert_eq!(stacks(&slices).len(), 1);
        assert_eq!(stacks(&slices)[0].plane, Plane::Axial);
    }

    proptest! {
        #[test]
        fn every_slice_is_counted_once(places in proptest::collection::vec(-500.0_f64..500.0, 0..60)) {
            let found = stacks(&axial(&places));
            prop_assert_eq!(found.iter().map(|stack| stack.count).sum::<usize>(), places.len());
            for stack in &found {
                prop_assert!(stack.duplicates < stack.count.max(1));
            }
        }

        #[test]
        fn an_even_stack_has_no_gap_and_each_missing_slice_is_counted(
            count in 6_usize..60, step in 0.5_f64..10.0, drop in 1_usize..4,
        ) {
            let mut places: Vec<f64> = (0..count).map(|index| index as f64 * step).collect();
            prop_assert_eq!(stacks(&axial(&places))[0].missing, 0);
            let at = count / 2;
            let taken = drop.min(count - at - 1);
            places.drain(at..at + taken);
            prop_assert_eq!(stacks(&axial(&places))[0].missing, taken);
        }
    }
}
