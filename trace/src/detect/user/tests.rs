//! What people say, in the languages they say it in, and what only sounds like it.

use super::*;

fn label(text: &str) -> &'static str {
    said::judge(text).0.name()
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

#[test]
fn whole_turns_that_only_stop_the_agent_interrupt_it() {
    for text in [
        "stop",
        "WAIT",
        "hold on a second",
        "¡espera!",
        "warte mal",
        "等一下",
        "待って",
        "잠깐만",
        "стоп",
    ] {
        assert_eq!(label(text), "interrupt", "{text}");
    }
    for text in [
        "stop the mail server",
        "wait for the build",
        "stop?",
        "hold the door open",
    ] {
        assert_ne!(label(text), "interrupt", "{text}");
    }
}

#[test]
fn what_does_not_work_is_told_in_many_languages() {
    for text in [
        "the invoice form doesn't even load",
        "the door sensor is not responding",
        "la impresora no responde",
        "o aplicativo não carrega",
        "die Heizung startet einfach nicht",
        "le script ne démarre pas",
        "il bot non risponde",
        "сайт не открывается",
        "strona nie działa",
        "kapı açılmıyor",
        "aplikasinya tidak bisa dibuka",
        "ye button kaam nahi kar raha",
        "网页打不开",
        "画面が表示されません",
        "화면이 안 나와요",
        "2031-05-06 07:08:09 ERROR queue[2]: no such topic",
    ] {
        assert_eq!(label(text), "failure_report", "{text}");
    }
}

#[test]
fn questions_orders_and_conditions_about_failures_report_nothing() {
    for text in [
        "what does it mean when a pipe is broken?",
        "write a test for a form that doesn't load",
        "if the sensor is not responding, restart it",
        "it must not start before noon",
        "is the mail server down?",
        "was bedeutet es, wenn es hängt?",
        "please write a parser for lines like\n2031-05-06 07:08:09 ERROR queue[2]: no such topic",
        "translate: this is useless and I am so disappointed",
        "send 'this is so frustrating, I give up' to Bo",
        "no thanks",
        "nein danke",
        "不用了，谢谢",
        "what the hell is a semaphore lol",
        "tell Bo that I'm so sorry",
    ] {
        assert_eq!(label(text), "neutral", "{text}");
    }
}

#[test]
fn happy_swearing_and_bare_praise_are_delight() {
    for text in [
        "holy shit it compiles",
        "wtf this is amazing",
        "🎉🎉",
        "sehr schön, danke",
        "wow, that was quick",
        "太棒了",
        "bahut badhiya",
    ] {
        assert_eq!(label(text), "delight", "{text}");
    }
    for text in ["not impressive at all?", "great, next one"] {
        assert_ne!(label(text), "delight", "{text}");
    }
}

#[test]
fn a_suggestion_says_what_kind_of_idea_it_is() {
    for (text, want) in [
        ("next time ask me first", Idea::Improvement),
        ("ab jetzt immer auf Deutsch antworten", Idea::Improvement),
        ("次回からは先に聞いてください", Idea::Improvement),
        ("what if we tried a smaller model?", Idea::Experiment),
        (
            "let's test whether the short prompt is enough",
            Idea::Experiment,
        ),
        ("¿y si probamos con otro modelo?", Idea::Experiment),
        ("давай попробуем другую модель", Idea::Experiment),
        ("can you automatically archive old mail", Idea::Opportunity),
        (
            "it would be nice if you could warn me before it rains",
            Idea::Opportunity,
        ),
        (
            "seria legal se você me avisasse quando chegar encomenda",
            Idea::Opportunity,
        ),
        ("如果能自动提醒我就好了", Idea::Opportunity),
    ] {
        assert_eq!(said::judge(text).0, UserLabel::Suggestion(want), "{text}");
    }
}

#[test]
fn quoted_words_and_the_message_replied_to_are_not_the_persons() {
    for text in [
        "[Replying to Bo id:3]\nthis is unacceptable\n[/Replying]\nfile it under letters",
        "put \"you never listen to me\" on the poster",
        "print «es nervt mich» below",
    ] {
        assert_eq!(label(text), "neutral", "{text}");
    }
    assert_eq!(
        label("[Replying to Bo] this is unacceptable"),
        "frustration"
    );
}

#[test]
fn every_section_of_the_table_has_phrases() {
    let sections = words::sections();
    assert!(sections.len() > 20, "{sections:?}");
    for section in sections {
        assert!(words::table(section).next().is_some(), "{section}");
        assert!(
            words::table(section).all(|phrase| phrase == phrase.to_lowercase()),
            "{section}"
        );
    }
    // What the judge asks for exists: an empty list would make a rule silent.
    for section in [
        "again",
        "anger",
        "between",
        "content order",
        "contrast",
        "correction",
        "correction start",
        "delight",
        "experiment",
        "function",
        "goes on",
        "happy",
        "if",
        "lead",
        "make order",
        "modal start",
        "negation",
        "no order",
        "not",
        "opportunity",
        "order",
        "persona",
        "praise",
        "refusal",
        "report",
        "small",
        "stop",
        "stop filler",
        "suggestion",
        "thanks",
        "wh inside",
        "wh start",
        "wow",
    ] {
        assert!(words::table(section).next().is_some(), "{section}");
    }
}
