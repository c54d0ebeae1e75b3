//! `FileTickets`: rollups become tickets, and the top ones are named for research.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::rollup::RollupDocument;
use trace::signal::MinedSignal;
use trace::ticket::{Ticket, tickets_from};
use workflows::contracts::{self, FileTicketsInput, FileTicketsOutput, TicketRef};

use crate::blobs;
use crate::errors::blocking;
use crate::limits::SLUG_BYTES_MAX;

/// Makes tickets of the groups.
#[derive(Debug)]
pub struct FileTickets;

#[async_trait]
impl Activity for FileTickets {
    type Contract = contracts::FileTickets;

    async fn run(
        &self,
        cx: &ActivityCx,
        input: FileTicketsInput,
    ) -> Result<FileTicketsOutput, Failure> {
        blocking(cx, move |cx| {
            let document: RollupDocument = blobs::json(cx, &input.rollup)?;
            let signals: Vec<MinedSignal> = blobs::lines(cx, &input.signals)?;
            let tickets = tickets_from(&document, &signals, document.counts.sessions);
            let top = usize::try_from(input.top).unwrap_or(usize::MAX);
            Ok(FileTicketsOutput {
                tickets: blobs::put_lines(cx, &tickets)?,
                n_tickets: tickets.len() as u64,
                // Research on the cause answers for its symptoms.
                top: tickets
                    .iter()
                    .filter(|ticket| ticket.symptom_of.is_none())
                    .take(top)
                    .map(ticket_ref)
                    .collect(),
            })
        })
        .await
    }
}

fn ticket_ref(ticket: &Ticket) -> TicketRef {
    TicketRef {
        ticket_id: ticket.ticket_id.clone(),
        slug: slug(&ticket.title),
    }
}

/// The words of a title in `a-z0-9-`, cut between words; `ticket` when nothing is left.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    let lower = title.to_lowercase();
    for word in lower.split(|c: char| !c.is_ascii_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        if slug.len() + 1 + word.len() > SLUG_BYTES_MAX {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    if slug.is_empty() {
        slug.push_str("ticket");
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_is_a_safe_name_of_whole_words() {
        assert_eq!(
            slug("exec fails: Command timed out!"),
            "exec-fails-command-timed-out"
        );
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("зависает"), "ticket");
        let long = slug(&"overloaded ".repeat(20));
        assert_eq!(long, "overloaded-overloaded-overloaded-overloaded");
    }
}
