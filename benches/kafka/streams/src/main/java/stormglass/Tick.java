package stormglass;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/** A tick as it lies in the log; numbers are strings there. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Tick(
        String timestamp,
        @JsonProperty("product_id") String product,
        double price,
        @JsonProperty("best_bid") double bid,
        @JsonProperty("best_ask") double ask,
        @JsonProperty("best_bid_quantity") double bidQuantity,
        @JsonProperty("best_ask_quantity") double askQuantity,
        @JsonProperty("last_size") double size,
        String side,
        String type) {

    boolean isTrade() {
        return !"quote".equals(type);
    }

    double mid() {
        return (bid + ask) / 2;
    }
}
