//! What the environment says of this machine.

use std::{env, ffi::OsString, path::PathBuf};

/// What is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `CARGO`: what builds the two programs.
    pub cargo: PathBuf,
    /// `HOME`: the user's, where a cluster's own command may keep things.
    pub home: OsString,
    /// `PATH`: where scripts find their programs.
    pub path: OsString,
    /// `TJF_REQUIRE_SHELLS`: a test whose program is missing fails, where it would be left out.
    pub must_be_complete: bool,
    /// `TJF_MATRIX_SEED`: the order in which faults are tried, to repeat one.
    pub matrix_seed: Option<u64>,
    /// `TJF_CHAOS_SEED`: the moments at which something goes wrong, to repeat them.
    pub chaos_seed: Option<u64>,
    /// `TJF_MATRIX_PART`: only the operations whose names contain it.
    pub matrix_part: Option<String>,
}

/// Gives the value of a variable, if it is set.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Machine {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "one of two places that read variables")]
    pub fn read() -> Self {
        Self::from(&|name| env::var_os(name))
    }

    fn from(variable: Variable<'_>) -> Self {
        let or = |name: &str, otherwise: &str| {
            variable(name).filter(|value| !value.is_empty()).unwrap_or_else(|| otherwise.into())
        };
        let number = |name| variable(name).and_then(|number| number.to_str()?.parse().ok());
        Self {
            cargo: or("CARGO", "cargo").into(),
            home: or("HOME", "/"),
            path: or("PATH", "/usr/local/bin:/usr/bin:/bin"),
            must_be_complete: variable("TJF_REQUIRE_SHELLS").is_some_and(|value| value == "1"),
            matrix_part: variable("TJF_MATRIX_PART").and_then(|part| part.into_string().ok()),
            matrix_seed: number("TJF_MATRIX_SEED"),
            chaos_seed: number("TJF_CHAOS_SEED"),
        }
    }

    /// Where a program is, if it can be found.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let mut paths = env::split_paths(&self.path).map(|folder| folder.join(program));
        paths.find(|path| path.is_file())
    }

    /// Whether a program can be found.
    pub fn has(&self, program: &str) -> bool {
        self.find(program).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let machine = Machine::from(&|name| (name != "HOME").then(OsString::new));
        assert_eq!(machine.cargo, PathBuf::from("cargo"));
        assert_eq!(machine.home, "/");
    }
}
