//! Vertebral bodies, discs, arches and the sacrum.

use super::{
    BODIES, Body, L4, L5, Phase, S1, Straight, Tissue, body_at, disc_s, level_phase, noise, slab,
};

/// Vertebral bodies, discs and the sacrum.
pub(super) fn column(point: Straight) -> Option<Tissue> {
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

fn shell(depth: f32) -> Tissue {
    if depth > -1.1 {
        Tissue::Cortex
    } else {
        Tissue::Marrow
    }
}

/// Pedicles, foramina, facets, laminae, spinous and transverse processes.
pub(super) fn arch(point: Straight) -> Option<Tissue> {
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
