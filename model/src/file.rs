//! The model file: a header, a table, sections. FORMAT.md has the bytes in the same order.
//!
//! [`header`] is the header and the table; [`v1`] and [`v2`] the archived types, frozen; [`pages`] the mapping;
//! [`read`] checks a file and returns its sections; [`write`] lays one out and puts it in place. Every byte is covered
//! by a checksum or must be zero, so damage is found first; the structure is checked all the same, because a checksum
//! only proves that the bytes are those that were written.

pub(crate) mod hash;
pub(crate) mod header;
pub(crate) mod pages;
pub(crate) mod read;
pub(crate) mod v1;
pub(crate) mod v2;
pub(crate) mod write;
