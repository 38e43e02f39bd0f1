//! JPEG with twelve bits a sample, sequential and progressive (processes 4, 8, 12), which other decoders refuse.
//!
//! Coefficients of all blocks are gathered first, whatever the order of the scans, then turned back into samples.

use super::huffman::{Bits, Codes};
use crate::PixelError;
use crate::limits::FRAME_BYTES;

const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

type Block = [i32; 64];

/// One component: its sampling and its blocks, padded to whole units of all components.
struct Component {
    name: u8,
    across: usize,
    down: usize,
    table: usize,
    /// Blocks that hold samples, across and down.
    used: (usize, usize),
    /// Blocks in a row of `blocks`.
    row: usize,
    blocks: Vec<Block>,
}

struct Frame {
    rows: usize,
    columns: usize,
    precision: u32,
    is_progressive: bool,
    units: (usize, usize),
    components: Vec<Component>,
}

/// Part of the coefficients, and to what precision.
struct Band {
    first: usize,
    last: usize,
    is_refinement: bool,
    shift: u32,
}

#[derive(Default)]
struct Decoder {
    quantisation: [Option<[i32; 64]>; 4],
    dc: [Option<Codes>; 4],
    ac: [Option<Codes>; 4],
    restart: usize,
    frame: Option<Frame>,
}

/// Returns the samples of a frame, pixel by pixel, without any colour transform.
pub(super) fn decode(stream: &[u8]) -> Result<Vec<i32>, PixelError> {
    let mut decoder = Decoder::default();
    let mut at = 2;
    let mut scans = 0;
    loop {
        let marker = next_marker(stream, at);
        let Some((at_marker, kind)) = marker.filter(|(_, kind)| *kind != 0xD9) else {
            break;
        };
        let body = body_of(stream, at_marker).ok_or(PixelError::Damaged)?;
        at = at_marker + 4 + body.len();
        match kind {
            0xC0..=0xC2 => decoder.frame = Some(frame(kind, body).ok_or(PixelError::Damaged)?),
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCF => return Err(PixelError::Unsupported),
            0xC4 => decoder.huffman(body).ok_or(PixelError::Damaged)?,
            0xDB => decoder.tables(body).ok_or(PixelError::Damaged)?,
            0xDD => {
                let word = body.first_chunk::<2>().ok_or(PixelError::Damaged)?;
                decoder.restart = u16::from_be_bytes(*word).into();
            }
            0xDA => {
                scans += 1;
                // Ten scans are usual; thousands are an attack on the processor.
                if scans > 256 {
                    return Err(PixelError::Damaged);
                }
                at = decoder.scan(stream, body, at)?;
            }
            _ => {}
        }
    }
    if scans == 0 {
        return Err(PixelError::Damaged);
    }
    decoder.samples().ok_or(PixelError::Damaged)
}

fn next_marker(stream: &[u8], at: usize) -> Option<(usize, u8)> {
    let found = stream.get(at..)?.windows(2).position(
        |pair| matches!(pair, [0xFF, second] if !matches!(second, 0 | 0xFF | 0xD0..=0xD7)),
    )?;
    Some((at + found, *stream.get(at + found + 1)?))
}

fn body_of(stream: &[u8], at: usize) -> Option<&[u8]> {
    let length = stream.get(at + 2..)?.first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2)?;
    stream.get(at + 4..at + 4 + length)
}

/// Reads a frame header (B.2.2).
fn frame(kind: u8, body: &[u8]) -> Option<Frame> {
    let [precision, a, b, c, d, count] = *body.first_chunk::<6>()?;
    let (rows, columns) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let described = body.get(6..6 + usize::from(count) * 3)?.as_chunks::<3>().0;
    let factor = |factor: u8| (1..=4).contains(&factor).then_some(usize::from(factor));
    let mut sampling = Vec::new();
    for [name, factors, table] in described {
        sampling.push((
            *name,
            factor(factors >> 4)?,
            factor(factors & 15)?,
            usize::from(*table),
        ));
    }
    let across_most = sampling.iter().map(|one| one.1).max()?;
    let down_most = sampling.iter().map(|one| one.2).max()?;
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    if rows == 0 || columns == 0 || !matches!(precision, 8 | 12) {
        return None;
    }
    let units = (
        columns.div_ceil(8 * across_most),
        rows.div_ceil(8 * down_most),
    );
    let blocks: usize = sampling
        .iter()
        .map(|one| units.0 * one.1 * units.1 * one.2)
        .sum();
    if blocks as u64 * 128 > FRAME_BYTES * 2 {
        return None;
    }
    let components = sampling
        .into_iter()
        .map(|(name, across, down, table)| Component {
            name,
            across,
            down,
            table,
            used: (
                (columns * across).div_ceil(across_most).div_ceil(8),
                (rows * down).div_ceil(down_most).div_ceil(8),
            ),
            row: units.0 * across,
            blocks: vec![[0; 64]; units.0 * across * units.1 * down],
        });
    Some(Frame {
        rows,
        columns,
        precision: precision.into(),
        is_progressive: kind == 0xC2,
        units,
        components: components.collect(),
    })
}

impl Decoder {
    fn huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((place, rest)) = body.split_first() {
            let (codes, rest) = Codes::read(rest)?;
            let tables = if place >> 4 == 0 {
                &mut self.dc
            } else {
                &mut self.ac
            };
            *tables.get_mut(usize::from(place & 15))? = Some(codes);
            body = rest;
        }
        Some(())
    }

    fn tables(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((place, rest)) = body.split_first() {
            let width = if place >> 4 == 0 { 1 } else { 2 };
            let (values, rest) = rest.split_at_checked(64 * width)?;
            let mut table = [0; 64];
            for (value, target) in values.chunks_exact(width).zip(ZIGZAG) {
                let number = value
                    .iter()
                    .fold(0, |number, byte| number << 8 | i32::from(*byte));
                *table.get_mut(usize::from(target))? = number;
            }
            *self.quantisation.get_mut(usize::from(place & 15))? = Some(table);
            body = rest;
        }
        Some(())
    }

    /// Reads a scan; returns where the next marker is looked for.
    fn scan(&mut self, stream: &[u8], body: &[u8], at: usize) -> Result<usize, PixelError> {
        let damaged = || PixelError::Damaged;
        let frame = self.frame.as_mut().ok_or_else(damaged)?;
        let (count, rest) = body.split_first().ok_or_else(damaged)?;
        let (named, rest) = rest
            .split_at_checked(usize::from(*count) * 2)
            .ok_or_else(damaged)?;
        let [first, last, steps] = *rest.first_chunk::<3>().ok_or_else(damaged)?;
        let band = Band {
            first: first.into(),
            last: if frame.is_progressive {
                last.into()
            } else {
                63
            },
            is_refinement: steps >> 4 > 0,
            shift: u32::from(steps & 15),
        };
        if band.first > band.last || band.last > 63 || band.shift > 13 {
            return Err(damaged());
        }
        let mut scanned = Vec::new();
        for [name, tables] in named.as_chunks::<2>().0 {
            let index = frame
                .components
                .iter()
                .position(|known| known.name == *name);
            let codes = |tables: &[Option<Codes>; 4], place: u8| {
                tables.get(usize::from(place)).cloned().flatten()
            };
            scanned.push(Scanned {
                index: index.ok_or_else(damaged)?,
                dc: codes(&self.dc, tables >> 4),
                ac: codes(&self.ac, tables & 15),
                previous: 0,
            });
        }
        let mut run = Run {
            bits: Bits::new(stream, at),
            band,
            end_of_band: 0,
            is_progressive: frame.is_progressive,
        };
        run.over(frame, &mut scanned, self.restart)?;
        Ok(run.bits.marker().unwrap_or(stream.len()))
    }

    /// Turns coefficients into samples.
    fn samples(mut self) -> Option<Vec<i32>> {
        let frame = self.frame.take()?;
        let count = frame.components.len();
        let mut out = vec![0; frame.rows * frame.columns * count];
        let most = (1 << frame.precision) - 1;
        let cosines = cosines();
        let across_most = frame.components.iter().map(|one| one.across).max()?;
        let down_most = frame.components.iter().map(|one| one.down).max()?;
        for (index, component) in frame.components.iter().enumerate() {
            let table = self.quantisation.get(component.table).copied().flatten()?;
            let width = component.row * 8;
            let mut plane = vec![0_i32; component.blocks.len() * 64];
            for (place, block) in component.blocks.iter().enumerate() {
                let samples = inverse(block, &table, &cosines);
                let (x, y) = (place % component.row * 8, place / component.row * 8);
                for (line, values) in samples.as_chunks::<8>().0.iter().enumerate() {
                    let start = (y + line) * width + x;
                    for (target, value) in plane.get_mut(start..start + 8)?.iter_mut().zip(values) {
                        *target = (value.round() as i32 + (most + 1) / 2).clamp(0, most);
                    }
                }
            }
            for y in 0..frame.rows {
                let line = plane.get(y * component.down / down_most * width..)?;
                let targets = out.get_mut(y * frame.columns * count..)?.iter_mut();
                let targets = targets.skip(index).step_by(count).take(frame.columns);
                for (x, target) in targets.enumerate() {
                    *target = *line.get(x * component.across / across_most)?;
                }
            }
        }
        Some(out)
    }
}

/// A component of the scan that is being read.
struct Scanned {
    index: usize,
    dc: Option<Codes>,
    ac: Option<Codes>,
    previous: i32,
}

/// The state of one scan.
struct Run<'a> {
    bits: Bits<'a>,
    band: Band,
    end_of_band: u32,
    is_progressive: bool,
}

impl Run<'_> {
    fn over(
        &mut self,
        frame: &mut Frame,
        scanned: &mut [Scanned],
        restart: usize,
    ) -> Result<(), PixelError> {
        // A.2: one component alone goes block by block, several go unit by unit.
        let alone = match scanned {
            [only] => frame.components.get(only.index).map(|one| one.used),
            _ => None,
        };
        let (across, down) = alone.unwrap_or(frame.units);
        for unit in 0..across * down {
            if restart > 0 && unit > 0 && unit % restart == 0 {
                self.bits.restart()?;
                self.end_of_band = 0;
                for one in scanned.iter_mut() {
                    one.previous = 0;
                }
            }
            let (x, y) = (unit % across, unit / across);
            for one in scanned.iter_mut() {
                let component = frame.components.get_mut(one.index);
                let component = component.ok_or(PixelError::Damaged)?;
                let (wide, high) = if alone.is_some() {
                    (1, 1)
                } else {
                    (component.across, component.down)
                };
                for part in 0..wide * high {
                    let place = (y * high + part / wide) * component.row + x * wide + part % wide;
                    let block = component.blocks.get_mut(place);
                    self.block(block.ok_or(PixelError::Damaged)?, one)?;
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &mut Block, one: &mut Scanned) -> Result<(), PixelError> {
        if self.band.first == 0 {
            self.direct(block, one)?;
        }
        if self.band.last == 0 {
            return Ok(());
        }
        let codes = one.ac.as_ref().ok_or(PixelError::Damaged)?;
        if self.band.is_refinement {
            return self.refine(block, codes);
        }
        self.alternating(block, codes)
    }

    /// The first coefficient, told by its difference to the block before (F.2.1.3, G.1.2.1).
    fn direct(&mut self, block: &mut Block, one: &mut Scanned) -> Result<(), PixelError> {
        let [first, ..] = block;
        if self.band.is_refinement {
            *first |= self.bits.take(1)? << self.band.shift;
            return Ok(());
        }
        let codes = one.dc.as_ref().ok_or(PixelError::Damaged)?;
        let length = self.bits.symbol(codes)?;
        let difference = self.bits.number(length.into())?;
        one.previous = one.previous.wrapping_add(difference);
        *first = one.previous.wrapping_shl(self.band.shift);
        Ok(())
    }

    /// The other coefficients for the first time (F.2.2.2, G.1.2.2).
    fn alternating(&mut self, block: &mut Block, codes: &Codes) -> Result<(), PixelError> {
        if self.end_of_band > 0 {
            self.end_of_band -= 1;
            return Ok(());
        }
        let mut index = self.band.first.max(1);
        while index <= self.band.last {
            let symbol = self.bits.symbol(codes)?;
            let (zeros, length) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if length == 0 {
                if zeros < 15 {
                    self.end_of_band = self.run_of_bands(zeros as u32)?;
                    return Ok(());
                }
                index += 16;
                continue;
            }
            index += zeros;
            let value = self.bits.number(length)?;
            *place(block, index)? = value << self.band.shift;
            index += 1;
        }
        Ok(())
    }

    /// How many blocks after this one have nothing more in this band.
    fn run_of_bands(&mut self, zeros: u32) -> Result<u32, PixelError> {
        if !self.is_progressive {
            return Ok(0);
        }
        Ok((1 << zeros) + self.bits.take(zeros)? as u32 - 1)
    }

    /// One more bit of the other coefficients (G.1.2.3).
    fn refine(&mut self, block: &mut Block, codes: &Codes) -> Result<(), PixelError> {
        let bit = 1 << self.band.shift;
        let mut index = self.band.first.max(1);
        if self.end_of_band == 0 {
            while index <= self.band.last {
                let symbol = self.bits.symbol(codes)?;
                let (mut zeros, length) = (u32::from(symbol >> 4), symbol & 15);
                let mut value = 0;
                match length {
                    0 if zeros < 15 => {
                        self.end_of_band = self.run_of_bands(zeros)? + 1;
                        break;
                    }
                    0 => {}
                    1 => value = if self.bits.take(1)? == 1 { bit } else { -bit },
                    _ => return Err(PixelError::Damaged),
                }
                while index <= self.band.last {
                    let known = place(block, index)?;
                    if *known != 0 {
                        Self::correct(&mut self.bits, known, bit)?;
                    } else if zeros == 0 {
                        *known = value;
                        index += 1;
                        break;
                    } else {
                        zeros -= 1;
                    }
                    index += 1;
                }
            }
        }
        if self.end_of_band > 0 {
            for index in index..=self.band.last {
                let known = place(block, index)?;
                if *known != 0 {
                    Self::correct(&mut self.bits, known, bit)?;
                }
            }
            self.end_of_band -= 1;
        }
        Ok(())
    }

    fn correct(bits: &mut Bits<'_>, known: &mut i32, bit: i32) -> Result<(), PixelError> {
        if bits.take(1)? == 1 && *known & bit == 0 {
            *known += if *known > 0 { bit } else { -bit };
        }
        Ok(())
    }
}

/// Returns the coefficient at a place of the zigzag.
fn place(block: &mut Block, index: usize) -> Result<&mut i32, PixelError> {
    let target = ZIGZAG.get(index).ok_or(PixelError::Damaged)?;
    block
        .get_mut(usize::from(*target))
        .ok_or(PixelError::Damaged)
}

/// The factors of the inverse transform: `[frequency][place]` (A.3.3).
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|frequency| {
        std::array::from_fn(|place| {
            let angle = (2 * place + 1) as f64 * frequency as f64 * std::f64::consts::PI / 16.0;
            let scale = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
            (angle.cos() * scale / 2.0) as f32
        })
    })
}

fn inverse(block: &Block, table: &[i32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    let mut lines = [0_f32; 64];
    let values = block
        .as_chunks::<8>()
        .0
        .iter()
        .zip(table.as_chunks::<8>().0);
    for ((values, steps), out) in values.zip(lines.as_chunks_mut::<8>().0) {
        for ((value, step), factors) in values.iter().zip(steps).zip(cosines) {
            if *value != 0 {
                let value = value.wrapping_mul(*step) as f32;
                for (target, factor) in out.iter_mut().zip(factors) {
                    *target += value * factor;
                }
            }
        }
    }
    let mut out = [0_f32; 64];
    for (line, factors) in lines.as_chunks::<8>().0.iter().zip(cosines) {
        for (targets, factor) in out.as_chunks_mut::<8>().0.iter_mut().zip(factors) {
            for (target, value) in targets.iter_mut().zip(line) {
                *target += value * factor;
            }
        }
    }
    out
}
