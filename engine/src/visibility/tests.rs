//! The language: what reads as what, what is refused and where, and what it means for a run.

use kernel::primitives::workflow_execution::State;
use kernel::{Millis, RunId, SearchValue, Timestamp, WorkflowId};
use proptest::prelude::*;
use state::store::RunInfo;

use super::matches::{Value, value};
use super::query::{SYSTEM, status_name};
use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn run() -> RunInfo {
    RunInfo {
        workflow_id: WorkflowId::new("order-17"),
        run_id: RunId([7; 16]),
        workflow_type: "Ship".to_owned(),
        status: State::Failed,
        parent: None,
        started_at: Timestamp(NOW.0 - 7_200_000),
        closed_at: Some(Timestamp(NOW.0 - 3_600_000)),
        history_events: 40,
        history_bytes: 9_000,
        search_attributes: [
            ("Customer".to_owned(), SearchValue::from("acme")),
            ("Amount".to_owned(), SearchValue::Int(120)),
            ("Score".to_owned(), SearchValue::Double(0.5)),
            ("Urgent".to_owned(), SearchValue::Bool(true)),
            ("Due".to_owned(), SearchValue::Datetime(NOW)),
            (
                "Tags".to_owned(),
                SearchValue::from(vec!["red".to_owned(), "big".to_owned()]),
            ),
            (
                "Note".to_owned(),
                SearchValue::Text("Left at the Door, twice".to_owned()),
            ),
        ]
        .into(),
        memo: [].into(),
        failure: None,
    }
}

#[track_caller]
fn check(query: &str, expected: bool) {
    let query: Query = match query.parse() {
        Ok(query) => query,
        Err(error) => panic!("could not {error}"),
    };
    let filter = query.filter.unwrap();
    assert_eq!(filter.matches(&run(), NOW), expected, "{filter}");
}

#[test]
fn conditions_mean_what_they_say() {
    for (query, expected) in [
        ("WorkflowId = 'order-17'", true),
        ("WorkflowId STARTS_WITH \"order-\"", true),
        ("WorkflowType IN ('Bill', 'Ship')", true),
        ("WorkflowType NOT IN ('Bill', 'Ship')", false),
        ("ExecutionStatus != 'Failed'", false),
        ("StartTime > now - 3h AND StartTime < now - 1h", true),
        ("StartTime BETWEEN '2023-11-14' AND '2023-11-15'", true),
        ("CloseTime >= '2023-11-14T22:13:20+01:00'", true),
        ("CloseTime > '2023-11-14T21:13:20Z'", false),
        ("ExecutionDuration = '1h'", true),
        ("ExecutionDuration < 59m60s", false),
        ("HistoryLength BETWEEN 40 AND 41", true),
        ("HistorySizeBytes <= 8999", false),
        ("ParentWorkflowId IS NULL", true),
        ("ParentWorkflowId = 'x'", false),
        ("ParentWorkflowId != 'x'", true),
        ("NOT ParentWorkflowId = 'x'", true),
        ("Customer = 'acme' and Amount > 119.5", true),
        ("Amount = 120.0", true),
        ("Amount = 'acme'", false),
        ("Score >= 0.5 AND Score < 1", true),
        ("Urgent = true", true),
        ("Due = '2023-11-14T22:13:20Z'", true),
        ("Due <= now", true),
        ("Tags = 'red' AND Tags = 'big' AND NOT Tags = 'blue'", true),
        ("Tags STARTS_WITH 'b'", true),
        ("Note = 'door twice'", true),
        ("Note = 'doo'", false),
        ("`Customer` IS NOT NULL", true),
        ("Nothing IS NULL", true),
        ("Customer = 'a' OR Customer = 'acme' AND Amount = 120", true),
        (
            "(Customer = 'a' OR Customer = 'acme') AND Amount = 1",
            false,
        ),
    ] {
        check(query, expected);
    }
}

#[test]
fn an_error_points_at_its_place_and_says_what_would_be_right() {
    let deep = format!("{}Amount = 1", "(".repeat(60));
    let long = "x".repeat(20_000);
    for (query, column, says) in [
        ("ExecutionStatus = 'Faild'", 19, "'Failed'"),
        ("ExecutionStatus > 'Failed'", 17, "has no order"),
        ("ExecutionStatus BETWEEN 'a' AND 'b'", 17, "has no order"),
        ("StartTime > 'yesterday'", 13, "a time such as"),
        ("StartTime > now - 1", 19, "a duration"),
        ("HistoryLength = 'ten'", 17, "a whole number"),
        ("workflowtype = 'Ship'", 1, "WorkflowType, spelled so"),
        ("WorkflowType = 'Ship", 21, "the ' that ends"),
        ("WorkflowType = Ship", 16, "a text in quotes"),
        ("WorkflowType 'Ship'", 14, "an operator"),
        ("Größe ~ 3", 7, "operator"),
        ("(Amount = 1", 12, "AND, OR or )"),
        ("Amount = 1 Amount", 12, "ORDER BY"),
        ("Amount IN 1", 11, "("),
        ("Amount IS NOT 1", 15, "NULL"),
        ("Amount = 99999999999999999999", 10, "64 bits"),
        ("ORDER StartTime", 7, "BY"),
        ("AND", 1, "the name of an attribute"),
        (&deep, 51, "at most 50 levels"),
        (&long, 1, "at most 10000 bytes"),
    ] {
        let error = query.parse::<Query>().unwrap_err();
        assert_eq!(error.column, column, "{error}");
        assert!(error.expected.contains(says), "{error}");
    }
}

#[test]
fn the_caret_stands_below_the_place_in_short_and_long_queries() {
    let error = "Größe = 1 AND Amount == = 2".parse::<Query>().unwrap_err();
    let expected = "read the query: column 25: expected a text in quotes, a number, true, false or \
                    now, found `=`\n    Größe = 1 AND Amount == = 2\n                            ^";
    assert_eq!(error.to_string(), expected);

    let long = format!(
        "{}Amount = ; {}",
        "Amount = 1 OR ".repeat(20),
        "x".repeat(200)
    );
    let error = long.parse::<Query>().unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    let caret = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][caret..=caret], ";");
    assert!(lines[1].len() < 130);
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000_i64..253_402_300_800_000).prop_map(Timestamp)
}

fn any_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any_text().prop_map(Literal::Text),
        any::<i64>().prop_map(Literal::Int),
        (-4_i64..4).prop_map(Literal::Int),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Literal::Double),
        Just(Literal::Double(0.5)),
        any::<bool>().prop_map(Literal::Bool),
        (-1_000_000_i64..1_000_000).prop_map(Literal::Now),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,2}", any::<String>()]
}

fn any_operator() -> impl Strategy<Value = Operator> {
    prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::AtMost,
        Operator::Greater,
        Operator::AtLeast,
    ])
}

fn any_name() -> impl Strategy<Value = Field> {
    let known = prop::sample::select(vec![
        "Amount",
        "Tags",
        "Customer",
        "and",
        "a b",
        "StartTime",
    ]);
    prop_oneof![known.prop_map(str::to_owned), "\\PC{1,6}"].prop_map(Field::Custom)
}

fn any_condition() -> impl Strategy<Value = Filter> {
    let text = prop::sample::select(vec![
        Field::WorkflowId,
        Field::ParentWorkflowId,
        Field::RunId,
    ]);
    let whole = prop::sample::select(vec![Field::HistoryLength, Field::HistorySizeBytes]);
    let time = prop::sample::select(vec![Field::StartTime, Field::CloseTime]);
    let status = prop::sample::select(vec![State::Running, State::TimedOut, State::Failed]);
    prop_oneof![
        (any_name(), any_operator(), any_literal()).prop_map(|(f, o, l)| Filter::Compare(f, o, l)),
        (any_name(), any_literal(), any_literal()).prop_map(|(f, a, b)| Filter::Between(f, a, b)),
        (any_name(), prop::collection::vec(any_literal(), 1..4))
            .prop_map(|(f, l)| Filter::In(f, l)),
        (any_name(), any_text()).prop_map(|(f, t)| Filter::StartsWith(f, t)),
        any_name().prop_map(Filter::IsNull),
        (text, any_operator(), any_text()).prop_map(|(f, o, t)| Filter::Compare(
            f,
            o,
            Literal::Text(t)
        )),
        (whole, any_operator(), 0_i64..60).prop_map(|(f, o, n)| Filter::Compare(
            f,
            o,
            Literal::Int(n)
        )),
        (time, any_operator(), any_time()).prop_map(|(f, o, at)| Filter::Compare(
            f,
            o,
            Literal::Time(at)
        )),
        (any_operator(), any::<u64>()).prop_map(|(o, ms)| {
            Filter::Compare(Field::ExecutionDuration, o, Literal::Duration(Millis(ms)))
        }),
        status.prop_map(|status| {
            let name = Literal::Text(status_name(status).to_owned());
            Filter::Compare(Field::ExecutionStatus, Operator::Equal, name)
        }),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    any_condition().prop_recursive(4, 24, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(Filter::And),
            several.prop_map(Filter::Or),
            inner.prop_map(|one| Filter::Not(Box::new(one))),
        ]
    })
}

fn any_query() -> impl Strategy<Value = Query> {
    let system = prop::sample::select(SYSTEM.map(|(_, field)| field).to_vec());
    let direction = prop::sample::select(vec![Direction::Ascending, Direction::Descending]);
    let order = (prop_oneof![system, any_name()], direction)
        .prop_map(|(field, direction)| OrderBy { field, direction });
    (prop::option::of(any_filter()), prop::option::of(order))
        .prop_map(|(filter, order)| Query { filter, order })
}

/// What the filter means, worked out a second way: every condition by its table of truth on
/// [`Oracle`] values, every connective by counting.
fn oracle(filter: &Filter, info: &RunInfo) -> bool {
    match filter {
        Filter::And(all) => all.iter().filter(|one| !oracle(one, info)).count() == 0,
        Filter::Or(all) => all.iter().filter(|one| oracle(one, info)).count() > 0,
        Filter::Not(one) => !oracle(one, info),
        Filter::Compare(field, operator, literal) => {
            let holds = |wanted: &[i32]| {
                let signs = signs(info, field, literal);
                signs.iter().any(|sign| wanted.contains(sign))
            };
            match operator {
                Operator::Equal => holds(&[0]),
                Operator::NotEqual => !holds(&[0]),
                Operator::Less => holds(&[-1]),
                Operator::AtMost => holds(&[-1, 0]),
                Operator::Greater => holds(&[1]),
                Operator::AtLeast => holds(&[0, 1]),
            }
        }
        Filter::In(field, literals) => literals
            .iter()
            .any(|literal| signs(info, field, literal).contains(&0)),
        Filter::Between(field, low, high) => {
            let (low, high) = (signs(info, field, low), signs(info, field, high));
            low.iter().any(|sign| *sign >= 0) && high.iter().any(|sign| *sign <= 0)
        }
        Filter::StartsWith(field, prefix) => texts(info, field)
            .iter()
            .any(|text| text.find(prefix.as_str()) == Some(0)),
        Filter::IsNull(field) => value(info, field).is_none(),
    }
}

/// -1, 0, 1 of each value of a field against a literal of its type.
fn signs(info: &RunInfo, field: &Field, literal: &Literal) -> Vec<i32> {
    let sign = |order: std::cmp::Ordering| order as i32;
    match (value(info, field), literal) {
        (Some(Value::Time(at)), Literal::Time(wanted)) => vec![sign(at.0.cmp(&wanted.0))],
        (Some(Value::Time(at)), Literal::Now(ms)) => vec![sign((at.0 - ms).cmp(&NOW.0))],
        (Some(Value::Duration(took)), Literal::Duration(wanted)) => vec![sign(took.cmp(wanted))],
        (Some(Value::Int(n)), Literal::Int(m)) => vec![sign(n.cmp(m))],
        // The whole numbers of these tests are small enough to be doubles.
        #[expect(clippy::cast_precision_loss, reason = "small")]
        (Some(Value::Int(n)), Literal::Double(m)) => vec![sign((n as f64).total_cmp(m))],
        (_, Literal::Text(wanted)) => {
            let texts = texts(info, field);
            texts
                .iter()
                .map(|text| sign(text.as_str().cmp(wanted)))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn texts(info: &RunInfo, field: &Field) -> Vec<String> {
    match value(info, field) {
        Some(Value::Word(word) | Value::Text(word)) => vec![word.to_owned()],
        Some(Value::OwnedWord(word)) => vec![word],
        Some(Value::Words(words)) => words.to_vec(),
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_query_reads_back_from_its_text(query in any_query()) {
        let text = query.to_string();
        prop_assert_eq!(text.parse::<Query>().map_err(|e| e.to_string()), Ok(query), "{}", text);
    }

    #[test]
    fn a_filter_and_the_oracle_agree(
        filter in any_filter(),
        amount in -4_i64..60,
        tags in prop::collection::vec("[a-c]{0,2}", 0..3),
        closed in any::<bool>(),
    ) {
        let mut info = run();
        info.search_attributes.insert("Amount".to_owned(), SearchValue::Int(amount));
        info.search_attributes.insert("Tags".to_owned(), SearchValue::KeywordList(tags));
        info.closed_at = info.closed_at.filter(|_| closed);
        prop_assert_eq!(filter.matches(&info, NOW), oracle(&filter, &info), "{}", filter);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        if let Err(error) = text.parse::<Query>() {
            prop_assert!(error.column <= text.chars().count() + 1);
            prop_assert_eq!(error.to_string().lines().count(), 3);
        }
    }

    #[test]
    fn no_heap_of_words_makes_the_reader_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "AND", "OR", "NOT", "(", ")", ",", "Amount", "StartTime", "=", "<", "'a'", "'", "`", "1",
            "-", "1e9999", "now", "1h", "IN", "BETWEEN", "IS", "NULL", "ORDER", "BY", "ü", "\"",
        ]), 0..30),
        space in prop::sample::select(vec!["", " "]),
    ) {
        let text = words.join(space);
        if let Ok(query) = text.parse::<Query>() {
            prop_assert_eq!(query.to_string().parse::<Query>(), Ok(query));
        }
    }
}
