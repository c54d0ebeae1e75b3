//! What histories have in common, which their packing therefore need not say again.
//!
//! The bytes are part of the format: a packed history cannot be read without those it was packed
//! with. Another dictionary is another format byte, and this one stays beside it.

/// Records of a made-up run; what is met most often comes last.
pub(super) const DICTIONARY: &[u8] = include_bytes!("dictionary-1.bin");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::failure::Failure;
    use kernel::{
        ActivityOptions, Chain, ChildOptions, EventId, EventKind, HistoryEvent, Note, Payload,
        RunId, Seq, Timestamp, Transition, WorkflowId, WorkflowOptions,
    };

    use super::*;
    use crate::blob::Digest;
    use crate::codec::{self, RecordRef};

    const STEPS: u32 = 12;

    /// Makes the records of one run.
    struct Run {
        at: Timestamp,
        last: EventId,
        bytes: Vec<u8>,
    }

    impl Run {
        fn new() -> Self {
            Self {
                at: Timestamp(1_795_000_000_000),
                last: EventId(0),
                bytes: Vec::new(),
            }
        }

        fn record(&mut self, kinds: Vec<EventKind>, notes: Vec<Note>) {
            let after = self.last;
            self.at = Timestamp(self.at.0 + 137);
            let mut events = Vec::new();
            for kind in kinds {
                self.last = self.last.next();
                let (id, at) = (self.last, self.at);
                events.push(HistoryEvent { id, at, kind });
            }
            let transition = Transition { events, notes };
            let record = RecordRef {
                after,
                transition: &transition,
            };
            let stored = codec::encode(&"a record", &record).unwrap();
            let len = u32::try_from(stored.bytes.len()).unwrap();
            self.bytes.extend_from_slice(&len.to_be_bytes());
            self.bytes.extend_from_slice(&stored.bytes);
        }

        fn start(&mut self) {
            let started = EventKind::WorkflowExecutionStarted {
                workflow_type: "workflow".into(),
                input: Payload::json(&1).unwrap(),
                parent: None,
                seed: 0x9a8d_2e6f_1c7b_3a9c,
                options: WorkflowOptions::default(),
                chain: Chain::default(),
            };
            self.record(vec![started], Vec::new());
        }

        fn activity(seq: u32) -> EventKind {
            EventKind::ActivityTaskScheduled {
                seq: Seq(seq),
                activity_type: "activity".into(),
                input: Payload::json(&seq).unwrap(),
                options: ActivityOptions::default(),
            }
        }

        fn steps(&mut self) {
            let turn = |command| vec![EventKind::WorkflowTaskCompleted, command];
            self.record(turn(Self::activity(1)), Vec::new());
            for step in 1..=STEPS {
                let scheduled_event_id = self.last;
                let completed = EventKind::ActivityTaskCompleted {
                    scheduled_event_id,
                    attempt: 1,
                    result: Payload::json(&step).unwrap(),
                };
                self.record(vec![completed], Vec::new());
                let next = if step == STEPS {
                    EventKind::WorkflowExecutionCompleted {
                        result: Payload::json(&"ok").unwrap(),
                    }
                } else {
                    Self::activity(step + 1)
                };
                self.record(turn(next), Vec::new());
            }
        }
    }

    /// Seldom things of other runs, then a run of steps from its start to its end.
    fn made() -> Vec<u8> {
        let mut seldom = Run::new();
        let workflow_id = WorkflowId::new("child");
        let child = EventKind::StartChildWorkflowExecutionInitiated {
            seq: Seq(1),
            workflow_id,
            workflow_type: "child".into(),
            input: Payload::json(&1).unwrap(),
            options: ChildOptions::default(),
        };
        let initiated_event_id = EventId(1);
        seldom.record(vec![child], Vec::new());
        let run_id = RunId([0x9a; 16]);
        let kinds = [
            EventKind::ChildWorkflowExecutionStarted {
                initiated_event_id,
                run_id,
            },
            EventKind::ChildWorkflowExecutionCompleted {
                initiated_event_id,
                result: Payload::json(&BTreeMap::from([("ok", true)])).unwrap(),
            },
        ];
        let failed = Note::ActivityAttemptFailed {
            scheduled_event_id: EventId(3),
            failure: Failure::retryable("Error", "failed"),
            next_attempt_at: seldom.at,
        };
        kinds
            .into_iter()
            .for_each(|kind| seldom.record(vec![kind], Vec::new()));
        seldom.record(Vec::new(), vec![failed]);
        let mut run = Run::new();
        run.start();
        run.steps();
        [seldom.bytes, run.bytes].concat()
    }

    #[test]
    fn the_dictionary_is_the_one_that_everything_was_packed_with() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/packed/dictionary-1.bin");
        if std::env::var_os("WRITE_STATE_FIXTURES").is_some() && DICTIONARY.is_empty() {
            std::fs::write(place, made()).unwrap();
        }
        let digest = "743676888484585112b56f2ab45800366f1e17b96fd2d83e9026228af67beac1";
        assert_eq!(Digest::of(DICTIONARY).to_string(), digest);
    }
}
