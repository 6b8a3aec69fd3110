package stormglass;

import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** What is known of a symbol: fading sums, the last quote and when things happened last. */
final class State {
    private static final int FIELDS = 7;
    private static final int BYTES = (Sum.ALL.length + FIELDS) * Double.BYTES;

    final double[] sums = new double[Sum.ALL.length];
    double time = Double.NaN;
    double tradeTime = Double.NaN;
    double mid;
    double bid;
    double ask;
    double bidQuantity;
    double askQuantity;

    double get(Sum sum) {
        return sums[sum.ordinal()];
    }

    private void add(Sum sum, double value) {
        sums[sum.ordinal()] += value;
    }

    /** Takes a tick. What holds over time (spread, imbalance, depth) is weighted with the time it held. */
    void update(Tick tick) {
        Instant instant = Instant.parse(tick.timestamp());
        double now = instant.getEpochSecond() + instant.getNano() * 1e-9;
        if (!Double.isNaN(time)) {
            fade(Math.max(now - time, 0));
            move(Math.log(tick.mid() / mid));
            quote(tick);
        }
        if (tick.isTrade()) {
            trade(tick, now);
        }
        time = now;
        mid = tick.mid();
        bid = tick.bid();
        ask = tick.ask();
        bidQuantity = tick.bidQuantity();
        askQuantity = tick.askQuantity();
    }

    private void fade(double elapsed) {
        for (Sum sum : Sum.ALL) {
            sums[sum.ordinal()] *= Math.exp(-elapsed / sum.seconds);
        }
        double spread = (ask - bid) / mid;
        double depth = bidQuantity + askQuantity;
        add(Sum.SPREAD_60, spread * elapsed);
        add(Sum.SPREAD_300, spread * elapsed);
        add(Sum.IMBALANCE_30, Math.abs(bidQuantity - askQuantity) / depth * elapsed);
        add(Sum.DEPTH_300, depth * elapsed);
    }

    private void move(double logReturn) {
        double square = logReturn * logReturn;
        add(Sum.SQUARES_10, square);
        add(Sum.SQUARES_60, square);
        add(Sum.SQUARES_300, square);
        add(Sum.SQUARES_1800, square);
        add(Sum.SQUARES_DOWN_60, logReturn < 0 ? square : 0);
        add(Sum.RETURN_10, logReturn);
        add(Sum.RETURN_60, logReturn);
        add(Sum.RETURN_300, logReturn);
    }

    private void quote(Tick tick) {
        double flow = (tick.bid() >= bid ? tick.bidQuantity() : 0) - (tick.bid() <= bid ? bidQuantity : 0)
                - (tick.ask() <= ask ? tick.askQuantity() : 0) + (tick.ask() >= ask ? askQuantity : 0);
        add(Sum.ORDER_FLOW_10, flow);
        add(Sum.ORDER_FLOW_60, flow);
        boolean changed = tick.bid() != bid || tick.ask() != ask
                || tick.bidQuantity() != bidQuantity || tick.askQuantity() != askQuantity;
        if (changed) {
            add(Sum.QUOTES_10, 1);
            add(Sum.QUOTES_300, 1);
        }
    }

    private void trade(Tick tick, double now) {
        double signed = "buy".equals(tick.side()) ? tick.size() : -tick.size();
        for (Sum sum : new Sum[] {Sum.TRADES_10, Sum.TRADES_60, Sum.TRADES_300, Sum.TRADES_1800}) {
            add(sum, 1);
        }
        for (Sum sum : new Sum[] {Sum.VOLUME_10, Sum.VOLUME_60, Sum.VOLUME_300}) {
            add(sum, tick.size());
        }
        add(Sum.SIGNED_VOLUME_10, signed);
        add(Sum.SIGNED_VOLUME_60, signed);
        // Prints of one instant are one order.
        if (now != tradeTime) {
            add(Sum.ORDERS_2, 1);
            add(Sum.ORDERS_20, 1);
            add(Sum.ORDERS_200, 1);
        }
        tradeTime = now;
    }

    static Serde<State> serde() {
        Serializer<State> write = (topic, state) -> {
            ByteBuffer bytes = ByteBuffer.allocate(BYTES);
            for (double sum : state.sums) {
                bytes.putDouble(sum);
            }
            bytes.putDouble(state.time).putDouble(state.tradeTime).putDouble(state.mid).putDouble(state.bid).putDouble(state.ask);
            return bytes.putDouble(state.bidQuantity).putDouble(state.askQuantity).array();
        };
        Deserializer<State> read = (topic, array) -> {
            if (array == null) {
                return null;
            }
            ByteBuffer bytes = ByteBuffer.wrap(array);
            State state = new State();
            for (int i = 0; i < state.sums.length; i++) {
                state.sums[i] = bytes.getDouble();
            }
            state.time = bytes.getDouble();
            state.tradeTime = bytes.getDouble();
            state.mid = bytes.getDouble();
            state.bid = bytes.getDouble();
            state.ask = bytes.getDouble();
            state.bidQuantity = bytes.getDouble();
            state.askQuantity = bytes.getDouble();
            return state;
        };
        return Serdes.serdeFrom(write, read);
    }
}
