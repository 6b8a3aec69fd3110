//! The graph around the ensemble: only operators on an allow list, which keep its numbers, are accepted before and
//! after it.

use super::{
    Fault,
    message::{DOUBLE, FLOAT, Model, Node},
};

/// An ensemble, and the operators before and after it.
pub(super) struct Graph<'m, 'a> {
    pub(super) ensemble: &'m Node<'a>,
    /// Number of features in a row; `None` if the graph does not give it.
    pub(super) width: Option<usize>,
    /// Whether the last step is `exp` of the scores.
    pub(super) exponential: bool,
    row_element: u64,
    ensemble_element: u64,
}

const DOMAIN: &str = "ai.onnx.ml";

impl<'m, 'a> Graph<'m, 'a> {
    pub(super) fn of(model: &'m Model<'a>) -> Result<Self, Fault> {
        let mut ensembles = model.nodes.iter().filter(|node| node.kind.starts_with("TreeEnsemble"));
        let Some(ensemble) = ensembles.next() else {
            let kinds: Vec<&str> = model.nodes.iter().map(|node| node.kind).take(20).collect();
            return Err(Fault::Unsupported(format!("a graph without trees, of {}", kinds.join(", "))));
        };
        if ensembles.next().is_some() {
            return Err(Fault::Unsupported("several tree ensembles in one graph".to_owned()));
        }
        if ensemble.domain != DOMAIN {
            return Err(Fault::Unsupported(format!("{} of domain {:?}", ensemble.kind, ensemble.domain)));
        }
        let mut graph =
            Self { ensemble, width: None, exponential: false, row_element: FLOAT, ensemble_element: FLOAT };
        let mut used = vec![std::ptr::from_ref(ensemble)];
        graph.follow_rows(model, &mut used)?;
        graph.follow_scores(model, &mut used)?;
        graph.follow_labels(model, &mut used)?;
        match model.nodes.iter().find(|node| !used.contains(&std::ptr::from_ref(*node))) {
            Some(node) => Err(refused(node, "beside the trees")),
            None => Ok(graph),
        }
    }

    /// Whether rows are compared as doubles, because nothing before the ensemble rounds them to f32.
    pub(super) fn row_double(&self) -> bool {
        self.row_element == DOUBLE && self.ensemble_element == DOUBLE
    }

    /// Whether the ensemble's input is doubles; its sums are doubles then.
    pub(super) fn ensemble_double(&self) -> bool {
        self.ensemble_element == DOUBLE
    }

    /// Follows the rows from the ensemble's input back to the graph's input.
    fn follow_rows(&mut self, model: &'m Model<'a>, used: &mut Vec<*const Node<'a>>) -> Result<(), Fault> {
        let mut name = *self.ensemble.inputs.first().ok_or_else(|| "the trees have no input".to_owned())?;
        let mut cast = None;
        // Each operator is met once, or the way goes round in a circle.
        while let Some(node) = model.nodes.iter().find(|node| node.outputs.contains(&name)) {
            match node.kind {
                "Identity" => {}
                "Cast" if cast.is_none() => cast = node.integer("to")?,
                _ => return Err(refused(node, "before the trees")),
            }
            meet(node, used)?;
            name = *node.inputs.first().ok_or_else(|| format!("{} has no input", node.kind))?;
        }
        let input = model.inputs.iter().find(|input| input.name == name);
        let input = input.ok_or_else(|| format!("{name:?} comes from nowhere"))?;
        let constant = |name: &str| model.initializers.iter().any(|tensor| tensor.name == name);
        if model.inputs.iter().any(|other| other.name != name && !constant(other.name)) {
            return Err(Fault::Unsupported("several inputs: give the rows as one tensor".to_owned()));
        }
        const INTEGERS: [u64; 2] = [6, 7];
        let known = |element: u64| match element {
            DOUBLE => Ok(DOUBLE),
            element if element == FLOAT || INTEGERS.contains(&element) => Ok(FLOAT),
            other => Err(Fault::Unsupported(format!("rows of element type {other}"))),
        };
        self.row_element = known(input.element)?;
        self.ensemble_element = match cast {
            Some(to) => known(to as u64)?,
            None => self.row_element,
        };
        self.width = input.width;
        Ok(())
    }

    /// Follows the scores from the ensemble to the graph's output.
    fn follow_scores(&mut self, model: &'m Model<'a>, used: &mut Vec<*const Node<'a>>) -> Result<(), Fault> {
        let place = usize::from(self.ensemble.kind == "TreeEnsembleClassifier");
        let Some(&(mut name)) = self.ensemble.outputs.get(place).filter(|name| !name.is_empty()) else {
            return Err("the trees' scores go nowhere".to_owned().into());
        };
        while let Some(node) = reader(model, name)? {
            match node.kind {
                "Identity" | "ZipMap" => {}
                "Cast" if matches!(node.integer("to")?, Some(1 | 11)) => {}
                "Exp" if !self.exponential => self.exponential = true,
                "Mul" if is_times_one(model, node, name)? => {}
                _ => return Err(refused(node, "behind the scores")),
            }
            meet(node, used)?;
            name = *node.outputs.first().ok_or_else(|| format!("{} has no output", node.kind))?;
        }
        match model.outputs.contains(&name) {
            true => Ok(()),
            false => Err(format!("the scores, {name:?}, are no output of the graph").into()),
        }
    }

    /// Follows the label output, which no score depends on, through nodes that only change its type or name.
    fn follow_labels(&self, model: &'m Model<'a>, used: &mut Vec<*const Node<'a>>) -> Result<(), Fault> {
        if self.ensemble.kind != "TreeEnsembleClassifier" {
            return Ok(());
        }
        let mut label = self.ensemble.outputs.first().copied();
        while let Some(node) = label.map(|name| reader(model, name)).transpose()?.flatten() {
            match node.kind {
                "Identity" | "Cast" | "Mul" | "Reshape" | "ArrayFeatureExtractor" => {}
                _ => return Err(refused(node, "behind the label")),
            }
            meet(node, used)?;
            label = node.outputs.first().copied();
        }
        Ok(())
    }
}

/// The only operator that reads a tensor.
fn reader<'m, 'a>(model: &'m Model<'a>, name: &str) -> Result<Option<&'m Node<'a>>, Fault> {
    let mut readers = model.nodes.iter().filter(|node| node.inputs.contains(&name));
    let first = readers.next();
    match readers.next() {
        Some(second) => Err(refused(second, "as a second reader of one tensor")),
        None => Ok(first),
    }
}

fn meet<'a>(node: &Node<'a>, used: &mut Vec<*const Node<'a>>) -> Result<(), Fault> {
    if used.contains(&std::ptr::from_ref(node)) {
        return Err("the graph goes round in a circle".to_owned().into());
    }
    used.push(std::ptr::from_ref(node));
    Ok(())
}

/// Whether the other factor of a multiplication is the constant 1.
fn is_times_one(model: &Model<'_>, node: &Node<'_>, name: &str) -> Result<bool, Fault> {
    let other = node.inputs.iter().find(|input| **input != name);
    let factor = model.initializers.iter().find(|tensor| Some(&tensor.name) == other);
    Ok(match factor {
        Some(factor) => factor.numbers()? == [1.0],
        None => false,
    })
}

fn refused(node: &Node<'_>, place: &str) -> Fault {
    Fault::Unsupported(format!("operator {:?} {place}", node.kind))
}
