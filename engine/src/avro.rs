//! Apache Avro 1.12: a [`Schema`] of its JSON text, and data written by that schema as JSON text, which
//! [`decode`](crate::decode) then reads like any other record.
//!
//! | Avro | JSON text |
//! |---|---|
//! | int, long | its digits |
//! | float, double | the shortest decimal that reads back as the same number; `"NaN"`, `"inf"`, `"-inf"` |
//! | decimal, of bytes or fixed | its exact digits |
//! | timestamp-millis, -micros, -nanos | RFC 3339 in UTC; local-timestamp-… without a zone |
//! | bytes, fixed | a string of the characters U+0000 to U+00FF, as in Avro's own JSON |
//! | string, enum | a string |
//! | union | the value alone |
//! | record, map / array | an object / an array |
//!
//! Kept libraries for Avro make a value of each field, allocate by the lengths that the data claims, and some read a
//! datum that was cut short as nulls. Here the only thing that grows is the text, up to a bound, and a datum must end
//! where its record ends.

mod datum;
mod decimal;
mod schema;

pub(crate) use datum::Cursor;
pub use datum::DatumError;
pub use schema::{Schema, SchemaError};
