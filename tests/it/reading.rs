//! A run whose sessions a model reads, killed between a question and its answer.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::common::{Place, stderr};

/// Never answers one question, counted from 0, and all others at once.
struct HoldsBack {
    question: usize,
    asked: AtomicUsize,
}

impl Respond for HoldsBack {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = ResponseTemplate::new(200).set_body_json(json!({
            "content": [{"type": "text", "text": "{\"signals\":[]}"}],
            "usage": {"input_tokens": 5_000, "output_tokens": 20},
        }));
        if n == self.question {
            answer.set_delay(Duration::from_secs(3_600))
        } else {
            answer
        }
    }
}

/// A session of about a dozen pieces.
fn long_session() -> String {
    let line = |second: u64, message: &Value| {
        let id = format!("{second:08x}");
        let at = format!("2026-03-01T10:{:02}:{:02}.000Z", second / 60, second % 60);
        json!({"type": "message", "id": id, "timestamp": at, "message": message}).to_string()
    };
    let mut lines = vec![
        json!({"type": "session", "version": 3, "id": "tale", "timestamp": "2026-03-01T10:00:00.000Z",
            "cwd": "/srv/agent"})
        .to_string(),
    ];
    for turn in 0..60 {
        let words = format!("chapter {turn} of the tale ").repeat(200);
        let user = json!({"role": "user", "content": [{"type": "text", "text": words}]});
        let said = json!({"role": "assistant", "stopReason": "stop",
            "content": [{"type": "text", "text": "And then?"}]});
        lines.push(line(2 * turn, &user));
        lines.push(line(2 * turn + 1, &said));
    }
    lines.join("\n") + "\n"
}

fn start(place: &Place, server: &MockServer) -> Child {
    let sessions = place.dir.path().join("sessions");
    let words = [
        "--id",
        "read",
        "--quiet",
        "--briefs",
        "0",
        "--llm",
        "anthropic",
    ];
    let mut command = place.run(&sessions, &words);
    command
        .args(["--llm-at-once", "1", "--llm-tokens", "200000"])
        .env("ANTHROPIC_API_KEY", "a-key")
        .env("ANTHROPIC_BASE_URL", server.uri())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn bodies(server: &MockServer) -> Vec<Vec<u8>> {
    let requests = server.received_requests().await.unwrap();
    requests.into_iter().map(|request| request.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_between_a_question_and_its_answer_asks_no_answered_question_again_and_has_spent_the_bound()
 {
    let server = MockServer::start().await;
    let holds_back = HoldsBack {
        question: 3,
        asked: AtomicUsize::new(0),
    };
    Mock::given(method("POST"))
        .and(path("/v1/messages"))
        .respond_with(holds_back)
        .mount(&server)
        .await;
    let place = Place::new();
    let sessions = place.dir.path().join("sessions");
    std::fs::create_dir(&sessions).unwrap();
    std::fs::write(sessions.join("tale.jsonl"), long_session()).unwrap();

    let mut child = start(&place, &server);
    let give_up = Instant::now() + Duration::from_secs(120);
    while bodies(&server).await.len() < 4 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended by itself"
        );
        assert!(Instant::now() < give_up, "the run makes no progress");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let output = start(&place, &server).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let bodies = bodies(&server).await;
    for (n, body) in bodies.iter().enumerate() {
        let times = bodies.iter().filter(|other| *other == body).count();
        assert_eq!(times, if n == 3 || n == 4 { 2 } else { 1 }, "question {n}");
    }
    let coverage = std::fs::read(place.out().join("coverage.json")).unwrap();
    let coverage: Value = serde_json::from_slice(&coverage).unwrap();
    let account = &coverage["llm"]["asking"]["account"];
    let answered = bodies.len() as u64 - 1;
    assert!(answered >= 8, "{answered}");
    assert_eq!(account["answered"], answered);
    assert_eq!(account["used"]["input_tokens"], answered * 5_000);
    assert_eq!(
        (&account["unanswered"], &account["lost"]["output_tokens"]),
        (&json!(1), &json!(3_000))
    );
    let lost = account["lost"]["input_tokens"].as_u64().unwrap();
    assert!((15_000..40_000).contains(&lost), "{lost}");
    assert_eq!(coverage["llm"]["sessions_read"], 1);
}
