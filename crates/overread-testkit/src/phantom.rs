//! A lumbar spine made of formulas: which tissue lies at a point of the patient.
//!
//! Coordinates are DICOM's: x to the patient's left, y to the back, z to the head, in mm, origin in the body of L3.
//! The spine is straightened first: `w` is left, `v` is backwards from the centre of the vertebral bodies, `s` runs
//! along the curve and equals z on it. Sizes follow adult averages; the person does not exist.

mod bones;
mod canal;
mod soft;

use bones::{arch, column};
use canal::canal;
use soft::soft;

/// What a point consists of; the order is the order of [`PROPERTIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tissue {
    Air,
    Fat,
    Marrow,
    Cortex,
    Annulus,
    Nucleus,
    DryNucleus,
    Csf,
    Nerve,
    Muscle,
    Vessel,
    KidneyCortex,
    KidneyMedulla,
    Bowel,
    Flavum,
    EndplateFat,
    Skin,
}

/// Proton density (0 to 1), T1 and T2 in ms at 1.5 T.
pub(crate) struct Properties {
    pub(crate) density: f32,
    pub(crate) t1_ms: f32,
    pub(crate) t2_ms: f32,
}

const fn properties(density: f32, t1_ms: f32, t2_ms: f32) -> Properties {
    Properties {
        density,
        t1_ms,
        t2_ms,
    }
}

/// Properties of every tissue, in the order of [`Tissue`].
pub(crate) const PROPERTIES: [Properties; 17] = [
    properties(0.0, 1000.0, 10.0),
    properties(0.95, 280.0, 105.0),
    properties(0.62, 460.0, 68.0),
    properties(0.10, 600.0, 8.0),
    properties(0.55, 850.0, 30.0),
    properties(0.88, 1150.0, 112.0),
    properties(0.64, 880.0, 46.0),
    properties(1.0, 3400.0, 1500.0),
    properties(0.74, 880.0, 82.0),
    properties(0.74, 920.0, 40.0),
    properties(0.06, 1200.0, 20.0),
    properties(0.85, 950.0, 88.0),
    properties(0.88, 1350.0, 118.0),
    properties(0.70, 1050.0, 85.0),
    properties(0.42, 650.0, 28.0),
    properties(0.80, 340.0, 92.0),
    properties(0.60, 700.0, 32.0),
];

/// One vertebral body: centre on the curve, half height along it, half width and depth.
struct Body {
    s: f32,
    y: f32,
    half_height: f32,
    half_width: f32,
    half_depth: f32,
}

const fn body(s: f32, y: f32, half_height: f32, half_width: f32, half_depth: f32) -> Body {
    Body {
        s,
        y,
        half_height,
        half_width,
        half_depth,
    }
}

/// T10 to S4, from the head down; index 3 is L1, index 7 is L5, index 8 is S1.
const BODIES: [Body; 12] = [
    body(178.0, 31.0, 12.0, 18.0, 14.5),
    body(145.0, 22.0, 12.5, 19.0, 15.0),
    body(111.0, 13.0, 13.0, 20.0, 15.5),
    body(75.0, 5.0, 13.5, 21.5, 16.0),
    body(38.0, -1.0, 13.8, 22.5, 16.5),
    body(0.0, -4.0, 14.0, 23.0, 17.0),
    body(-38.0, -1.5, 14.0, 24.0, 17.2),
    body(-74.0, 8.0, 13.2, 25.0, 17.5),
    body(-104.5, 25.0, 12.5, 26.0, 15.5),
    body(-129.0, 43.0, 10.0, 22.0, 11.0),
    body(-149.0, 60.0, 9.0, 18.0, 8.0),
    body(-166.0, 77.0, 8.0, 14.0, 6.0),
];

/// Index in [`BODIES`] of the body above each lumbar disc, L1-L2 to L5-S1.
pub(crate) const DISCS_BELOW: [usize; 5] = [3, 4, 5, 6, 7];
const L1: usize = 3;
const L4: usize = 6;
const L5: usize = 7;
const S1: usize = 8;

fn body_at(index: usize) -> &'static Body {
    BODIES.get(index).unwrap_or(&BODIES[0])
}

/// Returns y of the curve at height z, and its slope dy/dz (Catmull-Rom through the bodies).
fn curve(z: f32) -> (f32, f32) {
    let upper = BODIES
        .iter()
        .rposition(|body| body.s >= z)
        .unwrap_or(0)
        .min(BODIES.len() - 2);
    let at = |index: usize| body_at(index.min(BODIES.len() - 1));
    let (before, from, to, after) = (
        at(upper.saturating_sub(1)),
        at(upper),
        at(upper + 1),
        at(upper + 2),
    );
    let step = to.s - from.s;
    let slope = |a: &Body, b: &Body| {
        if a.s == b.s {
            (to.y - from.y) / step
        } else {
            (b.y - a.y) / (b.s - a.s)
        }
    };
    let (m0, m1) = (slope(before, to) * step, slope(from, after) * step);
    let t = ((z - from.s) / step).clamp(-1.0, 2.0);
    let (t2, t3) = (t * t, t * t * t);
    let y = (2.0 * t3 - 3.0 * t2 + 1.0) * from.y
        + (t3 - 2.0 * t2 + t) * m0
        + (3.0 * t2 - 2.0 * t3) * to.y
        + (t3 - t2) * m1;
    let dy = (6.0 * t2 - 6.0 * t) * from.y
        + (3.0 * t2 - 4.0 * t + 1.0) * m0
        + (6.0 * t - 6.0 * t2) * to.y
        + (3.0 * t2 - 2.0 * t) * m1;
    (y, dy / step)
}

/// A place on the curve: its point and the unit vectors upwards and backwards, as (y, z).
pub(crate) struct Place {
    pub(crate) y: f32,
    pub(crate) z: f32,
    pub(crate) up: (f32, f32),
    pub(crate) back: (f32, f32),
}

fn place(s: f32) -> Place {
    let (y, slope) = curve(s);
    let length = slope.hypot(1.0);
    let up = (slope / length, 1.0 / length);
    Place {
        y,
        z: s,
        up,
        back: (up.1, -up.0),
    }
}

/// Returns the middle of the disc below this body.
pub(crate) fn disc_place(above: usize) -> Place {
    place(disc_s(above))
}

fn disc_s(above: usize) -> f32 {
    let (upper, lower) = (body_at(above), body_at(above + 1));
    f32::midpoint(upper.s - upper.half_height, lower.s + lower.half_height)
}

/// A point in the straightened spine.
#[derive(Clone, Copy)]
struct Straight {
    w: f32,
    v: f32,
    s: f32,
}

fn straighten(x: f32, y: f32, z: f32) -> Straight {
    let mut s = z;
    let mut v = 0.0;
    for _ in 0..4 {
        let here = place(s);
        let along = (y - here.y) * here.up.0 + (z - here.z) * here.up.1;
        v = (y - here.y) * here.back.0 + (z - here.z) * here.back.1;
        s = (s + along * here.up.1).clamp(z - 90.0, z + 90.0);
    }
    Straight { w: x, v, s }
}

/// Returns a number in 0..1 from a lattice point.
fn lattice(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1)
        ^ (y as u32).wrapping_mul(0x85EB_CA77)
        ^ (z as u32).wrapping_mul(0xC2B2_AE3D)
        ^ seed.wrapping_mul(0x27D4_EB2F);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    ((h ^ (h >> 15)) >> 8) as f32 / 16_777_216.0
}

/// Returns smooth noise in 0..1; `size` is the grain in mm.
pub(crate) fn noise(x: f32, y: f32, z: f32, size: f32, seed: u32) -> f32 {
    let (x, y, z) = (x / size, y / size, z / size);
    let (fx, fy, fz) = (x.floor(), y.floor(), z.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty, tz) = (ease(x - fx), ease(y - fy), ease(z - fz));
    let (ix, iy, iz) = (fx as i32, fy as i32, fz as i32);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let row = |dy, dz| {
        mix(
            lattice(ix, iy + dy, iz + dz, seed),
            lattice(ix + 1, iy + dy, iz + dz, seed),
            tx,
        )
    };
    mix(
        mix(row(0, 0), row(1, 0), ty),
        mix(row(0, 1), row(1, 1), ty),
        tz,
    )
}

/// Signed distance like measure: negative inside the ellipse.
fn ellipse(w: f32, v: f32, centre: (f32, f32), radii: (f32, f32)) -> f32 {
    ((w - centre.0) / radii.0).hypot((v - centre.1) / radii.1) - 1.0
}

/// Distance to a box with rounded edges: negative inside, in mm.
fn slab(parts: &[(f32, f32, f32)]) -> f32 {
    const ROUNDING_MM: f32 = 2.2;
    let beyond =
        |(value, low, high): &(f32, f32, f32)| (low - value).max(value - high) + ROUNDING_MM;
    let outside = parts
        .iter()
        .map(|part| beyond(part).max(0.0).powi(2))
        .sum::<f32>()
        .sqrt();
    let inside = parts.iter().map(beyond).fold(f32::MIN, f32::max).min(0.0);
    outside + inside - ROUNDING_MM
}

/// Returns the tissue at a point of the patient.
pub(crate) fn tissue(x: f32, y: f32, z: f32) -> Tissue {
    let outline = |shrink: f32| {
        ((x / (172.0 - shrink)).abs().powf(2.5) + ((y + 18.0) / (122.0 - shrink)).abs().powf(2.5))
            - 1.0
    };
    if outline(0.0) > 0.0 {
        return Tissue::Air;
    }
    if outline(2.0) > 0.0 {
        return Tissue::Skin;
    }
    let point = straighten(x, y, z);
    if let Some(found) = column(point)
        .or_else(|| canal(point))
        .or_else(|| arch(point))
    {
        return found;
    }
    if outline(if y > 40.0 { 24.0 } else { 16.0 }) > 0.0 {
        return Tissue::Fat;
    }
    soft(point, (x, y, z))
}

/// Which vertebra a height belongs to, and whether it is at a disc.
struct Phase {
    index: usize,
    u: f32,
    is_disc: bool,
}

fn level_phase(s: f32) -> Phase {
    let index = BODIES
        .iter()
        .position(|body| s > body.s - body.half_height - 5.0)
        .unwrap_or(BODIES.len() - 1);
    let body = body_at(index);
    let u = s - body.s;
    Phase {
        index,
        u,
        is_disc: u.abs() > body.half_height - 3.0,
    }
}

#[cfg(test)]
mod tests {
    use super::{L4, L5, Tissue, disc_place, tissue};

    #[test]
    fn known_places_hold_what_anatomy_says() {
        assert_eq!(tissue(0.0, -4.0, 6.0), Tissue::Marrow, "body of L3");
        assert_eq!(tissue(400.0, 0.0, 0.0), Tissue::Air, "beside the patient");
        let l3_l4 = disc_place(5);
        assert_eq!(
            tissue(0.0, l3_l4.y, l3_l4.z),
            Tissue::Nucleus,
            "a healthy disc"
        );
        let l5_s1 = disc_place(L5);
        assert_eq!(
            tissue(0.0, l5_s1.y, l5_s1.z),
            Tissue::DryNucleus,
            "a dry disc"
        );
    }

    #[test]
    fn the_extrusion_lies_left_of_the_midline_only() {
        let disc = disc_place(L4);
        let at = |x: f32| {
            tissue(
                x,
                disc.y + 20.5 * disc.back.0,
                disc.z + 20.5 * disc.back.1 - 2.0,
            )
        };
        assert!(matches!(at(5.5), Tissue::DryNucleus | Tissue::Annulus));
        assert!(!matches!(at(-5.5), Tissue::DryNucleus | Tissue::Annulus));
    }
}
