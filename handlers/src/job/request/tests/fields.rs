use super::*;

#[test]
fn what_is_not_given_has_the_documented_default() {
    let job = check(request()).unwrap();
    assert_eq!((job.name.as_str(), job.tool.as_str()), ("a", "tf-test"));
    assert_eq!(job.image, "registry.example/busybox:1");
    let log = |extension: &str| format!("{HOME}/a.{extension}");
    assert_eq!(
        job.spec,
        Spec {
            cmd: "true".to_owned(),
            imagename: "tf-busybox".to_owned(),
            kind: JobKind::OneOff { retry: 0, timeout: None },
            logs: Some(Logs { stdout: log("out"), stderr: log("err") }),
            memory: None,
            cpu: None,
            emails: Emails::None,
            mount: Mount::All,
            env: BTreeMap::new(),
            given: Given::default(),
            idempotency_key: Some("k".to_owned()),
        }
    );
}

#[test]
fn a_name_is_a_label_of_at_most_52_characters() {
    for name in ["a", "0", "a-b", "my--bot", &"a".repeat(52)] {
        let job = check(RunRequest { name: text(name), ..request() }).unwrap();
        assert_eq!(job.name.as_str(), name);
    }
    let long = "a".repeat(53);
    for name in [
        "",
        "Upper",
        "under_score",
        "dot.ted",
        "trailing-",
        "-leading",
        "a b",
        "a/b",
        "..",
        "ünï",
        "new\nline",
        "a\n",
        "\na",
        "a\0",
        "٣",
        &long,
    ] {
        let refused = refused(RunRequest { name: text(name), ..request() });
        assert_eq!(refused, Some(("name", Rule::Request)), "{name:?}");
    }
}

#[test]
fn a_job_without_a_name_is_called_after_its_command() {
    for (cmd, name) in [
        ("./bin/My_Bot.py --all", "my-bot-py-bbbbb"),
        ("'quoted name' x", "quoted-bbbbb"),
        ("$(date); b", "date-bbbbb"),
        ("# nothing", "job-bbbbb"),
        (&"a".repeat(60), &("a".repeat(46) + "-bbbbb")),
    ] {
        let request = RunRequest { name: None, cmd: cmd.to_owned(), ..request() };
        assert_eq!(check(request).unwrap().name.as_str(), name, "{cmd:?}");
    }
}

#[test]
fn a_command_is_any_text_of_one_byte_to_8_kibibytes_and_stays_as_it_is() {
    let (longest, widest) = ("x".repeat(8192), "ü".repeat(4096));
    for cmd in [
        "x",
        " ",
        "a; b",
        "a | b && c",
        "a # comment",
        r#"echo "it's" 'a "b"'"#,
        "a\nb\n",
        "$(date) `date` $$ ${X}",
        "-n",
        "--",
        "\t\u{1b}\r",
        &longest,
        &widest,
    ] {
        let job = check(RunRequest { cmd: cmd.to_owned(), ..request() }).unwrap();
        assert_eq!(job.spec.cmd, cmd);
    }
    for cmd in ["", "a\0b", "\0", &(longest.clone() + "x"), &(widest.clone() + "x")] {
        let refused = refused(RunRequest { cmd: cmd.to_owned(), ..request() });
        assert_eq!(refused, Some(("cmd", Rule::Request)), "{} bytes", cmd.len());
    }
}

/// Whoever sent nothing is not told of what is too long, and the other way round.
#[test]
fn each_bound_has_a_sentence_of_its_own() {
    let table: [(Change, &str); 8] = [
        (|it| it.cmd = String::new(), "the command is empty: write what is to run"),
        (
            |it| it.cmd = "x".repeat(8193),
            "a command has at most 8192 bytes, not 8193: put a longer one into a script",
        ),
        (
            |it| it.filelog_stdout = text(""),
            "the log path is empty: write a file's path, or leave it out",
        ),
        (
            |it| it.filelog_stderr = text(&"x".repeat(1025)),
            "a log path has at most 1024 bytes, not 1025",
        ),
        (|it| it.filelog_stdout = text("a\tb"), "a log path can't contain control characters"),
        (
            |it| it.env = Some(BTreeMap::from([(String::new(), String::new())])),
            "`` is not the name of a variable: use letters, digits and `_`",
        ),
        (
            |it| it.env = Some(BTreeMap::from([("=".repeat(1000), String::new())])),
            "`========================================…` is not the name of a variable: use letters, \
             digits and `_`",
        ),
        (
            |it| it.env = Some((0..257).map(|i| (format!("V{i}"), String::new())).collect()),
            "a job may have 256 variables, not 257",
        ),
    ];
    for (change, sentence) in table {
        assert_eq!(check(changed(change)).unwrap_err().detail, sentence);
    }
}

#[test]
fn numbers_have_their_ranges() {
    fn retry(request: &mut RunRequest, n: i64) {
        request.retry = Some(n);
    }
    fn timeout(request: &mut RunRequest, n: i64) {
        request.timeout = Some(n);
    }
    fn replicas(request: &mut RunRequest, n: i64) {
        request.continuous = Some(true);
        request.replicas = Some(n);
    }
    type Set = fn(&mut RunRequest, i64);
    let table: [(&str, Set, i64, i64); 3] = [
        ("retry", retry, 0, 5),
        ("timeout", timeout, 1, 2_147_483_647),
        ("replicas", replicas, 0, 16),
    ];
    for (field, set, min, max) in table {
        let with = |number| {
            let mut request = request();
            set(&mut request, number);
            refused(request)
        };
        assert_eq!((with(min), with(max)), (None, None), "{field}");
        for number in [min - 1, max + 1, i64::MIN, i64::MAX] {
            assert_eq!(with(number), Some((field, Rule::Request)), "{field} {number}");
        }
    }
}

#[test]
fn each_kind_of_job_has_what_was_asked_of_it() {
    let one_off = changed(|request| (request.retry, request.timeout) = (Some(5), Some(60)));
    let scheduled = changed(|request| {
        request.schedule = text(" */15 *  * * * ");
        request.timezone = text("Europe/Zurich");
        request.continuous = Some(false);
        (request.retry, request.timeout) = (Some(1), Some(2));
    });
    let continuous = changed(|request| {
        (request.continuous, request.replicas) = (Some(true), Some(0));
    });
    for (request, kind) in [
        (one_off, JobKind::OneOff { retry: 5, timeout: Some(60) }),
        (
            scheduled,
            JobKind::Scheduled {
                schedule: "*/15 *  * * *".to_owned(),
                schedule_actual: "*/15 * * * *".to_owned(),
                timezone: "Europe/Zurich".to_owned(),
                retry: 1,
                timeout: Some(2),
            },
        ),
        (continuous, JobKind::Continuous { replicas: 0, port: None, health_check: None }),
    ] {
        assert_eq!(check(request).unwrap().spec.kind, kind);
    }
    let continuous = changed(|request| request.continuous = Some(true));
    let kind = JobKind::Continuous { replicas: 1, port: None, health_check: None };
    assert_eq!(check(continuous).unwrap().spec.kind, kind);
}

#[test]
fn a_macro_is_kept_as_typed_and_sent_as_five_fields_of_this_very_job() {
    let sent = |name: &str| {
        let request = RunRequest { name: text(name), schedule: text("@daily"), ..request() };
        let kind = check(request).unwrap().spec.kind;
        let JobKind::Scheduled { schedule, schedule_actual, timezone, .. } = kind else {
            panic!("{kind:?}")
        };
        assert_eq!((schedule.as_str(), timezone.as_str()), ("@daily", "Etc/UTC"));
        schedule_actual
    };
    assert_eq!(sent("a"), sent("a"));
    assert_ne!(sent("a"), sent("b"));
    assert_eq!(sent("a").split(' ').count(), 5);
}

#[test]
fn what_does_not_apply_is_accepted_when_it_is_the_default() {
    let table: [Change; 8] = [
        |request| request.continuous = Some(false),
        |request| request.replicas = Some(1),
        |request| request.timezone = text("Etc/UTC"),
        |request| request.emails = Some(Emails::None),
        |request| request.mount = Some(Mount::All),
        |request| request.env = Some(BTreeMap::new()),
        |request| (request.continuous, request.retry) = (Some(true), Some(0)),
        |request| (request.schedule, request.replicas) = (text("@daily"), Some(1)),
    ];
    for (index, change) in table.into_iter().enumerate() {
        assert_eq!(refused(changed(change)), None, "case {index}");
    }
}

#[test]
fn what_does_not_apply_is_else_refused_by_name() {
    let table: [(&str, Change); 9] = [
        ("replicas", |request| request.replicas = Some(2)),
        ("replicas", |request| request.replicas = Some(0)),
        ("replicas", |request| {
            (request.schedule, request.replicas) = (text("@daily"), Some(2));
        }),
        ("timezone", |request| request.timezone = text("Europe/Zurich")),
        ("timezone", |request| request.timezone = text("")),
        ("timezone", |request| {
            (request.continuous, request.timezone) = (Some(true), text("UTC"));
        }),
        ("retry", |request| (request.continuous, request.retry) = (Some(true), Some(1))),
        ("timeout", |request| (request.continuous, request.timeout) = (Some(true), Some(1))),
        ("continuous", |request| {
            (request.continuous, request.schedule) = (Some(true), text("@daily"));
        }),
    ];
    for (field, change) in table {
        assert_eq!(refused(changed(change)), Some((field, Rule::Request)));
    }
}

#[test]
fn a_wrong_schedule_zone_or_quantity_breaks_a_rule_of_its_own() {
    let table: [(&str, Rule, Change); 12] = [
        ("schedule", Rule::Schedule, |request| request.schedule = text("")),
        ("schedule", Rule::Schedule, |request| request.schedule = text("60 * * * *")),
        ("schedule", Rule::Schedule, |request| request.schedule = text("0 0 * * 7")),
        ("schedule", Rule::Schedule, |request| request.schedule = text("0 0 30 2 *")),
        ("schedule", Rule::Schedule, |request| request.schedule = text("@every 1h")),
        ("schedule", Rule::Schedule, |request| request.schedule = text("TZ=UTC 0 0 * * *")),
        ("timezone", Rule::Schedule, |request| {
            (request.schedule, request.timezone) = (text("@daily"), text("europe/zurich"));
        }),
        ("timezone", Rule::Schedule, |request| {
            (request.schedule, request.timezone) = (text("@daily"), text(""));
        }),
        ("memory", Rule::Limits, |request| request.memory = text("Mi")),
        ("memory", Rule::Limits, |request| request.memory = text("100m")),
        ("cpu", Rule::Limits, |request| request.cpu = text("-1")),
        ("cpu", Rule::Limits, |request| request.cpu = text("")),
    ];
    for (field, rule, change) in table {
        assert_eq!(refused(changed(change)), Some((field, rule)));
    }
}

#[test]
fn quantities_stay_as_they_were_typed() {
    for (memory, cpu) in [("1.5Gi", "0.5"), ("1e3", "100m"), ("1k", "1")] {
        let request = RunRequest { memory: text(memory), cpu: text(cpu), ..request() };
        let spec = check(request).unwrap().spec;
        let kept = (spec.memory.map(String::from), spec.cpu.map(String::from));
        assert_eq!(kept, (text(memory), text(cpu)));
    }
}

#[test]
fn a_variable_has_a_printable_name_and_a_value_without_nul() {
    let with = |name: &str, value: &str| {
        let env = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        refused(RunRequest { env: Some(env), ..request() })
    };
    for (name, value) in
        [("A", ""), ("a-b", "x"), ("1", "x"), ("a b", "x"), ("HOME", "/tmp"), ("~", "ü\n$$")]
    {
        assert_eq!(with(name, value), None, "{name}");
    }
    for (name, value) in [
        ("", "x"),
        ("1-a=b", "x"),
        ("=", "x"),
        ("ü", "x"),
        ("a\n", "x"),
        ("\u{7f}", "x"),
        ("A", "\0"),
    ] {
        assert_eq!(with(name, value), Some(("env", Rule::Request)), "{name:?}");
    }
    // All together 32 KiB.
    assert_eq!(with("A", &"x".repeat(32 * 1024 - 1)), None);
    assert_eq!(with("A", &"x".repeat(32 * 1024)), Some(("env", Rule::Request)));
    let many = |count| {
        let env = (0..count).map(|index| (format!("V{index}"), String::new())).collect();
        refused(RunRequest { env: Some(env), ..request() })
    };
    assert_eq!((many(256), many(257)), (None, Some(("env", Rule::Request))));
}

/// Control characters of a request must not reach a terminal through its refusal.
#[test]
fn a_refusal_is_one_printable_line() {
    let table: [Change; 6] = [
        |request| request.name = text("a\n\u{1b}[2J"),
        |request| request.filelog_stdout = text("a\n\u{1b}[2J"),
        |request| request.schedule = text("\u{1b}[2J\n* * * *"),
        |request| {
            (request.schedule, request.timezone) = (text("@daily"), text("\u{1b}[2J\n"));
        },
        |request| request.memory = text("\u{1b}[2J\n"),
        |request| request.env = Some(BTreeMap::from([("\u{1b}\n".to_owned(), String::new())])),
    ];
    for change in table {
        let Invalid { field, detail, .. } = check(changed(change)).unwrap_err();
        assert!(!detail.chars().any(char::is_control), "{field}: {detail:?}");
    }
}
