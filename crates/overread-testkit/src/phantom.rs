//! A lumbar spine made of formulas: which tissue lies at a point of the patient.
//!
//! Coordinates are DICOM's: x to the patient's left, y to the back, z to the head, in mm, origin in the body of L3.
//! The spine is straightened first: `w` is left, `v` is backwards from the centre of the vertebral bodies, `s` runs
//! along the curve and equals z on it. Sizes follow adult averages; the person does not exist.

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

/// Vertebral bodies, discs and the sacrum.
fn column(point: Straight) -> Option<Tissue> {
    for (index, body) in BODIES.iter().enumerate() {
        if let Some(found) = vertebral_body(point, index, body) {
            return Some(found);
        }
        if let Some(found) = disc(point, index, body) {
            return Some(found);
        }
    }
    sacral_ala(point)
}

fn outline_of(point: Straight, half_width: f32, half_depth: f32) -> f32 {
    // The back wall is a little hollow, as a kidney's.
    let hollow = if point.v > 0.0 {
        1.8 * (1.0 - (point.w / 12.0).powi(2)).max(0.0)
    } else {
        0.0
    };
    ((point.w / half_width).abs().powf(2.4) + (point.v / (half_depth - hollow)).abs().powf(2.4))
        .powf(1.0 / 2.4)
}

fn vertebral_body(point: Straight, index: usize, body: &Body) -> Option<Tissue> {
    let u = point.s - body.s;
    if u.abs() > body.half_height + 1.0 {
        return None;
    }
    let waist = 1.0 - 0.09 * (1.0 - (u / body.half_height).powi(2)).max(0.0);
    let radial = outline_of(point, body.half_width * waist, body.half_depth * waist);
    if radial > 1.0 {
        return None;
    }
    let endplate = body.half_height - 1.6 * (1.0 - radial * radial).max(0.0);
    if u.abs() > endplate {
        return None;
    }
    if u.abs() > endplate - 1.0 || radial > 0.955 {
        return Some(Tissue::Cortex);
    }
    let vein = u.abs() < 1.3 && point.v > 3.0 && point.w.abs() < 5.0;
    if vein && index <= L5 {
        return Some(Tissue::Bowel);
    }
    let near_lumbosacral_disc =
        (index == L5 && u < -endplate + 6.0) || (index == S1 && u > endplate - 5.0);
    if near_lumbosacral_disc && point.v < -2.0 {
        return Some(Tissue::EndplateFat);
    }
    Some(Tissue::Marrow)
}

fn disc(point: Straight, above: usize, upper: &Body) -> Option<Tissue> {
    if above > L5 {
        return sacral_remnant(point, above, upper);
    }
    let lower = body_at(above + 1);
    let centre = disc_s(above);
    let half = (upper.s - upper.half_height - lower.s - lower.half_height) / 2.0;
    let u = point.s - centre;
    if above == L4 {
        let extrusion = ((point.w - 5.5) / 6.2).powi(2)
            + ((point.v - 19.5) / 5.6).powi(2)
            + ((u + 2.5) / 7.0).powi(2);
        if extrusion < 1.0 && point.v > 14.0 {
            return Some(if extrusion < 0.45 {
                Tissue::DryNucleus
            } else {
                Tissue::Annulus
            });
        }
    }
    if u.abs() > half + 1.8 {
        return None;
    }
    let bulge = match above {
        L5 => 2.2,
        L4 => 1.4,
        _ => 0.6,
    };
    let radial = outline_of(point, upper.half_width + bulge, upper.half_depth + bulge);
    if radial > 1.0 {
        return None;
    }
    let fissure = above == L5 && point.v > 13.5 && (-4.0..0.5).contains(&point.w) && u.abs() < 1.4;
    if fissure {
        return Some(Tissue::Nucleus);
    }
    let core =
        (point.w / 15.5).powi(2) + ((point.v - 1.0) / 11.0).powi(2) + (u / (half + 0.6)).powi(4);
    Some(match (core < 1.0, above) {
        (true, L4 | L5) => Tissue::DryNucleus,
        (true, _) => Tissue::Nucleus,
        (false, _) => Tissue::Annulus,
    })
}

fn sacral_remnant(point: Straight, above: usize, upper: &Body) -> Option<Tissue> {
    let lower = BODIES.get(above + 1)?;
    let half = (upper.s - upper.half_height - lower.s - lower.half_height) / 2.0;
    let inside = (point.s - disc_s(above)).abs() <= half + 1.0;
    let radial = outline_of(point, upper.half_width - 3.0, upper.half_depth - 1.5);
    (inside && radial < 1.0).then_some(Tissue::DryNucleus)
}

fn sacral_ala(point: Straight) -> Option<Tissue> {
    let top = body_at(S1).s + 8.0 - 0.28 * (point.w.abs() - 24.0).max(0.0);
    if point.s > top || point.s < -175.0 {
        return None;
    }
    let width = 54.0 + 0.25 * (point.s + 104.0).min(0.0);
    let back = 22.0 + 0.08 * point.w.abs();
    if point.w.abs() < 16.0 || !(-9.0..back).contains(&point.v) {
        return None;
    }
    let foramen = [-117.0_f32, -139.0, -158.0]
        .iter()
        .any(|s| ((point.w.abs() - 21.0) / 4.0).powi(2) + ((point.s - s) / 6.0).powi(2) < 1.0);
    if foramen {
        let root = ((point.w.abs() - 21.0) / 2.2).powi(2) + ((point.v - 9.0) / 2.6).powi(2) < 1.0;
        return Some(if root { Tissue::Nerve } else { Tissue::Fat });
    }
    let beyond = point.w.abs() - width;
    let rim = point.v < -8.0 || point.v > back - 1.0 || point.s > top - 1.0;
    match beyond {
        b if b < -1.2 => Some(if rim { Tissue::Cortex } else { Tissue::Marrow }),
        b if b < 1.6 => Some(Tissue::Cortex),
        b if b < 24.0 => Some(if rim || b > 23.0 {
            Tissue::Cortex
        } else {
            Tissue::Marrow
        }),
        _ => None,
    }
}

/// Centre and half sizes of the thecal sac at a height; `None` below its end.
fn sac(s: f32) -> Option<(f32, f32, f32)> {
    const END: f32 = -134.0;
    let taper = ((s - END) / 60.0).clamp(0.0, 1.0).sqrt();
    (s > END).then_some((16.8 + 2.2 + 7.2, 8.6 * taper + 0.2, 7.2 * taper + 0.2))
}

/// The vertebral canal: sac, cord, roots, epidural fat, ligaments.
fn canal(point: Straight) -> Option<Tissue> {
    if point.s < -160.0 {
        return None;
    }
    if let Some((v0, half_w, half_v)) = sac(point.s) {
        let radial = ellipse(point.w, point.v, (0.0, v0), (half_w, half_v));
        if radial < 0.0 {
            return Some(if radial > -0.07 {
                Tissue::Flavum
            } else {
                inside_sac(point, v0, half_w, half_v)
            });
        }
    }
    let recess = ellipse(point.w.abs(), point.v, (10.4, 20.6), (1.9, 1.9)) < 0.0;
    if recess && point.s < body_at(L1).s {
        return Some(Tissue::Nerve);
    }
    let between = level_phase(point.s);
    let roof = 39.5 - 0.75 * point.w.abs();
    if point.w.abs() < 13.0 && between.is_disc && (roof..roof + 3.6).contains(&point.v) {
        return Some(Tissue::Flavum);
    }
    let in_canal = point.w.abs() < 12.5 && (17.0..roof).contains(&point.v);
    in_canal.then_some(Tissue::Fat)
}

fn inside_sac(point: Straight, v0: f32, half_w: f32, half_v: f32) -> Tissue {
    const CONUS_TIP: f32 = 58.0;
    let taper = ((point.s - CONUS_TIP) / 34.0).clamp(0.0, 1.0).sqrt();
    if taper > 0.05
        && ellipse(
            point.w,
            point.v,
            (0.0, v0 + 0.6),
            (4.8 * taper, 3.7 * taper),
        ) < 0.0
    {
        return Tissue::Nerve;
    }
    // Roots lie at the back of the sac in a patient on his back; fewer remain further down.
    let remaining = 5.0 - ((CONUS_TIP - point.s) / 45.0).clamp(0.0, 3.0);
    for row in 0..3_u8 {
        for column in 0..5_u8 {
            if f32::from(column) > remaining {
                continue;
            }
            let side = (1.0 + 1.55 * f32::from(column)) * half_w / 8.6;
            let depth =
                v0 + (4.6 - 1.6 * f32::from(row) - 0.28 * f32::from(column).powi(2)) * half_v / 7.2;
            let drift = 0.35 * (point.s / 17.0 + f32::from(column)).sin();
            if ellipse(point.w.abs(), point.v, (side + drift, depth), (0.62, 0.62)) < 0.0 {
                return Tissue::Nerve;
            }
        }
    }
    Tissue::Csf
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

fn shell(depth: f32) -> Tissue {
    if depth > -1.1 {
        Tissue::Cortex
    } else {
        Tissue::Marrow
    }
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

/// Pedicles, foramina, facets, laminae, spinous and transverse processes.
fn arch(point: Straight) -> Option<Tissue> {
    let phase = level_phase(point.s);
    if phase.index >= S1 {
        return sacral_arch(point);
    }
    let (w, v, u) = (point.w.abs(), point.v, phase.u);
    let pedicle = slab(&[(w, 11.5, 19.5), (v, 12.0, 33.0), (u, 0.5, 12.5)]);
    if pedicle < 0.0 {
        return Some(shell(pedicle));
    }
    let lamina = slab(&[(w, 0.0, 15.0), (v + 0.75 * w, 39.5, 46.0), (u, -14.5, 4.0)]);
    if lamina < 0.0 {
        return Some(shell(lamina));
    }
    let spinous = slab(&[
        (w, -4.0, 3.4),
        (v, 43.0, 72.0),
        (u + 0.28 * (v - 43.0), -12.0, 6.0),
    ]);
    if spinous < 0.0 {
        return Some(shell(spinous));
    }
    if w < 3.0 && (43.0..73.5).contains(&v) {
        return Some(if v > 71.5 || noise(w, v, point.s, 3.0, 5) > 0.6 {
            Tissue::Flavum
        } else {
            Tissue::Fat
        });
    }
    let transverse = slab(&[(w, 19.0, 44.0), (v, 27.0, 34.0), (u, 1.0, 10.0)]);
    if transverse < 0.0 {
        return Some(shell(transverse));
    }
    facet(point, &phase).or_else(|| foramen(point, &phase))
}

fn sacral_arch(point: Straight) -> Option<Tissue> {
    let (w, v) = (point.w.abs(), point.v);
    let crest = slab(&[(w, -4.0, 3.0), (v, 34.0, 46.0), (point.s, -160.0, -98.0)]);
    let plate = slab(&[
        (w, 0.0, 20.0),
        (v + 0.3 * w, 33.0, 38.5),
        (point.s, -165.0, -100.0),
    ]);
    let depth = crest.min(plate);
    (depth < 0.0).then(|| shell(depth))
}

fn facet(point: Straight, phase: &Phase) -> Option<Tissue> {
    let body = body_at(phase.index);
    let from_disc = if phase.u < 0.0 {
        phase.u + body.half_height + 4.0
    } else {
        phase.u - body.half_height - 4.0
    };
    let (w, v) = (point.w.abs(), point.v);
    let depth = slab(&[(w, 12.5, 24.5), (v, 30.5, 45.0), (from_disc, -11.0, 10.0)]);
    if depth > 0.0 {
        return None;
    }
    // The joint runs obliquely; cartilage and a film of fluid between two cortical faces.
    let across = (w - 18.0) - 0.45 * (v - 37.5);
    Some(match across.abs() {
        a if a < 0.7 => Tissue::Csf,
        a if a < 2.0 => Tissue::Cortex,
        _ => shell(depth),
    })
}

fn foramen(point: Straight, phase: &Phase) -> Option<Tissue> {
    let body = body_at(phase.index);
    let (w, v, u) = (point.w.abs(), point.v, phase.u);
    let opening = slab(&[(w, 9.5, 23.0), (v, 14.5, 31.0)]);
    if opening > 0.0 || phase.index < 1 {
        return None;
    }
    let narrowed = if phase.index >= L4 { 1.5 } else { 0.0 };
    let ganglion_u = -body.half_height + 8.0;
    let ganglion =
        ((v - 21.5) / 3.4).powi(2) + ((u - ganglion_u) / 3.6).powi(2) + ((w - 15.5) / 8.0).powi(2);
    if ganglion < 1.0 {
        return Some(Tissue::Nerve);
    }
    Some(if v > 29.5 - narrowed {
        Tissue::Flavum
    } else {
        Tissue::Fat
    })
}

/// Muscles, vessels, kidneys, bowel and the fat between them.
fn soft(point: Straight, (x, y, z): (f32, f32, f32)) -> Tissue {
    let (w, v, s) = (point.w.abs(), point.v, point.s);
    if let Some(found) = vessels(point) {
        return found;
    }
    let growth = ((80.0 - s) / 150.0).clamp(0.0, 1.0);
    let psoas = ellipse(
        w,
        v,
        (33.0 + 10.0 * growth, 4.0),
        (5.0 + 17.0 * growth, 10.0 + 14.0 * growth),
    );
    let quadratus = ellipse(w, v, (66.0, 30.0), (13.0, 17.0));
    let erector = ellipse(w, v, (33.0, 62.0), (33.0, 22.0));
    let multifidus = slab(&[(w, 3.6, 24.0), (v + 0.75 * w, 47.0, 96.0), (v, 30.0, 74.0)]);
    if psoas < 0.0 || quadratus < 0.0 {
        return muscle(x, y, z, 0.80);
    }
    if erector < -0.05 || multifidus < -0.6 {
        let atrophy = if s < -40.0 && multifidus < 0.0 {
            0.60
        } else {
            0.70
        };
        return muscle(x, y, z, atrophy);
    }
    if erector < 0.02 {
        return Tissue::Flavum;
    }
    let kidney_s = if point.w > 0.0 { 62.0 } else { 50.0 };
    let kidney =
        ((w - 66.0) / 24.0).powi(2) + ((v - 2.0) / 27.0).powi(2) + ((s - kidney_s) / 54.0).powi(2);
    if kidney < 1.0 {
        let sinus = ellipse(w, v, (52.0, -2.0), (12.0, 10.0)) < 0.0;
        let medulla = kidney < 0.55 && noise(x, y, z, 9.0, 11) > 0.5;
        return if sinus {
            Tissue::Fat
        } else if medulla {
            Tissue::KidneyMedulla
        } else {
            Tissue::KidneyCortex
        };
    }
    let ragged = 26.0 * (noise(x, y, z, 30.0, 17) - 0.5);
    if v < -48.0 + ragged || (w > 66.0 + ragged && v < -14.0 + ragged) {
        return bowel(x, y, z);
    }
    if x.abs() > 120.0 {
        return muscle(x, y, z, 0.74);
    }
    Tissue::Fat
}

fn muscle(x: f32, y: f32, z: f32, fat_above: f32) -> Tissue {
    let strands = 0.55 * noise(x, y * 1.3, z * 0.2, 1.9, 3) + 0.45 * noise(x, y, z * 0.3, 7.0, 4);
    if strands > fat_above {
        Tissue::Fat
    } else {
        Tissue::Muscle
    }
}

fn bowel(x: f32, y: f32, z: f32) -> Tissue {
    let loops = noise(x, y, z, 26.0, 21);
    match loops {
        value if value > 0.66 => Tissue::Air,
        value if (0.60..0.66).contains(&value) => Tissue::Muscle,
        value if value > 0.40 => Tissue::Bowel,
        _ => Tissue::Fat,
    }
}

fn vessels(point: Straight) -> Option<Tissue> {
    const BIFURCATION: f32 = -42.0;
    let spread = ((BIFURCATION - point.s) * 0.42).clamp(0.0, 40.0);
    let forward = -27.0 + 0.12 * spread;
    let artery = if point.s > BIFURCATION {
        ellipse(point.w, point.v, (9.0, -27.5), (8.6, 8.6))
    } else {
        ellipse(point.w, point.v, (9.0 + spread, forward), (6.0, 6.0)).min(ellipse(
            point.w,
            point.v,
            (9.0 - spread, forward - 1.0),
            (6.0, 6.0),
        ))
    };
    let vein = if point.s > BIFURCATION - 12.0 {
        ellipse(point.w, point.v, (-15.0, -25.5), (11.0, 7.8))
    } else {
        ellipse(
            point.w,
            point.v,
            (-15.0 - 0.7 * spread, forward + 8.0),
            (7.5, 6.0),
        )
        .min(ellipse(
            point.w,
            point.v,
            (-12.0 + 1.2 * spread, forward + 8.0),
            (7.5, 6.0),
        ))
    };
    match artery.min(vein) {
        depth if depth < -0.12 => Some(Tissue::Vessel),
        depth if depth < 0.0 => Some(Tissue::Muscle),
        _ => None,
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
