//! The house's rules, held by a test: who may import whom, how large a file may be, what is
//! nowhere.
//!
//! Each rule is a sentence of ARCHITECTURE.md; what breaks it is named with the sentence.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "tidy/endpoints.rs"]
mod endpoints;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Lines of any file of Rust.
const FILE_LINES_MAX: usize = 400;
/// Lines of code of the embedded cluster: without tests, blank lines and comments. It is about what
/// there is: whatever comes has to take the place of something.
const CLUSTER_LINES_MAX: usize = 5_500;
/// Everything else in its crate starts, shows or tests it.
const CLUSTER: [&str; 11] = [
    "admission",
    "apiserver",
    "cluster",
    "controllers",
    "defaults",
    "kind",
    "kubelet",
    "object",
    "pod",
    "shared",
    "store",
];
/// Packages that the service is made of. To raise this number is a decision: say why.
const SERVICE_PACKAGES_MAX: usize = 150;

/// Which members of the workspace each may import: always, and in tests only.
const IMPORTS: [(&str, &[&str], &[&str]); 6] = [
    ("tjf-api-types", &[], &[]),
    ("tjf-runtime", &["tjf-api-types"], &[]),
    ("tjf-handlers", &["tjf-api-types", "tjf-runtime"], &["tjf-api-types", "tjf-runtime"]),
    ("tjf-cli", &["tjf-api-types"], &[]),
    ("tjf-loadtest", &["tjf-api-types", "tjf-cli"], &[]),
    ("tjf-devcluster", &["tjf-api-types", "tjf-handlers"], &["tjf-cli", "tjf-runtime"]),
];

/// Who may mention what: the rule, the files below a folder, the words, and where they may be.
struct Rule {
    sentence: &'static str,
    below: &'static str,
    words: &'static [&'static str],
    except: &'static [&'static str],
}

const RULES: [Rule; 10] = [
    Rule {
        sentence: "only `cluster` imports kube: endpoints speak of jobs",
        below: "handlers/src",
        words: &["kube::", "use kube"],
        except: &["cluster.rs", "cluster", "testing.rs"],
    },
    Rule {
        sentence: "`compat` translates: it asks endpoints, and never the cluster",
        below: "handlers/src/compat",
        words: &["cluster::", "Cluster"],
        except: &[],
    },
    Rule {
        sentence: "only `job/manifest` imports k8s-openapi: what is read has types of its own",
        below: "handlers/src",
        words: &["k8s_openapi"],
        except: &["job/manifest.rs", "job/manifest"],
    },
    Rule {
        sentence: "handlers know nothing of HTTP servers",
        below: "handlers/src",
        words: &["hyper::", "use hyper", "tokio_rustls", "TcpListener", "TcpStream"],
        except: &[],
    },
    Rule {
        sentence: "only `error.rs` names a status; `cluster` reads those of Kubernetes",
        below: "handlers/src",
        words: &["ErrorStatus", "StatusCode"],
        except: &["error.rs", "cluster"],
    },
    Rule {
        sentence: "the runtime knows neither jobs nor Kubernetes' types",
        below: "runtime/src",
        words: &["k8s_openapi", "JobName", "CronJob", "cron", "Catalogue"],
        except: &[],
    },
    Rule {
        sentence: "the command links neither a server nor a Kubernetes client",
        below: "cli/src",
        words: &["kube::", "use kube", "k8s_openapi", "tjf_runtime", "tjf_handlers"],
        except: &[],
    },
    Rule {
        sentence: "the load test asks over the wire: it links neither a server nor a Kubernetes client",
        below: "loadtest/src",
        words: &["kube::", "use kube", "k8s_openapi", "tjf_runtime", "tjf_handlers", "devcluster"],
        except: &[],
    },
    Rule {
        sentence: "the wire types do no I/O",
        below: "api-types/src",
        words: &["tokio", "hyper", "std::fs", "std::net", "async fn"],
        except: &[],
    },
    Rule {
        sentence: "nothing of the product knows of the development cluster",
        below: "handlers/src",
        words: &["devcluster"],
        except: &[],
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A source file, by its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Beside the code or in a folder of their own.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// What is left without the tests at its end.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test, of files that lie here")]
fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with(".git") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test, of files that lie here")]
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    assert!(paths.len() > 100, "the sources are not where they were");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        Source { path, text }
    };
    paths.into_iter().map(read).collect()
}

fn cargo(arguments: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "cargo says where it is")]
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_none(sentence: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{sentence}:\n{}", broken.join("\n"));
}

#[test]
fn members_import_only_what_the_architecture_allows() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let mut imports = (BTreeSet::new(), BTreeSet::new());
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["path"].is_string() {
                let name = dependency["name"].as_str().unwrap().to_owned();
                let is_dev = dependency["kind"] == "dev";
                if is_dev { &mut imports.1 } else { &mut imports.0 }.insert(name);
            }
        }
        found.insert(package["name"].as_str().unwrap().to_owned(), imports);
    }
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let allowed =
        IMPORTS.map(|(name, always, in_tests)| (name.to_owned(), (set(always), set(in_tests))));
    assert_eq!(found, BTreeMap::from(allowed), "ARCHITECTURE.md says who may import whom");
}

#[test]
fn what_is_for_development_is_not_shipped() {
    for package in ["tjf-handlers", "tjf-cli"] {
        let tree = cargo(&[
            "tree", "--locked", "-e", "normal", "--prefix", "none", "-f", "{p} {f}", "-p", package,
        ]);
        let packages: BTreeSet<_> =
            tree.lines().filter_map(|line| line.split(' ').next()).collect();
        for foreign in [
            "tjf-devcluster",
            "rcgen",
            "tower-test",
            "expect-test",
            "proptest",
            "schemars",
            "boon",
            "openssl",
            "aws-lc-rs",
            "native-tls",
        ] {
            assert!(!packages.contains(foreign), "{package} ships {foreign}");
        }
        assert!(!tree.contains("test-util"), "{package} ships what is for tests:\n{tree}");
        println!("{package} is made of {} packages", packages.len());
        assert!(packages.len() <= SERVICE_PACKAGES_MAX, "{package}: {}", packages.len());
    }
}

/// A newcomer waits for `cargo demo`, which builds this crate and then the programs, and for `cargo
/// test`.
#[test]
fn no_library_is_built_twice() {
    let built = |selection: &[&str]| {
        let tree = ["tree", "--locked", "--prefix", "none", "-f", "{p} {f}", "-e"];
        let tree = cargo(&[&tree, selection].concat());
        let units = tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
        units.filter(|unit| !unit.is_empty()).collect::<BTreeSet<_>>()
    };
    let here = built(&["normal,build", "-p", "tjf-devcluster"]);
    let programs = "normal,build -p tjf-devcluster -p tjf-handlers -p tjf-cli";
    let programs = built(&programs.split(' ').collect::<Vec<_>>());
    let everything = built(&["normal,build,dev", "--workspace"]);
    let sentence = "devcluster/Cargo.toml asks for the features that tests need, too";
    let built_anew = |later| here.difference(later).cloned().collect::<Vec<_>>();
    assert_none(sentence, &built_anew(&programs));
    assert_none(sentence, &built_anew(&everything));
}

#[test]
fn words_stay_where_they_belong() {
    let sources = sources();
    for Rule { sentence, below, words, except } in RULES {
        let mut broken = Vec::new();
        let mut looked_at = 0;
        for source in sources.iter().filter(|source| !source.is_test()) {
            let Some(within) = source.path.strip_prefix(&format!("{below}/")) else { continue };
            looked_at += 1;
            let is_excepted =
                |name: &&str| within == *name || within.starts_with(&format!("{name}/"));
            if except.iter().any(is_excepted) {
                continue;
            }
            let said = words.iter().filter(|word| source.code().contains(**word));
            broken.extend(said.map(|word| format!("{}: {word}", source.path)));
        }
        assert!(looked_at > 0, "{sentence}: there is nothing below {below}");
        assert_none(sentence, &broken);
    }
}

#[test]
fn files_are_short_and_named_for_what_is_in_them() {
    let sources = sources();
    let long = sources.iter().filter(|source| source.text.lines().count() > FILE_LINES_MAX);
    let long: Vec<_> = long.map(|source| source.path.clone()).collect();
    assert_none(&format!("a file has at most {FILE_LINES_MAX} lines"), &long);
    let is_nameless = |path: &str| {
        ["mod.rs", "utils.rs", "util.rs", "helpers.rs", "common.rs", "misc.rs", "prelude.rs"]
            .iter()
            .any(|name| path.ends_with(&format!("/{name}")))
    };
    let nameless = sources.iter().filter(|source| is_nameless(&source.path));
    let nameless: Vec<_> = nameless.map(|source| source.path.clone()).collect();
    assert_none("a file has a name of its own", &nameless);
    // In two parts, or this line would break the rule itself.
    let forbidden = [["#[ig", "nore"].concat(), ["#[should", "_panic"].concat()];
    let skipped =
        sources.iter().filter(|source| forbidden.iter().any(|it| source.text.contains(it)));
    let skipped: Vec<_> = skipped.map(|source| source.path.clone()).collect();
    assert_none("every test runs, and says what it expects", &skipped);
}

#[test]
fn the_embedded_cluster_stays_smaller_than_the_product() {
    let sources = sources();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = |is_counted: &dyn Fn(&str) -> bool| -> usize {
        let counted = sources.iter().filter(|source| !source.is_test() && is_counted(&source.path));
        counted.map(|source| source.code().lines().filter(is_code).count()).sum()
    };
    let cluster = lines(&|path| {
        let within = path.strip_prefix("devcluster/src/").unwrap_or_default();
        let part = within.split(['/', '.']).next().unwrap_or_default();
        CLUSTER.contains(&part) && !within.ends_with("/testing.rs")
    });
    let product = lines(&|path| {
        ["api-types/src/", "runtime/src/", "handlers/src/", "cli/src/"]
            .iter()
            .any(|folder| path.starts_with(folder))
    });
    println!("the cluster has {cluster} lines, the product {product}");
    assert!(cluster <= CLUSTER_LINES_MAX, "the cluster has {cluster} lines");
    assert!(cluster < product, "the cluster has {cluster} lines, the product {product}");
}

#[test]
fn every_member_obeys_the_workspaces_lints() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let manifest = package["manifest_path"].as_str().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test, of files that lie here")]
        let text = fs::read_to_string(manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest}");
    }
}
