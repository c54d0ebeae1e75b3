//! What people say, in the languages they say it in, and what only sounds like it.

use super::*;

fn label(text: &str) -> &'static str {
    judge_text(text).0.name()
}

#[test]
fn anger_and_repetition_are_frustration() {
    for text in [
        "wtf, I said the left column",
        "so you lied again?",
        "why is this not working",
        "I already told you to keep the header",
        "it's still broken",
        "ya te dije que no",
        "já falei isso ontem",
        "das geht immer noch nicht",
        "怎么又错了",
        "何度も言ったのに",
        "WHERE IS MY REPORT NOW",
        "hello??",
    ] {
        assert_eq!(label(text), "frustration", "{text}");
    }
}

#[test]
fn calm_corrections_are_their_own_label() {
    for text in [
        "no, put it into the footer",
        "but the test already covers that, right?",
        "that's not what the spec says",
        "you forgot the second file",
        "mas eu queria a outra versão",
        "不对，应该是左边",
    ] {
        assert_eq!(label(text), "correction", "{text}");
    }
}

#[test]
fn reports_suggestions_and_delight() {
    for (text, want) in [
        (
            "the login page is not working on my phone",
            "failure_report",
        ),
        (
            "--- FAIL: TestDoor (0.01s)\n    door_test.go:3: closed",
            "failure_report",
        ),
        ("no funciona el botón", "failure_report"),
        ("为什么不能访问桌面", "failure_report"),
        ("ok, works. great", "delight"),
        ("perfect", "delight"),
        ("this is awesome", "delight"),
        ("太好了", "delight"),
        ("it would be nice if you sent it at nine", "suggestion"),
    ] {
        assert_eq!(label(text), want, "{text}");
    }
}

#[test]
fn plain_speech_is_neutral() {
    for text in [
        "Great, now do the same for the other test",
        "No thanks",
        "No plugins?",
        "ok",
        "thanks, I will try it soon",
        "try again with the new key",
        "hello are you there?",
        "send it in error.log format",
        "put FOO_BAR=1 into the env",
        "```\nwtf this is code\n```\nexplain",
        "> are you kidding\nwho wrote that?",
        "fuck yeah nice, next one please",
        "wie spät ist es",
    ] {
        let got = label(text);
        assert!(matches!(got, "neutral" | "delight"), "{text}: {got}");
    }
}

#[test]
fn a_document_is_not_a_mood() {
    let document = format!(
        "Summary of the meeting.\n{}\nPlease file it.",
        "It was a useless, frustrating quarter. ".repeat(60)
    );
    let middle_only = format!(
        "{}{document}{}",
        "Intro words go here. ".repeat(30),
        " Closing words go here.".repeat(30)
    );
    assert_eq!(label(&middle_only), "neutral");
}

#[test]
fn a_quote_is_always_a_slice_of_the_words() {
    let long = format!(
        "{} you forgot the ÄÖÜ file {}",
        "wörter ".repeat(200),
        "mehr ".repeat(200)
    );
    for (human, phrase) in [
        (long.as_str(), "you forgot"),
        ("İİİİ wtf", "wtf"),
        ("a\n\nb", ""),
        ("", "x"),
    ] {
        let quote = quote_around(human, phrase);
        assert!(
            human.contains(quote) && quote.len() <= QUOTE_BYTES,
            "{quote}"
        );
    }
}
