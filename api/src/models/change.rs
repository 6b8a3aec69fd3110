//! Model changes: activate, roll back, clear.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use engine::{
    bound_model::{BoundModel, Unfit},
    events::{Happening, ModelChange},
    handle::AskError,
};
use model::Model;
use tokio::sync::MutexGuard;

use super::{
    Bounds, Held, ModelReport, Models, Version,
    active_record::{ActiveRecord, RecordedModel},
    catalog::Found,
    comparison::{Comparison, compare},
    outcome::{Activation, Asked, Change, ChangeError, Changed, Outcome},
    start,
};
use crate::config::sections::SourceKind;

/// Longest time for all shards to exchange a model, each between two batches.
pub(super) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

impl Models {
    /// Tries a model on the newest rows and activates it if it is within the bounds.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was changed then.
    pub async fn activate(&self, activation: Activation) -> Change {
        let told = activation.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        let told = format!("{}{told}", activation.name);
        let is_dry_run = activation.is_dry_run;
        let asked = activation.asked.clone();
        let changed = self.try_activate(activation).await;
        if let (Err(error), false) = (&changed, is_dry_run) {
            self.note_refused(told, &asked, error);
        }
        changed
    }

    async fn try_activate(&self, activation: Activation) -> Change {
        let _changing = self.begin()?;
        if !activation.is_dry_run {
            self.check_source()?;
        }
        let Activation { name, version, asked, .. } = &activation;
        let (found, self_test_rows) = self.find(name.clone(), version.clone()).await?;
        let path = found.entry.path.as_ref().map(|path| path.display().to_string());
        let next = Version::new(&found.entry.name, path, Arc::new(found.model), None);
        let before = self.held().active.clone();
        let mut warnings = self.fitness(&next, before.as_deref())?;
        let other_event = start::other_event(&next.model, &self.settings.config);
        warnings.extend(other_event.clone());
        let bounds = Bounds {
            flip_rate_max: activation.flip_rate_max.unwrap_or(self.settings.bounds.flip_rate_max),
            score_difference_max: activation
                .score_difference_max
                .unwrap_or(self.settings.bounds.score_difference_max),
        };
        let comparison = self.compare(before.as_deref(), &next, bounds).await?;
        if comparison.as_ref().is_none_or(|comparison| comparison.rows == 0) {
            warnings.push(
                "there are no recent rows to compare the models on: the bounds prove nothing".to_owned(),
            );
        }
        let is_same = before.as_ref().is_some_and(|before| before.info().sha256 == next.info().sha256);
        let mut changed = if activation.is_dry_run {
            Changed::new(Outcome::DryRun, Some(Arc::new(next)), before)
        } else {
            if let Some(comparison) = comparison.as_ref().filter(|comparison| !comparison.within_bounds) {
                return Err(ChangeError::BeyondBounds(Box::new(comparison.clone())));
            }
            // A model that is already active keeps its mapped pages.
            let next = match before.as_ref().filter(|_| is_same) {
                Some(active) => active.clone(),
                None => self.kept(next).await?,
            };
            let previous = if is_same { self.held().previous.clone() } else { before.clone() };
            let report = self.report(&next, other_event);
            self.take_over(next.clone(), previous, report, asked).await?;
            let outcome = if is_same { Outcome::Unchanged } else { Outcome::Activated };
            if !is_same {
                self.swaps.activated.fetch_add(1, Ordering::Relaxed);
                let change = told(Some(&next), before.as_deref(), asked);
                self.engine.events.note(None, None, Happening::ModelSwapped(change));
            }
            if self.record.is_none() {
                warnings.push("this lasts until the process ends: set model.record".to_owned());
            }
            Changed::new(outcome, Some(next), before)
        };
        (changed.comparison, changed.self_test_rows) = (comparison, Some(self_test_rows));
        changed.warnings = warnings;
        Ok(changed)
    }

    /// Activates the previous model again. It is in memory and was active, so it needs no comparison and no file.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was changed then.
    pub async fn roll_back(&self, name: &str, asked: Asked) -> Change {
        let changed = self.try_roll_back(name, &asked).await;
        if let Err(error) = &changed {
            let previous = self.held().previous.as_ref().map_or("none".to_owned(), |version| version.told());
            self.note_refused(previous, &asked, error);
        }
        changed
    }

    async fn try_roll_back(&self, name: &str, asked: &Asked) -> Change {
        let _changing = self.begin()?;
        self.check_source()?;
        let (before, previous) = {
            let held = self.held();
            (held.active.clone(), held.previous.clone())
        };
        // Repeating a rollback by the same name is refused, because it would undo the first one.
        if name != "active" && before.as_ref().is_none_or(|active| !active.is_called(name)) {
            let active = before.map_or("none".to_owned(), |active| active.name.clone());
            return Err(ChangeError::NotActive { asked: name.to_owned(), active });
        }
        let next = Arc::new(previous.ok_or(ChangeError::NoPrevious)?.renewed());
        // After a restart its pages have not been read yet.
        warm(&next).await?;
        let other_event = start::other_event(&next.model, &self.settings.config);
        let report = self.report(&next, other_event);
        self.take_over(next.clone(), before.clone(), report, asked).await?;
        self.swaps.rolled_back.fetch_add(1, Ordering::Relaxed);
        let change = told(Some(&next), before.as_deref(), asked);
        self.engine.events.note(None, None, Happening::ModelRolledBack(change));
        let mut changed = Changed::new(Outcome::RolledBack, Some(next), before);
        if self.record.is_none() {
            changed.warnings.push("this lasts until the process ends: set model.record".to_owned());
        }
        Ok(changed)
    }

    /// Removes the record and activates the configured model.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was changed then.
    pub async fn clear(&self, asked: Asked) -> Change {
        let changed = self.try_clear(&asked).await;
        if let Err(error) = &changed {
            self.note_refused("the configured model".to_owned(), &asked, error);
        }
        changed
    }

    async fn try_clear(&self, asked: &Asked) -> Change {
        let _changing = self.begin()?;
        self.check_source()?;
        let config = self.settings.config.clone();
        let origin = self.held().report.variant_origin.clone();
        let (model, mut report) = blocking(move || start::configured(&config, origin)).await?;
        let model =
            model.ok_or_else(|| ChangeError::Configured(report.refused.clone().unwrap_or_default()))?;
        report.other_event = start::other_event(&model, &self.settings.config);
        let before = self.held().active.clone();
        let next = Arc::new(Version::new(&report.name, report.path.clone(), model, None));
        let is_same = before.as_ref().is_some_and(|before| before.info().sha256 == next.info().sha256);
        let next = before.clone().filter(|_| is_same).unwrap_or(next);
        warm(&next).await?;
        self.exchange(&next).await?;
        if let Some(file) = self.record.clone()
            && let Err(error) = blocking(move || file.clear()).await?
        {
            let model = before.as_ref().map(|before| before.model.clone());
            let bound = before.as_ref().and_then(|before| before.bound.clone());
            self.engine.exchange_model(model, bound, EXCHANGE_TIMEOUT).await?;
            return Err(ChangeError::Record(error.to_string()));
        }
        let previous = if is_same { self.held().previous.clone() } else { before.clone() };
        self.hold(next.clone(), previous, report, Some(next.info().sha256.clone()));
        self.end_same_shadow(&next, asked).await;
        self.swaps.cleared.fetch_add(1, Ordering::Relaxed);
        let change = told(Some(&next), before.as_deref(), asked);
        self.engine.events.note(None, None, Happening::ModelSwapped(change));
        Ok(Changed::new(Outcome::Cleared, Some(next), before))
    }

    pub(super) fn begin(&self) -> Result<MutexGuard<'_, ()>, ChangeError> {
        self.changing.try_lock().map_err(|_| ChangeError::Busy)
    }

    fn check_source(&self) -> Result<(), ChangeError> {
        match self.settings.config.source.kind {
            SourceKind::Kafka => Err(ChangeError::Kafka),
            _ => Ok(()),
        }
    }

    /// Opens, checks and self-tests a model, and reads every page of it.
    pub(super) async fn find(
        &self,
        name: String,
        version: Option<String>,
    ) -> Result<(Found, usize), ChangeError> {
        let catalog = self.catalog.clone();
        blocking(move || {
            let found = catalog.find(&name, version.as_deref())?;
            let rows = found.model.verify().map_err(|error| ChangeError::Unfit(error.to_string()))?;
            found.model.touch();
            Ok((found, rows))
        })
        .await?
    }

    /// Checks the model as a start does, with one difference: a model that scores posted rows only must not replace one
    /// that drives the stream.
    fn fitness(&self, next: &Version, before: Option<&Version>) -> Result<Vec<String>, ChangeError> {
        if next.bound.is_some() {
            return Ok(Vec::new());
        }
        let why = unfit(&next.model);
        let scores_stream = self.settings.config.source.kind != SourceKind::None
            && before.is_none_or(|before| before.bound.is_some());
        if scores_stream {
            return Err(ChangeError::Unfit(why));
        }
        Ok(vec![format!("{why}; it answers rows")])
    }

    pub(super) async fn compare(
        &self,
        before: Option<&Version>,
        next: &Version,
        bounds: Bounds,
    ) -> Result<Option<Comparison>, ChangeError> {
        let old = before.and_then(|before| before.bound.clone());
        let (Some(old), Some(new)) = (old, next.bound.clone()) else { return Ok(None) };
        let rows = self.engine.recent_rows(Instant::now() + EXCHANGE_TIMEOUT).await?;
        blocking(move || compare(&old, &new, &rows, bounds)).await.map(Some)
    }

    /// This version opened from the record's copy of its bytes, if there is a record.
    async fn kept(&self, version: Version) -> Result<Arc<Version>, ChangeError> {
        let Some(file) = self.record.clone() else { return Ok(Arc::new(version)) };
        let kept = blocking(move || {
            let model = file.keep(&version.model)?;
            model.touch();
            Ok(Version::new(&version.name, version.path, Arc::new(model), Some(version.since)))
        });
        kept.await?.map(Arc::new).map_err(ChangeError::Record)
    }

    fn report(&self, next: &Version, other_event: Option<String>) -> ModelReport {
        let held = self.held();
        // Without a record, the request alone decides.
        let variant_source = if self.record.is_some() { "record" } else { "activation" };
        ModelReport {
            name: next.name.clone(),
            path: next.path.clone(),
            other_event,
            variant_source: variant_source.to_owned(),
            variant_origin: held.report.variant_origin.clone(),
            is_recorded: self.record.is_some(),
            ..ModelReport::default()
        }
    }

    /// Writes the record, then exchanges the models. A failure leaves both unchanged.
    async fn take_over(
        &self,
        next: Arc<Version>,
        previous: Option<Arc<Version>>,
        report: ModelReport,
        asked: &Asked,
    ) -> Result<(), ChangeError> {
        let before = self.write_record(&next, previous.as_deref(), asked).await?;
        if let Err(error) = self.exchange(&next).await {
            if let Some(file) = self.record.clone() {
                let restored = blocking(move || file.put_back(before.as_deref()));
                if let Err(error) = restored.await? {
                    tracing::error!(%error, "the record could not be set back: it names a model that is not active");
                }
            }
            return Err(error);
        }
        let labelled = self.held().labelled.clone();
        self.hold(next.clone(), previous, report, labelled);
        self.end_same_shadow(&next, asked).await;
        if let Some(file) = self.record.clone() {
            blocking(move || file.tidy()).await?;
        }
        Ok(())
    }

    /// Writes the record; returns the bytes of the former one, if there was one.
    async fn write_record(
        &self,
        next: &Version,
        previous: Option<&Version>,
        asked: &Asked,
    ) -> Result<Option<Vec<u8>>, ChangeError> {
        let Some(file) = self.record.clone() else { return Ok(None) };
        let record = ActiveRecord {
            active: RecordedModel::of(next),
            previous: previous.map(RecordedModel::of),
            reason: asked.reason.clone(),
            request_id: asked.request_id.clone(),
        };
        let previous = previous.map(|version| version.model.clone());
        let model = next.model.clone();
        blocking(move || {
            let before = file.bytes().map_err(|error| format!("{}: {error}", file.path().display()))?;
            file.have(&model)?;
            // The previous model's copy for a rollback after a restart; a failure does not affect the change itself.
            if let Some(error) = previous.and_then(|previous| file.have(&previous).err()) {
                tracing::warn!(%error, "the model before could not be kept beside the record");
            }
            file.write(&record).map_err(|error| format!("{}: {error}", file.path().display()))?;
            Ok(before)
        })
        .await?
        .map_err(ChangeError::Record)
    }

    async fn exchange(&self, next: &Version) -> Result<(), ChangeError> {
        let (model, bound) = (next.model.clone(), next.bound.clone());
        Ok(self.engine.exchange_model(Some(model), bound, EXCHANGE_TIMEOUT).await?)
    }

    fn hold(
        &self,
        active: Arc<Version>,
        previous: Option<Arc<Version>>,
        report: ModelReport,
        labelled: Option<String>,
    ) {
        let shadow = self.held().shadow.clone();
        self.held.store(Arc::new(Held { active: Some(active), previous, shadow, report, labelled }));
    }

    pub(super) fn note_refused(&self, model: String, asked: &Asked, error: &ChangeError) {
        self.swaps.refused.fetch_add(1, Ordering::Relaxed);
        let before = self.held().active.as_ref().map(|active| active.told());
        let Asked { reason, request_id } = asked.clone();
        let change = ModelChange { model: Some(model), before, reason, request_id };
        let why = error.to_string();
        self.engine.events.note(None, None, Happening::ModelRefused { change, why });
    }
}

pub(super) fn told(model: Option<&Version>, before: Option<&Version>, asked: &Asked) -> ModelChange {
    let Asked { reason, request_id } = asked.clone();
    ModelChange { model: model.map(Version::told), before: before.map(Version::told), reason, request_id }
}

pub(super) fn unfit(model: &Arc<Model>) -> String {
    BoundModel::new(model.clone()).err().as_ref().map(Unfit::to_string).unwrap_or_default()
}

/// Reads the model's pages, so that no shard waits for them.
async fn warm(version: &Version) -> Result<(), ChangeError> {
    let model = version.model.clone();
    blocking(move || model.touch()).await.map(drop)
}

/// Runs work that reads files or scores many rows on a thread for blocking work.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ChangeError> {
    // It fails only if the runtime ends, or the work panicked, which was logged.
    tokio::task::spawn_blocking(work).await.map_err(|_| ChangeError::Engine(AskError::Closed))
}
