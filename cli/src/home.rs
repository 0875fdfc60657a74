//! Files in the tool's home, as its owner names them.

/// A path, with `~` for the home that it is in.
pub(crate) fn below(home: Option<&str>, path: &str) -> String {
    let home = home.map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
    let rest = home.and_then(|home| path.strip_prefix(home)).filter(|rest| rest.starts_with('/'));
    rest.map_or_else(|| path.to_owned(), |rest| format!("~{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_home_is_named_from_there() {
        for (home, path, told) in [
            (Some("/data/project/bot"), "/data/project/bot/a.out", "~/a.out"),
            (Some("/data/project/bot/"), "/data/project/bot/logs/a.out", "~/logs/a.out"),
            (Some("/data/project/bot"), "/data/project/bottle/a.out", "/data/project/bottle/a.out"),
            (Some("/"), "/dev/null", "/dev/null"),
            (None, "/data/project/bot/a.out", "/data/project/bot/a.out"),
        ] {
            assert_eq!(below(home, path), told);
        }
    }
}
