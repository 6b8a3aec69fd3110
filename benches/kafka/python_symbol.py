"""What the Python peers do with a tick: the sums, the row and the forest of the Java peer, as Python has them.

The state is a list of numbers, so that every engine can keep it.
"""

import math
from datetime import datetime

import numpy as np
import xgboost

THRESHOLD = 0.5
RATE_FLOOR = 0.01
COUNT = 36
# The sums of Sum.java: name and time constant in seconds.
SUMS = [
    ("squares_10", 10), ("squares_60", 60), ("squares_300", 300), ("squares_1800", 1800), ("squares_down_60", 60),
    ("return_10", 10), ("return_60", 60), ("return_300", 300),
    ("trades_10", 10), ("trades_60", 60), ("trades_300", 300), ("trades_1800", 1800),
    ("volume_10", 10), ("volume_60", 60), ("volume_300", 300), ("signed_volume_10", 10), ("signed_volume_60", 60),
    ("spread_60", 60), ("spread_300", 300), ("imbalance_30", 30), ("depth_300", 300),
    ("order_flow_10", 10), ("order_flow_60", 60), ("quotes_10", 10), ("quotes_300", 300),
    ("orders_2", 2), ("orders_20", 20), ("orders_200", 200),
]  # fmt: skip
SECONDS = [seconds for _, seconds in SUMS]
CONSTANTS = sorted(set(SECONDS))
AT = {name: i for i, (name, _) in enumerate(SUMS)}
N = len(SUMS)
SQUARES = [AT[name] for name in ("squares_10", "squares_60", "squares_300", "squares_1800")]
RETURNS = [AT[name] for name in ("return_10", "return_60", "return_300")]
TRADES = [AT[name] for name in ("trades_10", "trades_60", "trades_300", "trades_1800")]
VOLUMES = [AT[name] for name in ("volume_10", "volume_60", "volume_300")]
ORDERS = [AT[name] for name in ("orders_2", "orders_20", "orders_200")]


class Predictor:
    def __init__(self, forest):
        self.forest = xgboost.Booster(model_file=forest)
        self.forest.set_param({"nthread": 1})

    def predict(self, state, tick):
        """The new state and the prediction."""
        state = update(state, tick)
        probability = float(self.forest.inplace_predict(row(state).reshape(1, COUNT))[0])
        answer = {"symbol": f"{tick['venue']}:{tick['product_id']}", "probability": probability}
        answer |= {"spike": probability >= THRESHOLD, "threshold": THRESHOLD, "as_of": tick["timestamp"]}
        return state, answer


def update(state, tick):
    bid, ask = float(tick["best_bid"]), float(tick["best_ask"])
    bid_quantity, ask_quantity = float(tick["best_bid_quantity"]), float(tick["best_ask_quantity"])
    mid = (bid + ask) / 2
    now = datetime.fromisoformat(tick["timestamp"]).timestamp()
    sums = [0.0] * N
    trade_time = None
    if state is not None:
        time, trade_time, old_mid, old_bid, old_ask, old_bid_quantity, old_ask_quantity = state[N:]
        elapsed = max(now - time, 0.0)
        fading = {seconds: math.exp(-elapsed / seconds) for seconds in CONSTANTS}
        sums = [value * fading[seconds] for value, seconds in zip(state, SECONDS)]
        spread, depth = (old_ask - old_bid) / old_mid, old_bid_quantity + old_ask_quantity
        sums[AT["spread_60"]] += spread * elapsed
        sums[AT["spread_300"]] += spread * elapsed
        sums[AT["imbalance_30"]] += abs(old_bid_quantity - old_ask_quantity) / depth * elapsed
        sums[AT["depth_300"]] += depth * elapsed
        move = math.log(mid / old_mid)
        for i in SQUARES:
            sums[i] += move * move
        if move < 0:
            sums[AT["squares_down_60"]] += move * move
        for i in RETURNS:
            sums[i] += move
        flow = (bid_quantity if bid >= old_bid else 0) - (old_bid_quantity if bid <= old_bid else 0)
        flow += (old_ask_quantity if ask >= old_ask else 0) - (ask_quantity if ask <= old_ask else 0)
        sums[AT["order_flow_10"]] += flow
        sums[AT["order_flow_60"]] += flow
        if (bid, ask, bid_quantity, ask_quantity) != (old_bid, old_ask, old_bid_quantity, old_ask_quantity):
            sums[AT["quotes_10"]] += 1
            sums[AT["quotes_300"]] += 1
    if tick.get("type") != "quote":
        size = float(tick["last_size"])
        signed = size if tick.get("side") == "buy" else -size
        for i in TRADES:
            sums[i] += 1
        for i in VOLUMES:
            sums[i] += size
        sums[AT["signed_volume_10"]] += signed
        sums[AT["signed_volume_60"]] += signed
        # Prints of one instant are one order.
        if now != trade_time:
            for i in ORDERS:
                sums[i] += 1
        trade_time = now
    return sums + [now, trade_time, mid, bid, ask, bid_quantity, ask_quantity]


def row(state):
    """The engine's row; the 11 features that fading sums do not give stay NaN."""
    time, trade_time, mid, bid, ask, bid_quantity, ask_quantity = state[N:]

    def get(name):
        return state[AT[name]]

    def rate(name):
        return state[AT[name]] / SECONDS[AT[name]]

    sigma_300, sigma_1800 = math.sqrt(rate("squares_300")), math.sqrt(rate("squares_1800"))
    depth, mean_depth = bid_quantity + ask_quantity, rate("depth_300")
    imbalance = (bid_quantity - ask_quantity) / depth
    slow = math.log(rate("orders_200") + RATE_FLOOR)
    x = np.full(COUNT, np.nan, dtype=np.float32)
    x[4] = log(ratio(rate("squares_10"), rate("squares_60"))) / 2
    x[5] = log(ratio(rate("squares_60"), rate("squares_300"))) / 2
    x[6] = log(ratio(rate("squares_300"), rate("squares_1800"))) / 2
    x[10] = ratio(get("squares_down_60"), get("squares_60"))
    x[11] = ratio(get("return_60"), sigma_300 * math.sqrt(60))
    x[12] = ratio(abs(get("return_10")), sigma_300 * math.sqrt(10))
    x[13] = ratio(abs(get("return_300")), sigma_1800 * math.sqrt(300))
    x[14] = 1e4 * rate("spread_60")
    x[15] = ratio((ask - bid) / mid, rate("spread_300"))
    x[17] = imbalance
    x[18] = rate("imbalance_30")
    x[19] = imbalance / 2
    x[20] = ratio(get("order_flow_10"), mean_depth)
    x[21] = ratio(abs(get("order_flow_60")), mean_depth)
    x[22] = log(ratio(depth, mean_depth))
    x[23] = log(ratio(rate("quotes_10"), rate("quotes_300")))
    x[24] = log((rate("trades_10") + RATE_FLOOR) / (rate("trades_300") + RATE_FLOOR))
    x[25] = log((rate("trades_60") + RATE_FLOOR) / (rate("trades_1800") + RATE_FLOOR))
    x[26] = math.log(1 + get("trades_60"))
    x[27] = log(ratio(rate("volume_10"), rate("volume_300")))
    x[28] = ratio(get("signed_volume_10"), get("volume_10"))
    x[29] = ratio(abs(get("signed_volume_60")), get("volume_60"))
    x[33] = math.log(rate("orders_2") + RATE_FLOOR) - slow
    x[34] = math.log(rate("orders_20") + RATE_FLOOR) - slow
    x[35] = math.log(1 + time - trade_time) if trade_time is not None else math.nan
    return x


def ratio(a, b):
    return a / b if b != 0 else math.nan


def log(x):
    return math.log(x) if x > 1e-3 else (math.nan if math.isnan(x) else math.log(1e-3))
