//! One module a path, as addresses have them.

mod addenda;
mod api_deliveries;
mod ask;
mod audit;
mod case;
mod dicomweb_origins;
mod dicomweb_stow;
mod entrance;
mod everywhere;
mod invite;
mod keeping;
mod people;
mod records;
mod report;
mod set_aside;
mod take_in;
mod walk;
mod whose_images;
