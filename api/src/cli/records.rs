//! The flags that say how records are read where they do not tell it themselves, for every subcommand that reads ticks.

use clap::Args;

use crate::config::Layers;

/// The keys of `[source]` about records.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RecordArguments {
    /// Columns, or pointers into JSON, of the fields of a tick: time=T,price=p,size=v or time=/data/*/T,price=/data/*/p
    /// (source.columns).
    #[arg(long, value_name = "FIELD=PLACE,…", help_heading = "Records")]
    columns: Option<String>,
    /// The unit of times that are numbers: auto, s, ms, us or ns (source.time_unit).
    #[arg(long, value_name = "UNIT", help_heading = "Records")]
    time_unit: Option<String>,
    /// The symbol of records that name none (source.symbol).
    #[arg(long, value_name = "VENUE:PRODUCT", help_heading = "Records")]
    symbol: Option<String>,
    /// The venue of records that name none (source.venue).
    #[arg(long, value_name = "VENUE", help_heading = "Records")]
    venue: Option<String>,
    /// The zone of times that name none, as an offset: Z, +02:00, -0530 (source.assume_tz).
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = "Records")]
    assume_tz: Option<String>,
    /// The format of all records, instead of what their content tells: csv, parquet, json or a shape's name (source.format).
    #[arg(long, value_name = "NAME", help_heading = "Records")]
    format: Option<String>,
}

impl RecordArguments {
    /// Lays these flags over the configuration.
    pub(super) fn lay_over(self, layers: &mut Layers) {
        let flags = [
            ("source.columns", self.columns, "--columns"),
            ("source.time_unit", self.time_unit, "--time-unit"),
            ("source.symbol", self.symbol, "--symbol"),
            ("source.venue", self.venue, "--venue"),
            ("source.assume_tz", self.assume_tz, "--assume-tz"),
            ("source.format", self.format, "--format"),
        ];
        layers.flags.extend(flags.into_iter().filter_map(|(key, text, flag)| Some((key, text?, flag))));
    }
}
