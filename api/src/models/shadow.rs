//! The shadow: a second model that scores the grid beside the active one, only for live quality.

use std::sync::Arc;

use engine::events::Happening;

use super::{
    Held, Models, Version,
    change::{EXCHANGE_TIMEOUT, told, unfit},
    outcome::{Asked, Change, ChangeError, Changed, Outcome},
    start,
};

impl Models {
    /// Makes a model the shadow.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was changed then.
    pub async fn shadow(&self, name: &str, version: Option<String>, asked: Asked) -> Change {
        let told = version.as_ref().map_or(name.to_owned(), |version| format!("{name}@{version}"));
        let changed = self.try_shadow(name, version, &asked).await;
        if let Err(error) = &changed {
            self.note_refused(told, &asked, error);
        }
        changed
    }

    async fn try_shadow(&self, name: &str, version: Option<String>, asked: &Asked) -> Change {
        let _changing = self.begin()?;
        let (found, self_test_rows) = self.find(name.to_owned(), version).await?;
        let path = found.entry.path.as_ref().map(|path| path.display().to_string());
        let next = Arc::new(Version::new(&found.entry.name, path, Arc::new(found.model), None));
        let (active, before) = {
            let held = self.held();
            (held.active.clone(), held.shadow.clone())
        };
        let Some(bound) = next.bound.clone() else {
            return Err(ChangeError::Unfit(unfit(&next.model)));
        };
        if active.as_ref().is_some_and(|active| active.info().sha256 == next.info().sha256) {
            let what = format!("{} is the active model: its quality is shown as it is", next.name);
            return Err(ChangeError::Unfit(what));
        }
        let mut warnings = Vec::from_iter(start::other_event(&next.model, &self.settings.config));
        if active.as_ref().is_none_or(|active| active.bound.is_none()) {
            warnings.push(
                "no active model scores the stream: the shadow has no rows to score beside it".to_owned(),
            );
        }
        let comparison = self.compare(active.as_deref(), &next, self.settings.bounds).await?;
        self.engine.exchange_shadow(Some(bound), EXCHANGE_TIMEOUT).await?;
        self.hold_shadow(Some(next.clone()));
        let change = told(Some(&next), before.as_deref(), asked);
        self.engine.events.note(None, None, Happening::ShadowOn(change));
        let changed = Changed::new(Outcome::ShadowOn, Some(next), before);
        Ok(Changed { comparison, self_test_rows: Some(self_test_rows), warnings, ..changed })
    }

    /// Ends the shadow; without one, nothing happens.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was changed then.
    pub async fn shadow_off(&self, asked: Asked) -> Change {
        let changed = self.try_shadow_off(&asked).await;
        if let Err(error) = &changed {
            self.note_refused("no shadow".to_owned(), &asked, error);
        }
        changed
    }

    async fn try_shadow_off(&self, asked: &Asked) -> Change {
        let _changing = self.begin()?;
        let Some(before) = self.held().shadow.clone() else {
            return Ok(Changed::new(Outcome::ShadowOff, None, None));
        };
        self.end_shadow(&before, asked).await?;
        Ok(Changed::new(Outcome::ShadowOff, None, Some(before)))
    }

    async fn end_shadow(&self, shadow: &Version, asked: &Asked) -> Result<(), ChangeError> {
        self.engine.exchange_shadow(None, EXCHANGE_TIMEOUT).await?;
        self.hold_shadow(None);
        let change = told(Some(shadow), None, asked);
        self.engine.events.note(None, None, Happening::ShadowOff(change));
        Ok(())
    }

    /// Ends the shadow if it is this model, because comparing a model with itself is useless.
    pub(super) async fn end_same_shadow(&self, next: &Version, asked: &Asked) {
        let shadow = self.held().shadow.clone();
        let Some(shadow) = shadow.filter(|shadow| shadow.info().sha256 == next.info().sha256) else { return };
        if let Err(error) = self.end_shadow(&shadow, asked).await {
            tracing::warn!(%error, "the shadow, which is the active model by now, goes on");
        }
    }

    fn hold_shadow(&self, shadow: Option<Arc<Version>>) {
        let held = self.held();
        let (active, previous) = (held.active.clone(), held.previous.clone());
        let (report, labelled) = (held.report.clone(), held.labelled.clone());
        self.held.store(Arc::new(Held { active, previous, shadow, report, labelled }));
    }
}
