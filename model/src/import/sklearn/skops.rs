//! Reads skops files: a zip of arrays and of `schema.json`, which names the type of every object.
//!
//! Only the types below are read, and of them only the fields that scoring needs; the result is the same arrays that
//! `model/export/sklearn_to_npz.py` would have written. Any other type is refused by name. No object is ever
//! constructed.

use std::{
    cell::Cell,
    collections::HashMap,
    io::{Cursor, Read},
};

use super::{
    Fault,
    npy::{Array, Arrays, records, unpacked_max},
};
use crate::import::document::{Value, json};

/// Most nested pipelines, calibrations and frozen estimators.
const NESTING_MAX: usize = 8;
const FILES_MAX: usize = 1 << 17;
/// Greatest ratio of bytes read to bytes unpacked: an array that several objects share is read for each of them.
const SHARED_TIMES_MAX: usize = 2;

/// The arrays that the export script would have written for this model.
pub(super) fn arrays(bytes: &[u8]) -> Result<Arrays, Fault> {
    let archive = Archive::unpack(bytes)?;
    let schema = archive.file("schema.json")?;
    let schema = json::read(schema)?;
    let root = Object { archive: &archive, value: &schema };
    let version = schema.text("_skops_version").unwrap_or("not said");
    let mut out = Out::default();
    out.model(&root, 0)?;
    out.arrays.push(Array::of_text("library", &format!("scikit-learn {} (skops {version})", root.class()?)));
    out.finish()
}

/// The archive's files, unpacked.
struct Archive {
    files: HashMap<String, Vec<u8>>,
    /// Bytes of arrays that may still be read. Objects may share an array, as small ones do; a schema in which a
    /// million trees refer to the same one would fill memory.
    readable: Cell<usize>,
}

impl Archive {
    fn unpack(bytes: &[u8]) -> Result<Self, Fault> {
        let broken = |error: zip::result::ZipError| format!("the archive: {error}");
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        if zip.len() > FILES_MAX {
            return Err(Fault::Unsupported(format!("{} files; {FILES_MAX} are possible", zip.len())));
        }
        let unpacked_max = unpacked_max(bytes);
        let (mut files, mut room) = (HashMap::new(), unpacked_max);
        for number in 0..zip.len() {
            let file = zip.by_index(number).map_err(broken)?;
            let name = file.name().map_err(broken)?.into_owned();
            let mut content = Vec::new();
            let read = file.take(room as u64 + 1).read_to_end(&mut content);
            room = match read.map_err(|error| format!("{name}: {error}"))? {
                size if size <= room => room - size,
                _ => return Err(format!("more than {unpacked_max} bytes unpacked").into()),
            };
            files.insert(name, content);
        }
        Ok(Self { files, readable: Cell::new(SHARED_TIMES_MAX * (unpacked_max - room)) })
    }

    /// An array's file, counted against the bytes that may be read.
    fn array(&self, name: &str) -> Result<&[u8], Fault> {
        let bytes = self.file(name)?;
        let rest = self.readable.get().checked_sub(bytes.len());
        self.readable.set(rest.ok_or_else(|| {
            Fault::Unsupported(format!(
                "{name} is named by so many objects that they are larger than the archive"
            ))
        })?);
        Ok(bytes)
    }

    fn file(&self, name: &str) -> Result<&[u8], String> {
        self.files.get(name).map(Vec::as_slice).ok_or_else(|| format!("there is no {name} in the archive"))
    }
}

/// An object in the schema.
struct Object<'s> {
    archive: &'s Archive,
    value: &'s Value<'s>,
}

impl<'s> Object<'s> {
    fn class(&self) -> Result<&'s str, String> {
        self.value.text("__class__")
    }

    fn at(&self, value: &'s Value<'s>) -> Self {
        Self { archive: self.archive, value }
    }

    /// A field of a dictionary or object; `None` if it is absent.
    fn optional(&self, name: &str) -> Option<Self> {
        let mut content = self.value.optional("content")?;
        // An object's content is a dictionary, whose content holds the fields.
        if self.class() != Ok("dict") {
            content = content.optional("content")?;
        }
        content.optional(name).map(|value| self.at(value))
    }

    fn field(&self, name: &str) -> Result<Self, String> {
        let class = self.class().unwrap_or("an object");
        self.optional(name).ok_or_else(|| format!("{class} has no {name:?}: is it fitted?"))
    }

    /// The elements of a list, tuple or object array.
    fn elements(&self) -> Result<Vec<Self>, String> {
        Ok(self.value.array("content")?.iter().map(|value| self.at(value)).collect())
    }

    /// A plain value, which is stored as JSON within the JSON.
    fn plain(&self) -> Option<&'s str> {
        self.value.text("content").ok()
    }

    /// A plain value that is a text, decoded from the inner JSON.
    fn text(&self) -> Option<String> {
        match json::read(self.plain()?.as_bytes()) {
            Ok(Value::Text(text)) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The texts of an array of objects; `None` if one is not a text.
    fn texts(&self) -> Option<Vec<String>> {
        self.elements().ok()?.iter().map(Self::text).collect()
    }

    /// A boolean field; false if it is absent.
    fn is_true(&self, name: &str) -> bool {
        self.optional(name).is_some_and(|field| field.plain() == Some("true"))
    }

    fn npy(&self) -> Result<&'s [u8], Fault> {
        match self.value.text("type") {
            Ok("numpy") => self.archive.array(self.value.text("file")?),
            _ => Err(Fault::Unsupported("an array of objects where numbers are expected".to_owned())),
        }
    }

    /// An array, or a single number.
    fn array(&self, name: &str) -> Result<Array, Fault> {
        match self.plain().map(|plain| plain.parse::<f64>()) {
            Some(Ok(number)) => Ok(Array::of_doubles(name, &[number])),
            _ => Array::read(name.to_owned(), self.npy()?.to_vec()),
        }
    }

    /// The numbers of a field.
    fn doubles(&self, name: &str) -> Result<Vec<f64>, Fault> {
        Ok(self.field(name)?.array(name)?.doubles()?)
    }

    /// The columns of a record array.
    fn records(&self) -> Result<Arrays, Fault> {
        records("nodes", self.npy()?)
    }
}

/// The arrays that the export script would write.
#[derive(Default)]
struct Out {
    arrays: Vec<Array>,
    trees: Trees,
    baseline: Vec<f64>,
    /// Slopes, intercepts and tree counts of averaged calibrated classifiers.
    calibration: (Vec<f64>, Vec<f64>, Vec<i64>),
}

/// The columns of scikit-learn's `tree_`, one tree after the other.
#[derive(Default)]
struct Trees {
    counts: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    left: Vec<i64>,
    right: Vec<i64>,
    missing_left: Vec<i64>,
    value: Vec<f64>,
    /// Training data that reached each node.
    samples: Vec<f64>,
}

impl Out {
    fn finish(mut self) -> Result<Arrays, Fault> {
        let Trees { counts, feature, threshold, left, right, missing_left, value, samples } = self.trees;
        if !counts.is_empty() {
            self.arrays.extend([
                Array::of_integers("node_count", &counts),
                Array::of_integers("feature", &feature),
                Array::of_doubles("threshold", &threshold),
                Array::of_integers("left", &left),
                Array::of_integers("right", &right),
                Array::of_integers("missing_go_to_left", &missing_left),
                Array::of_doubles("value", &value),
                Array::of_doubles("weighted_n_node_samples", &samples),
            ]);
        }
        if !self.baseline.is_empty() {
            self.arrays.push(Array::of_doubles("baseline", &self.baseline));
        }
        let (a, b, shares) = self.calibration;
        if !a.is_empty() {
            self.arrays.extend([
                Array::of_doubles("calibration_a", &a),
                Array::of_doubles("calibration_b", &b),
                Array::of_integers("tree_counts", &shares),
            ]);
        }
        Ok(Arrays::of(self.arrays))
    }

    /// Reads a model of any known type.
    fn model(&mut self, model: &Object<'_>, depth: usize) -> Result<(), Fault> {
        let class = model.class()?;
        if depth > NESTING_MAX {
            return Err(Fault::Unsupported(format!("more than {NESTING_MAX} models inside one another")));
        }
        match class {
            "Pipeline" => return self.pipeline(model, depth),
            "FrozenEstimator" => return self.model(&model.field("estimator")?, depth + 1),
            "CalibratedClassifierCV" => self.calibrated(model, depth)?,
            "RandomForestClassifier"
            | "RandomForestRegressor"
            | "ExtraTreesClassifier"
            | "ExtraTreesRegressor" => {
                for tree in model.field("estimators_")?.elements()? {
                    self.tree(&tree, 1.0)?;
                }
            }
            "DecisionTreeClassifier"
            | "DecisionTreeRegressor"
            | "ExtraTreeClassifier"
            | "ExtraTreeRegressor" => {
                self.tree(model, 1.0)?;
            }
            "GradientBoostingClassifier" | "GradientBoostingRegressor" => self.boosted(model)?,
            "HistGradientBoostingClassifier" | "HistGradientBoostingRegressor" => {
                self.histogram_boosted(model)?
            }
            "LogisticRegression" => {
                self.arrays.push(model.field("coef_")?.array("coefficients")?);
                self.arrays.push(model.field("intercept_")?.array("intercepts")?);
            }
            other => return Err(Fault::Unsupported(format!("the type {other}"))),
        }
        self.about(model)
    }

    /// Reads classes, features and their names. Those of the outermost model that has them are used.
    fn about(&mut self, model: &Object<'_>) -> Result<(), Fault> {
        let classes = match model.optional("classes_") {
            Some(classes) if classes.value.text("type") == Ok("numpy") => classes.array("classes")?,
            // Labels of a data frame are an array of objects.
            Some(classes) => match classes.texts() {
                Some(texts) => Array::of_texts("classes", &texts),
                None => {
                    let what = "classes that are neither numbers nor texts (model/export/sklearn_to_npz.py exports them)";
                    return Err(Fault::Unsupported(what.to_owned()));
                }
            },
            None => Array::of_doubles("classes", &[]),
        };
        let count = model.field("n_features_in_")?.plain().and_then(|count| count.parse::<i64>().ok());
        let count = count.ok_or_else(|| "n_features_in_ is no number".to_owned())?;
        self.arrays.extend([classes, Array::of_integers("n_features", &[count])]);
        self.names(model).map(drop)
    }

    /// Reads the feature names of a model or a step; returns whether it has any.
    fn names(&mut self, model: &Object<'_>) -> Result<bool, Fault> {
        let Some(names) = model.optional("feature_names_in_") else { return Ok(false) };
        let names = names.texts().ok_or_else(|| "a feature's name is no text".to_owned())?;
        self.arrays.push(Array::of_texts("feature_names", &names));
        Ok(true)
    }

    /// Reads a scikit-learn `tree_` and scales its values.
    fn tree(&mut self, tree: &Object<'_>, scale: f64) -> Result<(), Fault> {
        let tree = tree.field("tree_")?;
        let nodes = tree.field("nodes")?.records()?;
        let left = nodes.get("left_child")?.integers()?;
        self.trees.counts.push(left.len() as i64);
        self.trees.missing_left.extend(match nodes.optional("missing_go_to_left") {
            Some(column) => column.integers()?,
            None => vec![0; left.len()],
        });
        self.trees.left.extend(left);
        self.trees.samples.extend(nodes.get("weighted_n_node_samples")?.doubles()?);
        self.trees.right.extend(nodes.get("right_child")?.integers()?);
        self.trees.feature.extend(nodes.get("feature")?.integers()?);
        self.trees.threshold.extend(nodes.get("threshold")?.doubles()?);
        self.trees.value.extend(tree.doubles("values")?.iter().map(|value| scale * value));
        Ok(())
    }

    fn boosted(&mut self, model: &Object<'_>) -> Result<(), Fault> {
        let rate = model.field("learning_rate")?.plain().and_then(|rate| rate.parse::<f64>().ok());
        let rate = rate.ok_or_else(|| "learning_rate is no number".to_owned())?;
        let mut outputs = 0;
        for round in model.field("estimators_")?.elements()? {
            // An array of objects: a list for each round, of a tree for each output.
            let trees = round.elements()?;
            outputs = trees.len();
            for tree in &trees {
                self.tree(tree, rate)?;
            }
        }
        let init = model.field("init_")?;
        let start = match init.class()? {
            "DummyRegressor" => init.doubles("constant_")?,
            "DummyClassifier" => {
                let what = "GradientBoostingClassifier in skops, which does not hold its start \
                            (model/export/sklearn_to_npz.py exports it)";
                return Err(Fault::Unsupported(what.to_owned()));
            }
            other => return Err(Fault::Unsupported(format!("an initial estimator of type {other}"))),
        };
        if start.len() != outputs {
            return Err(format!("{} initial values for {outputs} outputs", start.len()).into());
        }
        self.baseline.extend(start);
        self.link(model, outputs)
    }

    fn histogram_boosted(&mut self, model: &Object<'_>) -> Result<(), Fault> {
        let mut outputs = 0;
        for round in model.field("_predictors")?.elements()? {
            let predictors = round.elements()?;
            outputs = predictors.len();
            for predictor in &predictors {
                self.predictor(&predictor.field("nodes")?.records()?)?;
            }
        }
        self.baseline.extend(model.doubles("_baseline_prediction")?);
        self.arrays.push(Array::of_text("compare", "f8"));
        self.link(model, outputs)
    }

    fn predictor(&mut self, nodes: &Arrays) -> Result<(), Fault> {
        if nodes.get("is_categorical")?.integers()?.contains(&1) {
            let what =
                "categories of HistGradientBoosting in skops (model/export/sklearn_to_npz.py exports them)";
            return Err(Fault::Unsupported(what.to_owned()));
        }
        let leaf = nodes.get("is_leaf")?.integers()?;
        let child = |column: &str| {
            let children = nodes.get(column)?.integers()?;
            Ok::<_, String>(
                children
                    .into_iter()
                    .zip(&leaf)
                    .map(|(child, &leaf)| if leaf == 0 { child } else { -1 })
                    .collect::<Vec<_>>(),
            )
        };
        self.trees.counts.push(leaf.len() as i64);
        self.trees.left.extend(child("left")?);
        self.trees.samples.extend(nodes.get("count")?.doubles()?);
        self.trees.right.extend(child("right")?);
        self.trees.feature.extend(nodes.get("feature_idx")?.integers()?);
        self.trees.threshold.extend(nodes.get("num_threshold")?.doubles()?);
        self.trees.missing_left.extend(nodes.get("missing_go_to_left")?.integers()?);
        self.trees.value.extend(nodes.get("value")?.doubles()?);
        Ok(())
    }

    /// Reads the link that follows a boosted sum.
    fn link(&mut self, model: &Object<'_>, outputs: usize) -> Result<(), Fault> {
        // A loss that is an object of its own leaves a regressor's sum as it is, and no classifier is read with one.
        let loss = model.field("loss")?.text().unwrap_or_default();
        let link = match (model.class()?.ends_with("Classifier"), loss.as_str()) {
            // `auto` was the default before scikit-learn 1.1, and `deviance` another name.
            (true, "log_loss" | "deviance" | "auto") if outputs == 1 => "sigmoid",
            (true, "log_loss" | "deviance" | "auto") => "softmax",
            (true, other) => return Err(Fault::Unsupported(format!("loss {other:?}"))),
            (false, "poisson" | "gamma") => "exp",
            (false, _) => "identity",
        };
        self.arrays.push(Array::of_text("link", link));
        Ok(())
    }

    /// Reads a pipeline, in which every step but the last imputes or scales.
    fn pipeline(&mut self, pipeline: &Object<'_>, depth: usize) -> Result<(), Fault> {
        let steps = pipeline.field("steps")?.elements()?;
        let mut columns: [Option<Vec<f64>>; 3] = [None, None, None];
        for (number, step) in steps.iter().enumerate() {
            let step = step.elements()?.pop().ok_or_else(|| format!("step {number} is empty"))?;
            if number + 1 == steps.len() {
                self.model(&step, depth + 1)?;
                break;
            }
            match step.class()? {
                "SimpleImputer" => impute(&step, &mut columns)?,
                "StandardScaler" => scale(&step, &mut columns)?,
                "str" if step.text().as_deref() == Some("passthrough") => {}
                other => return Err(Fault::Unsupported(format!("the step {other} of a pipeline"))),
            }
        }
        // Only the first step has a data frame's names; later ones get an array.
        for step in &steps {
            let step = step.elements()?.pop();
            if step.map_or(Ok(false), |step| self.names(&step))? {
                break;
            }
        }
        for (name, column) in ["prepare_imputed", "prepare_center", "prepare_scale"].into_iter().zip(columns)
        {
            if let Some(column) = column {
                self.arrays.push(Array::of_doubles(name, &column));
            }
        }
        Ok(())
    }

    fn calibrated(&mut self, model: &Object<'_>, depth: usize) -> Result<(), Fault> {
        if model.field("method")?.text().as_deref() != Some("sigmoid") {
            return Err(Fault::Unsupported("calibration by other than the sigmoid".to_owned()));
        }
        let classifiers = model.field("calibrated_classifiers_")?.elements()?;
        for classifier in &classifiers {
            let estimator = classifier.field("estimator")?;
            if classifiers.len() > 1 && estimator.class()? == "Pipeline" {
                return Err(Fault::Unsupported("an average of calibrated pipelines".to_owned()));
            }
            let before = self.trees.counts.len();
            self.model(&estimator, depth + 1)?;
            let calibrators = classifier.field("calibrators")?.elements()?;
            let [calibrator] = calibrators.as_slice() else {
                return Err(Fault::Unsupported("calibration of more than two classes".to_owned()));
            };
            self.calibration.0.extend(calibrator.doubles("a_")?);
            self.calibration.1.extend(calibrator.doubles("b_")?);
            self.calibration.2.push((self.trees.counts.len() - before) as i64);
        }
        Ok(())
    }
}

/// Adds an imputer: missing values become a column's statistic, transformed by later steps.
fn impute(imputer: &Object<'_>, columns: &mut [Option<Vec<f64>>; 3]) -> Result<(), Fault> {
    let refused = |what: &str| Err(Fault::Unsupported(format!("SimpleImputer {what}")));
    if imputer.is_true("add_indicator") {
        return refused("with add_indicator");
    }
    if imputer.optional("missing_values").and_then(|value| value.plain()) != Some("NaN") {
        return refused("of other than NaN");
    }
    if columns[0].is_some() {
        return refused("twice");
    }
    let statistics = imputer.doubles("statistics_")?;
    if statistics.iter().any(|value| value.is_nan()) {
        return refused("of a column that was empty in training");
    }
    columns[0] = Some(statistics);
    Ok(())
}

/// Adds a scaler, which also transforms imputed values.
fn scale(scaler: &Object<'_>, columns: &mut [Option<Vec<f64>>; 3]) -> Result<(), Fault> {
    if columns[1].is_some() || columns[2].is_some() {
        return Err(Fault::Unsupported("StandardScaler twice".to_owned()));
    }
    let column = |with: &str, name: &str| match scaler.is_true(with) {
        true => scaler.doubles(name).map(Some),
        false => Ok(None),
    };
    let (center, scale) = (column("with_mean", "mean_")?, column("with_std", "scale_")?);
    for (place, value) in columns[0].iter_mut().flatten().enumerate() {
        let of = |column: &Option<Vec<f64>>, plain: f64| match column {
            Some(column) => column.get(place).copied().unwrap_or(plain),
            None => plain,
        };
        *value = (*value - of(&center, 0.0)) / of(&scale, 1.0);
    }
    (columns[1], columns[2]) = (center, scale);
    Ok(())
}
