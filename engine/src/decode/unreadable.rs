//! Why a record could not be read: one name a cause, each saying what to change.

/// Why a record or a ticker in it could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreadable {
    /// The bytes are not JSON.
    #[error("the record is not JSON; send one JSON object a record")]
    NotJson,
    /// The bytes are not UTF-8.
    #[error("the record is not UTF-8; send UTF-8")]
    NotUtf8,
    /// JSON, but not an object where one is due.
    #[error("the record is JSON but not an object; send one object a record")]
    NotAnObject,
    /// A key occurs twice in one object, so its value is ambiguous.
    #[error("a field occurs twice in one object; send it once")]
    RepeatedField,
    /// None of the known shapes.
    #[error("the record has no known shape; a tick needs `timestamp`, `product_id` and `price`")]
    UnknownShape,
    /// A venue's report of an error, such as a refused subscription.
    #[error("the venue reports an error")]
    VenueError,
    /// A field that the shape needs is absent.
    #[error("field `{name}` is missing; add it")]
    MissingField {
        /// Which.
        name: &'static str,
    },
    /// A field holds another JSON type than its shape has.
    #[error("field `{field}` has the wrong JSON type; see the shape's documentation")]
    WrongType {
        /// Which.
        field: &'static str,
    },
    /// A field is not a decimal number.
    #[error("field `{field}` is not a number; write decimal digits, such as 67223.5")]
    BadNumber {
        /// Which.
        field: &'static str,
    },
    /// A number is outside the range of its field.
    #[error("field `{field}` is out of range; prices lie above 0 and below 4.6e10, quantities at or above 0")]
    OutOfRange {
        /// Which.
        field: &'static str,
    },
    /// A field is not a time.
    #[error(
        "field `{field}` is not a time from 1970 to 2200; write RFC 3339, or the seconds, milliseconds, microseconds or \
         nanoseconds since 1970 with 10, 13, 16 or 19 digits"
    )]
    BadTime {
        /// Which.
        field: &'static str,
    },
    /// A number for a time that lies before 2009, when no coin traded: its unit is not the one that it is taken for.
    #[error(
        "field `{field}` is a number for a time before 2009; write RFC 3339, or the seconds, milliseconds, microseconds or \
         nanoseconds since 1970 with 10, 13, 16 or 19 digits"
    )]
    TooEarly {
        /// The field's name.
        field: &'static str,
    },
    /// A side that is neither `buy` nor `sell`.
    #[error("field `{field}` is neither \"buy\" nor \"sell\"; write the taker's side or leave it out")]
    BadSide {
        /// Which.
        field: &'static str,
    },
    /// A venue or product that is empty, too long, or has a character that names do not have.
    #[error(
        "field `{field}` is not a name; use letters and digits of any script and -_./:@#$+=, without blanks, with at most 63 \
         bytes for venue and product, and no : or / in the venue"
    )]
    BadName {
        /// Which.
        field: &'static str,
    },
    /// A csv line with another number of columns.
    #[error(
        "the line does not have the columns time,price,size, or those that the header names; give the file a header"
    )]
    ColumnCount,
    /// A csv header that names no time or no price.
    #[error(
        "the header names no column for the time or none for the price; name them, such as timestamp,price,size"
    )]
    UnknownHeader,
    /// The record is longer than [`crate::limits::RECORD_BYTES_MAX`].
    #[error("the record is longer than {} bytes; split it", crate::limits::RECORD_BYTES_MAX)]
    TooLong,
    /// The record holds more than [`crate::limits::TICKERS_PER_RECORD_MAX`] tickers; those beyond were not read.
    #[error("the record holds more than {} tickers; split it", crate::limits::TICKERS_PER_RECORD_MAX)]
    TooManyTickers,
    /// A framed record whose schema's id nobody knows.
    #[error("no schema has the id {id}; register it, or put its file {id}.avsc where source.schemas says")]
    UnknownSchema {
        /// As the record's frame says.
        id: u32,
    },
    /// A framed record whose schema is of another kind than Avro or JSON, or has an error.
    #[error(
        "data of the schema {id} cannot be read, for the reason that was logged with this id; write Avro or JSON"
    )]
    UnusableSchema {
        /// As the record's frame says.
        id: u32,
    },
    /// A framed record whose schema could not be had, as no registry answered in time.
    #[error("the schema {id} could not be had; see that source.schema_registry_url answers")]
    SchemaUnavailable {
        /// As the record's frame says.
        id: u32,
    },
    /// A framed record whose data is not of its schema, or longer than a record may be.
    #[error(
        "the data is not Avro of the schema {id}, or too long; write it by the schema whose id the frame holds"
    )]
    BadAvro {
        /// As the record's frame says.
        id: u32,
    },
}

impl Unreadable {
    /// Every value of [`Unreadable::reason`], so that a counter of each exists at 0.
    pub const REASONS: [&'static str; 22] = [
        "not_json",
        "not_utf8",
        "not_an_object",
        "repeated_field",
        "unknown_shape",
        "venue_error",
        "missing_field",
        "wrong_type",
        "bad_number",
        "out_of_range",
        "bad_time",
        "too_early",
        "bad_side",
        "bad_name",
        "column_count",
        "unknown_header",
        "too_long",
        "too_many_tickers",
        "unknown_schema",
        "unusable_schema",
        "schema_unavailable",
        "bad_avro",
    ];

    /// A stable label: one of [`Unreadable::REASONS`].
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotUtf8 => "not_utf8",
            Self::NotAnObject => "not_an_object",
            Self::RepeatedField => "repeated_field",
            Self::UnknownShape => "unknown_shape",
            Self::VenueError => "venue_error",
            Self::MissingField { .. } => "missing_field",
            Self::WrongType { .. } => "wrong_type",
            Self::BadNumber { .. } => "bad_number",
            Self::OutOfRange { .. } => "out_of_range",
            Self::BadTime { .. } => "bad_time",
            Self::TooEarly { .. } => "too_early",
            Self::BadSide { .. } => "bad_side",
            Self::BadName { .. } => "bad_name",
            Self::ColumnCount => "column_count",
            Self::UnknownHeader => "unknown_header",
            Self::TooLong => "too_long",
            Self::TooManyTickers => "too_many_tickers",
            Self::UnknownSchema { .. } => "unknown_schema",
            Self::UnusableSchema { .. } => "unusable_schema",
            Self::SchemaUnavailable { .. } => "schema_unavailable",
            Self::BadAvro { .. } => "bad_avro",
        }
    }

    /// The field at fault, where one is.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::MissingField { name: field }
            | Self::WrongType { field }
            | Self::BadNumber { field }
            | Self::OutOfRange { field }
            | Self::BadTime { field }
            | Self::TooEarly { field }
            | Self::BadSide { field }
            | Self::BadName { field } => Some(field),
            Self::NotJson
            | Self::NotUtf8
            | Self::NotAnObject
            | Self::RepeatedField
            | Self::UnknownShape
            | Self::VenueError
            | Self::ColumnCount
            | Self::UnknownHeader
            | Self::TooLong
            | Self::TooManyTickers
            | Self::UnknownSchema { .. }
            | Self::UnusableSchema { .. }
            | Self::SchemaUnavailable { .. }
            | Self::BadAvro { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_field() {
        let reason = Unreadable::OutOfRange { field: "best_bid_quantity" };
        assert!(reason.to_string().contains("`best_bid_quantity`"));
        assert_eq!((reason.reason(), reason.field()), ("out_of_range", Some("best_bid_quantity")));
        assert!(Unreadable::REASONS.contains(&reason.reason()));
    }
}
