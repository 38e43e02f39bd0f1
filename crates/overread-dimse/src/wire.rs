//! PDUs on a connection: what comes is cut into fragments of messages, never held whole.

use std::io;
use std::time::Duration;

use bytes::BufMut;
use dicom_ul::pdu::{self, AbortRQServiceProviderReason, AbortRQSource, AssociationRQ, Pdu};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits;
use crate::stream::Stream;

/// PDU types.
// PS3.8 9.3.1.
const ASSOCIATE_RQ: u8 = 0x01;
const ASSOCIATE_AC: u8 = 0x02;
const ASSOCIATE_RJ: u8 = 0x03;
const P_DATA_TF: u8 = 0x04;
const RELEASE_RQ: u8 = 0x05;
const RELEASE_RP: u8 = 0x06;
const ABORT: u8 = 0x07;
/// What a TLS client begins with.
// RFC 8446 5.1: handshake(22).
const TLS_HANDSHAKE: u8 = 22;
/// Bytes of a PDU's header, and of a PDV's.
const HEADER_BYTES: usize = 6;
/// Bytes of a PDV that its own length counts, but that are no data.
const PDV_CONTROL_BYTES: u32 = 2;
/// Bytes of a PDV's length field.
const PDV_LENGTH_BYTES: u32 = 4;
/// Bytes of the PDUs that end an association, behind their header.
const CLOSING_PDU_BYTES: u32 = 4;

/// Why an association ended otherwise than by release.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The network failed, or the peer closed the connection.
    #[error("the connection broke")]
    Broke(#[from] io::Error),
    /// The peer was silent for too long.
    #[error("the peer was silent for too long")]
    Silence,
    /// Another caller needs the place.
    #[error("it made room for another caller")]
    MadeRoom,
    /// The peer said that it ends here.
    #[error("the peer aborted")]
    Aborted,
    /// The peer broke the protocol.
    #[error("{0}")]
    Protocol(&'static str, AbortRQServiceProviderReason),
}

fn unexpected(why: &'static str) -> Ended {
    Ended::Protocol(why, AbortRQServiceProviderReason::UnexpectedPdu)
}

fn invalid(why: &'static str) -> Ended {
    Ended::Protocol(why, AbortRQServiceProviderReason::InvalidPduParameter)
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Event {
    /// A piece of a message; its bytes are still to be taken.
    Fragment(Fragment),
    /// The peer wants to end the association.
    Release,
}

/// One presentation data value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fragment {
    pub(crate) context_id: u8,
    pub(crate) is_command: bool,
    pub(crate) is_last: bool,
    pub(crate) length_bytes: usize,
}

/// What is said of a piece of a message that goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing {
    pub(crate) context_id: u8,
    pub(crate) is_command: bool,
    /// No piece of the command set or data set follows.
    pub(crate) ends_message: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: BufReader<Stream>,
    /// Bytes of the current P-DATA-TF PDU behind the fragment that was announced last.
    pdu_rest_bytes: u32,
    /// When the current PDU must be there whole.
    deadline: Instant,
    idle: Duration,
}

impl Wire {
    /// Says whether nobody can listen in.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.stream.get_ref(), Stream::Tls(_))
    }

    /// Takes over a connection.
    pub(crate) fn new(stream: Stream, idle: Duration) -> Self {
        stream.set_nodelay();
        Self {
            stream: BufReader::with_capacity(limits::WINDOW_BYTES, stream),
            pdu_rest_bytes: 0,
            deadline: Instant::now() + idle,
            idle,
        }
    }

    /// Reads the association request, which must be the first PDU.
    ///
    /// # Errors
    /// Anything else came, or nothing in time.
    pub(crate) async fn request(&mut self, time: Duration) -> Result<AssociationRQ, Ended> {
        self.deadline = Instant::now() + time;
        let (kind, length, head) = self.pdu_header().await?;
        match kind {
            ASSOCIATE_RQ if length <= limits::REQUEST_BYTES => {}
            ASSOCIATE_RQ => return Err(invalid("the association request is too long")),
            ABORT => return Err(Ended::Aborted),
            TLS_HANDSHAKE => {
                return Err(invalid(
                    "it speaks TLS, and this port does not; serve --dimse-tls opens one that does",
                ));
            }
            P_DATA_TF | RELEASE_RQ | RELEASE_RP | ASSOCIATE_AC | ASSOCIATE_RJ => {
                return Err(unexpected("the first PDU is no association request"));
            }
            _ => return Err(unrecognized()),
        }
        let mut bytes = Vec::with_capacity(HEADER_BYTES + length as usize);
        bytes.extend_from_slice(&head);
        self.read(&mut bytes, length as usize).await?;
        match pdu::read_pdu(bytes.as_slice(), limits::REQUEST_BYTES, true) {
            Ok(Some(Pdu::AssociationRQ(request))) => Ok(request),
            // The error may quote what the peer wrote.
            _ => Err(invalid("the association request is damaged")),
        }
    }

    /// Reads the answer to our association request: it is accepted or rejected.
    ///
    /// # Errors
    /// Anything else came, or nothing in time.
    pub(crate) async fn answer(&mut self, time: Duration) -> Result<Pdu, Ended> {
        self.deadline = Instant::now() + time;
        let (kind, length, head) = self.pdu_header().await?;
        match kind {
            ASSOCIATE_AC | ASSOCIATE_RJ if length <= limits::REQUEST_BYTES => {}
            ABORT => return Err(Ended::Aborted),
            _ => {
                return Err(unexpected(
                    "what came is no answer to an association request",
                ));
            }
        }
        let mut bytes = Vec::with_capacity(HEADER_BYTES + length as usize);
        bytes.extend_from_slice(&head);
        self.read(&mut bytes, length as usize).await?;
        match pdu::read_pdu(bytes.as_slice(), limits::REQUEST_BYTES, true) {
            Ok(Some(pdu @ (Pdu::AssociationAC(_) | Pdu::AssociationRJ(_)))) => Ok(pdu),
            _ => Err(invalid("the answer to the association request is damaged")),
        }
    }

    /// Asks the peer to end the association, and waits for its consent.
    pub(crate) async fn part(mut self) -> Result<(), Ended> {
        self.send(&Pdu::ReleaseRQ).await?;
        self.deadline = Instant::now() + limits::CLOSING_TIME;
        let (kind, _, _) = self.pdu_header().await?;
        if kind != RELEASE_RP {
            return Err(unexpected("a release was not answered"));
        }
        drop(self.stream.get_mut().shutdown().await);
        Ok(())
    }

    /// Says whether something has come already.
    pub(crate) async fn has_input(&mut self) -> Result<bool, Ended> {
        if self.pdu_rest_bytes > 0 {
            return Ok(true);
        }
        tokio::select! {
            biased;
            filled = self.stream.fill_buf() => {
                let there = filled?;
                if there.is_empty() {
                    return Err(Ended::Broke(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(true)
            }
            () = std::future::ready(()) => Ok(false),
        }
    }

    /// Waits until something comes, or the peer was silent for too long; may be cancelled.
    pub(crate) async fn ready(&mut self) -> Result<(), Ended> {
        if self.pdu_rest_bytes > 0 {
            return Ok(());
        }
        match timeout(self.idle, self.stream.fill_buf()).await {
            Err(_) => Err(Ended::Silence),
            Ok(Ok([])) => Err(Ended::Broke(io::ErrorKind::UnexpectedEof.into())),
            Ok(filled) => Ok(filled.map(|_| ())?),
        }
    }

    /// Reads up to the next fragment.
    pub(crate) async fn next(&mut self) -> Result<Event, Ended> {
        while self.pdu_rest_bytes == 0 {
            self.deadline = Instant::now() + self.idle;
            let (kind, length, _) = self.pdu_header().await?;
            match kind {
                P_DATA_TF if length > limits::PDU_BYTES => {
                    return Err(invalid("a PDU is longer than was agreed"));
                }
                // It would hold nothing and only keep the association alive.
                P_DATA_TF if length < PDV_LENGTH_BYTES + PDV_CONTROL_BYTES => {
                    return Err(invalid("a PDU holds no fragment"));
                }
                P_DATA_TF => self.pdu_rest_bytes = length,
                RELEASE_RQ if length == CLOSING_PDU_BYTES => {
                    self.skip(length as usize).await?;
                    return Ok(Event::Release);
                }
                ABORT => return Err(Ended::Aborted),
                ASSOCIATE_RQ | RELEASE_RQ | RELEASE_RP | ASSOCIATE_AC | ASSOCIATE_RJ => {
                    return Err(unexpected("a PDU came that has no place here"));
                }
                _ => return Err(unrecognized()),
            }
        }
        self.fragment().await.map(Event::Fragment)
    }

    // PS3.8 9.3.5.1 and annex E.
    async fn fragment(&mut self) -> Result<Fragment, Ended> {
        let head_bytes = PDV_LENGTH_BYTES + PDV_CONTROL_BYTES;
        let too_long = || invalid("a fragment is longer than its PDU");
        let behind = self
            .pdu_rest_bytes
            .checked_sub(head_bytes)
            .ok_or_else(too_long)?;
        let [l0, l1, l2, l3, context_id, control] = self.header().await?;
        let length = u32::from_be_bytes([l0, l1, l2, l3])
            .checked_sub(PDV_CONTROL_BYTES)
            .ok_or_else(|| invalid("a fragment is shorter than its header"))?;
        self.pdu_rest_bytes = behind.checked_sub(length).ok_or_else(too_long)?;
        Ok(Fragment {
            context_id,
            is_command: control & 1 != 0,
            is_last: control & 2 != 0,
            length_bytes: length as usize,
        })
    }

    /// Appends bytes of the announced fragment; there is room for them.
    pub(crate) async fn read(&mut self, into: &mut Vec<u8>, count: usize) -> Result<(), Ended> {
        let mut rest = count;
        while rest > 0 {
            let mut room = (&mut *into).limit(rest);
            let reading = self.stream.read_buf(&mut room);
            match timeout_at(self.deadline, reading).await {
                Err(_) => return Err(Ended::Silence),
                Ok(Ok(0)) => return Err(Ended::Broke(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => rest -= read?,
            }
        }
        Ok(())
    }

    /// Reads bytes of the announced fragment and forgets them.
    pub(crate) async fn skip(&mut self, count: usize) -> Result<(), Ended> {
        let mut rest = count;
        while rest > 0 {
            let there = self.piece(rest).await?.len();
            self.consume(there);
            rest -= there;
        }
        Ok(())
    }

    /// Shows the next bytes of the announced fragment, at least one and at most `count`.
    pub(crate) async fn piece(&mut self, count: usize) -> Result<&[u8], Ended> {
        let waiting = timeout_at(self.deadline, self.stream.fill_buf()).await;
        let there = waiting.map_err(|_| Ended::Silence)??;
        match there.get(..count.min(there.len())) {
            None | Some([]) => Err(Ended::Broke(io::ErrorKind::UnexpectedEof.into())),
            Some(piece) => Ok(piece),
        }
    }

    /// Goes on behind bytes that were shown.
    pub(crate) fn consume(&mut self, count: usize) {
        self.stream.consume(count);
    }

    async fn pdu_header(&mut self) -> Result<(u8, u32, [u8; HEADER_BYTES]), Ended> {
        self.stream.get_ref().hurry();
        let head = self.header().await?;
        let [kind, _, l0, l1, l2, l3] = head;
        Ok((kind, u32::from_be_bytes([l0, l1, l2, l3]), head))
    }

    async fn header(&mut self) -> Result<[u8; HEADER_BYTES], Ended> {
        let mut head = [0; HEADER_BYTES];
        let reading = self.stream.read_exact(&mut head);
        timeout_at(self.deadline, reading)
            .await
            .map_err(|_| Ended::Silence)??;
        Ok(head)
    }

    /// Sends a PDU.
    pub(crate) async fn send(&mut self, pdu: &Pdu) -> Result<(), Ended> {
        let mut bytes = Vec::with_capacity(512);
        pdu::write_pdu(&mut bytes, pdu).map_err(io::Error::other)?;
        self.write(&bytes).await?;
        self.stream.get_ref().hurry();
        Ok(())
    }

    /// Sends a piece of a message in as many PDUs as the peer's limit asks for; its last fragment is marked when the message
    /// ends with it.
    pub(crate) async fn send_fragments(
        &mut self,
        fragment: Outgoing,
        bytes: &[u8],
        peer_pdu_bytes: usize,
    ) -> Result<(), Ended> {
        let most = peer_pdu_bytes.min(limits::SENT_PDU_BYTES);
        let room = most.saturating_sub(HEADER_BYTES).max(1);
        let count = bytes.len().div_ceil(room).max(1);
        let mut buffer = Vec::with_capacity(2 * HEADER_BYTES + room.min(bytes.len()));
        for index in 0..count {
            let start = index * room;
            let end = (start + room).min(bytes.len());
            let piece = bytes.get(start..end).unwrap_or_default();
            let is_last = fragment.ends_message && index + 1 == count;
            let value_bytes = piece.len() as u32 + PDV_CONTROL_BYTES;
            buffer.clear();
            buffer.extend_from_slice(&[P_DATA_TF, 0]);
            buffer.extend_from_slice(&(value_bytes + PDV_LENGTH_BYTES).to_be_bytes());
            buffer.extend_from_slice(&value_bytes.to_be_bytes());
            let control = u8::from(fragment.is_command) | u8::from(is_last) << 1;
            buffer.extend_from_slice(&[fragment.context_id, control]);
            buffer.extend_from_slice(piece);
            self.write(&buffer).await?;
        }
        self.stream.get_ref().hurry();
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let stream = self.stream.get_mut();
        let sending = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        timeout(limits::ANSWER_TIME, sending)
            .await
            .map_err(|_| Ended::Silence)??;
        Ok(())
    }

    /// Tells the peer that the association ends here, when that is of use to it, and closes the connection.
    pub(crate) async fn abort(mut self, ended: &Ended) {
        let source = match ended {
            Ended::Broke(_) | Ended::Aborted => return,
            Ended::Silence | Ended::MadeRoom => {
                AbortRQSource::ServiceProvider(AbortRQServiceProviderReason::ReasonNotSpecified)
            }
            Ended::Protocol(_, reason) => AbortRQSource::ServiceProvider(reason.clone()),
        };
        if self.send(&Pdu::AbortRQ { source }).await.is_ok() {
            self.close().await;
        }
    }

    /// Asks the peer to end the association, and waits a little for its consent.
    pub(crate) async fn release(mut self) {
        if self.send(&Pdu::ReleaseRQ).await.is_ok() {
            self.close().await;
        }
    }

    /// Closes the connection once the peer has read the last PDU; it would be lost with a reset.
    pub(crate) async fn close(mut self) {
        let closing = async {
            self.stream.get_mut().shutdown().await?;
            while !self.stream.fill_buf().await?.is_empty() {
                let there = self.stream.buffer().len();
                self.stream.consume(there);
            }
            Ok::<(), io::Error>(())
        };
        drop(timeout(limits::CLOSING_TIME, closing).await);
    }
}

fn unrecognized() -> Ended {
    Ended::Protocol(
        "what came is no PDU",
        AbortRQServiceProviderReason::UnrecognizedPdu,
    )
}
