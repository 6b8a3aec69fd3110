//! The list of the shapes that JSON records are read in. A shape is one file of this folder and one line of [`SHAPES`].

use std::fmt;

use super::{
    advanced_trade, alpaca, binance, bitmex, bitstamp, bybit, ccxt, cryptofeed,
    decoded::{Decoded, RecordKind},
    deribit, exchange,
    fields::Fields,
    hyperliquid, kraken,
    message::Message,
    okx, original, own, tardis,
    unreadable::Unreadable,
};

/// How one venue or one tool writes its messages.
pub struct Shape {
    /// The name that pins it, as `--format` takes it.
    pub name: &'static str,
    /// Who writes it, in words.
    pub writer: &'static str,
    /// Documented messages that carry a tick, each on one line.
    pub examples: &'static [&'static str],
    /// Whether the fields at the top of a message are those of this shape.
    pub(super) is_of: fn(&Fields<'_>) -> bool,
    /// Reads a message of this shape.
    pub(super) decode: fn(&Message<'_>, &mut Decoded) -> Result<RecordKind, Unreadable>,
}

/// Every shape, in the order in which a message is compared with them: the first that has its fields reads it.
pub static SHAPES: [&Shape; 16] = [
    &binance::SHAPE,
    &bybit::SHAPE,
    &okx::SHAPE,
    &deribit::SHAPE,
    &bitmex::SHAPE,
    &bitstamp::SHAPE,
    &kraken::SHAPE,
    &advanced_trade::SHAPE,
    &hyperliquid::SHAPE,
    &alpaca::SHAPE,
    &original::SHAPE,
    &exchange::SHAPE,
    &ccxt::SHAPE,
    &tardis::SHAPE,
    &cryptofeed::SHAPE,
    &own::SHAPE,
];

impl Shape {
    /// The shape of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    /// The shape of a message with these fields.
    pub(super) fn of(fields: &Fields<'_>) -> Option<&'static Self> {
        SHAPES.into_iter().find(|shape| (shape.is_of)(fields))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Shape {}
