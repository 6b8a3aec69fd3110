package stormglass;

import static stormglass.Sum.*;

import java.util.Arrays;

/**
 * The row that the forest reads, in the engine's order. A window of w seconds is a sum that fades with w; the 11 features that
 * need more than such sums (quantiles of a day, extremes, slices, products of series) stay NaN, which a tree takes as missing.
 */
final class Features {
    static final int COUNT = 36;
    private static final double RATE_FLOOR = 0.01;

    private Features() {}

    static float[] of(State s) {
        float[] row = new float[COUNT];
        Arrays.fill(row, Float.NaN);
        double sigma300 = Math.sqrt(s.get(SQUARES_300) / 300);
        double sigma1800 = Math.sqrt(s.get(SQUARES_1800) / 1800);
        double depth = s.bidQuantity + s.askQuantity;
        double imbalance = (s.bidQuantity - s.askQuantity) / depth;
        double spread = (s.ask - s.bid) / s.mid;
        double meanDepth = s.get(DEPTH_300) / 300;
        row[4] = (float) (log(rate(s, SQUARES_10) / rate(s, SQUARES_60)) / 2); // lv10_60
        row[5] = (float) (log(rate(s, SQUARES_60) / rate(s, SQUARES_300)) / 2); // lv60_300
        row[6] = (float) (log(rate(s, SQUARES_300) / rate(s, SQUARES_1800)) / 2); // lv300_1800
        row[10] = (float) (s.get(SQUARES_DOWN_60) / s.get(SQUARES_60)); // semi60
        row[11] = (float) (s.get(RETURN_60) / (sigma300 * Math.sqrt(60))); // z60
        row[12] = (float) (Math.abs(s.get(RETURN_10)) / (sigma300 * Math.sqrt(10))); // az10
        row[13] = (float) (Math.abs(s.get(RETURN_300)) / (sigma1800 * Math.sqrt(300))); // az300
        row[14] = (float) (1e4 * rate(s, SPREAD_60)); // spr_bp60
        row[15] = (float) (spread / rate(s, SPREAD_300)); // spr_ratio
        row[17] = (float) imbalance; // obi
        row[18] = (float) rate(s, IMBALANCE_30); // aobi30
        row[19] = (float) (imbalance / 2); // micro_bp
        row[20] = (float) (s.get(ORDER_FLOW_10) / meanDepth); // ofi10n
        row[21] = (float) (Math.abs(s.get(ORDER_FLOW_60)) / meanDepth); // aofi60n
        row[22] = (float) log(depth / meanDepth); // depth_ratio
        row[23] = (float) log(rate(s, QUOTES_10) / rate(s, QUOTES_300)); // qupd_ratio
        row[24] = (float) log((rate(s, TRADES_10) + RATE_FLOOR) / (rate(s, TRADES_300) + RATE_FLOOR)); // ntr10_300
        row[25] = (float) log((rate(s, TRADES_60) + RATE_FLOOR) / (rate(s, TRADES_1800) + RATE_FLOOR)); // ntr60_1800
        row[26] = (float) Math.log(1 + s.get(TRADES_60)); // ntr60
        row[27] = (float) log(rate(s, VOLUME_10) / rate(s, VOLUME_300)); // vol10_300
        row[28] = (float) (s.get(SIGNED_VOLUME_10) / s.get(VOLUME_10)); // tfi10
        row[29] = (float) (Math.abs(s.get(SIGNED_VOLUME_60)) / s.get(VOLUME_60)); // atfi60
        double slow = Math.log(rate(s, ORDERS_200) + RATE_FLOOR);
        row[33] = (float) (Math.log(rate(s, ORDERS_2) + RATE_FLOOR) - slow); // hk2_200
        row[34] = (float) (Math.log(rate(s, ORDERS_20) + RATE_FLOOR) - slow); // hk20_200
        row[35] = (float) Math.log(1 + s.time - s.tradeTime); // since
        return row;
    }

    private static double rate(State state, Sum sum) {
        return state.get(sum) / sum.seconds;
    }

    private static double log(double x) {
        return Math.log(Math.max(x, 1e-3));
    }
}
