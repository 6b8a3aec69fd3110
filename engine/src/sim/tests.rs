use super::*;
use crate::tick::{Price, Side};

fn simulator(seed: u64, symbols: usize) -> Simulator {
    let config = SimConfig { seed, ..SimConfig::default() };
    Simulator::new(SimConfig { symbols: config.symbols[..symbols].to_vec(), ..config })
}

/// One symbol's path, second by second.
struct Path {
    ticks: Vec<Tick>,
    /// Log of the mid at the end of each second.
    log_mid: Vec<f64>,
    log_efficient: Vec<f64>,
    sigma: Vec<f64>,
}

impl Path {
    fn trades(&self) -> Vec<Tick> {
        self.ticks.iter().filter(|tick| tick.is_trade).copied().collect()
    }
}

fn path(config: SimConfig, seconds: usize) -> Path {
    let mut simulator = Simulator::new(config);
    let mut path = Path { ticks: vec![], log_mid: vec![], log_efficient: vec![], sigma: vec![] };
    for _ in 0..seconds {
        assert!(simulator.step_second());
        while let Some((symbol, tick)) = simulator.next_simulated() {
            assert_eq!(symbol, 0);
            path.ticks.push(tick);
        }
        let quote = path.ticks.last().and_then(|tick| tick.quote);
        let mid = quote.map(|quote| ((quote.bid.units() + quote.ask.units()) as f64 / 2.0).ln());
        path.log_mid.push(mid.unwrap_or(f64::NAN));
        path.log_efficient.push(simulator.efficient_log_price(0));
        path.sigma.push(simulator.latent_sigma(0));
    }
    path
}

fn one_symbol(seed: u64) -> SimConfig {
    let config = SimConfig { seed, ..SimConfig::default() };
    SimConfig { symbols: config.symbols[..1].to_vec(), ..config }
}

fn returns(log_prices: &[f64], step: usize) -> Vec<f64> {
    let sampled: Vec<f64> =
        log_prices.iter().copied().filter(|price| price.is_finite()).step_by(step).collect();
    sampled.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn moment(values: &[f64], power: i32) -> f64 {
    let centre = mean(values);
    values.iter().map(|value| (value - centre).powi(power)).sum::<f64>() / values.len() as f64
}

fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let centre = mean(values);
    let products = values.iter().zip(&values[lag..]).map(|(a, b)| (a - centre) * (b - centre));
    products.sum::<f64>() / values.len() as f64 / moment(values, 2)
}

#[test]
fn a_seed_fixes_every_tick() {
    let ticks = |seed| simulator(seed, 3).take(5_000).collect::<Vec<_>>();
    assert_eq!(ticks(1), ticks(1));
    assert_ne!(ticks(1), ticks(2));
}

/// These bytes may change only on purpose: receipts, examples and documents refer to them.
#[test]
fn the_bytes_are_those_of_every_platform() {
    let mut bytes = Vec::new();
    for (symbol, tick) in simulator(1, 3).take(20_000) {
        bytes.extend_from_slice(&symbol.to_le_bytes()[..4]);
        let size = tick.size.map_or(0, crate::tick::Quantity::units);
        for number in [tick.event_time.nanos(), tick.price.units(), size, tick.quote.unwrap().ask.units()] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    assert_eq!(xxhash_rust::xxh3::xxh3_64(&bytes), 2_421_591_587_215_459_668);
}

#[test]
fn a_path_does_not_depend_on_the_other_symbols() {
    let alone: Vec<Tick> = simulator(5, 1).map(|(_, tick)| tick).take(1_000).collect();
    let among: Vec<Tick> =
        simulator(5, 3).filter(|&(symbol, _)| symbol == 0).map(|(_, tick)| tick).take(1_000).collect();
    assert_eq!(alone, among);
}

#[test]
fn ticks_come_in_order_and_are_well_formed() {
    let SimConfig { symbols, start: mut newest, .. } = SimConfig::default();
    let mut seen = [0_usize; 3];
    let mut ids = [0_u64; 3];
    for (symbol, tick) in simulator(1, 3).take(50_000) {
        assert!(tick.event_time >= newest);
        newest = tick.event_time;
        seen[symbol] += 1;
        assert_eq!(tick.is_trade, tick.trade_id.is_some());
        if !tick.is_trade {
            continue;
        }
        assert!(tick.trade_id.unwrap() > ids[symbol]);
        ids[symbol] = tick.trade_id.unwrap();
        let quote = tick.quote.unwrap();
        assert!(quote.bid < quote.ask);
        assert_eq!(tick.price, if tick.side == Some(Side::Buy) { quote.ask } else { quote.bid });
        assert_eq!(tick.price.units() % symbols[symbol].tick.units(), 0, "whole steps");
    }
    assert!(seen.iter().all(|&count| count > 5_000), "{seen:?}");
}

#[test]
fn without_symbols_there_are_no_ticks() {
    let mut nothing = Simulator::new(SimConfig { symbols: vec![], ..SimConfig::default() });
    assert_eq!(nothing.next(), None);
}

#[test]
fn a_price_at_the_edge_of_its_range_stays_in_it() {
    for units in [1, Price::MAX_UNITS] {
        let mut config = one_symbol(1);
        config.symbols[0].price = Price::from_units(units).unwrap();
        config.symbols[0].tick = Price::from_units(1).unwrap();
        assert_eq!(Simulator::new(config).take(2_000).count(), 2_000);
    }
}

#[test]
fn orders_and_prices_have_the_habits_of_a_market() {
    let hours = 48;
    let path = path(one_symbol(1), hours * 3_600);
    let trades = path.trades();
    let mut orders = trades.clone();
    orders.dedup_by_key(|tick| tick.event_time);
    let orders_per_s = orders.len() as f64 / (hours * 3_600) as f64;
    let ticks_per_s = trades.len() as f64 / (hours * 3_600) as f64;
    let one_second = returns(&path.log_mid, 1);
    let kurtosis = moment(&one_second, 4) / moment(&one_second, 2).powi(2) - 3.0;
    let minute = returns(&path.log_mid, 60);
    let variance_ratio = moment(&minute, 2) / (60.0 * moment(&one_second, 2));
    let signs: Vec<f64> = trades.iter().map(|tick| flow::sign(tick.side.unwrap())).collect();
    let sign_memory = autocorrelation(&signs, 1);
    let minutes: Vec<f64> = one_second
        .chunks_exact(60)
        .map(|minute| (minute.iter().map(|r| r * r).sum::<f64>().sqrt() + 1e-6).ln())
        .collect();
    let volatility_memory = [1, 10, 60].map(|lag| autocorrelation(&minutes, lag));
    println!(
        "orders/s {orders_per_s:.3} ticks/s {ticks_per_s:.3} kurtosis {kurtosis:.1} variance ratio \
         {variance_ratio:.2} sign acf {sign_memory:.2} log rv60 acf {volatility_memory:.2?}"
    );
    assert!((2.5..3.1).contains(&(ticks_per_s / orders_per_s)));
    assert!(kurtosis > 5.0, "{kurtosis}");
    assert!((0.7..2.5).contains(&variance_ratio), "{variance_ratio}");
    assert!(sign_memory > 0.5, "{sign_memory}");
    assert!(volatility_memory[0] > 0.3 && volatility_memory[1] > 0.1, "{volatility_memory:?}");
}

#[test]
fn realised_volatility_is_the_latent_one() {
    let mut config = one_symbol(2);
    let (impact, jumps_per_hour) = (config.habits.impact, config.habits.jumps_per_hour);
    let ratio = |config: SimConfig| {
        let path = path(config, 24 * 3_600);
        let realised: f64 = returns(&path.log_efficient, 1).iter().map(|r| r * r).sum();
        let latent: f64 = path.sigma[1..].iter().map(|sigma| sigma * sigma).sum();
        (realised / latent).sqrt()
    };
    (config.habits.impact, config.habits.jumps_per_hour) = (0.0, 0.0);
    let diffusion = ratio(config.clone());
    (config.habits.impact, config.habits.jumps_per_hour) = (impact, jumps_per_hour);
    let all = ratio(config);
    println!("realised over latent: diffusion {diffusion:.3}, with orders and jumps {all:.3}");
    assert!((diffusion - 0.6).abs() < 0.01, "{diffusion}");
    assert!((0.6..1.2).contains(&all), "{all}");
}

#[test]
fn faults_are_as_frequent_as_asked_and_leave_the_market_alone() {
    let faults = Faults {
        repeated_share: 0.01,
        late_share: 0.02,
        silences_per_hour: 2.0,
        bad_quote_share: 0.01,
        clock_jump_share: 0.001,
        side_missing_share: 0.05,
        size_missing_share: 0.03,
    };
    let seconds = 6 * 3_600;
    let clean = path(one_symbol(3), seconds);
    let faulty = path(SimConfig { faults, ..one_symbol(3) }, seconds);
    assert_eq!(clean.log_efficient, faulty.log_efficient);
    let ticks = &faulty.trades();
    let share = |count: usize| count as f64 / ticks.len() as f64;
    let near = |count: usize, expected: f64| {
        let found = share(count);
        assert!((0.5..2.0).contains(&(found / expected)), "{found} instead of {expected}");
    };
    near(ticks.iter().filter(|tick| tick.side.is_none()).count(), 0.05);
    near(ticks.iter().filter(|tick| tick.size.is_none()).count(), 0.03);
    let spoilt = |tick: &&Tick| {
        let quote = tick.quote.unwrap();
        quote.bid > quote.ask
            || matches!(quote.depth, crate::tick::Depth::Sizes { bid, .. } if bid.units() == 0)
    };
    near(ticks.iter().filter(spoilt).count(), 0.01);
    let mut ids: Vec<u64> = ticks.iter().map(|tick| tick.trade_id.unwrap()).collect();
    ids.sort_unstable();
    near(ids.windows(2).filter(|pair| pair[0] == pair[1]).count(), 0.01);
    assert!(ticks.windows(2).filter(|pair| pair[0].event_time > pair[1].event_time).count() > 20);
    let longest_silence =
        ticks.windows(2).map(|pair| pair[1].event_time.nanos() - pair[0].event_time.nanos());
    assert!(longest_silence.max().unwrap() > 3_000 * NANOS_PER_SECOND, "a clock jumped");
    ids.dedup();
    assert!(ids.len() < clean.trades().len(), "silences lose ticks");
}

/// The slowest scale of volatility moves the rate of a single day by a third, so several are averaged.
#[test]
fn orders_come_at_the_rate_of_the_market_that_was_measured() {
    let days = 16;
    let rates: Vec<f64> = (1..=days)
        .map(|seed| {
            let mut orders = path(one_symbol(seed), 86_400).trades();
            orders.dedup_by_key(|tick| tick.event_time);
            orders.len() as f64 / 86_400.0
        })
        .collect();
    println!("orders/s {:.3}: {rates:.2?}", mean(&rates));
    assert!((0.55..0.72).contains(&mean(&rates)), "{rates:.2?}");
}

#[test]
fn the_book_is_never_silent() {
    let path = path(one_symbol(4), 3_600);
    let silences = path.ticks.windows(2).map(|pair| pair[1].event_time.nanos() - pair[0].event_time.nanos());
    assert!(silences.max().unwrap() < 3 * NANOS_PER_SECOND);
}
