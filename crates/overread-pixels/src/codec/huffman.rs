//! Entropy-coded segments of JPEG: bits and Huffman codes (ISO 10918-1 annex F.2.2).

use crate::PixelError;

const FAST_BITS: u32 = 9;

/// The codes of one table.
#[derive(Clone)]
pub(super) struct Codes {
    /// For the next nine bits: length of the code and its symbol, length 0 for longer codes.
    fast: Vec<(u8, u8)>,
    /// For each length: the first code, the place of its symbol, and the number of codes.
    lengths: [(u32, usize, u32); 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Reads the part of a DHT marker behind the class; returns what is left of it.
    pub(super) fn read(body: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = body.split_at_checked(16)?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(total)?;
        let mut lengths = [(0, 0, 0); 17];
        let mut fast = vec![(0, 0); 1 << FAST_BITS];
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let count = u32::from(*count);
            if code + count > 1 << length {
                return None;
            }
            *lengths.get_mut(length as usize)? = (code, place, count);
            for index in 0..count {
                let symbol = *symbols.get(place + index as usize)?;
                if length <= FAST_BITS {
                    let start = ((code + index) << (FAST_BITS - length)) as usize;
                    let slots = fast.get_mut(start..start + (1 << (FAST_BITS - length)))?;
                    slots.fill((length as u8, symbol));
                }
            }
            code = (code + count) << 1;
            place += count as usize;
        }
        let symbols = symbols.to_vec();
        Some((
            Self {
                fast,
                lengths,
                symbols,
            },
            rest,
        ))
    }
}

/// Reads bits up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
    /// Bits that are not in the stream any more.
    missing: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            held: 0,
            count: 0,
            missing: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.missing += 8;
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    fn drop(&mut self, bits: u32) -> Result<(), PixelError> {
        self.count -= bits;
        // Zeros were put behind the end so that codes can be looked up; none of them may be used.
        if self.count < self.missing {
            return Err(PixelError::Damaged);
        }
        Ok(())
    }

    /// Reads up to 16 bits.
    pub(super) fn take(&mut self, bits: u32) -> Result<i32, PixelError> {
        if bits == 0 {
            return Ok(0);
        }
        if self.count < bits {
            self.fill();
        }
        let value = (self.held >> (self.count - bits)) & ((1 << bits) - 1);
        self.drop(bits)?;
        Ok(value as i32)
    }

    /// Reads one symbol.
    pub(super) fn symbol(&mut self, codes: &Codes) -> Result<u8, PixelError> {
        if self.count < 16 {
            self.fill();
        }
        let next = ((self.held >> (self.count - 16)) & 0xFFFF) as u32;
        let fast = codes.fast.get((next >> (16 - FAST_BITS)) as usize);
        if let Some((length, symbol)) = fast.filter(|(length, _)| *length > 0) {
            self.drop(u32::from(*length))?;
            return Ok(*symbol);
        }
        for (length, (first, place, count)) in (0_u32..).zip(codes.lengths).skip(FAST_BITS as usize)
        {
            let code = next >> (16 - length);
            if let Some(index) = code.checked_sub(first).filter(|index| *index < count) {
                self.drop(length)?;
                let symbol = codes.symbols.get(place + index as usize);
                return symbol.copied().ok_or(PixelError::Damaged);
            }
        }
        Err(PixelError::Damaged)
    }

    /// Reads a number of so many bits whose first bit is its sign (F.2.2.1, EXTEND).
    pub(super) fn number(&mut self, bits: u32) -> Result<i32, PixelError> {
        if bits > 16 {
            return Err(PixelError::Damaged);
        }
        let value = self.take(bits)?;
        let is_negative = bits > 0 && value < 1 << (bits - 1);
        Ok(if is_negative {
            value - (1 << bits) + 1
        } else {
            value
        })
    }

    /// Goes on behind a restart marker.
    pub(super) fn restart(&mut self) -> Result<(), PixelError> {
        let at = self.marker().ok_or(PixelError::Damaged)?;
        if !matches!(self.bytes.get(at + 1), Some(0xD0..=0xD7)) {
            return Err(PixelError::Damaged);
        }
        *self = Self::new(self.bytes, at + 2);
        Ok(())
    }

    /// Returns where the next marker is.
    pub(super) fn marker(&self) -> Option<usize> {
        let rest = self.bytes.get(self.at..)?;
        let found = rest
            .windows(2)
            .position(|pair| matches!(pair, [0xFF, second] if !matches!(second, 0 | 0xFF)));
        found.map(|found| self.at + found)
    }
}
