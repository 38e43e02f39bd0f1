//! An association that stands: messages out of fragments, in both directions.

use dicom_ul::pdu::AbortRQServiceProviderReason;

use crate::command::{C_CANCEL_RQ, Command, CommandSet};
use crate::limits;
use crate::negotiation::Context;
use crate::wire::{Ended, Event, Fragment, Outgoing, Wire};

/// A connection with what was agreed on it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) wire: Wire,
    pub(crate) contexts: Vec<Context>,
    /// Bytes of a PDU that the peer takes, behind its header.
    pub(crate) peer_pdu_bytes: usize,
}

impl Link {
    /// Reads a whole command set; `None` when the peer releases instead.
    pub(crate) async fn next(&mut self) -> Result<Option<(Command, Context)>, Ended> {
        let mut command = Vec::new();
        let mut context_id = None;
        loop {
            let fragment = match self.wire.next().await? {
                Event::Fragment(fragment) => fragment,
                Event::Release if context_id.is_none() => return Ok(None),
                Event::Release => return Err(out_of_place("a release inside a message")),
            };
            if !fragment.is_command
                || *context_id.get_or_insert(fragment.context_id) != fragment.context_id
            {
                return Err(out_of_place("a fragment that belongs to no message"));
            }
            if command.len() + fragment.length_bytes > limits::COMMAND_BYTES {
                return Err(out_of_place("a command set is too long"));
            }
            self.wire.read(&mut command, fragment.length_bytes).await?;
            if fragment.is_last {
                let context = self
                    .contexts
                    .iter()
                    .find(|context| context.id == fragment.context_id)
                    .ok_or_else(|| {
                        out_of_place("a message in a presentation context that was not accepted")
                    })?;
                return Ok(Some((Command::parse(&command)?, context.clone())));
            }
        }
    }

    /// Reads the next fragment of the data set of a message.
    pub(crate) async fn data_fragment(&mut self, context: &Context) -> Result<Fragment, Ended> {
        match self.wire.next().await? {
            Event::Fragment(fragment)
                if !fragment.is_command && fragment.context_id == context.id =>
            {
                Ok(fragment)
            }
            Event::Fragment(_) => Err(out_of_place("a fragment that belongs to no message")),
            Event::Release => Err(out_of_place("a release inside a message")),
        }
    }

    /// Reads past the data set of a message whose command decides already.
    pub(crate) async fn read_past(
        &mut self,
        command: &Command,
        context: &Context,
    ) -> Result<(), Ended> {
        let mut is_done = !command.has_data_set;
        while !is_done {
            let fragment = self.data_fragment(context).await?;
            self.wire.skip(fragment.length_bytes).await?;
            is_done = fragment.is_last;
        }
        Ok(())
    }

    /// Reads a short data set, such as an identifier; empty when the message has none.
    pub(crate) async fn read_data(
        &mut self,
        command: &Command,
        context: &Context,
    ) -> Result<Vec<u8>, Ended> {
        let mut data = Vec::new();
        let mut is_done = !command.has_data_set;
        while !is_done {
            let fragment = self.data_fragment(context).await?;
            if data.len() + fragment.length_bytes > limits::IDENTIFIER_BYTES {
                return Err(out_of_place("an identifier is too long"));
            }
            self.wire.read(&mut data, fragment.length_bytes).await?;
            is_done = fragment.is_last;
        }
        Ok(data)
    }

    /// Sends a command set.
    pub(crate) async fn send(&mut self, context_id: u8, set: &CommandSet) -> Result<(), Ended> {
        let command = Outgoing {
            context_id,
            is_command: true,
            ends_message: true,
        };
        self.wire
            .send_fragments(command, &set.bytes(), self.peer_pdu_bytes)
            .await
    }

    /// Sends a piece of a data set.
    pub(crate) async fn send_data(
        &mut self,
        context_id: u8,
        bytes: &[u8],
        ends_message: bool,
    ) -> Result<(), Ended> {
        let data = Outgoing {
            context_id,
            is_command: false,
            ends_message,
        };
        self.wire
            .send_fragments(data, bytes, self.peer_pdu_bytes)
            .await
    }

    /// Says whether the peer has cancelled a request of its own; waits for nothing.
    pub(crate) async fn is_cancelled(&mut self, message_id: u16) -> Result<bool, Ended> {
        while self.wire.has_input().await? {
            let Some((command, context)) = self.next().await? else {
                return Err(out_of_place("a release inside an operation"));
            };
            self.read_past(&command, &context).await?;
            if command.command_field != C_CANCEL_RQ {
                return Err(out_of_place("a request inside an operation"));
            }
            if command.message_id == message_id {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(crate) fn out_of_place(why: &'static str) -> Ended {
    Ended::Protocol(why, AbortRQServiceProviderReason::UnexpectedPduParameter)
}
