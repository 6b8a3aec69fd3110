//! Opening a model: its bytes are mapped, its sections checked one by one, and then against each other.

use std::{path::Path, sync::OnceLock};

use rkyv::Archived;

use super::{Member, Model};
use crate::{
    drift::DriftReference,
    error::ModelError,
    explain::reference::Reference,
    file::{
        hash,
        pages::Pages,
        read::{Section, SectionFile},
        v1, v2,
    },
    forest::{
        blocks::BlockForest, mapped::MappedForest, narrow::NarrowForest, oblivious::ObliviousForest,
        ragged::RaggedForest, wide::mapped::MappedWide,
    },
    linear::MappedLinear,
    link::Outputs,
    meta,
    preparation::Preparation,
    schema,
    self_test::SelfTest,
};

impl Model {
    /// Opens a file: copies it to sealed memory, maps that and checks all of it. Later changes of the file do not
    /// affect the model. A file that is written while it is copied is refused, unless the copy is one consistent state.
    ///
    /// # Errors
    /// [`ModelError`], which names the file, the section and the fault.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::from_mapping(path, Pages::of_file(path))
    }

    /// Maps the file in place and checks all of it, for a forest that should not take up memory as a whole.
    ///
    /// # Errors
    /// As [`Model::open`].
    ///
    /// # Safety
    /// Nobody changes or truncates the file in place while the model lives. The file may be replaced by rename, and
    /// removed. If that is violated, rows walk numbers that nobody checked: scores are wrong, memory outside the file
    /// is read, or the process ends by SIGBUS.
    #[allow(unsafe_code)]
    pub unsafe fn open_in_place(path: &Path) -> Result<Self, ModelError> {
        // SAFETY: the caller's promise.
        Self::from_mapping(path, unsafe { Pages::in_place(path) })
    }

    /// Opens a file's bytes, which are copied once to aligned pages.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::from_mapping(Path::new("<memory>"), Pages::copy_of(bytes))
    }

    fn from_mapping(path: &Path, pages: std::io::Result<Pages>) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        match pages {
            Ok(pages) => Self::from_pages(file, pages),
            Err(source) => Err(ModelError::Io { file, source }),
        }
    }

    fn from_pages(file: String, pages: Pages) -> Result<Self, ModelError> {
        let sections = SectionFile::check(&file, &pages)?;
        let known = sections.sections()?;
        let meta = known.iter().find_map(|(place, section)| match section {
            Section::Meta(meta) => Some((*place, *meta)),
            _ => None,
        });
        let (meta_place, meta) =
            meta.ok_or_else(|| ModelError::MissingSection { file: file.clone(), section: "META" })?;
        let at_meta = |what| sections.error(meta_place, what);
        let (mut info, weights) = meta::read(meta).map_err(at_meta)?;

        let mut found = Found::new(&pages, info.features.len(), schema::fingerprint(&info.features), weights);
        for (place, section) in known {
            if place != meta_place {
                found.take(place, section).map_err(|what| sections.error(place, what))?;
            }
        }
        let members = found.members().map_err(at_meta)?;
        let outputs = found.outputs(&members, info.calibration.is_some()).map_err(at_meta)?;
        let self_test =
            found.self_test(outputs.as_ref()).map_err(|(place, what)| sections.error(place, what))?;
        let references = found.references(&members).map_err(|(place, what)| sections.error(place, what))?;
        let (preparation, drift) = (found.preparation, found.drift);

        for (_, member) in &members {
            let (trees, nodes) = member.size();
            info.tree_count += trees;
            info.node_count += nodes;
        }
        info.sha256 = hash::sha256(pages.windows(pages.bytes()));
        pages.release(pages.bytes());
        let explainer = OnceLock::new();
        Ok(Self { info, file, pages, members, self_test, outputs, preparation, drift, references, explainer })
    }
}

/// The contents of a file's sections, each checked on its own; the methods below check them against each other.
struct Found<'a> {
    pages: &'a Pages,
    /// Number of features.
    width: usize,
    /// The features' fingerprint, which every member must have.
    fingerprint: u64,
    /// The members' weights, from META.
    weights: Vec<f64>,
    members: Vec<Member>,
    last_self_test: Option<SelfTest>,
    /// Checked when the number of answers is known.
    full_self_test: Option<(usize, &'a Archived<v2::SelfTest>)>,
    outputs: Option<Outputs>,
    scales: Option<&'a Archived<v1::Scales>>,
    preparation: Option<Preparation>,
    drift: Option<DriftReference>,
    /// Checked when all members are known.
    explained: Vec<(usize, &'a Archived<v1::Explain>)>,
}

impl<'a> Found<'a> {
    fn new(pages: &'a Pages, width: usize, fingerprint: u64, weights: Vec<f64>) -> Self {
        Self {
            pages,
            width,
            fingerprint,
            weights,
            members: Vec::new(),
            last_self_test: None,
            full_self_test: None,
            outputs: None,
            scales: None,
            preparation: None,
            drift: None,
            explained: Vec::new(),
        }
    }

    /// Checks a section on its own and keeps its content.
    ///
    /// # Errors
    /// The first rule of FORMAT.md that the section breaks.
    fn take(&mut self, place: usize, section: Section<'a>) -> Result<(), String> {
        let (pages, width) = (self.pages, self.width);
        match section {
            Section::Meta(_) => Err("a second META".to_owned()),
            Section::LastSelfTest(archived) => {
                self.last_self_test = Some(SelfTest::check_last(archived, pages, width)?);
                Ok(())
            }
            Section::SelfTest(archived) => {
                self.full_self_test = Some((place, archived));
                Ok(())
            }
            Section::Link(archived) => keep_one(&mut self.outputs, Outputs::read(archived)?, "LINK"),
            Section::Scales(archived) => keep_one(&mut self.scales, archived, "SCAL"),
            Section::Preparation(archived) => {
                keep_one(&mut self.preparation, Preparation::read(archived, width)?, "PREP")
            }
            Section::Drift(archived) => {
                keep_one(&mut self.drift, DriftReference::read(archived, width)?, "DRFT")
            }
            Section::Explain(archived) => {
                self.explained.push((place, archived));
                Ok(())
            }
            Section::Wide(archived) => {
                let forest = MappedWide::check(archived, pages, width)?;
                self.push(Member::Wide(forest), archived.features_fingerprint.to_native())
            }
            Section::Forest(archived) => {
                let forest = MappedForest::Narrow(NarrowForest::check(archived, pages, width)?);
                self.push(Member::Forest(forest), archived.features_fingerprint.to_native())
            }
            Section::Blocks(archived) => {
                let forest = MappedForest::Blocks(BlockForest::check(archived, pages, width)?);
                self.push(Member::Forest(forest), archived.features_fingerprint.to_native())
            }
            Section::Oblivious(archived) => {
                let forest = MappedForest::Oblivious(ObliviousForest::check(archived, pages, width)?);
                self.push(Member::Forest(forest), archived.features_fingerprint.to_native())
            }
            Section::Ragged(archived) => {
                let forest = MappedForest::Ragged(RaggedForest::check(archived, pages, width)?);
                self.push(Member::Forest(forest), archived.features_fingerprint.to_native())
            }
            Section::Linear(archived) => {
                let linear = MappedLinear::check(archived, pages, width)?;
                self.push(Member::Linear(linear), archived.features_fingerprint.to_native())
            }
        }
    }

    fn push(&mut self, member: Member, fingerprint: u64) -> Result<(), String> {
        if fingerprint != self.fingerprint {
            return Err("it was made for other features than META lists".to_owned());
        }
        if self.members.len() == self.weights.len() {
            return Err("META has no weight for it".to_owned());
        }
        self.members.push(member);
        Ok(())
    }

    /// The members with their weights.
    fn members(&mut self) -> Result<Vec<(f64, Member)>, String> {
        let (members, weights) = (std::mem::take(&mut self.members), std::mem::take(&mut self.weights));
        if members.is_empty() || weights.len() > members.len() {
            return Err(format!("more weights than members, of which there are {}", members.len()));
        }
        Ok(weights.into_iter().zip(members).collect())
    }

    /// Combines LINK with the scales of SCAL. A wide forest must be the only member; the outputs must match the
    /// members' sums and exclude a calibration; only a wide forest's rows may be prepared.
    fn outputs(&mut self, members: &[(f64, Member)], is_calibrated: bool) -> Result<Option<Outputs>, String> {
        let mut outputs = self.outputs.take();
        if let Some(scales) = self.scales {
            let with_scales = outputs.as_mut().ok_or("a SCAL without a LINK")?;
            with_scales.scales = scales.scales.iter().map(|scale| scale.to_native()).collect();
            with_scales.fault().map_or(Ok(()), Err)?;
        }
        if self.preparation.is_some() && !matches!(members, [(_, Member::Wide(_))]) {
            return Err("a PREP without a WIDE".to_owned());
        }
        let raw_count = match members {
            [(weight, Member::Wide(forest))] if *weight == 1.0 => Some(forest.outputs()),
            _ if members.iter().any(|(_, member)| matches!(member, Member::Wide(_))) => {
                return Err("a wide forest stands alone, with weight 1".to_owned());
            }
            _ => None,
        };
        match (raw_count, &outputs) {
            (_, Some(_)) if is_calibrated => Err("a calibration beside a LINK".to_owned()),
            (Some(_), None) => Err("a wide forest needs a LINK".to_owned()),
            (raw_count, Some(outputs)) if outputs.raw_count() != raw_count.unwrap_or(1) => {
                Err(format!("a LINK of {} outputs for members that give others", outputs.raw_count()))
            }
            _ => Ok(outputs),
        }
    }

    /// The self-test, for a model with these outputs.
    fn self_test(&mut self, outputs: Option<&Outputs>) -> Result<Option<SelfTest>, (usize, String)> {
        let Some((place, archived)) = self.full_self_test else { return Ok(self.last_self_test.take()) };
        let [raws, answers] = outputs.map_or([1, 1], |outputs| [outputs.raw_count(), outputs.answer_count()]);
        let test = SelfTest::check_all(archived, self.pages, [self.width, raws, answers]);
        test.map(Some).map_err(|what| (place, what))
    }

    /// The content of the EXPL sections, one entry for each member.
    fn references(&self, members: &[(f64, Member)]) -> Result<Vec<Option<Reference>>, (usize, String)> {
        let mut references: Vec<Option<Reference>> = members.iter().map(|_| None).collect();
        for &(place, archived) in &self.explained {
            let number = archived.member.to_native() as usize;
            let reference = match members.get(number) {
                Some((_, Member::Forest(forest))) => self.reference(archived, forest.node_count(), 0),
                Some((_, Member::Wide(forest))) => self.reference(archived, forest.node_count(), 0),
                Some((_, Member::Linear(_))) => self.reference(archived, 0, self.width),
                None => Err(format!("member {number} of {}", members.len())),
            };
            let reference = reference.map_err(|what| (place, what))?;
            if references[number].replace(reference).is_some() {
                return Err((place, format!("a second EXPL for member {number}")));
            }
        }
        Ok(references)
    }

    fn reference(
        &self,
        archived: &Archived<v1::Explain>,
        nodes: usize,
        terms: usize,
    ) -> Result<Reference, String> {
        Reference::check(archived, self.pages, nodes, terms)
    }
}

/// Stores the content of a section that a file may have only once.
fn keep_one<T>(kept: &mut Option<T>, content: T, tag: &str) -> Result<(), String> {
    match kept.replace(content) {
        None => Ok(()),
        Some(_) => Err(format!("a second {tag}")),
    }
}

impl Member {
    /// Number of trees, and of nodes including leaves.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Forest(forest) => (forest.tree_count(), forest.node_count()),
            Self::Wide(forest) => (forest.tree_count(), forest.node_count()),
            Self::Linear(_) => (0, 0),
        }
    }
}
