//! `multipart/related` bodies, taken apart while they arrive (RFC 2046 5.1, PS3.18 8.6.1.2.1).
//!
//! The reader keeps no more than one line or delimiter of what it was given: parts are handed on piece by piece.

mod content_type;

use bytes::{Buf, Bytes};

pub(crate) use content_type::BadContentType;
pub use content_type::ContentType;

use crate::limits::{PART_HEADER_BYTES, PREAMBLE_BYTES};

/// What a part says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHeaders {
    /// Content-Type.
    pub content_type: Option<String>,
    /// Content-Location.
    pub content_location: Option<String>,
}

impl PartHeaders {
    fn of(block: &str) -> Self {
        let header = |wanted: &str| {
            block.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_it = name.trim().eq_ignore_ascii_case(wanted);
                is_it.then(|| value.trim().to_owned())
            })
        };
        Self {
            content_type: header("content-type"),
            content_location: header("content-location"),
        }
    }
}

/// What the reader found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// More of the body is needed.
    More,
    /// A part starts.
    Part(PartHeaders),
    /// Bytes of the part.
    Data(Bytes),
    /// The part is complete.
    PartEnd,
    /// The closing delimiter was seen; what follows does not matter.
    End,
}

/// Says why a body cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// The first boundary does not come.
    #[error("the body does not start with its boundary")]
    NoBoundary,
    /// A header block is too long or not text.
    #[error("the headers of a part are too long or malformed")]
    Headers,
    /// The body ends before its closing boundary.
    #[error("the body ends before its closing boundary")]
    EndsEarly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Delimiter,
    Headers,
    Content,
    Done,
}

/// Takes a body apart; knows nothing of the network.
#[derive(Debug)]
pub struct PartReader {
    state: State,
    /// `\r\n--boundary`.
    delimiter: Vec<u8>,
    buffer: Bytes,
    /// Content from before the buffer that no delimiter begins in.
    ahead: Option<Bytes>,
    is_first_line: bool,
    skipped_bytes: usize,
}

impl PartReader {
    /// Makes a reader for a boundary.
    pub fn new(boundary: &str) -> Self {
        Self {
            state: State::Preamble,
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            buffer: Bytes::new(),
            ahead: None,
            is_first_line: true,
            skipped_bytes: 0,
        }
    }

    /// Adds what arrived, once [`PartReader::next_event`] wants more.
    pub fn push(&mut self, bytes: Bytes) {
        if self.state == State::Done {
            return;
        }
        if self.buffer.is_empty() {
            self.buffer = bytes;
        } else if self.is_content_before(&bytes) {
            self.ahead = Some(std::mem::replace(&mut self.buffer, bytes));
        } else {
            self.buffer = Bytes::from([&self.buffer[..], &bytes[..]].concat());
        }
    }

    /// Says whether all that was kept back is content, now that it is known what follows; saves copying what follows.
    fn is_content_before(&self, bytes: &[u8]) -> bool {
        let kept = self.buffer.len();
        let Some(start) = bytes.get(..self.delimiter.len()) else {
            return false;
        };
        self.state == State::Content
            && self.ahead.is_none()
            && kept <= self.kept_back()
            && memchr::memmem::find(&[&self.buffer[..], start].concat(), &self.delimiter)
                .is_none_or(|at| at >= kept)
    }

    /// Bytes at the end of what arrived that may belong to a delimiter.
    const fn kept_back(&self) -> usize {
        self.delimiter.len() + 2
    }

    /// Returns what comes next in what arrived so far.
    ///
    /// # Errors
    /// The body breaks the rules of multipart.
    pub fn next_event(&mut self) -> Result<Event, BadBody> {
        match self.state {
            State::Preamble => self.preamble(),
            State::Delimiter => self.delimiter(),
            State::Headers => self.headers(),
            State::Content => Ok(self.content()),
            State::Done => Ok(Event::End),
        }
    }

    /// Says whether the body may end here.
    ///
    /// # Errors
    /// The closing delimiter did not come.
    pub fn finish(&self) -> Result<(), BadBody> {
        match self.state {
            State::Done => Ok(()),
            State::Preamble => Err(BadBody::NoBoundary),
            _ => Err(BadBody::EndsEarly),
        }
    }

    fn preamble(&mut self) -> Result<Event, BadBody> {
        let dashed = self.delimiter.get(2..).unwrap_or_default();
        // The very first line needs no line end before it.
        if self.is_first_line
            && self.buffer.len() < dashed.len()
            && dashed.starts_with(&self.buffer)
        {
            return Ok(Event::More);
        }
        if self.is_first_line && self.buffer.starts_with(dashed) {
            self.buffer.advance(dashed.len());
            self.state = State::Delimiter;
            return self.next_event();
        }
        self.is_first_line = false;
        if let Some(at) = memchr::memmem::find(&self.buffer, &self.delimiter) {
            self.buffer.advance(at + self.delimiter.len());
            self.state = State::Delimiter;
            return self.next_event();
        }
        let keep = self.delimiter.len().min(self.buffer.len());
        let gone = self.buffer.len() - keep;
        self.skipped_bytes += gone;
        self.buffer.advance(gone);
        if self.skipped_bytes > PREAMBLE_BYTES {
            return Err(BadBody::NoBoundary);
        }
        Ok(Event::More)
    }

    /// Behind a boundary: `--` closes, white space and a line end open the next part.
    fn delimiter(&mut self) -> Result<Event, BadBody> {
        if self.buffer.starts_with(b"--") {
            self.state = State::Done;
            self.buffer.clear();
            return Ok(Event::End);
        }
        let Some(end) = memchr::memchr(b'\n', &self.buffer) else {
            if self.buffer.len() > PART_HEADER_BYTES {
                return Err(BadBody::Headers);
            }
            return Ok(Event::More);
        };
        let line = self.buffer.get(..end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            return Err(BadBody::NoBoundary);
        }
        self.buffer.advance(end + 1);
        self.state = State::Headers;
        self.next_event()
    }

    fn headers(&mut self) -> Result<Event, BadBody> {
        // A part without any header starts with the empty line.
        let end = if self.buffer.starts_with(b"\r\n") {
            Some(2)
        } else {
            memchr::memmem::find(&self.buffer, b"\r\n\r\n").map(|at| at + 4)
        };
        let Some(end) = end else {
            if self.buffer.len() > PART_HEADER_BYTES {
                return Err(BadBody::Headers);
            }
            return Ok(Event::More);
        };
        if end > PART_HEADER_BYTES {
            return Err(BadBody::Headers);
        }
        let block = self.buffer.split_to(end);
        let text = std::str::from_utf8(&block).map_err(|_| BadBody::Headers)?;
        let headers = PartHeaders::of(text);
        self.state = State::Content;
        Ok(Event::Part(headers))
    }

    fn content(&mut self) -> Event {
        if let Some(ahead) = self.ahead.take() {
            return Event::Data(ahead);
        }
        let mut from = 0;
        while let Some(found) =
            memchr::memmem::find(self.buffer.get(from..).unwrap_or_default(), &self.delimiter)
        {
            let at = from + found;
            match self.buffer.get(at + self.delimiter.len()..) {
                Some([b'-', b'-', ..] | [b'\r' | b'\n' | b' ' | b'\t', _, ..]) => {
                    return self.content_until(at);
                }
                // One byte more decides.
                Some([] | [_]) => return self.data(at),
                _ => from = at + 1,
            }
        }
        self.data(self.buffer.len().saturating_sub(self.kept_back()))
    }

    fn data(&mut self, length: usize) -> Event {
        if length == 0 {
            return Event::More;
        }
        Event::Data(self.buffer.split_to(length))
    }

    fn content_until(&mut self, at: usize) -> Event {
        if at > 0 {
            return Event::Data(self.buffer.split_to(at));
        }
        self.buffer.advance(self.delimiter.len());
        self.state = State::Delimiter;
        Event::PartEnd
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{BadBody, Event, PartReader};

    type Parts = Vec<(Option<String>, Vec<u8>)>;

    /// Takes a body apart that arrives in chunks of a size.
    fn parts(boundary: &str, body: &[u8], chunk_bytes: usize) -> Result<Parts, BadBody> {
        let mut reader = PartReader::new(boundary);
        let mut parts: Parts = Vec::new();
        let mut chunks = body.chunks(chunk_bytes);
        loop {
            match reader.next_event()? {
                Event::Part(headers) => parts.push((headers.content_type, Vec::new())),
                Event::Data(bytes) => parts
                    .last_mut()
                    .expect("a part")
                    .1
                    .extend_from_slice(&bytes),
                Event::PartEnd => {}
                Event::End => return Ok(parts),
                Event::More => match chunks.next() {
                    Some(chunk) => reader.push(bytes::Bytes::copy_from_slice(chunk)),
                    None => return reader.finish().map(|()| parts),
                },
            }
        }
    }

    fn contents(boundary: &str, body: &[u8]) -> Result<Vec<Vec<u8>>, BadBody> {
        let whole = parts(boundary, body, body.len().max(1));
        for chunk_bytes in [1, 2, 3, 7, 64] {
            assert_eq!(
                parts(boundary, body, chunk_bytes),
                whole,
                "chunks of {chunk_bytes}"
            );
        }
        whole.map(|parts| parts.into_iter().map(|(_, content)| content).collect())
    }

    #[test]
    fn bodies_are_taken_apart_s11() {
        let plain =
            b"--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
        assert_eq!(
            contents("b", plain),
            Ok(vec![b"one".to_vec(), b"two".to_vec()])
        );
        let framed = b"preamble\r\n--b \t\r\nA: b\r\n\r\nx\r\n--b--epilogue";
        assert_eq!(contents("b", framed), Ok(vec![b"x".to_vec()]));
        let odd = b"--a b:()+_,-./=?'1\r\n\r\nx\r\n--a b:()+_,-./=?'1--";
        assert_eq!(contents("a b:()+_,-./=?'1", odd), Ok(vec![b"x".to_vec()]));
        let lookalikes = b"--b\r\n\r\nx\r\n--bb\r\n-b--\r\r\n--b--";
        assert_eq!(
            contents("b", lookalikes),
            Ok(vec![b"x\r\n--bb\r\n-b--\r".to_vec()])
        );
        assert_eq!(contents("b", b"--b\r\n\r\n\r\n--b--"), Ok(vec![Vec::new()]));
    }

    #[test]
    fn broken_bodies_are_told() {
        assert_eq!(contents("b", b"--b\r\n\r\nhalf"), Err(BadBody::EndsEarly));
        assert_eq!(contents("b", b""), Err(BadBody::NoBoundary));
        assert_eq!(contents("b", b"nothing here"), Err(BadBody::NoBoundary));
        let long = [b"--b\r\nA: ".to_vec(), vec![b'x'; 40_000]].concat();
        assert_eq!(parts("b", &long, 40_100), Err(BadBody::Headers));
        assert_eq!(
            parts("b", &vec![b'x'; 200_000], 1000),
            Err(BadBody::NoBoundary)
        );
    }

    proptest! {
        #[test]
        fn any_content_comes_back(content: Vec<Vec<u8>>, chunk_bytes in 1_usize..50) {
            let mut body = Vec::new();
            for part in &content {
                body.extend_from_slice(b"\r\n--0f1e2d3c4b5a6978\r\nContent-Type: a/b\r\n\r\n");
                body.extend_from_slice(part);
            }
            body.extend_from_slice(b"\r\n--0f1e2d3c4b5a6978--");
            let got = parts("0f1e2d3c4b5a6978", &body, chunk_bytes).expect("reads");
            let got: Vec<Vec<u8>> = got.into_iter().map(|(_, content)| content).collect();
            prop_assert_eq!(got, content);
        }

        #[test]
        fn nothing_breaks_the_reader(body: Vec<u8>, chunk_bytes in 1_usize..20, flag in any::<bool>()) {
            let body = if flag { [b"--b\r\n".as_slice(), &body].concat() } else { body };
            let _any = parts("b", &body, chunk_bytes);
        }
    }
}
