package stormglass;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;

/** Trees as node arrays, walked as XGBoost walks them: f32 comparisons, a sum in f32, a missing value has its side. */
record Forest(float base, int[] feature, float[] value, int[] left, int[] right, boolean[] missingLeft, int[] roots) {

    /** Reads what {@code train.py} exports; {@code feature} is -1 at a leaf. */
    static Forest read(File file) throws IOException {
        return new ObjectMapper().readValue(file, Forest.class);
    }

    /** The probability of a row of {@code Features.COUNT} values; NaN = missing. */
    double score(float[] row) {
        float sum = base;
        for (int node : roots) {
            while (feature[node] >= 0) {
                float x = row[feature[node]];
                boolean goesLeft = Float.isNaN(x) ? missingLeft[node] : x < value[node];
                node = goesLeft ? left[node] : right[node];
            }
            sum += value[node];
        }
        return 1 / (1 + Math.exp(-sum));
    }
}
