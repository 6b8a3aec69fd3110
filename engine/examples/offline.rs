//! Ticks in, predictions out, on this thread: no server, no clock, no configuration.

use std::{error::Error, path::Path, sync::Arc};

use model::Model;
use stormglass_engine::{
    bound_model::BoundModel,
    intake::TickSink,
    message::Answer,
    offline::Offline,
    shard::{Out, Wanted},
    sim::{SimConfig, Simulator},
    state::StateSettings,
    symbol::Offset,
};

/// Counts the predictions and keeps the last one that has a probability.
#[derive(Default)]
struct Kept {
    count: usize,
    last: Option<Arc<Answer>>,
}

impl Out for Kept {
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }

    fn prediction(&mut self, answer: Arc<Answer>) {
        self.count += 1;
        if answer.prediction.probability().is_some() {
            self.last = Some(answer);
        }
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/shipped/default.sgm");
    let model = BoundModel::new(Arc::new(Model::open(Path::new(path))?))?;
    let mut shard = Offline::new(StateSettings::default(), Some(Arc::new(model)), 1, Kept::default());

    // An hour of a simulated market. Ticks of your own go the same way: `decode` makes them of JSON or CSV.
    let market = SimConfig::default();
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let (mut simulator, mut tick_count) = (Simulator::new(market), 0);
    for _ in 0..3_600 {
        simulator.step_second();
        while let Some((symbol, tick)) = simulator.next_simulated() {
            shard.tick("simulator", &products[symbol], Offset(tick_count), 0, tick);
            tick_count += 1;
        }
    }
    shard.flush();

    let last = shard.out.last.ok_or("an hour of ticks gives probabilities")?;
    println!("{tick_count} ticks, {} predictions; the last:", shard.out.count);
    println!("{}", String::from_utf8_lossy(&last.json));
    Ok(())
}
