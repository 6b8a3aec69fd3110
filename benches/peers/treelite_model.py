"""A trained model as Treelite has it, for tl2cgen and for Treelite's own scorer."""
import pickle


def treelite_model(folder, name):
    import treelite

    if name == "xgboost":
        return treelite.frontend.load_xgboost_model(str(folder / "xgboost.json"))
    if name.startswith("lightgbm"):
        return treelite.frontend.load_lightgbm_model(str(folder / f"{name}.txt"))
    return treelite.sklearn.import_model(pickle.loads((folder / "sklearn.pickle").read_bytes()))
