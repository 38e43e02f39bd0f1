//! The vertebral canal: sac, cord, roots, epidural fat, ligaments.

use super::{L1, Straight, Tissue, body_at, ellipse, level_phase};

/// Centre and half sizes of the thecal sac at a height; `None` below its end.
fn sac(s: f32) -> Option<(f32, f32, f32)> {
    const END: f32 = -134.0;
    let taper = ((s - END) / 60.0).clamp(0.0, 1.0).sqrt();
    (s > END).then_some((16.8 + 2.2 + 7.2, 8.6 * taper + 0.2, 7.2 * taper + 0.2))
}

/// The vertebral canal: sac, cord, roots, epidural fat, ligaments.
pub(super) fn canal(point: Straight) -> Option<Tissue> {
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
