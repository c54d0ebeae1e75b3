//! Which run of a workflow id is the newest, whatever the clock said when it began.

use kernel::{RunId, RunState, WorkflowId};

use super::{KvStore, bad_key};
use crate::blob::Digest;
use crate::codec;
use crate::index::{self, Find, Term};
use crate::keys;
use crate::kv::{Batch, Kv};
use crate::loading;
use crate::store::{Error, RunInfo};
use crate::values;

impl<K: Kv> KvStore<K> {
    /// Says which run of the id is the newest, now that this one begins: what the entries of the index
    /// say is enough while there is one only. Gives the newest; `before` is one that began in the
    /// same batch.
    pub(super) fn plan_latest(
        &self,
        batch: &mut Batch,
        state: &RunState,
        before: Option<RunId>,
    ) -> Result<RunId, Error> {
        let newest = match before {
            // One process made both ids, one after the other.
            Some(before) => before.max(state.run_id),
            None if self.find_latest(&state.workflow_id, None)?.is_none() => {
                return Ok(state.run_id);
            }
            None => state.run_id,
        };
        self.put_latest(batch, &state.workflow_id, newest)?;
        Ok(newest)
    }

    /// The same for a run whose history came from elsewhere: it may be older than what is here.
    pub(super) fn plan_imported(
        &self,
        batch: &mut Batch,
        state: &RunState,
    ) -> Result<RunId, Error> {
        let Some(before) = self.find_latest(&state.workflow_id, None)? else {
            return Ok(state.run_id);
        };
        let newest = match loading::run_info(&self.kv, before)? {
            Some(info) if (info.started_at, before) > (state.started_at, state.run_id) => before,
            Some(_) | None => state.run_id,
        };
        self.put_latest(batch, &state.workflow_id, newest)?;
        Ok(newest)
    }

    fn put_latest(
        &self,
        batch: &mut Batch,
        workflow_id: &WorkflowId,
        newest: RunId,
    ) -> Result<(), Error> {
        let base = keys::latest(&self.digest_of(workflow_id));
        values::put(batch, &base, &codec::wrap(&newest.0), 0)?;
        Ok(())
    }

    /// The newest run of an id, or the newest of the others.
    pub(super) fn find_latest(
        &self,
        workflow_id: &WorkflowId,
        but: Option<RunId>,
    ) -> Result<Option<RunId>, Error> {
        let base = keys::latest(&self.digest_of(workflow_id));
        if let Some(stored) = values::get(&self.kv, &base)? {
            let bytes = codec::unwrap(&"the newest run of a workflow id", stored)?;
            let run_id = <[u8; 16]>::try_from(bytes).map(RunId);
            let run_id = run_id.map_err(|_| bad_key("the newest run of a workflow id"))?;
            if but != Some(run_id) {
                return Ok(Some(run_id));
            }
        }
        let mut find = Find {
            all_of: vec![vec![Term::workflow_id(workflow_id.as_str())]],
            ..Find::default()
        };
        // Another id with the same term is one in 2^64.
        while let Some(place) = index::find(&self.kv, &find, 1)?.first().copied() {
            let info = loading::run_info(&self.kv, place.run_id)?;
            let is_of_id = info.is_some_and(|info| info.workflow_id == *workflow_id);
            if is_of_id && but != Some(place.run_id) {
                return Ok(Some(place.run_id));
            }
            find.after = Some(place);
        }
        Ok(None)
    }

    /// What changes when a run is deleted.
    pub(super) fn plan_latest_without(
        &self,
        batch: &mut Batch,
        info: &RunInfo,
    ) -> Result<(), Error> {
        let latest = keys::latest(&self.digest_of(&info.workflow_id));
        if values::get(&self.kv, &latest)?.is_some() {
            match self.find_latest(&info.workflow_id, Some(info.run_id))? {
                Some(newest) => self.put_latest(batch, &info.workflow_id, newest)?,
                None => values::delete(batch, &latest, 1),
            }
        }
        Ok(())
    }

    fn digest_of(&self, workflow_id: &WorkflowId) -> Digest {
        self.kv.digest(workflow_id.as_str().as_bytes())
    }
}
