//! Muscles, vessels, kidneys, bowel and the fat between them.

use super::{Straight, Tissue, ellipse, noise, slab};

/// Muscles, vessels, kidneys, bowel and the fat between them.
pub(super) fn soft(point: Straight, (x, y, z): (f32, f32, f32)) -> Tissue {
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
