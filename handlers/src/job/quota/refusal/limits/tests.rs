use super::*;

fn in_words(sentences: &str) -> Option<String> {
    let message = format!("Error creating: pods \"a-x7k2p\" is forbidden: {sentences}");
    LimitRefusal::parse(&message).map(|refusal| refusal.to_string())
}

/// Word for word as Kubernetes says it.
#[test]
fn a_refusal_of_a_limit_range_is_told_in_its_own_numbers() {
    for (sentences, told) in [
        (
            "maximum cpu usage per Container is 1, but limit is 2",
            "a job may have at most 1 of cpu, not 2",
        ),
        (
            "minimum memory usage per Container is 4Mi, but request is 1Mi",
            "a job must be sure of at least 4Mi of memory, not 1Mi",
        ),
        (
            "cpu max limit to request ratio per Container is 1, but provided ratio is 2.000000",
            "a job may have at most 1 times the cpu that it is sure of, not 2 times",
        ),
        (
            "memory max limit to request ratio per Pod is 1500m, but provided ratio is 1.750000",
            "all containers of a job together may have at most 1.5 times the memory that it is \
             sure of, not 1.75 times",
        ),
        (
            "maximum memory usage per Pod is 1Gi, but limit is 2147483648",
            "all containers of a job together may have at most 1Gi of memory, not 2147483648",
        ),
        (
            "[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per \
             Container is 4Gi, but limit is 5Gi]",
            "a job may have at most 1 of cpu, not 2; a job may have at most 4Gi of memory, not 5Gi",
        ),
        (
            "[minimum cpu usage per Pod is 5m.  No request is specified, maximum cpu usage per Pod \
             is 1.  No limit is specified, cpu max limit to request ratio per Pod is 2, but no \
             request is specified or request is 0]",
            "all containers of a job together must be sure of at least 5m of cpu, and it asks for \
             none; all containers of a job together may have at most 1 of cpu, and it asks for \
             none; all containers of a job together may have at most 2 times the cpu that it is \
             sure of, and it asks for none",
        ),
    ] {
        assert_eq!(in_words(sentences).as_deref(), Some(told), "{sentences}");
    }
}

#[test]
fn any_other_sentence_is_not_taken_for_one_of_limits() {
    for sentences in [
        "",
        "[]",
        "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16",
        "maximum cpu usage per Container is 1",
        "maximum cpu usage per PersistentVolumeClaim is 1, but limit is 2",
        "maximum cpu usage per Container is /var/x y, but limit is 2",
        "maximum cpu usage per Container is 1, but limit is 2, and /some/path",
        "violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
        "[maximum cpu usage per Container is 1, but limit is 2, something else]",
    ] {
        assert_eq!(in_words(sentences), None, "{sentences}");
    }
    assert_eq!(LimitRefusal::parse("maximum cpu usage per Container is 1, but limit is 2"), None);
}

proptest::proptest! {
    #[test]
    fn no_sentence_makes_it_panic(sentence in "( is forbidden: )?[a-z0-9 ,.\\[\\]]{0,80}( per (Pod|Container) is [0-9a-zé, .]{0,20}(, but |.  No ).{0,20})*") {
        let _ = LimitRefusal::parse(&sentence);
    }
}
