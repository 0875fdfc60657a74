use super::*;

/// From hopelessly few to more than enough: what everybody has at most is never more than there is.
#[test]
fn the_limits_together_stay_below_what_may_be_open() {
    let all = Shares::PRODUCTION.open_files_max() as u64;
    for (open_files, connections, clients, at_work) in [
        (512, 39, 19, 19),
        (1024, 195, 97, 97),
        (4096, 1_136, 568, 256),
        (all - 1, 4_095, 2_047, 256),
        (all, 4_096, 2_048, 256),
        (1_048_576, 4_096, 2_048, 256),
        (u64::MAX, 4_096, 2_048, 256),
    ] {
        let shares = Shares::of(open_files).unwrap();
        assert!(shares.open_files_max() as u64 <= open_files, "{open_files}: {shares:?}");
        let Limits { connections_max, requests_in_flight_max, .. } = shares.limits;
        let found = (connections_max, shares.pool_limits.clients_max, requests_in_flight_max);
        assert_eq!(found, (connections, clients, at_work), "{open_files}");
        assert!(shares.limits.connections_per_certificate_max < connections_max);
        assert!(
            shares.limits.admin_connections_max >= 1 && shares.limits.unproven_connections_max >= 1
        );
    }
    for open_files in OPEN_FILES_MIN..4 * all {
        let shares = Shares::of(open_files).unwrap();
        assert!(shares.open_files_max() as u64 <= open_files, "{open_files}: {shares:?}");
    }
    for open_files in [0, 3, 64, 511] {
        assert_eq!(Shares::of(open_files).err(), Some(TooFew(open_files)));
    }
}

#[derive(Debug, Error)]
#[error("wrapped")]
struct Wrapped(#[source] io::Error);

#[test]
fn no_file_left_is_found_however_deep_it_is() {
    let no_file = || io::Error::from(Errno::MFILE);
    for (error, expected) in [
        (Box::new(no_file()) as Box<dyn Error>, true),
        (Box::new(io::Error::from(Errno::NFILE)), true),
        (Box::new(Wrapped(no_file())), true),
        (Box::new(io::Error::other(no_file())), true),
        (Box::new(io::Error::other(Wrapped(io::Error::other(no_file())))), true),
        (Box::new(io::Error::from(Errno::CONNREFUSED)), false),
        (Box::new(io::Error::other("too many open files")), false),
        (Box::new(Wrapped(io::Error::other("x"))), false),
    ] {
        assert_eq!(has_no_file_left(&*error), expected, "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_so_is_told_once_a_minute() {
    let mut complaint = Complaint::default();
    let (no_file, other) = (io::Error::from(Errno::MFILE), io::Error::from(Errno::CONNABORTED));
    let told = complaint.due(&no_file).unwrap();
    assert!(told.contains("the service has as many files open as it may"), "{told}");
    for _ in 0..10 {
        assert_eq!(complaint.due(&no_file), None);
    }
    assert!(complaint.due(&other).unwrap().ends_with("software caused connection abort"));
    assert!(complaint.due(&no_file).is_some(), "something else was told in between");
    tokio::time::advance(TELL_TIME).await;
    assert!(complaint.due(&no_file).is_some());
}
