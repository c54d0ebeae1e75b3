//! Where a report may go, what it replaces, and what it leaves alone.

use std::path::PathBuf;

use super::*;
use crate::testing::{fails, roll_up, root, run_activity, session, write};
use state::memory_store::MemoryStore;
use workflows::contracts::{FileTickets, FileTicketsInput, Reviewed, TicketRef};

struct Desk {
    store: MemoryStore,
    dir: tempfile::TempDir,
    input: WriteReportInput,
}

/// A mined session and one brief, ready to be written to `out`.
async fn desk() -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let text = session("s-1", &[fails("exec", "npm: command not found")]);
    write(dir.path(), "sessions/a.jsonl", &text);
    let store = MemoryStore::new();
    let rolled = roll_up(&store, &dir.path().join("sessions")).await;
    let input = FileTicketsInput {
        rollup: rolled.rollup.clone(),
        signals: rolled.signals.clone(),
        top: 1,
    };
    let filed = run_activity::<FileTickets>(&store, &input).await.0.unwrap();
    let again = run_activity::<FileTickets>(&store, &input).await.0.unwrap();
    assert_eq!(filed, again);
    let version = Reviewed {
        brief: filed.tickets.clone(),
        review: filed.tickets.clone(),
    };
    let input = WriteReportInput {
        out: dir.path().join("out").to_str().unwrap().to_owned(),
        rollup: rolled.rollup,
        signals: rolled.signals,
        tickets: filed.tickets,
        briefs: vec![BriefLoopOutput {
            ticket: filed.top[0].clone(),
            versions: vec![version],
            accepted: true,
        }],
        coverage: rolled.coverage,
    };
    Desk { store, dir, input }
}

impl Desk {
    async fn write(&self) -> Result<Vec<String>, Failure> {
        run_activity::<contracts::WriteReport>(&self.store, &self.input)
            .await
            .0
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// All files below `out` with their bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut waiting = vec![self.out()];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.out()).unwrap().to_str().unwrap();
                files.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
        files
    }
}

#[tokio::test]
async fn a_report_written_twice_is_the_same_and_leaves_nothing_half_done() {
    let desk = desk().await;
    let names = desk.write().await.unwrap();
    let ticket = &desk.input.briefs[0].ticket;
    let directory = format!("briefs/{}-{}", ticket.ticket_id, ticket.slug);
    let expected = [
        format!("{directory}/brief-v1.md"),
        format!("{directory}/brief-v1.review.md"),
        "coverage.json".to_owned(),
        "report.html".to_owned(),
        "rollup.json".to_owned(),
        "rollup.md".to_owned(),
        "signals.jsonl".to_owned(),
        "tickets.jsonl".to_owned(),
    ];
    assert_eq!(names, expected);
    let first = desk.files();
    assert!(first.keys().eq(&names));
    assert_eq!(desk.write().await.unwrap(), names);
    assert_eq!(desk.files(), first);
}

#[tokio::test]
async fn old_briefs_go_and_what_others_put_there_stays() {
    let mut desk = desk().await;
    desk.write().await.unwrap();
    let out = desk.out();
    write(&out, "briefs/OCT-0123abcd-old-one/brief-v1.md", "old");
    write(
        &out,
        "briefs/OCT-0123abcd-old-one/brief-v1.review.md",
        "old",
    );
    write(&out, "briefs/OCT-89abcdef-noted/brief-v2.md", "old");
    write(&out, "briefs/OCT-89abcdef-noted/my-notes.md", "mine");
    write(&out, "briefs/mine/brief-v1.md", "mine");
    write(&out, "notes.txt", "mine");
    desk.input.briefs.clear();
    desk.write().await.unwrap();
    let names: Vec<String> = desk.files().into_keys().collect();
    let expected = [
        "briefs/OCT-89abcdef-noted/my-notes.md",
        "briefs/mine/brief-v1.md",
        "coverage.json",
        "notes.txt",
        "report.html",
        "rollup.json",
        "rollup.md",
        "signals.jsonl",
        "tickets.jsonl",
    ];
    assert_eq!(names, expected);
    assert!(!out.join("briefs/OCT-0123abcd-old-one").exists());
}

#[tokio::test]
async fn a_place_that_is_a_file_is_refused_and_kept() {
    let desk = desk().await;
    fs::write(desk.out(), "precious").unwrap();
    let failure = desk.write().await.unwrap_err();
    let failure = root(&failure);
    assert_eq!(failure.error_type, "OutIsAFile");
    let message = format!(
        "could not write the report: {} is a file; name a directory with --out",
        desk.input.out
    );
    assert_eq!(failure.message, message);
    assert_eq!(fs::read(desk.out()).unwrap(), b"precious");
}

#[tokio::test]
async fn no_ticket_leads_out_of_the_directory() {
    let mut desk = desk().await;
    desk.input.briefs[0].ticket = TicketRef {
        ticket_id: "OCT-0123abcd".to_owned(),
        slug: "../../../tmp/x".to_owned(),
    };
    let failure = desk.write().await.unwrap_err();
    assert_eq!(root(&failure).error_type, "BadTicket");
    assert!(!desk.out().exists());
}
