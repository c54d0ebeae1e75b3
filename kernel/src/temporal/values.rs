//! Values inside events, both ways: payloads, failures, policies, the names of enums.

use serde_json::{Map, Value, json};

use super::base64;
use super::time;
use crate::failure::{Failure, FailureKind, Retry, TimeoutType};
use crate::ids::{Millis, RunId};
use crate::limits;
use crate::marker::LocalOutcome;
use crate::options::{ParentClosePolicy, RetryPolicy, RetryState};
use crate::payload::{Encoding, Payload};
use crate::visibility::SearchValue;

/// The key in headers under which this engine keeps what Temporal has no field for.
pub(super) const HEADER: &str = "openclaw-trace";
/// The encoding of a value that is not there.
const NOTHING: &str = "binary/null";
/// Marks the details of a run that was reset.
const REPLACED_BY: &str = "openclaw-trace/reset";

pub(super) fn payload(payload: &Payload) -> Value {
    json!({
        "metadata": { "encoding": base64::encode(payload.encoding.name().as_bytes()) },
        "data": base64::encode(&payload.data),
    })
}

pub(super) fn payloads(one: &Payload) -> Value {
    json!({ "payloads": [payload(one)] })
}

/// The run that took another one's place, as the details of a termination: Temporal has no field for it.
pub(super) fn replaced_by(next: RunId) -> Value {
    let next = Payload::json(&next.to_string()).unwrap_or_else(|_| Payload::null());
    let mut details = payloads(&next);
    details["payloads"][0]["metadata"]["kind"] = json!(base64::encode(REPLACED_BY.as_bytes()));
    details
}

/// The run that the details of a termination name, if this engine wrote them.
pub(super) fn read_replaced_by(details: Option<&Value>) -> Option<RunId> {
    let payload = details?.get("payloads")?.get(0)?;
    let kind = payload.get("metadata")?.get("kind")?.as_str()?;
    if base64::decode(kind)? != REPLACED_BY.as_bytes() {
        return None;
    }
    let next: String = read_payload(payload).ok()??.decode().ok()?;
    next.parse().ok()
}

/// A payload that takes a value away.
pub(super) fn no_payload() -> Value {
    json!({ "metadata": { "encoding": base64::encode(NOTHING.as_bytes()) } })
}

/// Reads a payload; `Ok(None)` is one that holds nothing.
pub(super) fn read_payload(value: &Value) -> Result<Option<Payload>, String> {
    let bytes = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(value) => base64::decode(value.as_str()?),
    };
    let encoding = value.get("metadata").and_then(|all| all.get("encoding"));
    let encoding = bytes(encoding).and_then(|bytes| String::from_utf8(bytes).ok());
    let (Some(encoding), Some(data)) = (encoding, bytes(value.get("data"))) else {
        return Err("a payload is not in base64".to_owned());
    };
    Ok(match encoding.as_str() {
        NOTHING => None,
        "json/plain" => Some(Payload {
            encoding: Encoding::JsonPlain,
            data,
        }),
        _ => Some(Payload {
            encoding: Encoding::Named(encoding),
            data,
        }),
    })
}

/// Reads the one payload of a list; an empty list is `null`.
pub(super) fn read_payloads(value: Option<&Value>) -> Result<Payload, String> {
    let list = value
        .and_then(|value| value.get("payloads"))
        .and_then(Value::as_array);
    match list.map(Vec::as_slice).unwrap_or_default() {
        [] => Ok(Payload::null()),
        [one] => Ok(read_payload(one)?.unwrap_or_else(Payload::null)),
        more => Err(format!(
            "it has {} values where this engine takes one",
            more.len()
        )),
    }
}

/// A search attribute, with its type beside it as Temporal writes it.
pub(super) fn search_value(value: &SearchValue) -> Value {
    let plain = match value {
        SearchValue::Keyword(text) | SearchValue::Text(text) => json!(text),
        SearchValue::Int(n) => json!(n),
        SearchValue::Double(n) => json!(n),
        SearchValue::Bool(yes) => json!(yes),
        SearchValue::Datetime(at) => json!(time::write(*at)),
        SearchValue::KeywordList(words) => json!(words),
    };
    json!({
        "metadata": {
            "encoding": base64::encode(b"json/plain"),
            "type": base64::encode(value.type_name().as_bytes()),
        },
        "data": base64::encode(plain.to_string().as_bytes()),
    })
}

/// Reads a search attribute; `Ok(None)` takes it away.
pub(super) fn read_search_value(value: &Value) -> Result<Option<SearchValue>, String> {
    let Some(payload) = read_payload(value)? else {
        return Ok(None);
    };
    let wrong = || "a search attribute does not fit its type".to_owned();
    let kind = value.get("metadata").and_then(|all| all.get("type"));
    let kind = kind.and_then(Value::as_str).and_then(base64::decode);
    let plain: Value = payload.decode().map_err(|_| wrong())?;
    let text = || plain.as_str().map(ToOwned::to_owned);
    let value = match kind.unwrap_or_default().as_slice() {
        b"Int" => plain.as_i64().map(SearchValue::Int),
        b"Double" => plain.as_f64().map(SearchValue::Double),
        b"Bool" => plain.as_bool().map(SearchValue::Bool),
        b"Datetime" => plain
            .as_str()
            .and_then(time::read)
            .map(SearchValue::Datetime),
        b"Text" => text().map(SearchValue::Text),
        b"KeywordList" => payload.decode().ok().map(SearchValue::KeywordList),
        _ => text().map(SearchValue::Keyword),
    };
    value.map(Some).ok_or_else(wrong)
}

/// A value by the name of its field; a list of changes in Temporal's shape.
pub(super) fn named<'a, T: 'a>(
    all: impl Iterator<Item = (&'a String, T)>,
    one: impl Fn(T) -> Value,
) -> Value {
    Value::Object(
        all.map(|(name, value)| (name.clone(), one(value)))
            .collect(),
    )
}

pub(super) fn failure(failure: &Failure) -> Value {
    let mut value = Map::new();
    value.insert("message".to_owned(), json!(failure.message));
    let is_permanent = failure.retry == Retry::Permanent;
    let (key, info) = match failure.kind {
        FailureKind::Application => {
            let mut info = json!({ "type": failure.error_type, "nonRetryable": is_permanent });
            if let Some(delay) = failure.next_retry_delay {
                info["nextRetryDelay"] = json!(time::write_duration(delay));
            }
            ("applicationFailureInfo", info)
        }
        FailureKind::Timeout(timeout) => {
            let info = json!({ "timeoutType": timeout_name(timeout) });
            ("timeoutFailureInfo", info)
        }
        FailureKind::Canceled => ("canceledFailureInfo", json!({})),
        FailureKind::Terminated => ("terminatedFailureInfo", json!({})),
        FailureKind::Internal => {
            let info = json!({ "nonRetryable": is_permanent });
            ("serverFailureInfo", info)
        }
    };
    value.insert(key.to_owned(), info);
    if let Some(cause) = &failure.cause {
        value.insert("cause".to_owned(), self::failure(cause));
    }
    Value::Object(value)
}

/// Reads how a local activity ended from its marker and the data in it.
pub(super) fn read_local_outcome(data: &Value, fields: &Value) -> Result<LocalOutcome, String> {
    let failed = fields.get("failure").filter(|failure| failure.is_object());
    let Some(failure) = failed
        .map(|failure| read_failure(Some(failure)))
        .transpose()?
    else {
        let result = fields
            .get("details")
            .and_then(|details| details.get("result"));
        return Ok(LocalOutcome::Completed(read_payloads(result)?));
    };
    Ok(match read_limit(data.get("backoff"))? {
        None => LocalOutcome::Failed(failure),
        Some(delay) => LocalOutcome::BackOff { failure, delay },
    })
}

/// Reads a failure. One that only says which activity or child failed is its cause.
pub(super) fn read_failure(value: Option<&Value>) -> Result<Failure, String> {
    let Some(value) = value.filter(|value| value.is_object()) else {
        return Err("it has no failure".to_owned());
    };
    let mut links = Vec::new();
    let mut next = Some(value);
    while let Some(value) = next.filter(|_| links.len() < limits::FAILURE_CAUSES_MAX) {
        next = value.get("cause").filter(|cause| cause.is_object());
        let is_wrapper = value.get("activityFailureInfo").is_some()
            || value.get("childWorkflowExecutionFailureInfo").is_some();
        if !is_wrapper || next.is_none() {
            links.push(read_link(value)?);
        }
    }
    let linked = links
        .into_iter()
        .rev()
        .reduce(|cause, link| link.caused_by(cause));
    linked.ok_or_else(|| "it has no failure".to_owned())
}

fn read_link(value: &Value) -> Result<Failure, String> {
    let message = value
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_set = |info: &Value, key: &str| info.get(key).and_then(Value::as_bool) == Some(true);
    if let Some(info) = value.get("applicationFailureInfo") {
        let error_type = info.get("type").and_then(Value::as_str).unwrap_or_default();
        let failure = if is_set(info, "nonRetryable") {
            Failure::permanent(error_type, message)
        } else {
            Failure::retryable(error_type, message)
        };
        return Ok(match read_limit(info.get("nextRetryDelay"))? {
            Some(delay) => failure.retry_after(delay),
            None => failure,
        });
    }
    if let Some(info) = value.get("timeoutFailureInfo") {
        return Ok(Failure::timeout(
            read_timeout(info.get("timeoutType"))?,
            message,
        ));
    }
    if value.get("canceledFailureInfo").is_some() {
        return Ok(Failure::canceled(message));
    }
    if value.get("terminatedFailureInfo").is_some() {
        return Ok(Failure::terminated(message));
    }
    let mut failure = Failure::internal(message);
    if let Some(info) = value.get("serverFailureInfo")
        && !is_set(info, "nonRetryable")
    {
        failure.retry = Retry::Retryable;
    }
    Ok(failure)
}

fn timeout_name(timeout: TimeoutType) -> &'static str {
    match timeout {
        TimeoutType::ScheduleToStart => "TIMEOUT_TYPE_SCHEDULE_TO_START",
        TimeoutType::StartToClose => "TIMEOUT_TYPE_START_TO_CLOSE",
        TimeoutType::ScheduleToClose => "TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",
        TimeoutType::Heartbeat => "TIMEOUT_TYPE_HEARTBEAT",
    }
}

fn read_timeout(value: Option<&Value>) -> Result<TimeoutType, String> {
    Ok(match bare(value, "TIMEOUT_TYPE_").as_str() {
        "ScheduleToStart" => TimeoutType::ScheduleToStart,
        "StartToClose" => TimeoutType::StartToClose,
        "ScheduleToClose" => TimeoutType::ScheduleToClose,
        "Heartbeat" => TimeoutType::Heartbeat,
        other => return Err(format!("{other:?} is no type of a timeout")),
    })
}

/// The timeout that a failure tells of.
pub(super) fn timeout_of(failure: &Failure) -> Option<TimeoutType> {
    match failure.kind {
        FailureKind::Timeout(timeout) => Some(timeout),
        FailureKind::Application
        | FailureKind::Canceled
        | FailureKind::Terminated
        | FailureKind::Internal => None,
    }
}

pub(super) fn retry_state(state: RetryState) -> &'static str {
    match state {
        RetryState::NonRetryableFailure => "RETRY_STATE_NON_RETRYABLE_FAILURE",
        RetryState::Timeout => "RETRY_STATE_TIMEOUT",
        RetryState::MaximumAttemptsReached => "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED",
        RetryState::CancelRequested => "RETRY_STATE_CANCEL_REQUESTED",
    }
}

/// Reads why there is no further attempt; `None` for reasons that this engine does not tell apart.
pub(super) fn read_retry_state(value: Option<&Value>) -> Option<RetryState> {
    match bare(value, "RETRY_STATE_").as_str() {
        "NonRetryableFailure" => Some(RetryState::NonRetryableFailure),
        "Timeout" => Some(RetryState::Timeout),
        "MaximumAttemptsReached" => Some(RetryState::MaximumAttemptsReached),
        "CancelRequested" => Some(RetryState::CancelRequested),
        _ => None,
    }
}

pub(super) fn close_policy(policy: ParentClosePolicy) -> &'static str {
    match policy {
        ParentClosePolicy::Terminate => "PARENT_CLOSE_POLICY_TERMINATE",
        ParentClosePolicy::RequestCancel => "PARENT_CLOSE_POLICY_REQUEST_CANCEL",
        ParentClosePolicy::Abandon => "PARENT_CLOSE_POLICY_ABANDON",
    }
}

pub(super) fn read_close_policy(value: Option<&Value>) -> ParentClosePolicy {
    match bare(value, "PARENT_CLOSE_POLICY_").as_str() {
        "Abandon" => ParentClosePolicy::Abandon,
        "RequestCancel" => ParentClosePolicy::RequestCancel,
        _ => ParentClosePolicy::Terminate,
    }
}

pub(super) fn retry_policy(policy: &RetryPolicy) -> Value {
    json!({
        "initialInterval": time::write_duration(policy.initial_interval),
        "backoffCoefficient": policy.backoff_coefficient,
        "maximumInterval": time::write_duration(policy.maximum_interval),
        "maximumAttempts": policy.maximum_attempts,
        "nonRetryableErrorTypes": policy.non_retryable_error_types,
    })
}

pub(super) fn read_retry_policy(value: &Value) -> Result<RetryPolicy, String> {
    let default = RetryPolicy::default();
    let initial_interval = read_limit(value.get("initialInterval"))?;
    let initial_interval = initial_interval.unwrap_or(default.initial_interval);
    let maximum_interval = read_limit(value.get("maximumInterval"))?;
    let types = value
        .get("nonRetryableErrorTypes")
        .and_then(Value::as_array);
    let types = types.into_iter().flatten().filter_map(Value::as_str);
    let policy = RetryPolicy {
        initial_interval,
        backoff_coefficient: value
            .get("backoffCoefficient")
            .and_then(Value::as_f64)
            .unwrap_or(default.backoff_coefficient),
        maximum_interval: maximum_interval
            .unwrap_or(Millis(initial_interval.0.saturating_mul(100))),
        maximum_attempts: number(value.get("maximumAttempts"))
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(default.maximum_attempts),
        non_retryable_error_types: types.map(ToOwned::to_owned).collect(),
    };
    if policy.is_valid() {
        Ok(policy)
    } else {
        Err("the backoff coefficient of a retry policy is below 1".to_owned())
    }
}

/// A timeout or interval; Temporal writes none as zero.
pub(super) fn read_limit(value: Option<&Value>) -> Result<Option<Millis>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let duration = value.as_str().and_then(time::read_duration);
    let duration = duration.ok_or_else(|| format!("{value} is no duration, as \"1.5s\" is"))?;
    Ok(Some(duration).filter(|duration| *duration != Millis(0)))
}

/// A number, which protobuf's JSON may have as text.
pub(super) fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The name of an enum's value without its prefix, in the older way of writing: `TimerFired` for
/// both `EVENT_TYPE_TIMER_FIRED` and `TimerFired`.
pub(super) fn bare(value: Option<&Value>, prefix: &str) -> String {
    let name = value.and_then(Value::as_str).unwrap_or_default();
    let Some(name) = name.strip_prefix(prefix) else {
        return name.to_owned();
    };
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_owned() + &rest.to_ascii_lowercase()
    });
    words.collect()
}

/// The other way: `EVENT_TYPE_TIMER_FIRED` for `TimerFired`.
pub(super) fn screaming(name: &str, prefix: &str) -> String {
    let mut out = prefix.trim_end_matches('_').to_owned();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

/// The field of an event that holds its attributes: `timerFiredEventAttributes`.
pub(super) fn attributes_key(name: &str) -> String {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("{}{rest}EventAttributes", first.to_ascii_lowercase())
}
