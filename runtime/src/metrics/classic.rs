//! Prometheus' older text format, made of `OpenMetrics`.
//!
//! Samples are the same in both. The older format calls a counter by the name that its samples have,
//! and knows neither units nor the mark of the end.

/// Writes anew what the older format says otherwise.
pub(super) fn of_open_metrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        // The type follows the help.
        let names_a_counter =
            is_type_of_counter(line) || lines.peek().is_some_and(|next| is_type_of_counter(next));
        match line.strip_prefix("# ").and_then(|rest| split_description(rest)) {
            Some((keyword, name, rest)) if names_a_counter => {
                classic.extend(["# ", keyword, " ", name, "_total ", rest, "\n"]);
            }
            _ => classic.extend([line, "\n"]),
        }
    }
    classic
}

fn is_type_of_counter(line: &str) -> bool {
    line.starts_with("# TYPE ") && line.ends_with(" counter")
}

/// Keyword, name and rest.
fn split_description(line: &str) -> Option<(&str, &str, &str)> {
    let (keyword, line) = line.split_once(' ')?;
    let (name, rest) = line.split_once(' ')?;
    Some((keyword, name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_get_their_long_name_and_what_is_unknown_goes() {
        let open_metrics = "\
# HELP a Counted.
# TYPE a counter
a_total{b=\"c\"} 1
# HELP d_seconds Timed.
# TYPE d_seconds histogram
# UNIT d_seconds seconds
d_seconds_sum 0.5
# HELP e Now.
# TYPE e gauge
e 2
# HELP f Counted.
# TYPE f counter
# EOF
";
        let classic = "\
# HELP a_total Counted.
# TYPE a_total counter
a_total{b=\"c\"} 1
# HELP d_seconds Timed.
# TYPE d_seconds histogram
d_seconds_sum 0.5
# HELP e Now.
# TYPE e gauge
e 2
# HELP f_total Counted.
# TYPE f_total counter
";
        assert_eq!(of_open_metrics(open_metrics), classic);
    }
}
