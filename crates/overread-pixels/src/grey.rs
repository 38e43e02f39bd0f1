//! From stored values to grey levels: modality, values of interest, presentation (PS3.3 C.11.1, C.11.2, PS3.4 N.2).

use crate::stored::{Stored, number};

/// How a window is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoiFunction {
    /// LINEAR: the window's middle lies between two values (C.11.2.1.2.1).
    Linear,
    /// LINEAR_EXACT (C.11.2.1.3.2).
    LinearExact,
    /// SIGMOID (C.11.2.1.3.1).
    Sigmoid,
}

/// Which values are of interest.
#[derive(Debug, Clone, PartialEq)]
pub enum Voi {
    /// Those of a window, in units of the modality.
    Window {
        /// The middle of the window.
        center: f64,
        /// Its width: 1 or more for LINEAR, above 0 otherwise.
        width: f64,
        /// How it is applied.
        function: VoiFunction,
    },
    /// Those of a table.
    Table(Table),
    /// All from the least to the greatest of the frame.
    Everything,
}

/// A lookup table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The value that the first entry stands for.
    pub(crate) first: f64,
    pub(crate) entries: Vec<u16>,
    /// Bits of an entry.
    pub(crate) bits: u32,
}

impl Table {
    fn at(&self, value: f64) -> f64 {
        let last = self.entries.len().saturating_sub(1);
        let place = (value - self.first).clamp(0.0, last as f64) as usize;
        self.entries.get(place).copied().unwrap_or(0).into()
    }

    /// Returns the share of the greatest value for a share of the entries.
    fn at_share(&self, share: f64) -> f64 {
        let last = self.entries.len().saturating_sub(1) as f64;
        let entry = self.at(self.first + (share.clamp(0.0, 1.0) * last).round());
        (entry / self.greatest()).min(1.0)
    }

    pub(crate) fn greatest(&self) -> f64 {
        ((1_u32 << self.bits.min(16)) - 1).max(1).into()
    }
}

/// From stored values to units of the modality.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Modality {
    Linear { slope: f64, intercept: f64 },
    Table(Table),
}

impl Modality {
    pub(crate) fn apply(&self, stored: f64) -> f64 {
        match self {
            Self::Linear { slope, intercept } => stored * slope + intercept,
            Self::Table(table) => table.at(stored),
        }
    }
}

/// The whole way of a grey image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Greys {
    pub(crate) modality: Modality,
    pub(crate) voi: Voi,
    /// The least value is white.
    pub(crate) is_inverse: bool,
    /// From values of interest to what is shown (PS3.3 C.11.4).
    pub(crate) lut: Option<Table>,
    /// Stored values that stand for no measurement: shown black.
    pub(crate) padding: Option<(f64, f64)>,
}

impl Greys {
    /// Draws a frame: one byte a pixel.
    pub(crate) fn draw(&self, stored: &Stored) -> Vec<u8> {
        match stored {
            Stored::Places {
                places,
                bits,
                is_signed,
            } => self.draw_places(places, *bits, *is_signed),
            Stored::Numbers(numbers) => {
                let finite = numbers.iter().copied().filter(|number| number.is_finite());
                let range = self.range(finite);
                numbers
                    .iter()
                    .map(|number| self.level(*number, range))
                    .collect()
            }
        }
    }

    fn draw_places(&self, places: &[u16], bits: u32, is_signed: bool) -> Vec<u8> {
        // Only the values that occur get a level: a CT holds four thousand of the 65,536.
        let sign = if is_signed { 1_u16 << (bits - 1) } else { 0 };
        let (low, high) = places.iter().fold((u16::MAX, 0), |(low, high), place| {
            let ordered = place ^ sign;
            (low.min(ordered), high.max(ordered))
        });
        if low > high {
            return Vec::new();
        }
        let value = |ordered: u16| number((ordered ^ sign).into(), bits, is_signed);
        let ends = [value(low), value(high)];
        let is_padded = self
            .padding
            .is_some_and(|(from, to)| ends.iter().any(|end| (from..=to).contains(end)));
        let range = if is_padded {
            // The least and greatest are asked among what was measured.
            let mut occurs = vec![false; 1 << bits];
            for place in places {
                if let Some(flag) = occurs.get_mut(usize::from(place ^ sign)) {
                    *flag = true;
                }
            }
            let values = (low..=high)
                .filter(|ordered| occurs.get(usize::from(*ordered)) == Some(&true))
                .map(value);
            self.range(values)
        } else {
            self.range(ends.into_iter())
        };
        let mut table = vec![0; 1 << bits];
        for ordered in low..=high {
            if let Some(entry) = table.get_mut(usize::from(ordered ^ sign)) {
                *entry = self.level(value(ordered), range);
            }
        }
        places
            .iter()
            .map(|place| table.get(usize::from(*place)).copied().unwrap_or(0))
            .collect()
    }

    fn is_padding(&self, stored: f64) -> bool {
        self.padding
            .is_some_and(|(from, to)| (from..=to).contains(&stored))
    }

    /// Returns the least and greatest in units of the modality, where the level depends on them.
    fn range(&self, occurring: impl Iterator<Item = f64>) -> (f64, f64) {
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        if self.voi != Voi::Everything {
            return nothing;
        }
        occurring
            .filter(|stored| !self.is_padding(*stored))
            .map(|stored| self.modality.apply(stored))
            .fold(nothing, |(least, greatest), value| {
                (least.min(value), greatest.max(value))
            })
    }

    /// Returns the level of a stored value.
    fn level(&self, stored: f64, (least, greatest): (f64, f64)) -> u8 {
        if self.is_padding(stored) || !stored.is_finite() {
            return 0;
        }
        let value = self.modality.apply(stored);
        let share = match &self.voi {
            Voi::Window {
                center,
                width,
                function,
            } => window(value, *center, *width, *function),
            Voi::Table(table) => table.at(value) / table.greatest(),
            Voi::Everything if greatest > least => (value - least) / (greatest - least),
            Voi::Everything => 0.0,
        };
        let share = match &self.lut {
            Some(lut) => lut.at_share(share),
            None if self.is_inverse => 1.0 - share,
            None => share,
        };
        (share * 255.0 + 0.5) as u8
    }
}

/// Returns where a value lies in a window, 0 to 1.
fn window(value: f64, center: f64, width: f64, function: VoiFunction) -> f64 {
    let share = match function {
        // A width of 1 is a threshold: its formula would divide by nothing.
        VoiFunction::Linear if width <= 1.0 => f64::from(u8::from(value > center - 0.5)),
        VoiFunction::Linear => (value - (center - 0.5)) / (width - 1.0) + 0.5,
        VoiFunction::LinearExact => (value - center) / width + 0.5,
        VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
    };
    share.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Greys, Modality, Table, Voi, VoiFunction, window};
    use crate::stored::Stored;

    fn greys(voi: Voi) -> Greys {
        Greys {
            modality: Modality::Linear {
                slope: 1.0,
                intercept: -1024.0,
            },
            voi,
            is_inverse: false,
            lut: None,
            padding: None,
        }
    }

    fn places(places: &[u16]) -> Stored {
        Stored::Places {
            places: places.to_vec(),
            bits: 12,
            is_signed: false,
        }
    }

    #[test]
    fn windows_follow_their_formulas() {
        // PS3.3 C.11.2.1.2.1, the examples of its note.
        assert_eq!(window(0.0, 2048.0, 4096.0, VoiFunction::Linear), 0.0);
        assert_eq!(window(4095.0, 2048.0, 4096.0, VoiFunction::Linear), 1.0);
        assert_eq!(window(0.0, 0.0, 100.0, VoiFunction::LinearExact), 0.5);
        assert_eq!(window(-50.0, 0.0, 100.0, VoiFunction::LinearExact), 0.0);
        assert_eq!(window(7.0, 7.0, 3.0, VoiFunction::Sigmoid), 0.5);
        for (value, expect) in [(0.0, 0.0), (0.4, 0.0), (0.6, 1.0)] {
            assert_eq!(window(value, 1.0, 1.0, VoiFunction::Linear), expect);
        }
    }

    #[test]
    fn levels_go_through_all_three_steps() {
        let soft_tissue = Voi::Window {
            center: 40.0,
            width: 400.0,
            function: VoiFunction::Linear,
        };
        // -1024, -160 (the window's foot), 40, 239 (its head), 3000 HU.
        let stored = places(&[0, 864, 1064, 1263, 4000]);
        let drawn = greys(soft_tissue.clone()).draw(&stored);
        assert_eq!(drawn, [0, 0, 128, 255, 255]);
        let inverse = Greys {
            is_inverse: true,
            ..greys(soft_tissue)
        };
        assert_eq!(inverse.draw(&stored), [255, 255, 127, 0, 0]);
    }

    #[test]
    fn padding_is_black_and_widens_no_window() {
        let padded = Greys {
            padding: Some((0.0, 10.0)),
            ..greys(Voi::Everything)
        };
        assert_eq!(
            padded.draw(&places(&[0, 10, 100, 150, 200])),
            [0, 0, 0, 128, 255]
        );
        let inverse = Greys {
            is_inverse: true,
            ..padded
        };
        assert_eq!(
            inverse.draw(&places(&[0, 10, 100, 150, 200])),
            [0, 0, 255, 128, 0]
        );
        assert_eq!(greys(Voi::Everything).draw(&places(&[5, 5])), [0, 0]);
        assert!(greys(Voi::Everything).draw(&places(&[])).is_empty());
    }

    #[test]
    fn tables_hold_their_ends() {
        let table = Table {
            first: -1020.0,
            entries: vec![0, 5, 10],
            bits: 4,
        };
        let drawn = greys(Voi::Table(table)).draw(&places(&[0, 5, 4095]));
        assert_eq!(drawn, [0, 85, 170]);
    }

    #[test]
    fn wide_numbers_are_drawn_one_by_one() {
        let numbers = Stored::Numbers(vec![0.0, 1e9, f64::NAN, 5e8]);
        assert_eq!(greys(Voi::Everything).draw(&numbers), [0, 255, 0, 128]);
    }
}
