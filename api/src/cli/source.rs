//! The flags that say where ticks come from, for the subcommands that take any source.

use clap::Args;
use engine::settings::LIVE_VENUES;

use super::records::RecordArguments;
use crate::config::Layers;

/// The keys of `[source]` and `[live]` that name a source.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SourceArguments {
    /// Where ticks come from: simulator, file:GLOB, kafka, none, or the live feeds of venues: coinbase, coinbase-exchange,
    /// binance, binance-usdm, kraken, bybit, okx, hyperliquid. Venues may be several, by commas or by repeating the flag.
    ///
    /// Without it: kafka where kafka.bootstrap_servers is set, else the simulator.
    #[arg(long, value_name = "SOURCE")]
    source: Vec<String>,
    /// Products of live feeds as the venue writes them, by commas: PRODUCT or VENUE:PRODUCT.
    #[arg(long, value_name = "PRODUCTS")]
    products: Option<String>,
    /// The time of which past trades are asked for before a live feed begins: 90s, 15m or 3h.
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    backfill: Option<u32>,
    /// Times real or recorded speed, or max.
    #[arg(long, value_name = "X|max")]
    speed: Option<String>,
    #[command(flatten)]
    records: RecordArguments,
}

impl SourceArguments {
    /// Lays these flags over the configuration.
    pub(super) fn lay_over(self, layers: &mut Layers) {
        self.records.lay_over(layers);
        let flags = &mut layers.flags;
        let is_venue = |source: &String| source.split(',').any(|name| LIVE_VENUES.contains(&name.trim()));
        if self.source.iter().any(is_venue) {
            flags.push(("live.venues", self.source.join(","), "--source"));
            flags.push(("source.kind", "live".to_owned(), "--source"));
        } else {
            for source in self.source {
                match source.strip_prefix("file:") {
                    Some(glob) => {
                        flags.push(("source.files", glob.to_owned(), "--source"));
                        flags.push(("source.kind", "file".to_owned(), "--source"));
                    }
                    None => flags.push(("source.kind", source, "--source")),
                }
            }
        }
        flags.extend(self.products.map(|products| ("live.products", products, "--products")));
        flags.extend(self.backfill.map(|seconds| ("live.backfill_s", seconds.to_string(), "--backfill")));
        if let Some(speed) = self.speed {
            flags.push(("source.speed", speed.clone(), "--speed"));
            flags.push(("simulator.speed", speed, "--speed"));
        }
    }
}

/// Reads a time span with its unit, in whole seconds.
fn seconds(text: &str) -> Result<u32, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let read = units
        .into_iter()
        .find_map(|(unit, seconds)| text.strip_suffix(unit)?.parse::<u32>().ok()?.checked_mul(seconds));
    read.ok_or_else(|| format!("{text:?} is not a time span; write it as 90s, 15m or 3h"))
}
