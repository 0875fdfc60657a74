//! Its `load` and `dump`: it sends what the file says, job by job, and leaves it to the service what
//! has to change.

use std::{collections::BTreeMap, sync::Arc};

use tjf_devcluster::suite::World;
use tokio::fs;

use super::{BOTH, POD_TIME_MAX, Person, both, scenarios};

scenarios![
    a_file_that_it_loads_changes_only_what_has_changed: BOTH,
    a_one_off_in_a_file_is_run_by_today_and_compared_before: BOTH,
    what_it_dumps_it_loads_without_a_change: BOTH,
];

const FILE: &str = "\
- name: bot
  command: exec sleep 3600
  image: busybox
  continuous: true
  mem: 64Mi
- name: yearly
  command: echo \"it's\"
  image: tf-busybox
  schedule: 7 4 1 1 *
  no-filelog: \"true\"
  emails: onfailure
  retry: 2
  timeout: 600
";

impl Person {
    /// Which object each job is.
    async fn jobs(&self) -> BTreeMap<String, (String, String)> {
        let jobs = self.tool.list().await.into_iter();
        jobs.map(|job| (job.name, (job.uid, job.created_at.to_string()))).collect()
    }
}

async fn a_file_that_it_loads_changes_only_what_has_changed(world: Arc<World>) {
    both(&world, "loads", loads).await;
}

async fn loads(person: Person) {
    let output = person.load(FILE, &[], 0).await;
    assert!(output.stderr.contains("2 job(s) loaded successfully"), "{output:#?}");
    let first = person.jobs().await;
    assert_eq!(first.keys().collect::<Vec<_>>(), ["bot", "yearly"]);

    // The same again, and in other words.
    let again = person.load(FILE, &[], 0).await;
    for name in ["bot", "yearly"] {
        let said = format!("nothing changed: the job `{name}` is defined like this already\n");
        assert!(again.stdout.contains(&said), "{again:#?}");
    }
    person.load(&FILE.replace("busybox\n", "tf-busybox\n").replace("tf-tf-", "tf-"), &[], 0).await;
    person.load(&FILE.replace("64Mi", "65536Ki"), &[], 0).await;
    assert_eq!(person.jobs().await, first);

    let changed = FILE.replace("64Mi", "65Mi").replace("onfailure", "all");
    person.load(&changed, &["--job", "yearly"], 0).await;
    let second = person.jobs().await;
    assert_eq!(second["bot"], first["bot"]);
    assert_ne!(second["yearly"], first["yearly"]);
    assert_eq!(person.job("yearly").await["emails"], "all");
    person.load(&changed, &[], 0).await;
    let third = person.jobs().await;
    assert_eq!(third["yearly"], second["yearly"]);
    assert_ne!(third["bot"], first["bot"]);
    assert_eq!(person.job("bot").await["memory"], "65Mi");

    // What the file does not name stays, and a name may become another kind of job.
    let (bot, yearly) = changed.split_at(changed.find("- name: yearly").unwrap());
    person.load(yearly, &[], 0).await;
    assert_eq!(person.jobs().await, third);
    person.load(&bot.replace("continuous: true", "schedule: 7 4 1 1 *"), &[], 0).await;
    assert_eq!(person.job("bot").await["job_type"], "scheduled");
}

/// Today's version sends each one-off of a file as `run` does, and the one before asks for it to be there.
async fn a_one_off_in_a_file_is_run_by_today_and_compared_before(world: Arc<World>) {
    both(&world, "once", once).await;
}

async fn once(mut person: Person) {
    let file = "\
        - name: once\n  command: echo ran >> runs; until [ -e go ]; do sleep 0.1; done\n  image: busybox\n\
        - name: yearly\n  command: 'true'\n  image: busybox\n  schedule: '@yearly'\n";
    person.load(file, &[], 0).await;
    person.tool.read_until("runs", "ran\n", POD_TIME_MAX).await;
    let first = person.jobs().await;
    // While it runs it is in the way of the same `run`, and today's version stops there.
    let is_today = person.is_today();
    let dumped = person.tell(&["dump"], 0).await.stdout;
    assert!(dumped.contains("name: once"), "{dumped}");
    let again = person.load(&dumped, &[], i32::from(is_today)).await;
    let says = again.stderr.contains("there is a job `once` already");
    assert_eq!(says, is_today, "{again:#?}");
    assert_eq!(person.jobs().await, first);

    fs::write(person.tool.home.join("go"), "").await.unwrap();
    person.tool.ended("once").await;
    // One that has ended is not in the dump of today's version, so it is not run once more.
    let dumped = person.tell(&["dump"], 0).await.stdout;
    person.load(&dumped, &[], 0).await;
    assert_eq!(person.jobs().await, first);
    person.load(file, &[], 0).await;
    person.tool.ended("once").await;
    let after = person.jobs().await;
    assert_eq!((after["once"] != first["once"], &after["yearly"]), (is_today, &first["yearly"]));
    assert_eq!(person.tool.read("runs").await, if is_today { "ran\nran\n" } else { "ran\n" });
    person.compare("once");
}

async fn what_it_dumps_it_loads_without_a_change(world: Arc<World>) {
    both(&world, "dumps", dumps).await;
}

async fn dumps(mut person: Person) {
    let cmd = "# 'what': \"a\" \\ shell\necho \"$A\" 'é'; exec sleep 3600";
    let all = ["--mem", "64Mi", "--cpu", "0.2", "--emails", "all", "--mount", "all"];
    let logs = ["--filelog", "-o", "x 1.log", "-e", "/dev/null"];
    let continuous = [&["--continuous", "--replicas", "2"][..], &all, &logs].concat();
    let yearly = ["--schedule", "7 4 1 1 *", "--timeout", "90", "--retry", "1"];
    let yearly = [&yearly[..], &all, &logs].concat();
    let check = ["--continuous", "--port", "8080", "--health-check-http", "/well"];
    let script = ["--continuous", "--health-check-script", "test -e well", "--no-filelog"];
    for (name, cmd, options) in [
        ("bare-bot", "exec sleep 3600", &["--continuous"][..]),
        ("bare-yearly", "true", &["--schedule", "@yearly"]),
        ("every-bot", cmd, &continuous),
        ("every-yearly", cmd, &yearly),
        ("homeless", "exec sleep 3600", &["--continuous", "--mount", "none", "--no-filelog"]),
        ("checked", "exec sleep 3600", &check),
        ("scripted", "exec sleep 3600", &script),
    ] {
        person.run(name, cmd, options).await;
    }
    let before = person.jobs().await;
    let dumped = person.tell(&["dump"], 0).await.stdout;
    person.load(&dumped, &[], 0).await;
    assert_eq!(person.jobs().await, before, "{dumped}");

    let path = person.write("dump.yaml", "").await;
    let into_file = person.must(&["dump", "-f", path.to_str().unwrap()], 0).await;
    assert_eq!(into_file.stdout, "");
    assert_eq!(person.tool.read("dump.yaml").await, dumped.trim_end().to_owned() + "\n");
    // All of them come back as they were.
    person.must(&["flush"], 0).await;
    person.must(&["load", path.to_str().unwrap()], 0).await;
    assert_eq!(person.must(&["dump"], 0).await.stdout, dumped);
    let after = person.jobs().await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    person.compare("dumps");
}
