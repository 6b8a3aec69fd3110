"""Compiles what must be compiled: tl2cgen's C, lleaves' LLVM code, CatBoost's C++. Kept between runs; one that fails is told.

    compile.py FOLDER MODEL...
"""
import pathlib
import subprocess
import sys
import time

from treelite_model import treelite_model

folder = pathlib.Path(sys.argv[1])


def cc(out, sources, *flags, compiler="gcc"):
    """Object by object: one after another, so that memory and load stay low."""
    objects = []
    for source in map(pathlib.Path, sources):
        objects.append(source.with_suffix(".o"))
        subprocess.run([compiler, *flags, "-fPIC", "-c", source, "-o", objects[-1]], check=True)
    subprocess.run([compiler, "-shared", *objects, "-o", out, "-lm"], check=True)


def tl2cgen(name, quantised, level):
    import tl2cgen as library

    code = folder / f"tl2cgen_{name}_{quantised}"
    parameters = {"parallel_comp": 8, "quantize": quantised, "verbose": 0}
    library.generate_c_code(treelite_model(folder, name), dirpath=str(code), params=parameters)
    cc(f"{code}.so", sorted(code.glob("*.c")), level)


def lleaves(name):
    import lleaves as library

    code = folder / f"lleaves_{name}.o"
    model = library.Model(model_file=str(folder / f"{name}.txt"))
    model.compile(cache=str(code), raw_score=True)
    subprocess.run(["gcc", "-shared", code, "-o", code.with_suffix(".so"), "-lm"], check=True)


def catboost():
    wrapper = folder / "catboost_wrapped.cpp"
    wrapper.write_text(
        '#include "catboost.cpp"\n'
        'extern "C" double catboost_apply(const float* row) {\n'
        "    static std::vector<float> features(10);\n"
        "    features.assign(row, row + 10);\n"
        "    return ApplyCatboostModel(features);\n"
        "}\n"
    )
    cc(folder / "catboost.so", [wrapper], "-O3", compiler="g++")


jobs = {("catboost", "catboost"): catboost}
for model in ("xgboost", "lightgbm_depth_6", "lightgbm"):
    for quantised in (0, 1):
        jobs[model, f"tl2cgen_{model}_{quantised}"] = lambda model=model, quantised=quantised: tl2cgen(model, quantised, "-O3")
for model in ("lightgbm_depth_6", "lightgbm"):
    jobs[model, f"lleaves_{model}"] = lambda model=model: lleaves(model)
# By -O3 it takes minutes more, and is no faster.
jobs["sklearn", "tl2cgen_sklearn_0"] = lambda: tl2cgen("sklearn", 0, "-O2")

for (model, name), job in jobs.items():
    if model not in sys.argv[2:] or (folder / f"{name}.so").exists():
        continue
    begun = time.perf_counter()
    try:
        job()
        print(f"{name}: compiled in {time.perf_counter() - begun:.0f} s", flush=True)
    except Exception as error:
        (folder / f"{name}.failed").write_text(f"{type(error).__name__}: {error}".splitlines()[0][:200])
        print(f"{name}: not compiled: {error!r:.300}", flush=True)
