//! Run logs of OpenClaw's scheduled jobs: one line per finished run, one file per job.
//!
//! Neighbours: `detect::cron` splits failures of the job from failures of the delivery.

use serde::{Deserialize, Serialize};

use super::raw::{self, Probe, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, CronRun};

/// What the log says beyond this is not read, bytes.
const FIELD_BYTES_MAX: usize = 16 * 1024;

/// Reads a run log.
#[derive(Debug, Default, Serialize, Deserialize)]
struct CronLog {
    session_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row<'a> {
    #[serde(borrow)]
    ts: Raw<'a>,
    #[serde(borrow, rename = "jobId")]
    job_id: Raw<'a>,
    #[serde(borrow)]
    action: Raw<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    summary: Raw<'a>,
    #[serde(borrow, rename = "deliveryError")]
    delivery_error: Raw<'a>,
    #[serde(borrow, rename = "sessionId")]
    session_id: Raw<'a>,
    #[serde(borrow, rename = "durationMs")]
    duration_ms: Raw<'a>,
}

pub(super) const SPEC: Spec = Spec {
    name: "openclaw-cron",
    recognised: Recognised::ByLine {
        line: recognises,
        start: |_| false,
    },
    framing: super::lines,
    reader: super::revived::<CronLog>,
};

fn recognises(probe: &Probe<'_>) -> bool {
    probe.job_id.is_some() && (probe.action.is_some() || probe.status.is_some())
}

impl FormatReader for CronLog {
    fn read(&mut self, line: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let row: Row<'_> = raw::parse_line(line)?;
        if row.job_id.is_none() || !matches!(raw::inside(row.action), "" | "finished") {
            return Ok(());
        }
        let job_id = raw::string(row.job_id);
        if self.session_id.is_none() {
            self.session_id = Some(format!("cron:{job_id}"));
        }
        sink(
            raw::int(row.ts),
            Body::CronRun(CronRun {
                job_id,
                status: raw::string(row.status),
                error: raw::string_head(row.error, FIELD_BYTES_MAX),
                summary: raw::string_head(row.summary, FIELD_BYTES_MAX),
                delivery_error: raw::string_head(row.delivery_error, FIELD_BYTES_MAX),
                session_id: raw::string(row.session_id),
                duration_ms: raw::int(row.duration_ms),
            }),
        );
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }
}
