//! The page, by itself and in a browser.

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use super::*;
use crate::{meter::Second, report::Ratio, warning::Warning};

fn latency(us: u64) -> Option<Percentiles> {
    Some(Percentiles { p50_us: us, p90_us: us * 2, p99_us: us * 5, max_us: us * 20 })
}

fn row(operation: Operation, us: u64, failed: u64) -> Row {
    let failures = BTreeMap::from([("status <503>".to_owned(), failed)]);
    Row {
        operation,
        good: 12_345,
        failed,
        good_per_s: 823.0,
        bytes: 22_360,
        latency: latency(us),
        latency_of_failed: latency(us).filter(|_| failed > 0),
        failures: failures.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

/// One of everything that a report can have.
fn report() -> Report {
    let second = |second| Second {
        second,
        good: 800 + second * 7,
        failed: second / 5,
        p50_us: 180 + second,
        p99_us: 900 + second * 30,
    };
    let look = |number: u32| Look {
        at_s: f64::from(number) / 2.0,
        service_rss_kib: Some(18_000 + u64::from(number) * 90),
        service_cpu_percent: (number > 0).then_some(40.0 + f64::from(number % 7)),
        kubernetes_cpu_percent: (number > 0).then_some(12.0),
    };
    let stage = StageReport {
        name: "steady rate".to_owned(),
        description: "open loop".to_owned(),
        began_s: 1.0,
        seconds: 15.1,
        good_per_s: 823.0,
        failed_per_s: 1.0,
        unsent: 0,
        abandoned: 0,
        lateness: None,
        rows: vec![row(Operation::List, 190, 3), row(Operation::Run, 6_100, 0)],
        timeline: (0..16).map(second).collect(),
    };
    let compared = vec![row(Operation::List, 190, 0), row(Operation::Direct, 7_700, 0)];
    let ratios = vec![Ratio { of: Operation::Direct, p50: 40.5, throughput: 41.0 }];
    Report {
        server: "https://127.0.0.1:8443".to_owned(),
        tools: 10,
        jobs: 20,
        processors: 2,
        seconds: 18.0,
        stages: vec![stage],
        comparisons: vec![Comparison {
            callers: 1,
            began_s: 16.5,
            seconds: 1.5,
            rows: compared,
            ratios,
        }],
        looks: (0..36).map(look).collect(),
        warnings: vec![Warning::Errors { stage: "steady rate".to_owned(), failed: 3, of: 24_690 }],
    }
}

#[test]
fn the_page_needs_nothing_but_itself_and_hides_no_failure() {
    let page = page(&report());
    for foreign in ["<script", "<link", "<img", "@import", "url(", "src=", "href="] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(page.matches("<svg").count(), 6, "four over time, one a stage, one a comparison");
    assert!(page.contains("3 × status &lt;503&gt;"));
    assert!(page.contains("tile bad"));
    assert!(page.contains("latencies are of good answers only"));
    assert!(page.contains("40.5 ×"));
}

#[test]
fn what_was_not_measured_has_no_plot() {
    let report = Report { looks: Vec::new(), comparisons: Vec::new(), ..report() };
    let page = page(&report);
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(!page.contains("<h3>Memory"));
}

/// The browser, or nothing where there is none and none has to be.
#[expect(clippy::disallowed_methods, reason = "where this machine's programs are")]
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    let found = found.into_iter().find(|program| program.is_file());
    let must_be = std::env::var_os("TJF_REQUIRE_SHELLS").is_some_and(|value| value == "1");
    assert!(found.is_some() || !must_be, "install chromium");
    if found.is_none() {
        println!("left out: there is no chromium");
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a test, of a file that it has just written")]
#[test]
fn a_browser_shows_the_plots_and_prints_them() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("page.html"), page(&report())).unwrap();
    let shown = |how: &str| {
        let output = Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=900,1400"])
            .args(["--virtual-time-budget=1000", how])
            .arg(format!("--user-data-dir={}", file("profile").display()))
            .arg(format!("file://{}", file("page.html").display()))
            .env("HOME", folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let document = String::from_utf8(shown("--dump-dom")).unwrap();
    assert_eq!(document.matches("<svg").count(), 6);
    assert!(document.contains("<polyline") && document.contains("aria-label=\"Memory\""));
    // What is blank is a few kilobytes, whatever its size.
    shown(&format!("--screenshot={}", file("page.png").display()));
    let picture = std::fs::read(file("page.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 40_000, "{}", picture.len());
    shown(&format!("--print-to-pdf={}", file("page.pdf").display()));
    let printed = std::fs::read(file("page.pdf")).unwrap();
    assert!(printed.starts_with(b"%PDF") && printed.len() > 20_000, "{}", printed.len());
}
