//! Who brought a delivery, in words.

use overread_model::ids::TokenId;
use overread_store::deliveries::{self, DeliveryRow};
use overread_store::{Tx, people, tokens};

use crate::{StepError, StepResult};

/// Says who brought the delivery of this id.
pub(crate) async fn sender(tx: &mut Tx, delivery_id: &str) -> StepResult<String> {
    let id = delivery_id.parse().map_err(StepError::internal)?;
    match deliveries::find(tx, &id).await? {
        Some(row) => sender_of(tx, &row).await,
        None => Ok("somebody whose delivery is not known any more".to_owned()),
    }
}

/// Says who brought a delivery: a person, a machine by the name of its token, a DICOM peer by its title.
pub(crate) async fn sender_of(tx: &mut Tx, row: &DeliveryRow) -> StepResult<String> {
    if let Some(name) = people::name_of(tx, &row.actor_id).await? {
        return Ok(name);
    }
    if let Some(name) = tokens::name_of(tx, &row.actor_id).await? {
        return Ok(format!("the machine “{name}”"));
    }
    let id = row.actor_id.parse::<TokenId>().ok();
    let peer = id.filter(|_| row.source == "dimse");
    Ok(match peer.and_then(|id| id.ae_title()) {
        Some(title) => format!("the DICOM peer {title}"),
        None if row.actor_kind == "system" => "a command on the server".to_owned(),
        None => "a connected machine".to_owned(),
    })
}
