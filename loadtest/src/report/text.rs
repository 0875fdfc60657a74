//! The report for a terminal.

use std::fmt::{self, Display, Formatter};

use super::{Comparison, Ratio, Report, Row, StageReport, grouped, milliseconds};
use crate::plan::Operation;

/// Shows a report as text.
pub(crate) struct Text<'a>(pub(crate) &'a Report);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { server, tools, jobs, processors, seconds, .. } = self.0;
        writeln!(
            f,
            "{server}: {tools} tools with {jobs} jobs each; asked for {seconds:.0} s from a machine \
             with {processors} processors"
        )?;
        self.0.stages.iter().try_for_each(|stage| write_stage(f, stage))?;
        self.0.comparisons.iter().try_for_each(|comparison| write_comparison(f, comparison))?;
        self.write_memory(f)?;
        if !self.0.warnings.is_empty() {
            writeln!(f, "\nWarnings")?;
        }
        for warning in &self.0.warnings {
            writeln!(f, "  {warning}\n    → {}", warning.advice())?;
        }
        Ok(())
    }
}

impl Text<'_> {
    fn write_memory(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rss = || self.0.looks.iter().filter_map(|look| look.service_rss_kib);
        let (Some(first), Some(most)) = (rss().next(), rss().max()) else { return Ok(()) };
        let mib = |kib: u64| kib as f64 / 1024.0;
        writeln!(
            f,
            "\nMemory of the service: {:.1} MiB at first, {:.1} at most",
            mib(first),
            mib(most)
        )
    }
}

fn write_stage(f: &mut Formatter<'_>, stage: &StageReport) -> fmt::Result {
    let StageReport { name, description, seconds, good_per_s, failed_per_s, .. } = stage;
    writeln!(f, "\n{name}: {description}")?;
    writeln!(
        f,
        "  {good_per_s:.0} good answers a second, {failed_per_s:.1} failures a second, for {seconds:.1} s"
    )?;
    write_rows(f, &stage.rows)
}

fn write_comparison(f: &mut Formatter<'_>, comparison: &Comparison) -> fmt::Result {
    let callers = match comparison.callers {
        1 => "one caller".to_owned(),
        callers => format!("{callers} callers"),
    };
    writeln!(f, "\nSide by side: in turn, {callers}, kept connections")?;
    write_rows(f, &comparison.rows)?;
    for Ratio { of, p50, throughput } in &comparison.ratios {
        writeln!(
            f,
            "  {} / list: p50 {p50:.2}, and list has {throughput:.2} times its answers a second",
            of
        )?;
    }
    Ok(())
}

fn write_rows(f: &mut Formatter<'_>, rows: &[Row]) -> fmt::Result {
    writeln!(
        f,
        "  {:<18} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "good", "failed", "good/s", "bytes", "p50 ms", "p90 ms", "p99 ms", "max ms"
    )?;
    for row in rows {
        let Row { operation, good, failed, good_per_s, bytes, .. } = row;
        write!(
            f,
            "  {:<18} {:>9} {:>7} {good_per_s:>9.1} {:>9}",
            Operation::as_str(*operation),
            grouped(*good),
            grouped(*failed),
            grouped(*bytes)
        )?;
        match row.latency {
            Some(it) => {
                for us in [it.p50_us, it.p90_us, it.p99_us, it.max_us] {
                    write!(f, " {:>9}", milliseconds(us))?;
                }
                writeln!(f)?;
            }
            None => writeln!(f, " {:>9} {:>9} {:>9} {:>9}", "-", "-", "-", "-")?,
        }
        for (failure, count) in &row.failures {
            writeln!(f, "    {} × {failure}", grouped(*count))?;
        }
    }
    Ok(())
}
