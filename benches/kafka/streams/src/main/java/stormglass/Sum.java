package stormglass;

/** The sums kept of a symbol: each fades exponentially with its time constant, in seconds. */
enum Sum {
    SQUARES_10(10), SQUARES_60(60), SQUARES_300(300), SQUARES_1800(1800),
    SQUARES_DOWN_60(60),
    RETURN_10(10), RETURN_60(60), RETURN_300(300),
    TRADES_10(10), TRADES_60(60), TRADES_300(300), TRADES_1800(1800),
    VOLUME_10(10), VOLUME_60(60), VOLUME_300(300),
    SIGNED_VOLUME_10(10), SIGNED_VOLUME_60(60),
    SPREAD_60(60), SPREAD_300(300),
    IMBALANCE_30(30),
    DEPTH_300(300),
    ORDER_FLOW_10(10), ORDER_FLOW_60(60),
    QUOTES_10(10), QUOTES_300(300),
    ORDERS_2(2), ORDERS_20(20), ORDERS_200(200);

    static final Sum[] ALL = values();
    final double seconds;

    Sum(double seconds) {
        this.seconds = seconds;
    }
}
