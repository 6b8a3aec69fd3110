/* Times one engine on one model: each row through a C call, from 1,000 distinct rows.
 *
 *   time FOLDER ENGINE LIBRARY MODEL check    writes the 1,000 raw scores to standard output, as doubles
 *   time FOLDER ENGINE LIBRARY MODEL time     prints, in ns of the thread's CPU time: cell, least and median of 15 repeats
 *
 * Cells: "single", independent calls; "chain", where each call's row depends on the answer before; "batch", 1,000 rows a call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 1000
#define FEATURES 10
#define REPEATS 15

static float single_rows[ROWS * FEATURES];
static double double_rows[ROWS * FEATURES];
static void *library;
static volatile double sink;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) fail(dlerror());
    return found;
}

/* Ours. */
static void *model;
static double (*ours)(void *, const float *);
static double (*ours_raw)(void *, const float *);
static void (*ours_batch)(void *, const float *, size_t, double *);
static double ours_row(int i) { return ours(model, single_rows + i * FEATURES); }
static double ours_check(int i) { return ours_raw(model, single_rows + i * FEATURES); }
static void ours_rows(double *out) { ours_batch(model, single_rows, ROWS, out); }

/* tl2cgen. It may write into its row (quantised, it does), so a call gets a copy, as its own runtime makes one. */
union single_entry { int missing; float value; int rank; };
union double_entry { int missing; double value; int rank; };
static void (*single_predict)(union single_entry *, int, float *);
static void (*double_predict)(union double_entry *, int, double *);
static double tl2cgen_single(int i) {
    union single_entry row[FEATURES];
    float out[2] = {0, 0};
    for (int j = 0; j < FEATURES; j++) row[j].value = single_rows[i * FEATURES + j];
    single_predict(row, 1, out);
    return out[0];
}
static double tl2cgen_double(int i) {
    union double_entry row[FEATURES];
    double out[2] = {0, 0};
    for (int j = 0; j < FEATURES; j++) row[j].value = double_rows[i * FEATURES + j];
    double_predict(row, 1, out);
    return out[0];
}
static double tl2cgen_forest(int i) {
    union double_entry row[FEATURES];
    double out[2] = {0, 0};
    for (int j = 0; j < FEATURES; j++) row[j].value = double_rows[i * FEATURES + j];
    double_predict(row, 1, out);
    return out[1];
}

/* lleaves. */
static void (*lleaves)(double *, double *, int, int);
static double lleaves_row(int i) {
    double out;
    lleaves(double_rows + i * FEATURES, &out, 0, 1);
    return out;
}
static void lleaves_rows(double *out) { lleaves(double_rows, out, 0, ROWS); }

/* LightGBM: f64 rows (type 1), raw scores (kind 1). */
static void *booster, *fast;
static int (*lightgbm_fast)(void *, const void *, int64_t *, double *);
static int (*lightgbm_batch)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);
static double lightgbm_row(int i) {
    int64_t length;
    double out;
    lightgbm_fast(fast, double_rows + i * FEATURES, &length, &out);
    return out;
}
static void lightgbm_rows(double *out) {
    int64_t length;
    lightgbm_batch(booster, double_rows, 1, ROWS, FEATURES, 1, 1, 0, -1, "num_threads=1 verbosity=-1", &length, out);
}

/* XGBoost: margins (type 1), in place. */
static int (*xgboost)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
static const float *xgboost_predict(const float *rows, int count) {
    static const char *how = "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
                             "\"missing\":NaN,\"cache_id\":0}";
    char array[200];
    const uint64_t *shape;
    uint64_t dimensions;
    const float *out;
    snprintf(array, sizeof array, "{\"data\":[%zu,true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}", (size_t)rows, count,
             FEATURES);
    if (xgboost(booster, array, how, 0, &shape, &dimensions, &out)) fail("XGBoost could not predict");
    return out;
}
static double xgboost_row(int i) { return xgboost_predict(single_rows + i * FEATURES, 1)[0]; }
static void xgboost_rows(double *out) {
    const float *scores = xgboost_predict(single_rows, ROWS);
    for (int i = 0; i < ROWS; i++) out[i] = scores[i];
}

/* CatBoost's C++. */
static double (*catboost)(const float *);
static double catboost_row(int i) { return catboost(single_rows + i * FEATURES); }

struct engine {
    double (*row)(int);
    double (*check)(int);
    void (*rows)(double *);
};

static struct engine engine(const char *name, const char *path) {
    if (!strcmp(name, "ours")) {
        model = ((void *(*)(const char *))symbol("stormglass_open"))(path);
        if (!model) exit(1);
        ours = symbol("stormglass_score");
        ours_raw = symbol("stormglass_raw");
        ours_batch = symbol("stormglass_score_rows");
        return (struct engine){ours_row, ours_check, ours_rows};
    }
    if (!strcmp(name, "tl2cgen_single")) {
        single_predict = symbol("predict");
        return (struct engine){tl2cgen_single, tl2cgen_single, 0};
    }
    if (!strcmp(name, "tl2cgen_double") || !strcmp(name, "tl2cgen_forest")) {
        double_predict = symbol("predict");
        double (*row)(int) = !strcmp(name, "tl2cgen_double") ? tl2cgen_double : tl2cgen_forest;
        return (struct engine){row, row, 0};
    }
    if (!strcmp(name, "lleaves")) {
        lleaves = symbol("forest_root");
        return (struct engine){lleaves_row, lleaves_row, lleaves_rows};
    }
    if (!strcmp(name, "lightgbm")) {
        int iterations;
        int (*open)(const char *, int *, void **) = symbol("LGBM_BoosterCreateFromModelfile");
        int (*prepare)(void *, int, int, int, int, int32_t, const char *, void **) =
            symbol("LGBM_BoosterPredictForMatSingleRowFastInit");
        lightgbm_fast = symbol("LGBM_BoosterPredictForMatSingleRowFast");
        lightgbm_batch = symbol("LGBM_BoosterPredictForMat");
        if (open(path, &iterations, &booster)) fail("LightGBM could not open the model");
        if (prepare(booster, 1, 0, -1, 1, FEATURES, "num_threads=1 verbosity=-1", &fast)) fail("LightGBM refused");
        return (struct engine){lightgbm_row, lightgbm_row, lightgbm_rows};
    }
    if (!strcmp(name, "xgboost")) {
        int (*create)(void *, uint64_t, void **) = symbol("XGBoosterCreate");
        int (*load)(void *, const char *) = symbol("XGBoosterLoadModel");
        int (*set)(void *, const char *, const char *) = symbol("XGBoosterSetParam");
        xgboost = symbol("XGBoosterPredictFromDense");
        if (create(0, 0, &booster) || load(booster, path) || set(booster, "nthread", "1")) fail("XGBoost could not open the model");
        return (struct engine){xgboost_row, xgboost_row, xgboost_rows};
    }
    if (!strcmp(name, "catboost")) {
        catboost = symbol("catboost_apply");
        return (struct engine){catboost_row, catboost_row, 0};
    }
    fail("unknown engine");
    return (struct engine){0, 0, 0};
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static double run_single(struct engine e, int rounds) {
    double start = cpu_ns(), sum = 0;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < ROWS; i++) sum += e.row(i);
    sink = sum;
    return (cpu_ns() - start) / rounds / ROWS;
}

/* No score is above 1e300, which the processor learns only from the score. */
static double run_chain(struct engine e, int rounds) {
    double start = cpu_ns(), score = 0;
    size_t at = 0;
    for (int call = 0; call < rounds * ROWS; call++) {
        score = e.row((int)at);
        at += 1 + (size_t)(score > 1e300);
        at = at >= ROWS ? at - ROWS : at;
    }
    sink = score;
    return (cpu_ns() - start) / rounds / ROWS;
}

static double run_batch(struct engine e, int rounds) {
    static double out[2 * ROWS];
    double start = cpu_ns();
    for (int round = 0; round < rounds; round++) {
        e.rows(out);
        sink = out[round % ROWS];
    }
    return (cpu_ns() - start) / rounds / ROWS;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void cell(const char *name, double (*run)(struct engine, int), struct engine e) {
    double took[REPEATS], once = run(e, 1);
    int rounds = (int)(2e7 / (once * ROWS)) + 1;
    for (int repeat = 0; repeat < REPEATS; repeat++) took[repeat] = run(e, rounds);
    qsort(took, REPEATS, sizeof *took, ascending);
    printf("%s %.1f %.1f\n", name, took[0], took[REPEATS / 2]);
}

static void load(const char *folder, const char *name, void *into, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fread(into, 1, size, file) != size) fail(path);
    fclose(file);
}

int main(int count, char **arguments) {
    if (count != 6) fail("time FOLDER ENGINE LIBRARY MODEL check|time");
    load(arguments[1], "rows.f32", single_rows, sizeof single_rows);
    load(arguments[1], "rows.f64", double_rows, sizeof double_rows);
    library = dlopen(arguments[3], RTLD_NOW | RTLD_LOCAL);
    if (!library) fail(dlerror());
    struct engine e = engine(arguments[2], arguments[4]);
    if (!strcmp(arguments[5], "check")) {
        for (int i = 0; i < ROWS; i++) {
            double score = e.check(i);
            fwrite(&score, sizeof score, 1, stdout);
        }
        return 0;
    }
    cell("single", run_single, e);
    cell("chain", run_chain, e);
    if (e.rows) cell("batch", run_batch, e);
    return 0;
}
