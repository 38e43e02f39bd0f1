//! A peer that asks for associations and stores, by dicom-ul; for tests only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::dicom::InstanceSpec;
use dicom_ul::association::Error;
use dicom_ul::association::client::{ClientAssociation, ClientAssociationOptions};
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu};

/// The SOP class of C-ECHO.
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// The SOP class of MR images.
pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
/// Explicit VR, little endian.
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// Implicit VR, little endian.
pub const IMPLICIT: &str = "1.2.840.10008.1.2";

/// A peer with an open association.
#[derive(Debug)]
pub struct Peer {
    /// The association.
    pub association: ClientAssociation<TcpStream>,
    /// The last response.
    response: Vec<u8>,
}

impl Peer {
    /// Opens an association for verification and MR images.
    pub fn open(address: SocketAddr) -> Self {
        Self::try_open(address).unwrap()
    }

    /// As `open`, of a door that may go away.
    ///
    /// # Errors
    /// The door refuses it, or cannot be reached.
    pub fn try_open(address: SocketAddr) -> Result<Self, Error> {
        let contexts = [(VERIFICATION, vec![IMPLICIT]), (MR, vec![EXPLICIT])];
        Self::with(address, "TESTPEER", &contexts)
    }

    /// Opens an association under a title for these contexts, each with its transfer syntaxes.
    ///
    /// # Errors
    /// The door refuses it, or cannot be reached.
    pub fn with(
        address: SocketAddr,
        calling: &str,
        contexts: &[(&str, Vec<&str>)],
    ) -> Result<Self, Error> {
        let mut options = ClientAssociationOptions::new()
            .calling_ae_title(calling.to_owned())
            .called_ae_title("OVERREAD");
        for (uid, syntaxes) in contexts {
            let syntaxes = syntaxes.iter().map(|uid| (*uid).to_owned()).collect();
            options = options.with_presentation_context((*uid).to_owned(), syntaxes);
        }
        Ok(Self::over(options.establish(address)?))
    }

    /// A peer over an association that was opened otherwise.
    pub fn over(association: ClientAssociation<TcpStream>) -> Self {
        Self {
            association,
            response: Vec::new(),
        }
    }

    fn context(&self, sop_class_uid: &str) -> u8 {
        let contexts = self.association.presentation_contexts();
        let found = contexts
            .iter()
            .find(|context| context.abstract_syntax == sop_class_uid);
        found.expect("an accepted context").id
    }

    /// Sends a command set.
    ///
    /// # Errors
    /// The association ended.
    pub fn command(&mut self, context: u8, command: Vec<u8>) -> Result<(), Error> {
        let value = PDataValue {
            presentation_context_id: context,
            value_type: PDataValueType::Command,
            is_last: true,
            data: command,
        };
        self.association.send(&Pdu::PData { data: vec![value] })
    }

    /// Reads a response and returns its status; `None` when the association ends instead.
    pub fn status(&mut self) -> Option<u16> {
        let Ok(Pdu::PData { data }) = self.association.receive() else {
            return None;
        };
        self.response.clone_from(&data.first()?.data);
        number_in(&self.response, 0x0900)
    }

    /// Says whether these words stand in the last response.
    pub fn said(&self, words: &str) -> bool {
        let mut windows = self.response.windows(words.len());
        windows.any(|window| window == words.as_bytes())
    }

    /// Asks for an echo; returns the status, or `None` when the association ends instead.
    pub fn echo(&mut self) -> Option<u16> {
        let context = self.context(VERIFICATION);
        self.command(context, request(0x0030, VERIFICATION, ""))
            .ok()?;
        self.status()
    }

    /// Stores an instance as it is; returns the status, or `None` when the association ends instead.
    pub fn store(&mut self, spec: &InstanceSpec) -> Option<u16> {
        let bytes = data_set(spec);
        self.store_as(MR, &spec.sop_instance_uid, &bytes)
    }

    /// Stores bytes under this class and instance; returns what [`Self::store`] does.
    pub fn store_as(&mut self, class: &str, instance: &str, bytes: &[u8]) -> Option<u16> {
        self.store_over(MR, class, instance, bytes)
    }

    /// Stores bytes over the context of another class than MR; returns what [`Self::store`] does.
    pub fn store_over(
        &mut self,
        context: &str,
        class: &str,
        instance: &str,
        bytes: &[u8],
    ) -> Option<u16> {
        let context = self.context(context);
        self.command(context, request(0x0001, class, instance))
            .ok()?;
        let mut writer = self.association.send_pdata(context);
        writer.write_all(bytes).ok()?;
        writer.finish().ok()?;
        self.status()
    }

    /// Ends the association.
    pub fn release(self) {
        self.association.release().unwrap();
    }
}

/// Returns a data set without preamble and group 0002.
pub fn data_set(spec: &InstanceSpec) -> Vec<u8> {
    let file = spec.part10().unwrap();
    let group_length = u32::from_le_bytes(*file[140..].first_chunk().unwrap());
    file[144 + group_length as usize..].to_vec()
}

/// Writes the command set of a request, with a data set behind it when it names an instance.
pub fn request(field: u16, class: &str, instance: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut put = |element: u16, value: &[u8]| {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&element.to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value);
    };
    let padded = |uid: &str| {
        let mut bytes = uid.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    };
    put(0x0002, &padded(class));
    put(0x0100, &field.to_le_bytes());
    put(0x0110, &7_u16.to_le_bytes());
    if instance.is_empty() {
        put(0x0800, &0x0101_u16.to_le_bytes());
    } else {
        put(0x0700, &0_u16.to_le_bytes());
        put(0x0800, &0x0001_u16.to_le_bytes());
        put(0x1000, &padded(instance));
    }
    out
}

/// Returns a number of a command set.
pub fn number_in(mut bytes: &[u8], element: u16) -> Option<u16> {
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (value, behind) = rest.split_at_checked(length)?;
        if u16::from_le_bytes([head[2], head[3]]) == element {
            return Some(u16::from_le_bytes(*value.first_chunk()?));
        }
        bytes = behind;
    }
    None
}
