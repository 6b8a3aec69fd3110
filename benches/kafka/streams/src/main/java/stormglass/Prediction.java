package stormglass;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What is written for a tick. */
record Prediction(
        String symbol, double probability, boolean spike, double threshold, @JsonProperty("as_of") String asOf, int partition, long offset) {}
