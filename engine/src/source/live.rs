//! Live feeds: the WebSockets of venues, all on one thread.
//!
//! ```text
//!  venue ==WebSocket==> session -> inlet: the reader of records, names, numbers -> sink
//!        ---REST------> backfill -'
//! ```
//!
//! A `connection` asks a venue for some products and is kept up for ever: it opens a `session`, which lives as long as
//! one socket, and another when that has ended, or beside it before the venue cuts it. `venue` has what differs between
//! venues. `dial` opens sockets, `rest` and `backfill` ask for past trades, `inlet` takes messages and hands ticks on.
//!
//! A message is the same record as a line of a recorded file, so the same trades give the same bytes of predictions.
//! What happens to each connection is told in a [`LiveReport`].

mod backfill;
mod connection;
mod dial;
mod inlet;
mod rest;
mod session;
mod venue;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::stream::{FuturesUnordered, StreamExt};
use hyper::Uri;

use self::{
    connection::{Connection, Surroundings},
    dial::Dialer,
    inlet::Inlet,
    rest::Turns,
    venue::{VENUES, Venue},
};
use super::{Run, SourceEnd};
use crate::{
    decode::TradeLineSymbol,
    live_report::{ConnectionReport, LiveReport},
    settings::LiveSettings,
    stop::StopToken,
};

/// How often the thread looks whether it was stopped.
const STOP_LOOK: Duration = Duration::from_millis(50);
/// Connections of a process at most.
const CONNECTIONS_MAX: usize = 256;

/// The reason for which no feed can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A setting that cannot work; it begins with the key.
    #[error("{0}")]
    Setting(String),
    /// The system gave no runtime.
    #[error("cannot start the runtime of the live feeds: {0}")]
    Runtime(String),
}

/// Feeds whose settings were checked.
#[derive(Debug)]
pub struct LiveSource {
    settings: LiveSettings,
    /// The products of each connection, with its venue.
    plan: Vec<(&'static str, Vec<String>)>,
}

impl LiveSource {
    /// Checks the settings and shares the products out among connections.
    ///
    /// # Errors
    /// [`LiveError::Setting`] if no feed could come of them.
    pub fn open(settings: &LiveSettings) -> Result<Self, LiveError> {
        settings.check().map_err(LiveError::Setting)?;
        let refuse = |message: String| Err(LiveError::Setting(message));
        let mut plan = Vec::new();
        for name in &settings.venues {
            let venue = Venue::named(name).expect("the check knows the venues' names");
            let mut products = settings.products_of(name);
            if products.is_empty() {
                products = venue.default_products.iter().map(|&product| product.to_owned()).collect();
            }
            if let Some(bad) =
                products.iter().find(|product| TradeLineSymbol::new(venue.symbol_venue, product).is_none())
            {
                return refuse(format!(
                    "live.products: {bad:?} is not a product; use letters, digits and -_./:"
                ));
            }
            let most =
                settings.products_per_connection.unwrap_or(usize::MAX).min(venue.products_per_connection);
            plan.extend(products.chunks(most.max(1)).map(|chunk| (venue.name, chunk.to_vec())));
        }
        if plan.is_empty() {
            return refuse("live.venues is empty; name a venue, as --source coinbase does".to_owned());
        }
        if plan.len() > CONNECTIONS_MAX {
            let count = plan.len();
            return refuse(format!(
                "live.products needs {count} connections; they are at most {CONNECTIONS_MAX}"
            ));
        }
        for (key, addresses) in [("live.urls", &settings.urls), ("live.rest_urls", &settings.rest_urls)] {
            if let Some(bad) = addresses.values().find(|address| address.parse::<Uri>().is_err()) {
                return refuse(format!("{key}: {bad:?} is no address"));
            }
        }
        Dialer::new(settings.ca_file.as_deref(), settings.connect_timeout_s.duration())
            .map_err(LiveError::Setting)?;
        Ok(Self { settings: settings.clone(), plan })
    }

    /// Reads the feeds until told to stop.
    ///
    /// # Errors
    /// If the system gives no runtime. Everything else is told in the report, and tried again.
    pub fn run(&self, report: &LiveReport, run: &mut Run<'_>) -> Result<SourceEnd, LiveError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| LiveError::Runtime(error.to_string()))?;
        let timeout = self.settings.connect_timeout_s.duration();
        let dialer = Dialer::new(self.settings.ca_file.as_deref(), timeout).map_err(LiveError::Setting)?;
        let turns: BTreeMap<&str, Turns> = VENUES
            .iter()
            .filter_map(|venue| Some((venue.name, Turns::new(venue.past_trades.as_ref()?.spacing))))
            .collect();
        let inlet = RefCell::new(Inlet::new(&mut *run.sink));
        let surroundings =
            Surroundings { settings: &self.settings, dialer: &dialer, turns: &turns, inlet: &inlet };
        let mut before: BTreeMap<&str, u32> = BTreeMap::new();
        let mut connections = Vec::new();
        for (number, (name, products)) in (0..).zip(&self.plan) {
            let venue = Venue::named(name).expect("the plan has venues of the list");
            let reported = Arc::new(ConnectionReport::new(venue.name, number, products.clone()));
            report.add(reported.clone());
            let of_venue = before.entry(name).or_default();
            connections.push(Connection::new(
                surroundings,
                venue,
                reported,
                venue.connect_spacing * *of_venue,
            ));
            *of_venue += 1;
        }
        runtime.block_on(async {
            let mut kept: FuturesUnordered<_> = connections.iter().map(Connection::keep).collect();
            tokio::select! {
                _ = async { while kept.next().await.is_some() {} } => {}
                () = stopped(run.stop, &inlet) => {}
            }
        });
        drop(connections);
        let mut inlet = inlet.borrow_mut();
        inlet.flush();
        run.progress.ended(inlet.tally());
        Ok(SourceEnd::Stopped)
    }
}

/// Waits for the stop. What has been held for its time by then leaves meanwhile, in a quiet market too.
async fn stopped(stop: &StopToken, inlet: &RefCell<Inlet<'_>>) {
    while !stop.is_stopped() {
        tokio::time::sleep(STOP_LOOK).await;
        inlet.borrow_mut().flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(venues: &[&str], products: &[&str]) -> LiveSettings {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        LiveSettings { venues: owned(venues), products: owned(products), ..LiveSettings::default() }
    }

    #[test]
    fn products_are_shared_out_among_connections() {
        let mut two =
            settings(&["coinbase", "kraken"], &["coinbase:A-USD", "coinbase:B-USD", "coinbase:C-USD"]);
        two.products_per_connection = Some(2);
        let plan = LiveSource::open(&two).unwrap().plan;
        let of =
            |venue, products: &[&str]| (venue, products.iter().map(|&p| p.to_owned()).collect::<Vec<_>>());
        assert_eq!(plan[..2], [of("coinbase", &["A-USD", "B-USD"]), of("coinbase", &["C-USD"])]);
        assert_eq!(plan[2..], [of("kraken", &["BTC/USD", "ETH/USD"]), of("kraken", &["SOL/USD"])]);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_before_anything_runs() {
        let refused = |settings: &LiveSettings| LiveSource::open(settings).unwrap_err().to_string();
        assert!(refused(&settings(&[], &[])).starts_with("live.venues is empty"));
        assert!(refused(&settings(&["okx"], &["BTC&USDT"])).contains("is not a product"));
        let mut no_file = settings(&["okx"], &[]);
        no_file.ca_file = Some("/nowhere/ca.pem".to_owned());
        assert!(refused(&no_file).starts_with("live.ca_file /nowhere/ca.pem"));
    }
}
