//! The transformation of an imported model's sums to its answers: averaging, scale and bias, then the link.

use crate::{
    combine::is_moderate,
    exp::{exp, exp_single, fast_exp},
    file::v1::{self, ArchivedLink},
    forest::wide::{OUTPUTS_MAX, Precision},
};

/// The function from raw scores to answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// No change: for regression, ranking, or leaves that are probabilities already.
    Identity,
    /// `1 / (1 + exp(-slope * x))` of each raw score.
    Sigmoid {
        /// Factor of x; 1 except for LightGBM's `sigmoid` parameter.
        slope: f64,
    },
    /// `1 / (1 + exp(-|x|))`, and 1 minus that for x below 0 (ONNX Runtime).
    ReflectedSigmoid,
    /// `exp(x_k - max) / sum` over the raw scores.
    Softmax,
    /// Softmax with CatBoost's own fast `exp`.
    FastSoftmax,
    /// `exp(x)` (Poisson, gamma and Tweedie objectives).
    Exponential,
    /// `sign(x) * x * x` (LightGBM's `sqrt`).
    SignedSquare,
    /// 1 if x is above 0, otherwise 0 (XGBoost's `binary:hinge`).
    Hinge,
    /// `ln(1 + exp(x))` (LightGBM's `cross_entropy_lambda`).
    Softplus,
    /// The mean over all raw scores of `1 / (1 + exp(-x))`: one answer (scikit-learn's calibrated classifiers).
    MeanSigmoid,
    /// The position of the greatest raw score: one answer (XGBoost's `multi:softmax`).
    ArgMax,
}

/// The transformation of sums to raw scores and of raw scores to answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Divisor of the sums: the number of trees if the library averages them; otherwise 1.
    pub divisor: f64,
    /// Factor of all sums after the division; 1 changes nothing.
    pub scale: f64,
    /// Factor of each output, replacing `scale`; empty if all outputs share `scale`.
    pub scales: Vec<f64>,
    /// Added to each output after scaling; -0.0 changes nothing.
    pub bias: Vec<f64>,
    /// The number type of scaling, bias, link and answers.
    pub precision: Precision,
    /// Divisor of the raw scores before the link, for LightGBM's random forests; otherwise 1.
    pub link_divisor: f64,
    /// The function from raw scores to answers.
    pub link: Link,
    /// The classes' labels in the order of the outputs (two for one output: the answer is that of the second); may be
    /// empty.
    pub classes: Vec<String>,
}

impl Outputs {
    /// Only the link, for `outputs` sums.
    pub fn plain(outputs: usize, precision: Precision, link: Link) -> Self {
        let bias = vec![-0.0; outputs];
        let (scales, classes) = (Vec::new(), Vec::new());
        Self { divisor: 1.0, scale: 1.0, scales, bias, precision, link_divisor: 1.0, link, classes }
    }

    /// Number of raw scores of a row.
    pub fn raw_count(&self) -> usize {
        self.bias.len()
    }

    /// Number of answers: that of raw scores, except 1 for [`Link::ArgMax`] and [`Link::MeanSigmoid`].
    pub fn answer_count(&self) -> usize {
        if matches!(self.link, Link::ArgMax | Link::MeanSigmoid) { 1 } else { self.bias.len() }
    }

    /// Whether answers are probabilities, by their link, or because leaves are fractions of classes.
    pub fn gives_probabilities(&self) -> bool {
        match self.link {
            Link::Sigmoid { .. }
            | Link::ReflectedSigmoid
            | Link::MeanSigmoid
            | Link::Softmax
            | Link::FastSoftmax
            | Link::Hinge => true,
            Link::Identity => !self.classes.is_empty(),
            Link::Exponential | Link::SignedSquare | Link::Softplus | Link::ArgMax => false,
        }
    }

    /// The factor of each output's sum, averaging included, before its bias is added.
    pub(crate) fn factors(&self) -> Vec<f64> {
        let scale = |output| self.scales.get(output).unwrap_or(&self.scale) / self.divisor;
        (0..self.raw_count()).map(scale).collect()
    }

    /// Transforms sums to raw scores, in place.
    pub(crate) fn finish_raw(&self, sums: &mut [f64]) {
        // Dividing or multiplying by 1 changes nothing but takes time.
        let averaged = self.divisor != 1.0;
        for (output, (sum, bias)) in sums.iter_mut().zip(&self.bias).enumerate() {
            let scale = *self.scales.get(output).unwrap_or(&self.scale);
            let mean = if averaged { *sum / self.divisor } else { *sum };
            let mean = self.precision.round(mean);
            let scaled = if scale != 1.0 { mean * scale } else { mean };
            *sum = self.precision.add(self.precision.round(scaled), *bias);
        }
    }

    /// Transforms raw scores to answers, in place; returns their number.
    pub(crate) fn apply(&self, scores: &mut [f64]) -> usize {
        if self.link_divisor != 1.0 {
            each(scores, |score| self.precision.round(score / self.link_divisor));
        }
        match self.link {
            Link::Identity => {}
            Link::Sigmoid { slope } => each(scores, |x| self.sigmoid(slope * x)),
            Link::ReflectedSigmoid => each(scores, |x| {
                let above = self.precision.round(self.sigmoid(x.abs()));
                if x < 0.0 { 1.0 - above } else { above }
            }),
            Link::Softmax => softmax(scores, self.precision, |x| rounded_exp(self.precision, x)),
            Link::FastSoftmax => softmax(scores, self.precision, fast_exp),
            Link::Exponential => each(scores, |x| rounded_exp(self.precision, x)),
            Link::SignedSquare => each(scores, |x| if x < 0.0 { -(x * x) } else { x * x }),
            Link::Hinge => each(scores, |x| f64::from(u8::from(x > 0.0))),
            Link::Softplus => each(scores, |x| libm::log1p(exp(x))),
            Link::MeanSigmoid => {
                let sum = scores.iter().fold(0.0, |sum, x| self.precision.add(sum, self.sigmoid(*x)));
                scores[0] = self.precision.round(sum / scores.len() as f64);
                return 1;
            }
            Link::ArgMax => {
                let greatest = |best: usize, at: usize| if scores[at] > scores[best] { at } else { best };
                scores[0] = (0..scores.len()).fold(0, greatest) as f64;
                return 1;
            }
        }
        each(scores, |x| self.precision.round(x));
        scores.len()
    }

    /// The sigmoid as the libraries compute it, with their rounding; in f32 they keep `exp` finite.
    fn sigmoid(&self, x: f64) -> f64 {
        let exponent = match self.precision {
            Precision::Single => (-x).min(f64::from(88.7_f32)),
            Precision::Double => -x,
        };
        let power = rounded_exp(self.precision, exponent);
        1.0 / self.precision.add(1.0, power)
    }

    /// The first broken rule; `None` if there is none.
    pub(crate) fn fault(&self) -> Option<String> {
        let numbers = [self.divisor, self.scale, self.link_divisor];
        if !numbers.iter().chain(&self.bias).chain(&self.scales).all(|&number| is_moderate(number)) {
            return Some(format!("{numbers:?} or a bias is out of range"));
        }
        if self.divisor < 1.0 || self.link_divisor < 1.0 {
            return Some(format!("divisors {} and {}: at least 1", self.divisor, self.link_divisor));
        }
        if self.bias.is_empty() || self.bias.len() > OUTPUTS_MAX {
            return Some(format!("{} outputs; 1 to {OUTPUTS_MAX} are possible", self.bias.len()));
        }
        if !self.scales.is_empty() && self.scales.len() != self.bias.len() {
            return Some(format!("{} scales for {} outputs", self.scales.len(), self.bias.len()));
        }
        let labels = if self.link == Link::MeanSigmoid { 2 } else { self.bias.len().max(2) };
        match self.link {
            Link::Sigmoid { slope } if !is_moderate(slope) || slope <= 0.0 => Some(format!("slope {slope}")),
            _ if self.classes.is_empty() || self.classes.len() == labels => None,
            _ => Some(format!("{} classes for {} outputs", self.classes.len(), self.bias.len())),
        }
    }

    /// The archived form of the section.
    pub(crate) fn to_archive(&self) -> v1::Link {
        let (kind, slope) = match self.link {
            Link::Identity => (0, 1.0),
            Link::Sigmoid { slope } => (1, slope),
            Link::Softmax => (2, 1.0),
            Link::Exponential => (3, 1.0),
            Link::SignedSquare => (4, 1.0),
            Link::Hinge => (5, 1.0),
            Link::Softplus => (6, 1.0),
            Link::ArgMax => (7, 1.0),
            Link::FastSoftmax => (8, 1.0),
            Link::ReflectedSigmoid => (9, 1.0),
            Link::MeanSigmoid => (10, 1.0),
        };
        v1::Link {
            bias: self.bias.clone(),
            classes: self.classes.clone(),
            divisor: self.divisor,
            scale: self.scale,
            link_divisor: self.link_divisor,
            slope,
            precision: self.precision.code(),
            kind,
        }
    }

    /// Reads and checks the section.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `LINK` that it breaks.
    pub(crate) fn read(archived: &ArchivedLink) -> Result<Self, String> {
        let outputs = Self {
            divisor: archived.divisor.to_native(),
            scale: archived.scale.to_native(),
            scales: Vec::new(),
            bias: archived.bias.iter().map(|bias| bias.to_native()).collect(),
            precision: Precision::from_code(archived.precision)
                .ok_or_else(|| format!("number type {} is unknown", archived.precision))?,
            link_divisor: archived.link_divisor.to_native(),
            link: match archived.kind {
                0 => Link::Identity,
                1 => Link::Sigmoid { slope: archived.slope.to_native() },
                2 => Link::Softmax,
                3 => Link::Exponential,
                4 => Link::SignedSquare,
                5 => Link::Hinge,
                6 => Link::Softplus,
                7 => Link::ArgMax,
                8 => Link::FastSoftmax,
                9 => Link::ReflectedSigmoid,
                10 => Link::MeanSigmoid,
                kind => return Err(format!("link {kind} is unknown")),
            },
            classes: archived.classes.iter().map(|class| class.as_str().to_owned()).collect(),
        };
        outputs.fault().map_or(Ok(outputs), Err)
    }
}

/// e to the power of `x`, rounded.
fn rounded_exp(precision: Precision, x: f64) -> f64 {
    match precision {
        Precision::Single => f64::from(exp_single(x)),
        Precision::Double => exp(x),
    }
}

fn each(scores: &mut [f64], turn: impl Fn(f64) -> f64) {
    for score in scores {
        *score = turn(*score);
    }
}

/// Softmax with XGBoost's rounding; its sum is an f64 in either type.
fn softmax(scores: &mut [f64], precision: Precision, exp: impl Fn(f64) -> f64) {
    let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    each(scores, |x| precision.round(exp(precision.add(x, -greatest))));
    let sum = precision.round(scores.iter().sum());
    each(scores, |x| x / sum);
}
